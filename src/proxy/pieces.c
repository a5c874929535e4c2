/*
 * A small set-associative table of downloads in pieces.
 */
#include "proxy/pieces.h"

#include "base/clock.h"

enum {
	KEPT_FOR_US = 10 * 60 * 1000 * 1000, /* a video may be paused */
	SAME_DOWNLOAD_US = 5 * 1000 * 1000,
};

void pieces_init(struct pieces *p, uint64_t seed)
{
	memset(p->sets, 0, sizeof(p->sets));
	p->seed = seed;
	pthread_mutex_init(&p->lock, NULL);
}

void pieces_fini(struct pieces *p)
{
	pthread_mutex_destroy(&p->lock);
}

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < n; i++) {
		h = (h ^ at[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

/* Never 0.  Two downloads that share a key by chance share a token: their URLs still differ. */
static uint64_t key_of(const struct pieces *p, const struct address *client, struct span url)
{
	return mix(mix(p->seed, client->ip, sizeof(client->ip)), url.p, url.n) | 1;
}

/* Its place, or the one that was longest unused. */
static struct piece *place_of(struct pieces *p, uint64_t key)
{
	struct piece *set = p->sets[key / 2 % PIECES_SETS], *oldest = &set[0];

	for (unsigned i = 0; i < PIECES_WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].used_us < oldest->used_us)
			oldest = &set[i];
	}
	return oldest;
}

uint64_t pieces_token(struct pieces *p, const struct address *client, struct span url, bool first, uint64_t fresh)
{
	uint64_t key = key_of(p, client, url), token;
	int64_t now_us = clock_us();

	pthread_mutex_lock(&p->lock);
	struct piece *piece = place_of(p, key);
	int64_t unused_us = now_us - piece->used_us;
	if (piece->key != key || unused_us > (first ? SAME_DOWNLOAD_US : KEPT_FOR_US))
		*piece = (struct piece){ .key = key, .token = fresh };
	piece->used_us = now_us;
	token = piece->token;
	pthread_mutex_unlock(&p->lock);
	return token;
}
