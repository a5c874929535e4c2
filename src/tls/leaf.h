/*
 * Certificates for the sites that are intercepted: forged by the authority when first needed, kept for the next time.
 *
 * One key for all of them, never written down.  Leaves are shared by all workers and counted.
 */
#ifndef FRESHET_TLS_LEAF_H
#define FRESHET_TLS_LEAF_H

#include "base/span.h"
#include "tls/ca.h"

struct leaf;   /* immutable */
struct leaves; /* the authority, the leaf key, a bounded cache: least recently used first out */

/* Takes over the authority, also on failure.  NULL when memory or randomness is out, or its limits cannot be read. */
struct leaves *leaves_new(struct ca *ca, unsigned capacity) MUST_CHECK;
void leaves_free(struct leaves *l); /* NULL is fine; leaves that are in use live on */

/*
 * Whether the authority's word for a name would be taken: the name is one, and within its limits (name constraints, RFC
 * 5280 section 4.2.1.10).
 */
bool leaves_may_sign(struct leaves *l, struct span name) MUST_CHECK;

/*
 * A certificate for a host name (A-label form) or an address without brackets, cached or made now; *forged tells which.
 * The caller gives it back by leaf_put().  NULL when memory or randomness is out, or the name cannot be one.  Limits are
 * not looked at.
 */
struct leaf *leaf_get(struct leaves *l, struct span name, bool *forged) MUST_CHECK;
void leaf_put(struct leaf *leaf);

/* Both borrowed from the leaf. */
struct x509_st *leaf_certificate(const struct leaf *leaf);
struct evp_pkey_st *leaf_key(const struct leaf *leaf);

/* What is shown behind it, up to the root and without it; borrowed from the leaf. */
struct stack_st_X509 *leaf_chain(const struct leaf *leaf);

/* The authority's certificate: what clients have to trust; borrowed. */
const struct ca *leaves_authority(const struct leaves *l);

#endif
