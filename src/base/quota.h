/*
 * So many a minute, and no more.  No threads, no clock: the caller's.
 */
#ifndef FRESHET_BASE_QUOTA_H
#define FRESHET_BASE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* All zero, nothing was taken. */
struct quota {
	int64_t began_us; /* the minute */
	unsigned taken;   /* since then */
};

/* Takes one of this minute's, if there is one left.  now_us is monotonic. */
bool quota_take(struct quota *q, unsigned per_minute, int64_t now_us) MUST_CHECK;

#endif
