/*
 * A bounded table of lessons.
 */
#include "proxy/learned.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct learned_entry {
	struct list bucket_link, age_link;
	enum lesson lesson;
	const char *reason; /* constant */
	int64_t until_us;   /* monotonic */
	struct address client;
	bool for_all;
	uint16_t port, host_len;
	char host[LEARNED_HOST_MAX + 1]; /* lower case */
};

void learned_init(struct learned *l)
{
	pthread_mutex_init(&l->lock, NULL);
	l->count = 0;
	list_init(&l->by_age);
	for (int i = 0; i < LEARNED_BUCKETS; i++)
		list_init(&l->buckets[i]);
}

static void forget(struct learned *l, struct learned_entry *e)
{
	list_remove(&e->bucket_link);
	list_remove(&e->age_link);
	l->count--;
	free(e);
}

void learned_forget_all(struct learned *l)
{
	pthread_mutex_lock(&l->lock);
	while (!list_empty(&l->by_age))
		forget(l, LIST_OF(l->by_age.next, struct learned_entry, age_link));
	pthread_mutex_unlock(&l->lock);
}

void learned_fini(struct learned *l)
{
	learned_forget_all(l);
	pthread_mutex_destroy(&l->lock);
}

void learned_forget_hosts(struct learned *l)
{
	pthread_mutex_lock(&l->lock);
	for (struct list *i = l->by_age.next, *next; i != &l->by_age; i = next) {
		struct learned_entry *e = LIST_OF(i, struct learned_entry, age_link);

		next = i->next;
		if (e->for_all)
			forget(l, e);
	}
	pthread_mutex_unlock(&l->lock);
}

/* By host and port only, so that lessons for one client and for everybody are found together. */
static struct list *bucket_of(struct learned *l, const struct learned_about *about)
{
	return &l->buckets[span_ihash(about->host, about->port) % LEARNED_BUCKETS];
}

static bool is_about(const struct learned_entry *e, const struct learned_about *about)
{
	return e->port == about->port && span_ieq(span_of(e->host, e->host_len), about->host);
}

static bool is_for(const struct learned_entry *e, const struct address *client)
{
	if (e->for_all || !client)
		return e->for_all && !client;
	return memcmp(e->client.ip, client->ip, sizeof(client->ip)) == 0;
}

static struct learned_entry *find(struct learned *l, const struct learned_about *about)
{
	struct list *bucket = bucket_of(l, about);

	for (struct list *i = bucket->next; i != bucket; i = i->next) {
		struct learned_entry *e = LIST_OF(i, struct learned_entry, bucket_link);

		if (is_about(e, about) && is_for(e, about->client))
			return e;
	}
	return NULL;
}

static struct learned_entry *find_current(struct learned *l, const struct learned_about *about, int64_t now_us)
{
	struct learned_entry *e = find(l, about);

	if (e && e->until_us <= now_us) {
		forget(l, e);
		return NULL;
	}
	return e;
}

static struct learned_entry *entry_new(const struct learned_about *about)
{
	struct learned_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->port = about->port;
	e->host_len = (uint16_t)about->host.n;
	for (size_t i = 0; i < about->host.n; i++)
		e->host[i] = ascii_lower(about->host.p[i]);
	e->for_all = !about->client;
	if (about->client)
		e->client = *about->client;
	return e;
}

void learned_add(struct learned *l, const struct learned_about *about, enum lesson lesson, const char *reason,
	int64_t for_us)
{
	struct learned_entry *e = about->host.n <= LEARNED_HOST_MAX ? entry_new(about) : NULL;

	if (!e)
		return; /* it will be learned again */
	e->lesson = lesson;
	e->reason = reason;
	e->until_us = clock_us() + for_us;
	pthread_mutex_lock(&l->lock);
	struct learned_entry *former = find(l, about);
	if (former)
		forget(l, former);
	if (l->count >= LEARNED_MAX)
		forget(l, LIST_OF(l->by_age.next, struct learned_entry, age_link));
	list_push(bucket_of(l, about), &e->bucket_link);
	list_push(&l->by_age, &e->age_link);
	l->count++;
	pthread_mutex_unlock(&l->lock);
}

bool learned_find(struct learned *l, const struct learned_about *about, enum lesson *lesson, const char **reason,
	int64_t *left_us)
{
	struct learned_about everybody = { .host = about->host, .port = about->port };
	int64_t now_us = clock_us();

	pthread_mutex_lock(&l->lock);
	struct learned_entry *e = find_current(l, about, now_us);
	if (!e)
		e = find_current(l, &everybody, now_us);
	if (e) {
		*lesson = e->lesson;
		*reason = e->reason;
		*left_us = e->until_us - now_us;
	}
	pthread_mutex_unlock(&l->lock);
	return e != NULL;
}
