/*
 * Clients and requests by client address.
 */
#include "proxy/tally.h"

#include <assert.h>

#include "base/log.h"

enum {
	KEEP_ENTRIES = 1024,
	V6_KEY_BYTES = 8, /* a /64 */
	WARN_EVERY_US = 10 * 1000 * 1000,
};

void tally_init(struct tally *t, uint64_t seed)
{
	*t = (struct tally){ .seed = seed };
	pthread_mutex_init(&t->lock, NULL);
	slab_init(&t->entries, sizeof(struct tally_entry), KEEP_ENTRIES);
	for (size_t i = 0; i < TALLY_BUCKETS; i++)
		list_init(&t->buckets[i]);
}

void tally_fini(struct tally *t)
{
	assert(t->entries.used_count == 0);
	slab_fini(&t->entries);
	pthread_mutex_destroy(&t->lock);
}

static void key_of(const struct address *a, uint8_t key[16])
{
	memset(key, 0, 16);
	memcpy(key, a->ip, address_is_v4(a) ? sizeof(a->ip) : V6_KEY_BYTES);
}

static struct list *bucket_of(struct tally *t, const uint8_t key[16])
{
	uint64_t half[2], h;

	memcpy(half, key, sizeof(half));
	h = (half[0] ^ t->seed) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 32 ^ half[1] ^ t->seed) * UINT64_C(0xbf58476d1ce4e5b9);
	return &t->buckets[(h >> 32) % TALLY_BUCKETS];
}

static struct tally_entry *find(struct list *bucket, const uint8_t key[16])
{
	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct tally_entry *e = LIST_OF(l, struct tally_entry, link);

		if (memcmp(e->key, key, sizeof(e->key)) == 0)
			return e;
	}
	return NULL;
}

static struct tally_entry *entry_new(struct tally *t, struct list *bucket, const uint8_t key[16])
{
	struct tally_entry *e = slab_get(&t->entries);

	if (!e)
		return NULL;
	e->clients = 0;
	atomic_init(&e->requests, 0);
	memcpy(e->key, key, sizeof(e->key));
	list_push_front(bucket, &e->link);
	return e;
}

static enum tally_result enter(struct tally *t, const uint8_t key[16], unsigned max, struct tally_entry **entry)
{
	struct list *bucket = bucket_of(t, key);
	struct tally_entry *e = find(bucket, key);

	if (e && max && e->clients >= max)
		return TALLY_OVER;
	if (!e)
		e = entry_new(t, bucket, key);
	if (!e)
		return TALLY_NO_MEMORY;
	e->clients++;
	*entry = e;
	return TALLY_COUNTED;
}

enum tally_result tally_enter(struct tally *t, const struct address *a, unsigned max, struct tally_entry **entry)
{
	uint8_t key[16];

	key_of(a, key);
	pthread_mutex_lock(&t->lock);
	enum tally_result result = enter(t, key, max, entry);
	pthread_mutex_unlock(&t->lock);
	return result;
}

void tally_leave(struct tally *t, struct tally_entry *entry)
{
	if (!entry)
		return;
	pthread_mutex_lock(&t->lock);
	if (--entry->clients == 0) {
		list_remove(&entry->link);
		slab_put(&t->entries, entry);
	}
	pthread_mutex_unlock(&t->lock);
}

/* How many refusals a line is to tell of; 0 when it is too early for one. */
static unsigned refusals_to_tell(struct tally *t, int64_t now_us)
{
	unsigned refused = ++t->refused;

	if (t->warned_us && now_us - t->warned_us < WARN_EVERY_US)
		return 0;
	t->warned_us = now_us;
	t->refused = 0;
	return refused;
}

void tally_warn(struct tally *t, const struct address *a, const char *option, int64_t now_us)
{
	char text[ADDRESS_TEXT_MAX];

	pthread_mutex_lock(&t->lock);
	unsigned refused = refusals_to_tell(t, now_us);
	pthread_mutex_unlock(&t->lock);
	if (!refused)
		return;
	address_format_ip(a, text);
	log_warn("clients: %s has reached %s: refusing (%u refusals since last told)", text, option, refused);
}
