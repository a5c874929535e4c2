/*
 * Forges and keeps leaves.  Copies nothing from the origin's certificate: what a client has to know of it, it is told by
 * an error page.
 */
#include "tls/leaf.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/list.h"
#include "tls/certificate.h"

enum {
	LIFETIME_DAYS = 90,
	RENEW_DAYS = 60,
	BACKDATED_DAYS = 2,
	NAME_MAX_BYTES = 255,
	COMMON_NAME_MAX = 64, /* RFC 5280, ub-common-name */
	BUCKETS = 1024,
};

#define DAY_US (INT64_C(24) * 3600 * 1000000)

struct leaf {
	atomic_uint references; /* users, and the cache while it is in there */
	X509 *certificate;      /* owned */
	EVP_PKEY *key;          /* counted: the common one */
	STACK_OF(X509) *chain;  /* owned, of counted certificates: of authorities */
	struct list bucket_link, age_link;
	int64_t made_us;        /* wall clock, as certificates have it */
	size_t name_len;
	char name[NAME_MAX_BYTES + 1];
};

enum { CONSTANT_EXTENSIONS = 4 };

struct leaves {
	struct ca ca;            /* owned */
	EVP_PKEY *key;           /* counted */
	NAME_CONSTRAINTS *limits; /* owned: of the authority; NULL none */
	X509_EXTENSION *constant[CONSTANT_EXTENSIONS]; /* owned: the same in all leaves; NULL past the last */
	unsigned capacity;
	pthread_mutex_t lock;    /* guards the rest */
	unsigned count;
	struct list by_age;      /* of leaf, least recently used first */
	struct list buckets[BUCKETS];
};

/* -- forging -- */

static bool is_address(struct span name)
{
	struct address a;

	return address_parse_ip(name, 0, &a);
}

static bool is_host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || ascii_digit(c) || c == '-' || c == '.' || c == '_';
}

/*
 * Small letters, no final dot (a subjectAltName has none, RFC 5280 section 4.2.1.6), and nothing that no host or address
 * has: no wildcards above all.  Returns the length; 0 for what is no name.
 */
static size_t canonical(struct span name, char out[NAME_MAX_BYTES + 1])
{
	bool is_host = true;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!name.n || name.n > NAME_MAX_BYTES)
		return 0;
	for (size_t i = 0; i < name.n; i++) {
		out[i] = ascii_lower(name.p[i]);
		is_host = is_host && is_host_byte(out[i]);
	}
	out[name.n] = '\0';
	return (is_host && out[0] != '.') || is_address(span_of(out, name.n)) ? name.n : 0;
}

/*
 * The name goes where clients look for it (RFC 9525 section 6.3), built directly: the text form of extensions would
 * take commas and colons in it for its own.
 */
static bool set_name(X509 *x, const char *name, size_t n)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *general = GENERAL_NAME_new();
	bool has_subject = n < COMMON_NAME_MAX, ok = false;

	if (!names || !general)
		goto out;
	if (is_address(span_of(name, n))) {
		ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);

		if (!address)
			goto out;
		GENERAL_NAME_set0_value(general, GEN_IPADD, address);
	} else {
		ASN1_IA5STRING *dns = ASN1_IA5STRING_new();

		if (!dns || ASN1_STRING_set(dns, name, (int)n) != 1) {
			ASN1_IA5STRING_free(dns);
			goto out;
		}
		GENERAL_NAME_set0_value(general, GEN_DNS, dns);
	}
	if (!sk_GENERAL_NAME_push(names, general))
		goto out;
	general = NULL;
	ok = X509_add1_ext_i2d(x, NID_subject_alt_name, names, !has_subject, X509V3_ADD_DEFAULT) == 1 &&
	     (!has_subject || X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
				      (const unsigned char *)name, (int)n, -1, 0) == 1);
out:
	GENERAL_NAME_free(general);
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	return ok;
}

static bool set_constants(X509 *x, const struct leaves *l)
{
	bool ok = true;

	for (int i = 0; i < CONSTANT_EXTENSIONS && l->constant[i]; i++)
		ok = ok && X509_add_ext(x, l->constant[i], -1) == 1;
	return ok;
}

/* No longer than the authority lives. */
static bool set_lifetime(X509 *x, const X509 *authority)
{
	const ASN1_TIME *end = X509_get0_notAfter(authority);

	return certificate_lifetime(x, BACKDATED_DAYS, LIFETIME_DAYS) &&
	       (ASN1_TIME_compare(end, X509_get0_notAfter(x)) >= 0 || X509_set1_notAfter(x, end) == 1);
}

static bool fill(X509 *x, const struct leaves *l, const char *name, size_t n)
{
	return X509_set_version(x, X509_VERSION_3) == 1 && certificate_number(x) &&
	       set_lifetime(x, l->ca.certificate) &&
	       X509_set_issuer_name(x, X509_get_subject_name(l->ca.certificate)) == 1 && set_name(x, name, n) &&
	       X509_set_pubkey(x, l->key) == 1 && set_constants(x, l) && X509_sign(x, l->ca.key, EVP_sha256()) > 0;
}

static struct leaf *forge(struct leaves *l, struct span name)
{
	struct leaf *leaf = calloc(1, sizeof(*leaf));

	if (!leaf)
		return NULL;
	atomic_init(&leaf->references, 1);
	list_init(&leaf->bucket_link);
	list_init(&leaf->age_link);
	memcpy(leaf->name, name.p, name.n);
	leaf->name_len = name.n;
	leaf->made_us = clock_wall_us();
	leaf->certificate = X509_new();
	leaf->key = EVP_PKEY_up_ref(l->key) == 1 ? l->key : NULL;
	leaf->chain = X509_chain_up_ref(l->ca.chain);
	ERR_clear_error();
	if (leaf->certificate && leaf->key && leaf->chain && fill(leaf->certificate, l, leaf->name, leaf->name_len))
		return leaf;
	ERR_clear_error();
	leaf_put(leaf);
	return NULL;
}

void leaf_put(struct leaf *leaf)
{
	if (!leaf || atomic_fetch_sub_explicit(&leaf->references, 1, memory_order_acq_rel) != 1)
		return;
	X509_free(leaf->certificate);
	EVP_PKEY_free(leaf->key);
	sk_X509_pop_free(leaf->chain, X509_free);
	free(leaf);
}

struct x509_st *leaf_certificate(const struct leaf *leaf)
{
	return leaf->certificate;
}

struct evp_pkey_st *leaf_key(const struct leaf *leaf)
{
	return leaf->key;
}

struct stack_st_X509 *leaf_chain(const struct leaf *leaf)
{
	return leaf->chain;
}

/* -- the cache -- */

static struct list *bucket_of(struct leaves *l, struct span name)
{
	return &l->buckets[span_ihash(name, 0) % BUCKETS];
}

static void forget(struct leaves *l, struct leaf *leaf)
{
	list_remove(&leaf->bucket_link);
	list_remove(&leaf->age_link);
	l->count--;
	leaf_put(leaf);
}

/* The caller holds the lock. */
static struct leaf *find(struct leaves *l, struct span name)
{
	struct list *bucket = bucket_of(l, name);

	for (struct list *i = bucket->next; i != bucket; i = i->next) {
		struct leaf *leaf = LIST_OF(i, struct leaf, bucket_link);

		if (span_eq(span_of(leaf->name, leaf->name_len), name))
			return leaf;
	}
	return NULL;
}

/* Neither old, nor made while the clock was ahead. */
static bool is_good(const struct leaf *leaf)
{
	int64_t age_us = clock_wall_us() - leaf->made_us;

	return age_us > -DAY_US && age_us < RENEW_DAYS * DAY_US;
}

static struct leaf *cached(struct leaves *l, struct span name)
{
	pthread_mutex_lock(&l->lock);
	struct leaf *leaf = find(l, name);
	if (leaf && !is_good(leaf)) {
		forget(l, leaf);
		leaf = NULL;
	}
	if (leaf) {
		atomic_fetch_add_explicit(&leaf->references, 1, memory_order_relaxed);
		list_remove(&leaf->age_link);
		list_push(&l->by_age, &leaf->age_link);
	}
	pthread_mutex_unlock(&l->lock);
	return leaf;
}

/* Another worker may have forged the same meanwhile: then the older one goes. */
static void keep(struct leaves *l, struct leaf *leaf)
{
	struct span name = span_of(leaf->name, leaf->name_len);

	pthread_mutex_lock(&l->lock);
	struct leaf *other = find(l, name);
	if (other)
		forget(l, other);
	while (l->count >= l->capacity && !list_empty(&l->by_age))
		forget(l, LIST_OF(l->by_age.next, struct leaf, age_link));
	atomic_fetch_add_explicit(&leaf->references, 1, memory_order_relaxed);
	list_push(bucket_of(l, name), &leaf->bucket_link);
	list_push(&l->by_age, &leaf->age_link);
	l->count++;
	pthread_mutex_unlock(&l->lock);
}

struct leaf *leaf_get(struct leaves *l, struct span wanted, bool *forged)
{
	char text[NAME_MAX_BYTES + 1];
	struct span name = span_of(text, canonical(wanted, text));

	*forged = false;
	if (!name.n)
		return NULL;
	struct leaf *leaf = cached(l, name);
	if (leaf)
		return leaf;
	leaf = forge(l, name);
	if (!leaf)
		return NULL;
	*forged = true;
	keep(l, leaf);
	return leaf;
}

bool leaves_may_sign(struct leaves *l, struct span name)
{
	char text[NAME_MAX_BYTES + 1];
	bool forged;

	if (!l->limits)
		return canonical(name, text) != 0;
	struct leaf *leaf = leaf_get(l, name, &forged);
	/* The second looks at names that only the first takes out of the extensions. */
	bool may = leaf && X509_check_purpose(leaf->certificate, -1, 0) == 1 &&
		   NAME_CONSTRAINTS_check(leaf->certificate, l->limits) == X509_V_OK;
	leaf_put(leaf);
	return may;
}

/* -- the whole -- */

/*
 * No subject key identifier: Windows stumbles over one here.  The authority's, which an authority from elsewhere may lack,
 * tells it apart from others of its name.
 */
static bool make_constants(struct leaves *l)
{
	X509V3_CTX context;
	int n = 0;

	X509V3_set_ctx(&context, l->ca.certificate, NULL, NULL, NULL, 0);
	l->constant[n++] = certificate_extension(&context, NID_basic_constraints, "critical,CA:FALSE");
	l->constant[n++] = certificate_extension(&context, NID_key_usage, "critical,digitalSignature");
	l->constant[n++] = certificate_extension(&context, NID_ext_key_usage, "serverAuth");
	if (X509_get0_subject_key_id(l->ca.certificate))
		l->constant[n++] = certificate_extension(&context, NID_authority_key_identifier, "keyid:always");
	while (n > 0 && l->constant[n - 1])
		n--;
	return n == 0;
}

/* False when the authority's limits cannot be read. */
static bool read_limits(struct leaves *l)
{
	int found;

	l->limits = X509_get_ext_d2i(l->ca.certificate, NID_name_constraints, &found, NULL);
	return l->limits || found == -1; /* -1: it has none */
}

struct leaves *leaves_new(struct ca *ca, unsigned capacity)
{
	struct leaves *l = calloc(1, sizeof(*l));

	if (!l) {
		ca_fini(ca);
		return NULL;
	}
	l->ca = *ca;
	*ca = (struct ca){ .certificate = NULL };
	l->capacity = capacity;
	pthread_mutex_init(&l->lock, NULL);
	list_init(&l->by_age);
	for (int i = 0; i < BUCKETS; i++)
		list_init(&l->buckets[i]);
	l->key = certificate_key();
	if (l->key && make_constants(l) && read_limits(l))
		return l;
	ERR_clear_error();
	leaves_free(l);
	return NULL;
}

void leaves_free(struct leaves *l)
{
	if (!l)
		return;
	while (!list_empty(&l->by_age))
		forget(l, LIST_OF(l->by_age.next, struct leaf, age_link));
	for (int i = 0; i < CONSTANT_EXTENSIONS; i++)
		X509_EXTENSION_free(l->constant[i]);
	NAME_CONSTRAINTS_free(l->limits);
	EVP_PKEY_free(l->key);
	ca_fini(&l->ca);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

const struct ca *leaves_authority(const struct leaves *l)
{
	return &l->ca;
}
