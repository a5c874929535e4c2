/*
 * A bounded table of hosts that were not looked into.
 */
#include "proxy/unread.h"

#include <stdlib.h>

#include "base/clock.h"

struct unread_entry {
	struct list bucket_link, age_link;
	struct unread_host about;
};

void unread_init(struct unread *u)
{
	pthread_mutex_init(&u->lock, NULL);
	u->count = 0;
	u->forgotten = 0;
	list_init(&u->by_age);
	for (int i = 0; i < UNREAD_BUCKETS; i++)
		list_init(&u->buckets[i]);
}

static void drop(struct unread *u, struct unread_entry *e)
{
	list_remove(&e->bucket_link);
	list_remove(&e->age_link);
	u->count--;
	free(e);
}

void unread_fini(struct unread *u)
{
	while (!list_empty(&u->by_age))
		drop(u, LIST_OF(u->by_age.next, struct unread_entry, age_link));
	pthread_mutex_destroy(&u->lock);
}

static struct list *bucket_of(struct unread *u, struct span host, uint16_t port)
{
	return &u->buckets[span_ihash(host, port) % UNREAD_BUCKETS];
}

static struct unread_entry *find(struct unread *u, struct span host, uint16_t port)
{
	struct list *bucket = bucket_of(u, host, port);

	for (struct list *i = bucket->next; i != bucket; i = i->next) {
		struct unread_entry *e = LIST_OF(i, struct unread_entry, bucket_link);

		if (e->about.port == port && span_ieq(span_of(e->about.host, e->about.host_len), host))
			return e;
	}
	return NULL;
}

/* NULL when memory is out: then it is missing from the list. */
static struct unread_entry *add(struct unread *u, struct span host, uint16_t port)
{
	struct unread_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	if (u->count >= UNREAD_MAX) {
		drop(u, LIST_OF(u->by_age.next, struct unread_entry, age_link));
		u->forgotten++;
	}
	e->about.port = port;
	e->about.host_len = (uint16_t)host.n;
	for (size_t i = 0; i < host.n; i++)
		e->about.host[i] = ascii_lower(host.p[i]);
	list_push(bucket_of(u, host, port), &e->bucket_link);
	list_push(&u->by_age, &e->age_link);
	u->count++;
	return e;
}

static void touch(struct unread *u, struct unread_entry *e)
{
	e->about.last_us = clock_us();
	list_remove(&e->age_link);
	list_push(&u->by_age, &e->age_link);
}

void unread_begin(struct unread *u, struct span host, uint16_t port, const char *reason)
{
	if (host.n > UNREAD_HOST_MAX)
		return; /* no name is that long (RFC 1035 section 2.3.4) */
	pthread_mutex_lock(&u->lock);
	struct unread_entry *e = find(u, host, port);
	if (!e)
		e = add(u, host, port);
	if (e) {
		e->about.reason = reason;
		e->about.tunnels++;
		touch(u, e);
	}
	pthread_mutex_unlock(&u->lock);
}

void unread_end(struct unread *u, struct span host, uint16_t port, uint64_t bytes)
{
	pthread_mutex_lock(&u->lock);
	struct unread_entry *e = find(u, host, port);
	if (e) {
		e->about.bytes += bytes;
		touch(u, e);
	}
	pthread_mutex_unlock(&u->lock);
}

void unread_forget(struct unread *u, struct span host, uint16_t port)
{
	pthread_mutex_lock(&u->lock);
	struct unread_entry *e = find(u, host, port);
	if (e)
		drop(u, e);
	pthread_mutex_unlock(&u->lock);
}

size_t unread_list(struct unread *u, struct unread_host out[UNREAD_MAX], uint64_t *forgotten)
{
	size_t n = 0;

	pthread_mutex_lock(&u->lock);
	*forgotten = u->forgotten;
	for (struct list *i = u->by_age.prev; i != &u->by_age; i = i->prev)
		out[n++] = LIST_OF(i, struct unread_entry, age_link)->about;
	pthread_mutex_unlock(&u->lock);
	return n;
}
