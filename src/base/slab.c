/*
 * Freelist of equal objects.
 */
#include "base/slab.h"

#include <assert.h>
#include <stdlib.h>

void slab_init(struct slab *s, size_t size_bytes, unsigned keep_max)
{
	assert(size_bytes >= sizeof(void *));
	*s = (struct slab){ .size_bytes = size_bytes, .keep_max = keep_max };
}

void slab_fini(struct slab *s)
{
	while (s->free) {
		void *object = s->free;

		memcpy(&s->free, object, sizeof(s->free));
		free(object);
	}
	s->free_count = 0;
}

void *slab_get(struct slab *s)
{
	void *object = s->free;

	if (object) {
		memcpy(&s->free, object, sizeof(s->free));
		s->free_count--;
	} else {
		object = malloc(s->size_bytes);
		if (!object)
			return NULL;
	}
	s->used_count++;
	return object;
}

void slab_put(struct slab *s, void *object)
{
	assert(s->used_count > 0);
	s->used_count--;
	if (s->free_count >= s->keep_max) {
		free(object);
		return;
	}
	memcpy(object, &s->free, sizeof(s->free));
	s->free = object;
	s->free_count++;
}
