/*
 * What making an authority and making a leaf have in common.
 */
#ifndef FRESHET_TLS_CERTIFICATE_H
#define FRESHET_TLS_CERTIFICATE_H

#include <openssl/x509v3.h>
#include <stdbool.h>

#include "base/span.h"

/* A new P-256 key, cheap to put into many certificates; the caller's.  NULL when memory or randomness is out. */
EVP_PKEY *certificate_key(void) MUST_CHECK;

/* A random serial number of 127 bits: two certificates of one authority never share one. */
bool certificate_number(X509 *x) MUST_CHECK;

/* From some days ago, so that clocks may be slow, to some days ahead. */
bool certificate_lifetime(X509 *x, int backdated_days, int days) MUST_CHECK;

/* An extension from OpenSSL's text form (x509v3_config(5)); the caller's.  NULL when the text is none. */
X509_EXTENSION *certificate_extension(X509V3_CTX *context, int nid, const char *text) MUST_CHECK;

/* Adds such an extension. */
bool certificate_extend(X509 *x, X509V3_CTX *context, int nid, const char *text) MUST_CHECK;

#endif
