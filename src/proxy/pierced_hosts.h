/*
 * What piercing has taught about hosts, and what it has cost there.  Shared by all workers; bounded; lessons expire.
 *
 * Asked for every request that may be pierced, so a host of which nothing is known costs a hash and no lock.
 */
#ifndef FRESHET_PROXY_PIERCED_HOSTS_H
#define FRESHET_PROXY_PIERCED_HOSTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "http/url.h"
#include "policy/climb.h"

enum { PIERCED_HOSTS_MAX = 4096, PIERCED_BUCKETS = 2048, PIERCED_HOST_NAME_MAX = 255 };

struct pierced_hosts {
	atomic_ullong token;  /* the next; no two requests get the same */
	atomic_uint in_bucket[PIERCED_BUCKETS];
	pthread_mutex_t lock; /* guards the rest */
	unsigned count;
	struct list by_age;   /* longest unchanged first; entries are owned */
	struct list buckets[PIERCED_BUCKETS];
};

/* `seed` is random: tokens of different processes are not to be the same. */
void pierced_hosts_init(struct pierced_hosts *h, uint64_t seed);
void pierced_hosts_fini(struct pierced_hosts *h);

/* A scheme, host and port; borrowed from the target of a request. */
struct pierced_host {
	struct span name;
	uint16_t port;
	enum scheme scheme;
};

static inline uint64_t pierced_hosts_token(struct pierced_hosts *h)
{
	return atomic_fetch_add_explicit(&h->token, 1, memory_order_relaxed);
}

/* What is known; all zero when nothing is, or not any more. */
struct climb_lesson pierced_hosts_find(struct pierced_hosts *h, const struct pierced_host *host);

/* Replaces what is known, for so long.  Where there is no room the host that was longest unchanged is forgotten. */
void pierced_hosts_learn(struct pierced_hosts *h, const struct pierced_host *host, const struct climb_lesson *lesson,
	int64_t for_us);

#endif
