/*
 * Bytes that wait, in memory that exists only while they do.
 */
#include "base/buf.h"

#include <assert.h>

enum { KEEP_SMALL = 256, KEEP_LARGE = 8 };

void buf_pool_init(struct buf_pool *pool)
{
	slab_init(&pool->small, BUF_SMALL_BYTES, KEEP_SMALL);
	slab_init(&pool->large, BUF_LARGE_BYTES, KEEP_LARGE);
}

void buf_pool_fini(struct buf_pool *pool)
{
	slab_fini(&pool->small);
	slab_fini(&pool->large);
}

static struct slab *slab_for(struct buf_pool *pool, size_t size)
{
	return size <= BUF_SMALL_BYTES ? &pool->small : &pool->large;
}

/* Moves what is held into a block that has room for `need` bytes in all. */
static bool buf_grow(struct buf_pool *pool, struct buf *b, size_t need)
{
	struct slab *slab = slab_for(pool, need);
	char *data = slab_get(slab);
	size_t held = buf_len(b);

	if (!data)
		return false;
	if (b->data) {
		memcpy(data, b->data + b->start, held);
		slab_put(slab_for(pool, b->size), b->data);
	}
	*b = (struct buf){ .data = data, .size = (uint32_t)slab->size_bytes, .end = (uint32_t)held };
	return true;
}

char *buf_room(struct buf_pool *pool, struct buf *b, size_t n)
{
	size_t held = buf_len(b);

	if (n > BUF_LARGE_BYTES - held)
		return NULL;
	if (b->data && n <= b->size - b->end)
		return b->data + b->end;
	if (b->data && n <= b->size - held) {
		memmove(b->data, b->data + b->start, held);
		b->start = 0;
		b->end = (uint32_t)held;
	} else if (!buf_grow(pool, b, held + n)) {
		return NULL;
	}
	return b->data + b->end;
}

void buf_added(struct buf *b, size_t n)
{
	assert(n <= b->size - b->end);
	b->end += (uint32_t)n;
}

bool buf_append(struct buf_pool *pool, struct buf *b, struct span s)
{
	if (!s.n)
		return true;
	char *at = buf_room(pool, b, s.n);
	if (!at)
		return false;
	memcpy(at, s.p, s.n);
	buf_added(b, s.n);
	return true;
}

void buf_consume(struct buf_pool *pool, struct buf *b, size_t n)
{
	assert(n <= buf_len(b));
	b->start += (uint32_t)n;
	if (b->start == b->end)
		buf_clear(pool, b);
}

void buf_clear(struct buf_pool *pool, struct buf *b)
{
	if (b->data)
		slab_put(slab_for(pool, b->size), b->data);
	*b = (struct buf){ 0 };
}
