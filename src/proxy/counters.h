/*
 * What a worker counts, for /metrics: a number for each slot of inspect/metrics.def.
 *
 * Only the worker writes its slots, so counting takes no lock and no atomic addition; anybody may read them at any time,
 * and whoever asks adds up those of all workers.  A gauge is what was added less what was taken off.
 */
#ifndef FRESHET_PROXY_COUNTERS_H
#define FRESHET_PROXY_COUNTERS_H

#include <stdatomic.h>

#include "inspect/metrics.h"

struct exchange;
struct shared;

struct counters {
	_Atomic uint64_t slots[METRIC_SLOTS];
};

/* `slot` is a metric's first, with the offset of its dimensions' values added. */
static inline void count_add(struct counters *c, unsigned slot, uint64_t n)
{
	uint64_t before = atomic_load_explicit(&c->slots[slot], memory_order_relaxed);

	atomic_store_explicit(&c->slots[slot], before + n, memory_order_relaxed);
}

static inline void count_one(struct counters *c, unsigned slot)
{
	count_add(c, slot, 1);
}

/* From one state of a gauge to another. */
static inline void count_move(struct counters *c, unsigned from, unsigned to)
{
	count_add(c, from, UINT64_MAX);
	count_add(c, to, 1);
}

static inline void count_duration(struct counters *c, unsigned histogram, int64_t us)
{
	count_one(c, histogram + metric_bucket(us));
	count_add(c, histogram + METRIC_SUM, us > 0 ? (uint64_t)us : 0);
}

/* The slots of states that are entered and left. */
enum {
	COUNT_CLIENT_IDLE = METRIC_CLIENTS,
	COUNT_CLIENT_BUSY,
	COUNT_ORIGIN_IDLE = METRIC_ORIGINS,
	COUNT_ORIGIN_LENT,
};

enum count_peer { COUNT_PEER_CLIENT, COUNT_PEER_ORIGIN };
enum count_handshake { COUNT_HANDSHAKE_FULL, COUNT_HANDSHAKE_RESUMED, COUNT_HANDSHAKE_FAILED };

static inline void count_handshake(struct counters *c, enum count_peer peer, enum count_handshake outcome)
{
	count_one(c, METRIC_HANDSHAKES + peer * METRIC_HANDSHAKE_VALUES + outcome);
}

/* An exchange is over. */
void count_exchange(struct counters *c, const struct exchange *x);

/* All workers' counters together, and what the kernel knows of the process. */
void counters_sum(const struct shared *shared, uint64_t out[METRIC_SLOTS]);

#endif
