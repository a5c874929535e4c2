/*
 * How much each client address has of us at the moment: connections, and requests in flight.
 *
 * One table for all workers, held against max-clients-per-address and max-requests-per-address.  It is touched when a
 * client comes and when it goes; in between the client points at its address's entry, whose requests are counted
 * without a lock.  An entry lives as long as one of its clients, so there are never more entries than max-clients.
 *
 * Knows numbers only: what a client is told that is one too many is the client's affair.
 */
#ifndef FRESHET_PROXY_TALLY_H
#define FRESHET_PROXY_TALLY_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/address.h"
#include "base/list.h"
#include "base/slab.h"

enum { TALLY_BUCKETS = 1024 };

/* One client address; for IPv6 its /64, which is what a single customer gets. */
struct tally_entry {
	struct list link;      /* in its bucket */
	uint8_t key[16];
	unsigned clients;      /* under the table's lock */
	atomic_uint requests;  /* in flight */
};

struct tally {
	pthread_mutex_t lock;
	struct list buckets[TALLY_BUCKETS]; /* of tally_entry */
	struct slab entries;
	uint64_t seed;         /* secret: nobody can choose addresses that share a bucket */
	int64_t warned_us;     /* when the log last told of a refusal, 0 never */
	unsigned refused;      /* since then */
};

enum tally_result {
	TALLY_COUNTED,
	TALLY_OVER,      /* its address has `max` already */
	TALLY_NO_MEMORY,
};

void tally_init(struct tally *t, uint64_t seed);
void tally_fini(struct tally *t); /* every client must be gone */

/*
 * Counts one more client of this address, unless it has `max` already; 0 counts without a limit.  *entry, set with
 * TALLY_COUNTED only, is borrowed until tally_leave().
 */
enum tally_result tally_enter(struct tally *t, const struct address *a, unsigned max, struct tally_entry **entry) MUST_CHECK;

/* That client is gone.  Takes NULL. */
void tally_leave(struct tally *t, struct tally_entry *entry);

/* Counts one more request in flight, unless there are `max` (at least 1) already; then false. */
static inline bool tally_request_begin(struct tally_entry *entry, unsigned max)
{
	if (atomic_fetch_add_explicit(&entry->requests, 1, memory_order_relaxed) < max)
		return true;
	atomic_fetch_sub_explicit(&entry->requests, 1, memory_order_relaxed);
	return false;
}

static inline void tally_request_end(struct tally_entry *entry)
{
	atomic_fetch_sub_explicit(&entry->requests, 1, memory_order_relaxed);
}

/* Tells the operator that this address was refused something by that option, at most once in ten seconds. */
void tally_warn(struct tally *t, const struct address *a, const char *option, int64_t now_us);

#endif
