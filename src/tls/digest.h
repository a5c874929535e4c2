/*
 * SHA-256 (FIPS 180-4) of bytes that come in pieces.
 */
#ifndef FRESHET_TLS_DIGEST_H
#define FRESHET_TLS_DIGEST_H

#include "base/span.h"

struct evp_md_ctx_st;

enum { DIGEST_BYTES = 32 };

/* Zeroed before the first use; one may be begun again after its end. */
struct digest {
	struct evp_md_ctx_st *context; /* owned; NULL before the first use */
};

/* These are false when memory is out. */
bool digest_begin(struct digest *d) MUST_CHECK;
bool digest_add(struct digest *d, struct span bytes) MUST_CHECK;
bool digest_end(struct digest *d, unsigned char out[DIGEST_BYTES]) MUST_CHECK;

void digest_fini(struct digest *d);

#endif
