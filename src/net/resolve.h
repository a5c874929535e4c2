/*
 * Names to addresses, without blocking: c-ares, or getaddrinfo on a few threads for names that only NSS knows.
 *
 * Answers are kept for their TTL (RFC 1035 section 3.2.1; failures briefly), and questions for one name at the
 * same time are asked once.  Literal addresses are answered at once.  One resolver a loop.
 */
#ifndef FRESHET_NET_RESOLVE_H
#define FRESHET_NET_RESOLVE_H

#include "base/address.h"
#include "net/loop.h"

enum { RESOLVED_MAX = 16 };

enum resolve_status {
	RESOLVE_OK,
	RESOLVE_NOT_FOUND, /* NXDOMAIN or no address */
	RESOLVE_TIMEOUT,
	RESOLVE_FAILED,    /* SERVFAIL, refused, malformed */
	RESOLVE_NO_RESOURCES, /* descriptors or memory are out: says nothing of the name, and is not kept */
};

struct resolved {
	enum resolve_status status;
	const char *reason;                   /* constant, for the operator; NULL when OK */
	unsigned count;
	struct address address[RESOLVED_MAX]; /* IPv6 and IPv4 interleaved, IPv6 first (RFC 8305 section 4) */
};

/* One pending question; embedded in the asker, who keeps it in place until answered or cancelled. */
struct resolve {
	struct list link;
	uint16_t port;
	void (*done)(struct resolve *r, const struct resolved *answer); /* answer is borrowed during the call */
};

struct resolver;

struct resolver_options {
	const char *server; /* "" system's resolv.conf; "127.0.0.1:5353"; "system" for getaddrinfo */
	unsigned cache_max; /* names kept or being asked for; more at the same time are refused */
};

/* NULL, logged, when `server` is not an address or memory is out. */
struct resolver *resolver_new(struct loop *l, const struct resolver_options *o) MUST_CHECK;
/* Takes NULL.  No question may be pending, and done() must not be on the stack. */
void resolver_free(struct resolver *r);

/*
 * Asks.  r->done and r->port are set by the caller.  True when *answer was filled at once (literal, cached, or a
 * name that cannot exist): it may be a failure; otherwise done() is called later, never from within this call.
 * done() may ask, cancel and flush, and free what holds r.
 */
bool resolver_ask(struct resolver *resolver, struct resolve *r, struct span host, struct resolved *answer) MUST_CHECK;
void resolver_cancel(struct resolve *r); /* harmless when not pending, or all zero */

/*
 * Forgets what was learned and reads resolv.conf and the hosts file anew.  Happens by itself within seconds when
 * one of these files changes.
 */
void resolver_flush(struct resolver *r);

#endif
