/*
 * Bump allocator for the things that live exactly as long as one exchange.
 *
 * It starts in memory that the owner hands over (the tail of a slab object), so the usual exchange allocates
 * nothing; what does not fit there comes from malloc, up to a limit, and goes at arena_reset().
 */
#ifndef FRESHET_BASE_ARENA_H
#define FRESHET_BASE_ARENA_H

#include "base/span.h"

struct arena_block;

struct arena {
	char *at, *end;           /* room left in the current block */
	char *first;              /* borrowed from the owner */
	size_t first_bytes;
	struct arena_block *more; /* owned: overflow blocks */
	size_t room_bytes;        /* how much overflow may still be taken */
};

/* `first` is borrowed for the arena's life; at most limit_bytes are taken beside it. */
void arena_init(struct arena *a, void *first, size_t first_bytes, size_t limit_bytes);

/* Aligned for any object, not cleared; NULL when the limit is reached or memory is out. */
void *arena_alloc(struct arena *a, size_t n) MUST_CHECK;

/* A copy of s in the arena; a NULL pointer with n 0 when there is no room (or s is empty). */
struct span arena_copy(struct arena *a, struct span s);

/* Frees all; the arena is as after arena_init(). */
void arena_reset(struct arena *a, size_t limit_bytes);

#endif
