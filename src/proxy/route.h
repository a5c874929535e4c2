/*
 * By which way a destination is reached: directly, or through the configured parent proxy.
 *
 * Pure: compiled with the snapshot, asked per exchange.
 */
#ifndef FRESHET_PROXY_ROUTE_H
#define FRESHET_PROXY_ROUTE_H

#include "config/config.h"
#include "http/parent.h"
#include "http/url.h"

enum route_kind {
	ROUTE_DIRECT,
	ROUTE_HTTP_PARENT,  /* absolute-form requests and CONNECT go to the parent */
	ROUTE_SOCKS_PARENT, /* the parent connects us through */
};

/* How TLS is spoken with an origin.  What differs in any of it never shares a connection. */
struct tls_way {
	bool on;
	bool unverified, legacy; /* the site's tls-verify = no, tls-legacy = yes */
	uint64_t generation;     /* the serial of the snapshot whose trust anchors count */
	struct span name;        /* what the certificate has to be for */
};

/* Where to connect, and how. */
struct place {
	struct span host; /* of the parent where an HTTP parent gets whole requests, else of the destination */
	uint16_t port;
	enum route_kind route;
	bool guarded;     /* the client is bound by deny-destinations: shares no connection with those who are not */
	struct tls_way tls;
};

struct routes; /* immutable */

/*
 * Compiles parent and no-parent.  Points into the configuration, which has to outlive it.  NULL with *why (constant)
 * for a pattern or credentials that cannot be, or when memory is out.
 */
struct routes *routes_new(const struct config *c, const char **why) MUST_CHECK;
void routes_free(struct routes *r); /* NULL is fine */

enum route_kind routes_for(const struct routes *r, const struct target *t);

/* The parent of the routes that are not direct. */
const struct parent *routes_parent(const struct routes *r);

/* What an HTTP parent gets in Proxy-Authorization; empty without credentials. */
struct span routes_authorization(const struct routes *r);

#endif
