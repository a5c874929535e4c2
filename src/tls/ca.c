/*
 * Makes and reads the authority's two files.  Installs nothing (trust_store.c), forges nothing (leaf.c).
 */
#include "tls/ca.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/certificate.h"

enum { LIFETIME_DAYS = 3652, BACKDATED_DAYS = 2 };

static bool say(char why[CA_WHY_BYTES], const char *path, const char *what)
{
	snprintf(why, CA_WHY_BYTES, "%.400s: %.100s", path, what);
	return false;
}

static bool say_openssl(char why[CA_WHY_BYTES], const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return say(why, path, reason ? reason : "memory is out");
}

/* -- making -- */

/* Who made it and when, so that several authorities in a store can be told apart. */
static bool set_subject(X509 *x)
{
	char host[64] = "", name[64];
	X509_NAME *subject = X509_get_subject_name(x);

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	snprintf(name, sizeof(name), "freshet CA%s%.40s", host[0] ? " of " : "", host);
	return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"freshet", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, subject) == 1;
}

/* "critical,permitted;DNS:a.test,…"; permitting some names of a kind excludes all others of it, addresses included. */
static bool set_limits(X509 *x, X509V3_CTX *context, const struct ca_limits *limits)
{
	char text[4096] = "critical,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0";
	size_t n = strlen(text);

	for (size_t i = 0; i < limits->count; i++) {
		int added = snprintf(text + n, sizeof(text) - n, ",permitted;DNS:%s", limits->domains[i]);

		if (added < 0 || (size_t)added >= sizeof(text) - n)
			return false;
		n += (size_t)added;
	}
	return certificate_extend(x, context, NID_name_constraints, text);
}

static bool fill(X509 *x, EVP_PKEY *key, const struct ca_limits *limits)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
	return X509_set_version(x, X509_VERSION_3) == 1 && certificate_number(x) &&
	       certificate_lifetime(x, BACKDATED_DAYS, LIFETIME_DAYS) && set_subject(x) && X509_set_pubkey(x, key) == 1 &&
	       certificate_extend(x, &context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       certificate_extend(x, &context, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       certificate_extend(x, &context, NID_subject_key_identifier, "hash") &&
	       (!limits->count || set_limits(x, &context, limits)) && X509_sign(x, key, EVP_sha256()) > 0;
}

/* Makes the directories above a path. */
static bool make_directories(const char *path, char why[CA_WHY_BYTES])
{
	char part[4096];

	size_t n = strlen(path);

	if (n >= sizeof(part))
		return say(why, "path", "it is too long");
	memcpy(part, path, n + 1);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, strchr(slash + 1, '/') ? 0755 : 0700) < 0 && errno != EEXIST)
			return say(why, part, strerror(errno));
		*slash = '/';
	}
	return true;
}

/* A new file, which must not be there yet. */
static FILE *create(const char *path, mode_t mode, char why[CA_WHY_BYTES])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f)
		say(why, path, strerror(errno));
	if (!f && fd >= 0)
		close(fd);
	return f;
}

/* Closes.  What could not be written whole does not stay. */
static bool finish(FILE *f, bool written, const char *path, char why[CA_WHY_BYTES])
{
	bool ok = written && fflush(f) == 0 && fsync(fileno(f)) == 0;

	if (fclose(f) == 0 && ok)
		return true;
	unlink(path);
	return say(why, path, "cannot be written");
}

static bool write_key(EVP_PKEY *key, const char *path, char why[CA_WHY_BYTES])
{
	FILE *f = create(path, 0600, why);

	return f && finish(f, PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1, path, why);
}

static bool write_certificate(X509 *x, const char *path, char why[CA_WHY_BYTES])
{
	FILE *f = create(path, 0644, why);

	return f && finish(f, PEM_write_X509(f, x) == 1, path, why);
}

static bool write_both(const struct ca *ca, const char *certificate_path, const char *key_path, char why[CA_WHY_BYTES])
{
	if (access(certificate_path, F_OK) == 0)
		return say(why, certificate_path, "exists already");
	if (!make_directories(certificate_path, why) || !make_directories(key_path, why) ||
		!write_key(ca->key, key_path, why))
		return false;
	if (write_certificate(ca->certificate, certificate_path, why))
		return true;
	unlink(key_path);
	return false;
}

bool ca_create(const char *certificate_path, const char *key_path, const struct ca_limits *limits,
	char why[CA_WHY_BYTES])
{
	struct ca ca = { .certificate = X509_new(), .key = EVP_EC_gen("P-256") };
	bool ok;

	if (!ca.certificate || !ca.key || !fill(ca.certificate, ca.key, limits))
		ok = say_openssl(why, certificate_path);
	else
		ok = write_both(&ca, certificate_path, key_path, why);
	ca_fini(&ca);
	return ok;
}

/* -- reading -- */

static bool read_key(struct ca *ca, const char *path, char why[CA_WHY_BYTES])
{
	struct stat st;
	FILE *f = fopen(path, "re");

	if (!f)
		return say(why, path, strerror(errno));
	if (fstat(fileno(f), &st) < 0 || (st.st_mode & (S_IRWXG | S_IRWXO))) {
		fclose(f);
		return say(why, path, "others may read this key: chmod 600 it, and consider making a new authority");
	}
	ca->key = PEM_read_PrivateKey(f, NULL, NULL, (void *)(uintptr_t)"");
	fclose(f);
	return ca->key || say_openssl(why, path);
}

static bool read_certificate(struct ca *ca, const char *path, char why[CA_WHY_BYTES])
{
	FILE *f = fopen(path, "re");

	if (!f)
		return say(why, path, strerror(errno));
	ca->certificate = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	return ca->certificate || say_openssl(why, path);
}

bool ca_load(struct ca *ca, const char *certificate_path, const char *key_path, char why[CA_WHY_BYTES])
{
	*ca = (struct ca){ .certificate = NULL };
	ERR_clear_error();
	if (!read_certificate(ca, certificate_path, why) || !read_key(ca, key_path, why))
		goto failed;
	if (X509_check_private_key(ca->certificate, ca->key) != 1) {
		say(why, key_path, "is not the key of the certificate");
		goto failed;
	}
	if (X509_check_ca(ca->certificate) != 1) {
		say(why, certificate_path, "is not an authority's certificate");
		goto failed;
	}
	if (X509_cmp_current_time(X509_get0_notAfter(ca->certificate)) <= 0) {
		say(why, certificate_path, "has expired");
		goto failed;
	}
	return true;
failed:
	ERR_clear_error();
	ca_fini(ca);
	return false;
}

void ca_fini(struct ca *ca)
{
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->key);
	*ca = (struct ca){ .certificate = NULL };
}

void ca_fingerprint(const struct ca *ca, char out[CA_FINGERPRINT_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (X509_digest(ca->certificate, EVP_sha256(), digest, &n) != 1)
		n = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < n; i++)
		snprintf(out + (size_t)i * 3, CA_FINGERPRINT_BYTES - (size_t)i * 3, "%02X%s", digest[i], i + 1 < n ? ":" : "");
}
