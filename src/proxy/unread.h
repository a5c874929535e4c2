/*
 * Hosts of which freshet saw only the outside: tunnels that were not read, and why.  Shared by all workers, which come here
 * when a tunnel begins and when it ends; bounded, who was quiet for longest is forgotten first.
 */
#ifndef FRESHET_PROXY_UNREAD_H
#define FRESHET_PROXY_UNREAD_H

#include <pthread.h>

#include "base/list.h"
#include "base/span.h"

enum { UNREAD_MAX = 256, UNREAD_BUCKETS = 128, UNREAD_HOST_MAX = 255 };

struct unread {
	pthread_mutex_t lock; /* guards the rest */
	unsigned count;
	uint64_t forgotten;   /* for want of room */
	struct list by_age;   /* quiet for longest first; entries are owned */
	struct list buckets[UNREAD_BUCKETS];
};

void unread_init(struct unread *u);
void unread_fini(struct unread *u);

/* A tunnel to there begins, or was refused by its client because of our certificate; `reason` is a constant. */
void unread_begin(struct unread *u, struct span host, uint16_t port, const char *reason);

/* It ended, and so many bytes went through it. */
void unread_end(struct unread *u, struct span host, uint16_t port, uint64_t bytes);

/* What goes there was read after all. */
void unread_forget(struct unread *u, struct span host, uint16_t port);

struct unread_host {
	const char *reason;  /* constant: of the latest tunnel */
	uint64_t tunnels, bytes;
	int64_t last_us;     /* monotonic: when one began or ended */
	uint16_t port, host_len;
	char host[UNREAD_HOST_MAX]; /* lower case */
};

/* Copies all of them, the latest first; returns how many.  *forgotten tells how many are missing. */
size_t unread_list(struct unread *u, struct unread_host out[UNREAD_MAX], uint64_t *forgotten);

#endif
