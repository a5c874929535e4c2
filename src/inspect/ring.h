/*
 * Records on their way from one thread to another: bounded, and lossy rather than slow.
 *
 * One thread produces, one consumes; neither waits for the other.  When the ring is full, records are dropped and
 * counted.  The consumer says when it stops looking, so that the producer wakes it only then: while it is busy, a
 * record costs the producer no system call.
 */
#ifndef FRESHET_INSPECT_RING_H
#define FRESHET_INSPECT_RING_H

#include "inspect/record.h"

struct ring;

/* How the consumer rests. */
enum ring_rest {
	RING_AWAKE, /* it looks by itself */
	RING_NAP,   /* it looks again soon: wake it only when half of the ring is taken */
	RING_SLEEP, /* it looks when woken */
};

/* `slots` is a power of two.  NULL when memory is out. */
struct ring *ring_new(unsigned slots) MUST_CHECK;
void ring_free(struct ring *ring); /* NULL is fine */

/* ---- the producer's */

/*
 * The slot of the next record, with what an old one left in it; NULL, counted as lost, when the ring is full.
 * Without ring_commit() the same slot comes again.
 */
struct record *ring_reserve(struct ring *ring) MUST_CHECK;
void ring_commit(struct ring *ring);

/*
 * Whether the consumer has to be woken for what was committed since the last call.  True once per rest; costs
 * next to nothing when nothing was.
 */
bool ring_should_wake(struct ring *ring) MUST_CHECK;

/* How many were lost, ever.  For any thread. */
uint64_t ring_lost_ever(const struct ring *ring);

/* ---- the consumer's */

/* The oldest record, borrowed until ring_release(); NULL when there is none. */
const struct record *ring_peek(struct ring *ring);
void ring_release(struct ring *ring);

/* How many records were lost since the last call. */
uint64_t ring_lost(struct ring *ring);

/*
 * Says how the consumer is about to rest.  False when there is reason to be woken already: then look instead of
 * resting.
 */
bool ring_rest(struct ring *ring, enum ring_rest rest) MUST_CHECK;
void ring_awake(struct ring *ring);

#endif
