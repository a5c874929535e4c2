/*
 * Freelist of equal objects, last in first out so that the next one is warm in the cache.
 *
 * Keeps up to keep_max free objects for reuse and gives the rest back to malloc, so that the steady state
 * allocates nothing and a peak does not stay for ever.  One thread.
 */
#ifndef FRESHET_BASE_SLAB_H
#define FRESHET_BASE_SLAB_H

#include "base/span.h"

struct slab {
	void *free;        /* owned: chained through their first word */
	size_t size_bytes; /* of one object */
	unsigned free_count, keep_max;
	unsigned used_count;
};

void slab_init(struct slab *s, size_t size_bytes, unsigned keep_max);
void slab_fini(struct slab *s);

/* Not cleared; NULL when memory is out.  Given back with slab_put() to the same slab. */
void *slab_get(struct slab *s) MUST_CHECK;
void slab_put(struct slab *s, void *object);

#endif
