/*
 * Bytes that wait: received and not yet consumed, or accepted for sending and not yet sent.
 *
 * A buffer that is empty holds no memory.  Memory comes in two sizes from a pool that belongs to the worker.
 * Bytes are added at the end and taken from the front; they stay contiguous.
 */
#ifndef FRESHET_BASE_BUF_H
#define FRESHET_BASE_BUF_H

#include "base/slab.h"

enum {
	BUF_SMALL_BYTES = 4 * 1024,
	BUF_LARGE_BYTES = 160 * 1024, /* one full read, the stored head before it, and framing */
};

struct buf_pool {
	struct slab small, large;
};

struct buf {
	char *data; /* owned, from the pool; NULL when empty */
	uint32_t size, start, end;
};

void buf_pool_init(struct buf_pool *pool);
void buf_pool_fini(struct buf_pool *pool);

static inline struct span buf_span(const struct buf *b)
{
	return b->data ? span_of(b->data + b->start, b->end - b->start) : SPAN_NONE;
}

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

/*
 * Makes room for n more bytes after the end and returns where they go; NULL when that would exceed
 * BUF_LARGE_BYTES in all, or memory is out.  May move the bytes: earlier spans into the buffer die.
 */
char *buf_room(struct buf_pool *pool, struct buf *b, size_t n) MUST_CHECK;

/* Counts n bytes, written where buf_room() said, as held. */
void buf_added(struct buf *b, size_t n);

/* False, with nothing added, where buf_room() fails. */
bool buf_append(struct buf_pool *pool, struct buf *b, struct span s) MUST_CHECK;

/* Takes n bytes off the front; gives the memory back when none are left. */
void buf_consume(struct buf_pool *pool, struct buf *b, size_t n);

/* Drops everything and gives the memory back. */
void buf_clear(struct buf_pool *pool, struct buf *b);

#endif
