/*
 * The ring of records.
 *
 * Positions count records for ever and wrap with their type; a slot is a position modulo the ring's size.  What
 * either side writes has cache lines of its own, and each keeps a copy of the other's position, so that the lines
 * change hands only when the copy says full or empty.
 */
#include "inspect/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CACHE_LINE_BYTES = 64 };

struct ring {
	/* The producer's. */
	_Alignas(CACHE_LINE_BYTES) _Atomic unsigned committed;
	_Atomic uint64_t lost;
	unsigned released_seen;
	bool unannounced; /* committed or lost since ring_should_wake() */

	/* The consumer's. */
	_Alignas(CACHE_LINE_BYTES) _Atomic unsigned released;
	unsigned committed_seen;
	uint64_t lost_seen;

	/* Set by the consumer, taken back by the producer that wakes it. */
	_Alignas(CACHE_LINE_BYTES) _Atomic unsigned rest; /* enum ring_rest */

	_Alignas(CACHE_LINE_BYTES) unsigned slots;
	struct record *records; /* owned */
};

struct ring *ring_new(unsigned slots)
{
	assert(slots && (slots & (slots - 1)) == 0);
	struct ring *ring = aligned_alloc(CACHE_LINE_BYTES, sizeof(*ring));
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->slots = slots;
	ring->records = calloc(slots, sizeof(*ring->records)); /* pages come with use */
	if (!ring->records) {
		free(ring);
		return NULL;
	}
	return ring;
}

void ring_free(struct ring *ring)
{
	if (!ring)
		return;
	free(ring->records);
	free(ring);
}

/* ---- producer */

struct record *ring_reserve(struct ring *ring)
{
	unsigned at = atomic_load_explicit(&ring->committed, memory_order_relaxed);

	if (at - ring->released_seen == ring->slots) {
		ring->released_seen = atomic_load_explicit(&ring->released, memory_order_acquire);
		if (at - ring->released_seen == ring->slots) {
			uint64_t lost = atomic_load_explicit(&ring->lost, memory_order_relaxed);

			atomic_store_explicit(&ring->lost, lost + 1, memory_order_relaxed);
			ring->unannounced = true;
			return NULL;
		}
	}
	return &ring->records[at & (ring->slots - 1)];
}

void ring_commit(struct ring *ring)
{
	unsigned at = atomic_load_explicit(&ring->committed, memory_order_relaxed);

	/*
	 * Sequentially consistent, like its three partners below and in ring_rest(): either the producer sees
	 * that the consumer rests, or the consumer sees the record.
	 */
	atomic_store(&ring->committed, at + 1);
	ring->unannounced = true;
}

/* Half of the slots are taken: a nap would take too long. */
static bool is_urgent(const struct ring *ring, unsigned committed)
{
	return committed - atomic_load_explicit(&ring->released, memory_order_relaxed) >= ring->slots / 2;
}

bool ring_should_wake(struct ring *ring)
{
	if (!ring->unannounced)
		return false;
	ring->unannounced = false;
	unsigned rest = atomic_load(&ring->rest);
	if (rest == RING_AWAKE)
		return false;
	if (rest == RING_NAP && !is_urgent(ring, atomic_load_explicit(&ring->committed, memory_order_relaxed)))
		return false;
	return atomic_exchange(&ring->rest, RING_AWAKE) != RING_AWAKE;
}

uint64_t ring_lost_ever(const struct ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}

/* ---- consumer */

const struct record *ring_peek(struct ring *ring)
{
	unsigned at = atomic_load_explicit(&ring->released, memory_order_relaxed);

	if (at == ring->committed_seen) {
		ring->committed_seen = atomic_load_explicit(&ring->committed, memory_order_acquire);
		if (at == ring->committed_seen)
			return NULL;
	}
	return &ring->records[at & (ring->slots - 1)];
}

void ring_release(struct ring *ring)
{
	unsigned at = atomic_load_explicit(&ring->released, memory_order_relaxed);

	atomic_store_explicit(&ring->released, at + 1, memory_order_release);
}

uint64_t ring_lost(struct ring *ring)
{
	uint64_t lost = atomic_load_explicit(&ring->lost, memory_order_relaxed);
	uint64_t since = lost - ring->lost_seen;

	ring->lost_seen = lost;
	return since;
}

bool ring_rest(struct ring *ring, enum ring_rest rest)
{
	atomic_store(&ring->rest, rest);
	unsigned committed = atomic_load(&ring->committed);
	if (rest == RING_NAP)
		return !is_urgent(ring, committed);
	return committed == atomic_load_explicit(&ring->released, memory_order_relaxed);
}

void ring_awake(struct ring *ring)
{
	atomic_store(&ring->rest, RING_AWAKE);
}
