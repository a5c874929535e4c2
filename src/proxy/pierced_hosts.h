/*
 * What piercing has taught about hosts, folder by folder, and what it has cost there.  Shared by all workers; bounded;
 * lessons expire.
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

/* What it has cost. */
struct pierced_cost {
	uint64_t exchanges; /* whose first answer was not for the client */
	uint64_t repeats;   /* requests made again for them */
	uint64_t bytes;     /* received of answers that were given up */
	uint64_t compared;  /* stored copies whose validators could be held against those of the server's answer … */
	uint64_t same;      /* … and were the same */
};

enum { PIERCED_HOSTS_MAX = 4096, PIERCED_BUCKETS = 2048, PIERCED_HOST_NAME_MAX = 255 };

struct pierced_hosts {
	atomic_ullong next_token;
	uint64_t secret;      /* random */
	atomic_uint in_bucket[PIERCED_BUCKETS];
	pthread_mutex_t lock; /* guards the rest */
	struct pierced_cost cost; /* of all hosts, forgotten ones included */
	unsigned count;
	struct list by_age;   /* longest unchanged first; entries are owned */
	struct list buckets[PIERCED_BUCKETS];
};

/* Both are random: tokens of different processes are not to be the same, and hosts are not to compare theirs. */
void pierced_hosts_init(struct pierced_hosts *h, uint64_t first_token, uint64_t secret);
void pierced_hosts_fini(struct pierced_hosts *h);

/*
 * A scheme, host and port, and the first folder of the path: servers are often several programs, each with a part of the
 * site, and what one refuses the others may take.  Borrowed from the target of a request.
 */
struct pierced_host {
	struct span name;
	uint16_t port;
	enum scheme scheme;
	uint32_t folder; /* span_ihash() of it, 0 for all of the host; two that collide share what is learned */
};

/*
 * A number that no other request to this host gets, one more than the last.  From where it counts is different for each
 * host, so that it tells a host nothing about where else its visitors go.
 */
uint64_t pierced_hosts_token(struct pierced_hosts *h, const struct pierced_host *host);

/* What is known; all zero when nothing is, or not any more. */
struct climb_lesson pierced_hosts_find(struct pierced_hosts *h, const struct pierced_host *host);

/* Replaces what is known, for so long.  Where there is no room the host that was longest unchanged is forgotten. */
void pierced_hosts_learn(struct pierced_hosts *h, const struct pierced_host *host, const struct climb_lesson *lesson,
	int64_t for_us);

/* Forgets all lessons; what piercing has cost in all is remembered. */
void pierced_hosts_forget(struct pierced_hosts *h);

/* Adds to what the host has cost, all folders together. */
void pierced_hosts_spend(struct pierced_hosts *h, const struct pierced_host *host, const struct pierced_cost *more);

/* One host's cost, since it is in the table. */
struct pierced_bill {
	struct pierced_cost cost;
	enum scheme scheme;
	uint16_t port;
	char name[PIERCED_HOST_NAME_MAX + 1]; /* NUL-terminated */
};

/*
 * All hosts' cost in *total, and the bills of the `max` hosts with the most exchanges, the most expensive first; returns
 * how many there are.  Walks the table under its lock: for summaries, not for every request.
 */
unsigned pierced_hosts_bills(struct pierced_hosts *h, struct pierced_cost *total, struct pierced_bill *out, unsigned max);

#endif
