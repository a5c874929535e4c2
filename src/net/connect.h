/*
 * From a host and port to a connected socket: resolving, then happy eyeballs (RFC 8305) over the addresses.
 *
 * Attempts start 250 ms apart, or at once when one fails; the first that connects wins and the others are closed.
 */
#ifndef FRESHET_NET_CONNECT_H
#define FRESHET_NET_CONNECT_H

#include "net/resolve.h"

enum connect_status {
	CONNECT_OK,
	CONNECT_DNS_NOT_FOUND,
	CONNECT_DNS_TIMEOUT,
	CONNECT_DNS_FAILED,
	CONNECT_REFUSED,
	CONNECT_TIMEOUT,
	CONNECT_UNREACHABLE,
	CONNECT_FORBIDDEN,      /* the filter let none of the addresses through */
	CONNECT_NO_RESOURCES,   /* descriptors, ports or memory are out */
	CONNECT_PROHIBITED,     /* this client may not be taken there; not the connector's to say */
	/* Connected, but of no use: not the connector's to say. */
	CONNECT_PARENT_FAILED,  /* the parent proxy made no way through */
	CONNECT_TLS_CERTIFICATE,        /* the origin's certificate did not stand up */
	CONNECT_TLS_CERTIFICATE_WANTED, /* it wants one of the client, which is not ours to give */
	CONNECT_TLS_ALERT,      /* it refused the handshake */
	CONNECT_TLS_TROUBLE,    /* something went wrong with it, as it said: not a refusal */
	CONNECT_TLS_CUT,        /* closed or reset in the middle of the handshake */
	CONNECT_TLS_NOT,        /* it does not speak TLS there */
	CONNECT_TLS_FAILED,     /* the handshake came to no end for another reason */
};

enum { CONNECT_ATTEMPTS_MAX = 4 }; /* at the same time */

struct connector;

struct connector_result {
	enum connect_status status;
	int fd;                  /* CONNECT_OK: handed over, non-blocking, TCP_NODELAY; else -1 */
	struct address address;  /* which one connected, or the last tried; port 0 for none */
	int64_t resolve_us;      /* how long resolving took; 0 from the cache */
	const char *reason;      /* constant, for the operator; NULL when OK */
};

struct connect_attempt {
	struct event event;      /* assigned while fd is open */
	struct connector *connector;
	unsigned address;        /* index in connector.resolved */
	int fd;                  /* owned; -1 while unused */
};

enum connector_state {
	CONNECTOR_IDLE,
	CONNECTOR_RESOLVING,
	CONNECTOR_CONNECTING,
	CONNECTOR_FAILED, /* known, to be reported from the loop */
};

/*
 * Embedded by its owner, who keeps it in place until done or cancelled, and zeroes it before the first use: all
 * zero is idle.  Allocates nothing (the resolver does, for a name that it does not know).
 */
struct connector {
	enum connector_state state;
	struct loop *loop;          /* borrowed */
	struct resolve resolve;
	struct resolved resolved;   /* without addresses that are not allowed */
	unsigned next_address;      /* the first in `resolved` not tried */
	struct connect_attempt attempts[CONNECT_ATTEMPTS_MAX];
	struct event stagger;       /* when to try the next address, or to report the failure */
	struct deadline deadline;   /* DEADLINE_CONNECT over everything */
	int64_t started_us, resolve_us;
	enum connect_status failure; /* the most telling so far; CONNECT_OK before any */
	/* Whether an address may be connected to: keeps freshet from calling itself.  NULL: all. */
	bool (*allows)(struct connector *c, const struct address *a);
	/* Exactly once, never from within connector_start(), unless cancelled.  May free or restart the connector. */
	void (*done)(struct connector *c, const struct connector_result *result);
};

/*
 * c->allows and c->done are set by the caller.  When all addresses fail, the most telling failure is reported:
 * refused (somebody is there), then timed out, unreachable, no resources (it concerns us, not them).  When the
 * deadline ends it, it is a timeout.
 */
void connector_start(struct connector *c, struct loop *l, struct resolver *resolver, struct span host,
	uint16_t port);
void connector_cancel(struct connector *c); /* harmless when idle */

const char *connect_status_reason(enum connect_status s); /* for the operator */

#endif
