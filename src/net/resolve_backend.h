/*
 * The seam between the resolver's cache and what really asks: resolve_ares.c and resolve_system.c.
 */
#ifndef FRESHET_NET_RESOLVE_BACKEND_H
#define FRESHET_NET_RESOLVE_BACKEND_H

#include "net/resolve.h"

/* One name being asked for; embedded in the cache's entry, in place until lookup_done(). */
struct lookup {
	const char *name; /* lower case, no final dot, visible ASCII without backslash; borrowed */
};

/* What was found out; each family in the order in which the source gave it. */
struct lookup_answer {
	enum resolve_status status;
	const char *reason; /* constant; NULL when OK */
	bool server_gone;   /* no name server could be reached: that is worth a line of its own */
	int64_t ttl_s;      /* of the shortest-lived record; ignored for failures */
	unsigned v6_count, v4_count;
	struct address v6[RESOLVED_MAX], v4[RESOLVED_MAX];
};

/* Adds an address to its family, unless it is there already or there is no room. */
void lookup_answer_add(struct lookup_answer *a, const struct address *address);

/*
 * An answer to be used now, though a better one is still being waited for; and the last one, after which the
 * lookup is gone.  The asker is told later, from the loop, so both may be called at any time on the loop's thread.
 */
void lookup_partly(struct lookup *k, const struct lookup_answer *a);
void lookup_done(struct lookup *k, const struct lookup_answer *a);

struct resolve_backend;

struct resolve_backend_ops {
	void (*ask)(struct resolve_backend *b, struct lookup *k); /* ends in lookup_done(), unless freed before */
	void (*reset)(struct resolve_backend *b); /* reads its configuration anew; pending lookups go on */
	void (*free)(struct resolve_backend *b);  /* drops pending lookups in silence */
};

/* The first member of each backend. */
struct resolve_backend {
	const struct resolve_backend_ops *ops;
};

#endif
