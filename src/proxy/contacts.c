/*
 * A bounded table of first contacts.
 */
#include "proxy/contacts.h"

#include <stdlib.h>

struct contact_entry {
	struct list bucket_link, age_link;
	struct secret_digest digest;
	int64_t until_us; /* monotonic */
};

bool contacts_init(struct contacts *c)
{
	pthread_mutex_init(&c->lock, NULL);
	c->count = 0;
	list_init(&c->by_age);
	for (int i = 0; i < CONTACTS_BUCKETS; i++)
		list_init(&c->buckets[i]);
	return secret_key_make(&c->key);
}

static void forget(struct contacts *c, struct contact_entry *e)
{
	list_remove(&e->bucket_link);
	list_remove(&e->age_link);
	c->count--;
	free(e);
}

static struct contact_entry *oldest(struct contacts *c)
{
	return list_empty(&c->by_age) ? NULL : LIST_OF(c->by_age.next, struct contact_entry, age_link);
}

void contacts_fini(struct contacts *c)
{
	for (struct contact_entry *e; (e = oldest(c)) != NULL;)
		forget(c, e);
	pthread_mutex_destroy(&c->lock);
}

/* Names are compared in lower case; one too long for DNS is no host that anything was stored from. */
static struct secret_digest digest_of_host(const struct contacts *c, struct span host)
{
	char lower[256];
	size_t n = host.n < sizeof(lower) ? host.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = ascii_lower(host.p[i]);
	return secret_digest(&c->key, span_of(lower, n));
}

static struct secret_digest digest_of(const struct contacts *c, const struct contact *about)
{
	struct {
		struct secret_digest user, agent, host;
		uint8_t client[16];
		uint16_t port, scheme;
	} all;

	memset(&all, 0, sizeof(all)); /* padding counts */
	all.user = secret_digest(&c->key, about->user);
	all.agent = secret_digest(&c->key, about->agent);
	all.host = digest_of_host(c, about->host);
	memcpy(all.client, about->client->ip, sizeof(all.client));
	all.port = about->port;
	all.scheme = (uint16_t)about->scheme;
	return secret_digest(&c->key, span_of((const char *)&all, sizeof(all)));
}

static struct list *bucket_of(struct contacts *c, const struct secret_digest *digest)
{
	uint32_t at;

	memcpy(&at, digest->bytes, sizeof(at));
	return &c->buckets[at % CONTACTS_BUCKETS];
}

static bool is_known(struct contacts *c, const struct secret_digest *digest)
{
	struct list *bucket = bucket_of(c, digest);

	for (struct list *i = bucket->next; i != bucket; i = i->next)
		if (secret_digest_eq(&LIST_OF(i, struct contact_entry, bucket_link)->digest, digest))
			return true;
	return false;
}

static bool remember(struct contacts *c, const struct secret_digest *digest, int64_t now_us)
{
	struct contact_entry *e = malloc(sizeof(*e)); /* once per client and origin a day */

	if (!e)
		return false;
	e->digest = *digest;
	e->until_us = now_us + CONTACT_LIFE_US;
	if (c->count >= CONTACTS_MAX)
		forget(c, oldest(c));
	list_push(bucket_of(c, digest), &e->bucket_link);
	list_push(&c->by_age, &e->age_link);
	c->count++;
	return true;
}

/* All live equally long, so the oldest expire first. */
static void forget_expired(struct contacts *c, int64_t now_us)
{
	for (struct contact_entry *e; (e = oldest(c)) != NULL && e->until_us <= now_us;)
		forget(c, e);
}

bool contacts_is_first(struct contacts *c, const struct contact *about, int64_t now_us)
{
	struct secret_digest digest = digest_of(c, about);

	pthread_mutex_lock(&c->lock);
	forget_expired(c, now_us);
	bool first = !is_known(c, &digest) && remember(c, &digest, now_us);
	pthread_mutex_unlock(&c->lock);
	return first;
}
