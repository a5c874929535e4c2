/*
 * Stapled OCSP responses of origins (RFC 6066 section 8, RFC 7633): asked for, and heeded where they say revoked.
 */
#ifndef FRESHET_TLS_STAPLE_H
#define FRESHET_TLS_STAPLE_H

#include <stdbool.h>

#include "base/span.h"

struct ssl_ctx_st;
struct ssl_st;

/*
 * Has connections of this context ask for a stapled response, and fail (verify result X509_V_ERR_CERT_REVOKED) where a
 * good one says that the certificate is revoked.
 */
bool staple_ask(struct ssl_ctx_st *context) MUST_CHECK;

/* Whether the server's certificate demands a stapled response (must-staple) and none came. */
bool staple_missing(const struct ssl_st *ssl);

#endif
