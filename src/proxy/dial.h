/*
 * A connection on its way: name look-up, connecting, through a parent proxy the handshake with it, and that of TLS
 * where the origin is one of https; for one origin's pool or for one tunnel.
 */
#ifndef FRESHET_PROXY_DIAL_H
#define FRESHET_PROXY_DIAL_H

#include "net/connect.h"
#include "net/conn.h"
#include "proxy/route.h"

struct exchange;
struct origin;
struct snapshot_view;
struct worker;

/* Owned by the origin it is for, or by the one exchange (a tunnel's). */
struct dial {
	struct connector connector;
	struct conn conn;              /* during handshakes */
	struct parent_handshake talk;
	struct worker *worker;
	struct origin *origin;         /* borrowed; NULL for a tunnel's */
	struct exchange *exchange;     /* borrowed; a tunnel's, else NULL */
	struct snapshot_view *view;    /* counted */
	struct list link;              /* in the worker's dials */
	struct dead dead;
	struct span host;              /* of the destination; borrowed from origin or exchange */
	uint16_t port;
	bool guarded;                  /* deny-destinations counts for the addresses of `host` */
	bool own, prohibited;          /* addresses were left out: our own, or denied ones */
	struct address left_out;       /* the last denied one */
	bool again;                    /* room was made once already */
	bool through;                  /* the parent has to make a way through */
	struct address address;        /* connected to */
	int64_t started_us;
};

/*
 * Begins, for exactly one of origin and exchange, which hears of the end by origin_dialled() or exchange_dialled().
 * `host` stays where it is until then.  A tunnel's dial goes through a parent of either kind, and so does that of a pool
 * with TLS; another pool's only through a SOCKS parent (an HTTP parent is an origin of its own).  NULL when memory is out.
 */
struct dial *dial_start(struct worker *w, struct origin *origin, struct exchange *exchange, enum route_kind route,
	struct span host, uint16_t port) MUST_CHECK;

/* Gives up without a word.  Takes NULL. */
void dial_cancel(struct dial *d);

/* How a dial ended. */
struct dialled {
	struct connector_result result; /* its descriptor is in core, or closed */
	struct conn_core core;          /* with CONNECT_OK: the listener's */
	int64_t took_us;
	uint64_t judged;                /* the serial of the snapshot that let the address through */
	bool guarded;                   /* deny-destinations counts for it */
};

#endif
