/*
 * Makes, reads and shows the authority's two files.  Installs nothing (commands/trust.h), forges nothing (leaf.c).
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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tls/certificate.h"

enum { LIFETIME_DAYS = 3652, BACKDATED_DAYS = 2, DOMAIN_MAX = 253, PATH_BYTES = 4096 };

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

/*
 * A name of its own for each, so that several authorities in a store can be told apart: NSS mixes up those of one name.
 */
static bool set_subject(X509 *x)
{
	char host[64] = "", name[64];
	unsigned char mark[4];
	X509_NAME *subject = X509_get_subject_name(x);

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	if (RAND_bytes(mark, sizeof(mark)) != 1)
		return false;
	snprintf(name, sizeof(name), "freshet CA %02x%02x%02x%02x%s%.36s", mark[0], mark[1], mark[2], mark[3],
		host[0] ? " of " : "", host);
	return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"freshet", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, subject) == 1;
}

static bool is_domain(const char *domain)
{
	size_t n = strlen(domain);

	if (!n || n > DOMAIN_MAX || domain[0] == '.' || domain[n - 1] == '.')
		return false;
	for (const char *c = domain; *c; c++) {
		char small = ascii_lower(*c);

		if (!(small >= 'a' && small <= 'z') && !ascii_digit(*c) && *c != '-' && *c != '.' && *c != '_')
			return false;
	}
	return !strstr(domain, "..");
}

static bool check_limits(const struct ca_limits *limits, char why[CA_WHY_BYTES])
{
	if (limits->count > CA_DOMAINS_MAX)
		return say(why, "permitted domains", "too many");
	for (size_t i = 0; i < limits->count; i++)
		if (!is_domain(limits->domains[i]))
			return say(why, limits->domains[i],
				"is no domain; write it without asterisk and final dot, other letters as xn--…");
	return true;
}

/*
 * "critical,permitted;DNS:a.test,…".  Permitting some host names excludes all others, but other kinds of names are free:
 * so addresses are excluded by themselves.
 */
static bool set_limits(X509 *x, X509V3_CTX *context, const struct ca_limits *limits)
{
	char text[256 + CA_DOMAINS_MAX * (DOMAIN_MAX + 16)] =
		"critical,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0";
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
	char part[PATH_BYTES];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return say(why, path, "the path is too long");
	memcpy(part, path, n + 1);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, strchr(slash + 1, '/') ? 0755 : 0700) < 0 && errno != EEXIST)
			return say(why, part, strerror(errno));
		*slash = '/';
	}
	return true;
}

/*
 * What root makes belongs to whom its directory belongs to: the service, which does not run as root, has to read it.
 */
static bool give_to_directory_owner(int fd, const char *path)
{
	char directory[PATH_BYTES];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (geteuid() != 0 || !slash)
		return true;
	snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path) + 1, path);
	return stat(directory, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0;
}

/* A new file, which must not be there yet. */
static FILE *create(const char *path, mode_t mode, char why[CA_WHY_BYTES])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0) {
		say(why, path, strerror(errno));
		return NULL;
	}
	FILE *f = give_to_directory_owner(fd, path) ? fdopen(fd, "w") : NULL;
	if (!f) {
		say(why, path, strerror(errno));
		close(fd);
		unlink(path);
	}
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
	bool ok;

	if (!check_limits(limits, why))
		return false;
	ERR_clear_error();
	struct ca ca = { .certificate = X509_new(), .key = certificate_key() };
	if (!ca.certificate || !ca.key || !fill(ca.certificate, ca.key, limits))
		ok = say_openssl(why, certificate_path);
	else
		ok = write_both(&ca, certificate_path, key_path, why);
	ca_fini(&ca);
	return ok;
}

/* -- reading -- */

/* The service manager's: what it shows of their modes is an access list's mask, and nobody else gets there. */
static bool is_credential(const char *path)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	return directory && directory[0] == '/' && span_starts(span_str(path), span_str(directory)) &&
	       path[strlen(directory)] == '/';
}

static bool read_key(struct ca *ca, const char *path, char why[CA_WHY_BYTES])
{
	static char no_password[] = "";
	struct stat st;
	FILE *f = fopen(path, "re");

	if (!f)
		return say(why, path, strerror(errno));
	if (fstat(fileno(f), &st) < 0 || ((st.st_mode & (S_IRWXG | S_IRWXO)) && !is_credential(path))) {
		fclose(f);
		return say(why, path, "others may read this key: chmod 600 it, and consider making a new authority");
	}
	ca->key = PEM_read_PrivateKey(f, NULL, NULL, no_password);
	fclose(f);
	return ca->key || say_openssl(why, path);
}

bool ca_load_certificate(struct ca *ca, const char *path, char why[CA_WHY_BYTES])
{
	FILE *f = fopen(path, "re");

	*ca = (struct ca){ .certificate = NULL };
	if (!f)
		return say(why, path, strerror(errno));
	ERR_clear_error();
	ca->certificate = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	return ca->certificate || say_openssl(why, path);
}

static bool is_root(X509 *x)
{
	return X509_check_issued(x, x) == X509_V_OK;
}

/* Takes x over. */
static bool add_to_chain(struct ca *ca, X509 *x, const char *path, char why[CA_WHY_BYTES])
{
	int n = sk_X509_num(ca->chain);

	if (n > 0 && X509_check_issued(x, sk_X509_value(ca->chain, n - 1)) != X509_V_OK)
		say(why, path, "holds a certificate that is not the issuer of the one before it");
	else if (n >= CA_CHAIN_MAX)
		say(why, path, "holds too many certificates");
	else if (sk_X509_push(ca->chain, x) > 0)
		return true;
	else
		say_openssl(why, path);
	X509_free(x);
	return false;
}

/* The root ends the chain and is left out: clients have it, or it would not help. */
static bool read_chain(struct ca *ca, const char *path, char why[CA_WHY_BYTES])
{
	FILE *f = fopen(path, "re");
	bool ok = true, ended = false;
	X509 *x;

	if (!f)
		return say(why, path, strerror(errno));
	ca->chain = sk_X509_new_null();
	while (ca->chain && ok && !ended && (x = PEM_read_X509(f, NULL, NULL, NULL))) {
		ended = is_root(x);
		ok = add_to_chain(ca, x, path, why);
	}
	fclose(f);
	if (!ok)
		return false;
	if (ended)
		X509_free(sk_X509_pop(ca->chain));
	return ended || ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE || say_openssl(why, path);
}

static bool check_certificate(const struct ca *ca, const char *path, char why[CA_WHY_BYTES])
{
	if (X509_check_ca(ca->certificate) != 1)
		return say(why, path, "is not an authority's certificate");
	if (X509_cmp_current_time(X509_get0_notBefore(ca->certificate)) >= 0)
		return say(why, path, "is not valid yet");
	if (X509_cmp_current_time(X509_get0_notAfter(ca->certificate)) <= 0)
		return say(why, path, "has expired");
	return true;
}

static bool check_key(const struct ca *ca, const char *path, char why[CA_WHY_BYTES])
{
	if (X509_check_private_key(ca->certificate, ca->key) != 1)
		return say(why, path, "is not the key of the certificate");
	if (!EVP_PKEY_is_a(ca->key, "EC") && !EVP_PKEY_is_a(ca->key, "RSA"))
		return say(why, path, "is neither an ECDSA nor an RSA key: browsers know no others");
	return true;
}

bool ca_load(struct ca *ca, const char *certificate_path, const char *key_path, char why[CA_WHY_BYTES])
{
	bool ok = ca_load_certificate(ca, certificate_path, why) && check_certificate(ca, certificate_path, why) &&
		  read_chain(ca, certificate_path, why) && read_key(ca, key_path, why) && check_key(ca, key_path, why);

	ERR_clear_error();
	if (!ok)
		ca_fini(ca);
	return ok;
}

int ca_days_left(const struct ca *ca)
{
	int days = 0, seconds;

	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(ca->certificate)) != 1)
		return 0;
	return days;
}

void ca_fini(struct ca *ca)
{
	X509_free(ca->certificate);
	EVP_PKEY_free(ca->key);
	sk_X509_pop_free(ca->chain, X509_free);
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

/* -- printing -- */

static void print_limits(const struct ca *ca, BIO *out)
{
	NAME_CONSTRAINTS *limits = X509_get_ext_d2i(ca->certificate, NID_name_constraints, NULL, NULL);
	int count = limits ? sk_GENERAL_SUBTREE_num(limits->permittedSubtrees) : 0;

	BIO_puts(out, "vouches for: ");
	for (int i = 0; i < count; i++) {
		BIO_puts(out, i ? ", " : "only ");
		GENERAL_NAME_print(out, sk_GENERAL_SUBTREE_value(limits->permittedSubtrees, i)->base);
	}
	BIO_puts(out, count > 0 ? "\n" : "every site\n");
	NAME_CONSTRAINTS_free(limits);
}

void ca_print(const struct ca *ca, FILE *f)
{
	char fingerprint[CA_FINGERPRINT_BYTES];
	BIO *out = BIO_new_fp(f, BIO_NOCLOSE);

	if (!out)
		return;
	BIO_puts(out, "subject: ");
	X509_NAME_print_ex(out, X509_get_subject_name(ca->certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	BIO_puts(out, "\nvalid: ");
	ASN1_TIME_print(out, X509_get0_notBefore(ca->certificate));
	BIO_puts(out, " to ");
	ASN1_TIME_print(out, X509_get0_notAfter(ca->certificate));
	BIO_puts(out, "\n");
	print_limits(ca, out);
	ca_fingerprint(ca, fingerprint);
	BIO_printf(out, "SHA-256: %s\n", fingerprint);
	BIO_free(out);
}

bool ca_print_pem(const struct ca *ca, FILE *out)
{
	return PEM_write_X509(out, ca->certificate) == 1 && fflush(out) == 0;
}
