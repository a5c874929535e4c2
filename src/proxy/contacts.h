/*
 * Which clients were told to empty their cache, for which origins.  Shared by all workers; bounded; everything expires.
 *
 * Keeps keyed digests, so that neither who was where nor two contacts that count as one can be found out from outside.
 */
#ifndef FRESHET_PROXY_CONTACTS_H
#define FRESHET_PROXY_CONTACTS_H

#include <pthread.h>

#include "base/address.h"
#include "base/list.h"
#include "base/secret.h"
#include "http/url.h"

enum { CONTACTS_MAX = 16384, CONTACTS_BUCKETS = 2048 };

#define CONTACT_LIFE_US (INT64_C(24) * 3600 * 1000 * 1000)

struct contacts {
	pthread_mutex_t lock;  /* guards what changes: count and lists */
	struct secret_key key;
	unsigned count;
	struct list by_age;    /* oldest first; entries are owned */
	struct list buckets[CONTACTS_BUCKETS];
};

/* A client and an origin.  All of it borrowed. */
struct contact {
	const struct address *client; /* its port does not count */
	struct span user;             /* who logged in to the proxy; empty nobody */
	struct span agent;            /* User-Agent: browsers behind one address are told apart by it, as far as it goes */
	enum scheme scheme;
	struct span host;             /* in any case */
	uint16_t port;
};

/* False without a key; contacts_fini() is due all the same. */
bool contacts_init(struct contacts *c) MUST_CHECK;
void contacts_fini(struct contacts *c);

/*
 * True, once in CONTACT_LIFE_US, for a contact that was not known; it is from then on.  Where there is no room the
 * oldest is forgotten; where memory is out it is false.  `now_us` is monotonic.
 */
bool contacts_is_first(struct contacts *c, const struct contact *about, int64_t now_us);

#endif
