/*
 * What connections have in common: trust anchors, versions, tickets.  Made with the configuration, immutable, shared by
 * all workers.
 */
#ifndef FRESHET_TLS_CONTEXT_H
#define FRESHET_TLS_CONTEXT_H

#include <stdbool.h>

#include "base/span.h"

struct ssl_ctx_st;

/* How an origin's certificate is looked at. */
enum tls_trust {
	TLS_TRUST_VERIFIED, /* the system's anchors and the configured ones */
	TLS_TRUST_ANYBODY,  /* by the operator's wish for that site */
};

/* Immutable once made. */
struct tls_contexts {
	struct ssl_ctx_st *to_origin[2][2]; /* owned: by enum tls_trust, then legacy or not */
	struct ssl_ctx_st *to_client[2];    /* owned: legacy or not */
};

/*
 * `trust_file`, unless empty, is a PEM file of further trust anchors, and of revocation lists that are then heeded.  NULL
 * with *why (borrowed until the next call of this thread) when it cannot be read, or memory is out.
 */
struct tls_contexts *tls_contexts_new(const char *trust_file, const char **why) MUST_CHECK;
void tls_contexts_free(struct tls_contexts *contexts); /* NULL is fine */

#endif
