/*
 * Origins that sent bytes which nobody had asked for: for how long their connections are not to be used again.
 *
 * Outlives the origins themselves, in a table of fixed size.  Two origins may share a slot: then one is forgotten early,
 * or distrusted without cause, which costs it connections and nothing else.
 */
#ifndef FRESHET_PROXY_DISTRUST_H
#define FRESHET_PROXY_DISTRUST_H

#include "base/span.h"

enum { DISTRUST_SLOTS = 256 };

/* A worker's.  All zero is an empty one. */
struct distrust {
	struct distrust_slot {
		int64_t until_us; /* monotonic */
		uint32_t hash;
	} slots[DISTRUST_SLOTS];
	int64_t telling_us;       /* since when origins are named in the log, */
	unsigned told, untold;    /* how many were since, and how many were not */
};

void distrust_add(struct distrust *d, uint32_t hash, int64_t until_us);

/* Until when; 0 for an origin that is not in the table. */
int64_t distrust_until(const struct distrust *d, uint32_t hash);

/* Names the origin in the operator's log: 60 lines a minute at most, those beyond are counted in the next line. */
void distrust_tell(struct distrust *d, int64_t now_us, struct span host, uint16_t port, const char *what);

#endif
