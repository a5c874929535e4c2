/*
 * Slowing down who keeps failing: failures by address (IPv6 by /64), and how long to wait after them.
 *
 * The first few failures are free; each further one doubles the time in which the address is not heard.  The table is
 * bounded: with very many failing addresses the one that failed longest ago is forgotten first.  No threads, no clock.
 */
#ifndef FRESHET_BASE_THROTTLE_H
#define FRESHET_BASE_THROTTLE_H

#include "base/address.h"
#include "base/secret.h"

enum {
	THROTTLE_FREE = 5, /* failures before the first pause */
	THROTTLE_SETS = 128,
	THROTTLE_WAYS = 8,
};

#define THROTTLE_FIRST_US (1000 * INT64_C(1000))         /* the first pause */
#define THROTTLE_LONGEST_US (300 * INT64_C(1000000))     /* the longest one */
#define THROTTLE_FORGET_US (900 * INT64_C(1000000))      /* without failure, and an address begins anew */

struct throttle_entry {
	uint8_t who[16];
	unsigned failures; /* 0: unused */
	int64_t last_us, until_us;
};

struct throttle {
	struct secret_key key; /* nobody can choose addresses that share a set */
	struct throttle_entry entries[THROTTLE_SETS][THROTTLE_WAYS];
};

void throttle_init(struct throttle *t, const struct secret_key *key);

/* How long the address has to wait still; 0 when it may try. */
int64_t throttle_wait_us(const struct throttle *t, const struct address *a, int64_t now_us);

/* Counts a failure.  The pause that it brings; 0 for none. */
int64_t throttle_fail(struct throttle *t, const struct address *a, int64_t now_us);

#endif
