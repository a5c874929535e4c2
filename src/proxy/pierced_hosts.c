/*
 * A bounded table of hosts.
 */
#include "proxy/pierced_hosts.h"

#include <stdlib.h>

#include "base/clock.h"

struct entry {
	struct list bucket_link, age_link;
	struct climb_lesson lesson;
	struct pierced_cost cost;
	int64_t until_us; /* monotonic: when the lesson expires */
	unsigned bucket;
	uint32_t folder;
	enum scheme scheme;
	uint16_t port, name_len;
	char name[PIERCED_HOST_NAME_MAX + 1]; /* lower case */
};

void pierced_hosts_init(struct pierced_hosts *h, uint64_t first_token, uint64_t secret)
{
	atomic_init(&h->next_token, first_token);
	h->secret = secret;
	pthread_mutex_init(&h->lock, NULL);
	h->cost = (struct pierced_cost){ 0 };
	h->count = 0;
	list_init(&h->by_age);
	for (unsigned i = 0; i < PIERCED_BUCKETS; i++) {
		atomic_init(&h->in_bucket[i], 0);
		list_init(&h->buckets[i]);
	}
}

static void forget(struct pierced_hosts *h, struct entry *e)
{
	list_remove(&e->bucket_link);
	list_remove(&e->age_link);
	atomic_fetch_sub_explicit(&h->in_bucket[e->bucket], 1, memory_order_relaxed);
	h->count--;
	free(e);
}

void pierced_hosts_forget(struct pierced_hosts *h)
{
	pthread_mutex_lock(&h->lock);
	while (!list_empty(&h->by_age))
		forget(h, LIST_OF(h->by_age.next, struct entry, age_link));
	pthread_mutex_unlock(&h->lock);
}

void pierced_hosts_fini(struct pierced_hosts *h)
{
	pierced_hosts_forget(h);
	pthread_mutex_destroy(&h->lock);
}

static unsigned bucket_of(const struct pierced_host *host)
{
	uint32_t n = span_ihash(host->name, host->port ^ (uint32_t)host->scheme << 16 ^ host->folder);

	return (n ^ n >> 16) % PIERCED_BUCKETS;
}

uint64_t pierced_hosts_token(struct pierced_hosts *h, const struct pierced_host *host)
{
	uint64_t n = h->secret ^ host->port ^ (uint64_t)host->scheme << 16;

	for (size_t i = 0; i < host->name.n; i++) {
		n = (n ^ (unsigned char)ascii_lower(host->name.p[i])) * UINT64_C(0x9e3779b97f4a7c15);
		n ^= n >> 29;
	}
	n = (n ^ h->secret) * UINT64_C(0xbf58476d1ce4e5b9);
	return (n ^ n >> 31) + atomic_fetch_add_explicit(&h->next_token, 1, memory_order_relaxed);
}

static struct entry *find(struct pierced_hosts *h, const struct pierced_host *host, unsigned bucket)
{
	for (struct list *i = h->buckets[bucket].next; i != &h->buckets[bucket]; i = i->next) {
		struct entry *e = LIST_OF(i, struct entry, bucket_link);

		if (e->port == host->port && e->scheme == host->scheme && e->folder == host->folder &&
			span_ieq(span_of(e->name, e->name_len), host->name))
			return e;
	}
	return NULL;
}

/* NULL when memory is out. */
static struct entry *entry_new(struct pierced_hosts *h, const struct pierced_host *host, unsigned bucket)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->bucket = bucket;
	e->scheme = host->scheme;
	e->port = host->port;
	e->folder = host->folder;
	e->name_len = (uint16_t)host->name.n;
	for (size_t i = 0; i < host->name.n; i++)
		e->name[i] = ascii_lower(host->name.p[i]);
	if (h->count >= PIERCED_HOSTS_MAX)
		forget(h, LIST_OF(h->by_age.next, struct entry, age_link));
	list_push(&h->buckets[bucket], &e->bucket_link);
	list_push(&h->by_age, &e->age_link);
	atomic_fetch_add_explicit(&h->in_bucket[bucket], 1, memory_order_relaxed);
	h->count++;
	return e;
}

/* The host's entry, now the youngest; NULL when there can be none. */
static struct entry *touch(struct pierced_hosts *h, const struct pierced_host *host)
{
	unsigned bucket = bucket_of(host);
	struct entry *e = find(h, host, bucket);

	if (!e)
		return host->name.n <= PIERCED_HOST_NAME_MAX ? entry_new(h, host, bucket) : NULL;
	list_remove(&e->age_link);
	list_push(&h->by_age, &e->age_link);
	return e;
}

struct climb_lesson pierced_hosts_find(struct pierced_hosts *h, const struct pierced_host *host)
{
	struct climb_lesson lesson = { 0 };
	unsigned bucket = bucket_of(host);

	if (!atomic_load_explicit(&h->in_bucket[bucket], memory_order_relaxed))
		return lesson;
	pthread_mutex_lock(&h->lock);
	struct entry *e = find(h, host, bucket);
	if (e && e->until_us > clock_us())
		lesson = e->lesson;
	pthread_mutex_unlock(&h->lock);
	return lesson;
}

void pierced_hosts_learn(struct pierced_hosts *h, const struct pierced_host *host, const struct climb_lesson *lesson,
	int64_t for_us)
{
	pthread_mutex_lock(&h->lock);
	struct entry *e = touch(h, host);
	if (e) {
		e->lesson = *lesson;
		e->until_us = clock_us() + for_us;
	}
	pthread_mutex_unlock(&h->lock);
}

/* ---- costs */

static void add(struct pierced_cost *to, const struct pierced_cost *more)
{
	to->exchanges += more->exchanges;
	to->repeats += more->repeats;
	to->bytes += more->bytes;
	to->compared += more->compared;
	to->same += more->same;
}

void pierced_hosts_spend(struct pierced_hosts *h, const struct pierced_host *host, const struct pierced_cost *more)
{
	struct pierced_host whole = *host;

	whole.folder = 0;
	pthread_mutex_lock(&h->lock);
	struct entry *e = touch(h, &whole);
	if (e)
		add(&e->cost, more);
	add(&h->cost, more);
	pthread_mutex_unlock(&h->lock);
}

static void write_bill(const struct entry *e, struct pierced_bill *out)
{
	out->cost = e->cost;
	out->scheme = e->scheme;
	out->port = e->port;
	memcpy(out->name, e->name, sizeof(out->name)); /* the entry's was cleared, so its end is there */
}

/* Keeps the list in order and at most `max` long. */
static unsigned insert_bill(const struct entry *e, struct pierced_bill *bills, unsigned count, unsigned max)
{
	unsigned at = count;

	while (at && bills[at - 1].cost.exchanges < e->cost.exchanges)
		at--;
	if (at >= max)
		return count;
	if (count < max)
		count++;
	memmove(&bills[at + 1], &bills[at], (count - at - 1) * sizeof(bills[0]));
	write_bill(e, &bills[at]);
	return count;
}

unsigned pierced_hosts_bills(struct pierced_hosts *h, struct pierced_cost *total, struct pierced_bill *out, unsigned max)
{
	unsigned count = 0;

	pthread_mutex_lock(&h->lock);
	*total = h->cost;
	for (struct list *i = h->by_age.next; i != &h->by_age; i = i->next) {
		const struct entry *e = LIST_OF(i, struct entry, age_link);

		if (e->cost.exchanges)
			count = insert_bill(e, out, count, max);
	}
	pthread_mutex_unlock(&h->lock);
	return count;
}
