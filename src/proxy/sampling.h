/*
 * Probes beside real traffic: now and then an address that a client has just fetched is checked, as `probe` says for its
 * site, and what caches give out old is remembered.
 *
 * Clients wait for nothing of it.  Where no site is sampled, a comparison per exchange is all it costs.
 */
#ifndef FRESHET_PROXY_SAMPLING_H
#define FRESHET_PROXY_SAMPLING_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/quota.h"
#include "inspect/probe_report.h"
#include "inspect/stale_urls.h"

struct exchange;
struct probe_job;

enum {
	SAMPLED_RECENTLY_MAX = 256, /* addresses that are not checked again so soon */
	SAMPLED_OUTCOMES = PROBE_FAILED + 1,
};

/* When an address was checked. */
struct sampled {
	uint64_t hash;
	int64_t at_us;
};

/* All workers'. */
struct sampling {
	pthread_mutex_t lock;          /* guards the next four */
	struct quota rate;             /* of probes begun */
	struct sampled recently[SAMPLED_RECENTLY_MAX];
	unsigned next_recent;
	struct stale_urls *stale;      /* owned; NULL before the first probe */
	atomic_uint stale_count;
	atomic_ullong outcomes[SAMPLED_OUTCOMES]; /* by enum probe_verdict */
};

void sampling_init(struct sampling *s);
void sampling_fini(struct sampling *s);

/* At an exchange's end: has its address checked, if it is fit for that and the die falls so. */
void sampling_consider(struct exchange *x);

/* What a probe found.  From its thread. */
void sampling_take(struct sampling *s, struct span url, const struct probe_place *found);

/* The list of stale URLs as JSON; at most STALE_URLS_JSON_MAX bytes. */
void sampling_tell(struct sampling *s, struct json *out);

#endif
