/*
 * Bump allocator: one exchange's memory, freed at once.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) char data[];
};

void arena_init(struct arena *a, void *first, size_t first_bytes, size_t limit_bytes)
{
	*a = (struct arena){ .at = first, .first = first, .first_bytes = first_bytes, .room_bytes = limit_bytes };
	a->end = a->first + first_bytes;
}

/* Bytes to skip so that the next object is aligned. */
static size_t padding(const char *at)
{
	return (size_t)-(uintptr_t)at & (alignof(max_align_t) - 1);
}

/* malloc between accept and close: only for heads larger than the slab object, a few per cent of them. */
static bool arena_grow(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_BYTES ? n : BLOCK_BYTES;

	if (n > a->room_bytes)
		return false;
	if (size > a->room_bytes)
		size = a->room_bytes;
	struct arena_block *b = malloc(sizeof(*b) + size);
	if (!b)
		return false;
	b->next = a->more;
	a->more = b;
	a->room_bytes -= size;
	a->at = b->data;
	a->end = b->data + size;
	return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t pad = padding(a->at);
	size_t room = (size_t)(a->end - a->at);

	if (pad > room || n > room - pad) {
		if (!arena_grow(a, n))
			return NULL;
		pad = 0;
	}
	char *p = a->at + pad;
	a->at = p + n;
	return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
	char *p = s.n ? arena_alloc(a, s.n) : NULL;

	if (!p)
		return SPAN_NONE;
	memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}

void arena_reset(struct arena *a, size_t limit_bytes)
{
	while (a->more) {
		struct arena_block *b = a->more;

		a->more = b->next;
		free(b);
	}
	arena_init(a, a->first, a->first_bytes, limit_bytes);
}
