/*
 * What was learned about hosts and outlives a connection: who must be passed through unread, and why; whose TLS is known
 * to be fit for interception.  Shared by all workers; bounded; everything expires.
 */
#ifndef FRESHET_PROXY_LEARNED_H
#define FRESHET_PROXY_LEARNED_H

#include <pthread.h>

#include "base/address.h"
#include "base/list.h"
#include "base/span.h"

enum { LEARNED_MAX = 4096, LEARNED_BUCKETS = 1024, LEARNED_HOST_MAX = 255 };

enum lesson {
	LESSON_FIT,          /* intercepted before: the origin spoke TLS and wanted no certificate */
	LESSON_PASS,         /* to be passed through */
};

/* All zero but for the list heads: see learned_init(). */
struct learned {
	pthread_mutex_t lock; /* guards the rest */
	unsigned count;
	struct list by_age;   /* oldest first; entries are owned */
	struct list buckets[LEARNED_BUCKETS];
};

void learned_init(struct learned *l);
void learned_fini(struct learned *l);

/* What a lesson is about: a host and port, for everybody or for one client's address (its port does not count). */
struct learned_about {
	struct span host;
	uint16_t port;
	const struct address *client; /* NULL: everybody */
};

/* `reason` is a constant.  Replaces what was known about the same; forgets the oldest when there is no room. */
void learned_add(struct learned *l, const struct learned_about *about, enum lesson lesson, const char *reason,
	int64_t for_us);

void learned_forget_all(struct learned *l);

/* Forgets what is about hosts: another configuration may have another way with them.  Who refused us is remembered. */
void learned_forget_hosts(struct learned *l);

/*
 * What is known about this host for this client, or for everybody.  False when nothing is.  *reason and *left_us (until
 * it expires) go with it.
 */
bool learned_find(struct learned *l, const struct learned_about *about, enum lesson *lesson, const char **reason,
	int64_t *left_us) MUST_CHECK;

#endif
