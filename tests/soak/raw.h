/* Bytes both ways at once through a tunnel, each side checking what it gets. */
#ifndef SOAK_RAW_H
#define SOAK_RAW_H

#include "plan.h"
#include "wire.h"

struct raw {
	uint64_t down_bytes, up_bytes;
	bool origin_resets; /* after half of its bytes */
};

struct raw raw_of(uint64_t id);
/*
 * Sends `send_n` bytes of `mine` and ends its direction, while it checks those that come until the peer ends its
 * own.  Returns how many came; how they ended is in w->result.
 */
uint64_t raw_run(struct wire *w, uint64_t id, enum direction mine, uint64_t send_n);

#endif
