/*
 * A connection on its way: name look-up and connecting, for one origin's pool or for one tunnel.
 */
#ifndef FRESHET_PROXY_DIAL_H
#define FRESHET_PROXY_DIAL_H

#include "net/connect.h"

struct exchange;
struct origin;
struct snapshot_view;
struct worker;

/* Owned by the origin it is for, or by the one exchange (a tunnel's). */
struct dial {
	struct connector connector;
	struct worker *worker;
	struct origin *origin;      /* borrowed; NULL for a tunnel's */
	struct exchange *exchange;  /* borrowed; a tunnel's, else NULL */
	struct snapshot_view *view; /* counted */
	struct list link;           /* in the worker's dials */
	struct dead dead;
	int64_t started_us;
};

/*
 * Begins, for exactly one of origin and exchange, which hears of the end by origin_dialled() or
 * exchange_connected() and their failing counterparts.  NULL when memory is out.
 */
struct dial *dial_start(struct worker *w, struct origin *origin, struct exchange *exchange, struct span host,
	uint16_t port) MUST_CHECK;

/* Gives up without a word.  Takes NULL. */
void dial_cancel(struct dial *d);

#endif
