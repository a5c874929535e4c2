/*
 * The latest exchanges of one worker, heads and all: bounded in number and in bytes, the oldest gone first.
 *
 * The worker adds, anybody reads.  Reading copies one exchange at a time under a lock that is never held for longer, so
 * that who looks delays the worker by a copy at most; while nobody looks the lock is free.
 */
#ifndef FRESHET_INSPECT_HISTORY_H
#define FRESHET_INSPECT_HISTORY_H

#include "inspect/record.h"
#include "inspect/trace.h"

struct history;

enum {
	HISTORY_COPY_MAX = sizeof(struct record) + 2 * TRACE_EDITS_MAX * sizeof(struct trace_edit) +
			   TRACE_HEADS * TRACE_HEAD_MAX + 256,
	HISTORY_BYTES_MIN = 2 * HISTORY_COPY_MAX, /* so that any exchange fits */
};

/* At least HISTORY_BYTES_MIN; memory comes with use.  NULL when it is out. */
struct history *history_new(unsigned count, size_t bytes) MUST_CHECK;
void history_free(struct history *h); /* NULL is fine */

/*
 * Copies both; `record` only as far as it is used.  Thousands in a second that nobody watches are not kept for long: the
 * latest quarter of a MiB, at least.
 */
void history_add(struct history *h, const struct record *record, const struct trace *trace, bool watched);

/* A copy: all of it points into the room that it was made in. */
struct past {
	const struct record *record;
	struct trace trace;
};

/*
 * The oldest exchange that is still there and not before *position, copied; *position becomes its place, counted from 0
 * since the start.  False when there is none, and then *position is where the next one will be.
 */
bool history_read(struct history *h, uint64_t *position, char room[HISTORY_COPY_MAX], struct past *out) MUST_CHECK;

/*
 * When the exchange ended that history_read() would copy (wall clock, in microseconds since 1970); *position becomes its
 * place.  False when there is none, as there.
 */
bool history_peek(struct history *h, uint64_t *position, int64_t *ended_us) MUST_CHECK;

/* The exchange with this id, copied.  False when it is not there, or not any more. */
bool history_find(struct history *h, uint64_t exchange_id, char room[HISTORY_COPY_MAX], struct past *out) MUST_CHECK;

/* The position after the latest exchange. */
uint64_t history_end(struct history *h);

/* Forgets all that is there; positions go on. */
void history_clear(struct history *h);

#endif
