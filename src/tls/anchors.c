/*
 * Trust anchors.  Reads them as late as possible: a file of all of them takes tens of milliseconds to parse, at each
 * reload, where a directory by hashes gives the one that is needed.
 */
#include "tls/anchors.h"

#include <ctype.h>
#include <dirent.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_DIGITS = 8 };

/* "4a6481c9.0", as openssl-rehash(1) makes them. */
static bool is_hashed(const char *name)
{
	int i = 0;

	while (i < HASH_DIGITS && isxdigit((unsigned char)name[i]))
		i++;
	return i == HASH_DIGITS && name[i] == '.' && isdigit((unsigned char)name[i + 1]);
}

static bool has_hashed(const char *directory)
{
	DIR *d = opendir(directory);
	bool found = false;

	if (!d)
		return false;
	for (struct dirent *e; !found && (e = readdir(d));)
		found = is_hashed(e->d_name);
	closedir(d);
	return found;
}

static bool add_system(X509_STORE *store)
{
	const char *directory = getenv(X509_get_default_cert_dir_env());

	if (!directory)
		directory = X509_get_default_cert_dir();
	if (!getenv(X509_get_default_cert_file_env()) && has_hashed(directory))
		return X509_STORE_load_path(store, directory) == 1;
	return X509_STORE_set_default_paths(store) == 1;
}

/* Who has no revocation list for a certificate's issuer is not to be stopped by that. */
static int on_verify(int ok, X509_STORE_CTX *x)
{
	if (ok || X509_STORE_CTX_get_error(x) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return ok;
	X509_STORE_CTX_set_error(x, X509_V_OK);
	return 1;
}

static bool has_revocations(X509_STORE *store)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	bool found = false;

	for (int i = 0; !found && i < sk_X509_OBJECT_num(objects); i++)
		found = X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i)) == X509_LU_CRL;
	return found;
}

/* Revocation is only looked for where there are lists: each look would search the system's directory as well. */
static bool add_file(X509_STORE *store, const char *file)
{
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	if (!lookup || X509_load_cert_crl_file(lookup, file, X509_FILETYPE_PEM) <= 0)
		return false;
	X509_STORE_set_verify_cb(store, on_verify);
	return !has_revocations(store) ||
	       X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) == 1;
}

struct x509_store_st *anchors_new(const char *trust_file)
{
	X509_STORE *store = X509_STORE_new();

	if (store && add_system(store) && (!trust_file[0] || add_file(store, trust_file)))
		return store;
	X509_STORE_free(store);
	return NULL;
}
