/*
 * The certificate authority by which freshet vouches for sites that it intercepts: made once, kept in two PEM files.
 */
#ifndef FRESHET_TLS_CA_H
#define FRESHET_TLS_CA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/span.h"

struct x509_st;
struct evp_pkey_st;
struct stack_st_X509;

enum { CA_WHY_BYTES = 512, CA_FINGERPRINT_BYTES = 96, CA_DOMAINS_MAX = 32, CA_CHAIN_MAX = 8 };

/* Owns all. */
struct ca {
	struct x509_st *certificate;
	struct evp_pkey_st *key;
	struct stack_st_X509 *chain; /* from its own certificate up to the root and without it; empty when it is the root */
};

/* Domains that a new authority is limited to, with their subdomains (name constraints, RFC 5280 section 4.2.1.10). */
struct ca_limits {
	const char *const *domains; /* borrowed; count 0: not limited */
	size_t count;
};

/*
 * Makes an authority: P-256, ten years, pathlen 0, key file with mode 0600.  Refuses to overwrite either file.  Missing
 * directories are made, the last with mode 0700.  What root makes is given to the directory's owner.  False with the
 * reason in why.
 */
bool ca_create(const char *certificate_path, const char *key_path, const struct ca_limits *limits,
	char why[CA_WHY_BYTES]) MUST_CHECK;

/*
 * Reads an authority, and those above it that follow in its file: each has to be the issuer of the one before.  Refuses
 * a key that group or others may read (credentials of systemd excepted), that is not the certificate's or neither ECDSA
 * nor RSA, and a certificate that is not an authority's or not valid now.  False with the reason in why.
 */
bool ca_load(struct ca *ca, const char *certificate_path, const char *key_path, char why[CA_WHY_BYTES]) MUST_CHECK;

/* Reads the certificate only, whatever it is; the rest becomes NULL.  False with the reason in why. */
bool ca_load_certificate(struct ca *ca, const char *path, char why[CA_WHY_BYTES]) MUST_CHECK;

void ca_fini(struct ca *ca); /* all zero is fine */

/* SHA-256 of the certificate, "AB:CD:…", terminated. */
void ca_fingerprint(const struct ca *ca, char out[CA_FINGERPRINT_BYTES]);

/* Lines for people: its name, its time, its limits, its fingerprint. */
void ca_print(const struct ca *ca, FILE *out);

/* The certificate in PEM.  False when it cannot be written. */
bool ca_print_pem(const struct ca *ca, FILE *out) MUST_CHECK;

/* Whole days until it expires; negative once it has. */
int ca_days_left(const struct ca *ca);

#endif
