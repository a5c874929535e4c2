/*
 * Probes led by the running proxy: a few threads beside the workers, a short queue, the latest reports.
 *
 * Workers add and look, and never wait for a probe.  Where a probe connects to is bound by the same rules as what the
 * client that asked for it could reach.  Bodies are hashed, not kept, and read up to a limit.
 */
#ifndef FRESHET_PROXY_PROBES_H
#define FRESHET_PROXY_PROBES_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/quota.h"
#include "config/check_request.h"
#include "proxy/snapshot.h"

enum {
	PROBES_THREADS = 2,
	PROBES_WAITING_MAX = 8,
	PROBES_SAMPLES_WAITING_MAX = 4, /* so that people need not wait long for theirs */
	PROBES_PER_MINUTE = 30,    /* of those that people ask for: each makes up to nine requests */
	PROBES_REMEMBERED_MAX = 32, /* all of them, those that wait included */
	PROBES_REPORT_BYTES = 256 * 1024,
};

struct sampling;

struct probes {
	pthread_mutex_t lock;       /* guards all but `stopping` */
	pthread_cond_t work;        /* something waits, or it is time to end */
	struct list jobs;           /* owned: of struct probe_job, the oldest first */
	unsigned job_count, waiting_count;
	struct quota rate;          /* of those that people ask for */
	uint64_t latest_id;
	pthread_t threads[PROBES_THREADS]; /* started with the first probe */
	unsigned thread_count;
	atomic_bool stopping;
};

void probes_init(struct probes *p);

/* Ends what runs, waits for the threads and frees everything.  Nobody may add any more. */
void probes_fini(struct probes *p);

/* What is to be looked at, for whom. */
struct probe_wish {
	struct span url;            /* http or https; copied */
	struct snapshot *snapshot;  /* the probe takes a reference */
	const struct policy_settings *settings; /* copied */
	bool guarded;               /* deny-destinations counts */
	const struct check_field *fields; /* to ask with; copied */
	size_t field_count;
	struct sampling *sampling;  /* who is told what was found; NULL: a report is kept */
};

/*
 * The probe's number, never 0; of one whose finding is only told, it means nothing.  0 when too many wait or were asked for
 * in the last minute, or memory or threads are out.
 */
uint64_t probes_add(struct probes *p, const struct probe_wish *wish) MUST_CHECK;

enum probe_progress {
	PROBE_FORGOTTEN, /* or never there */
	PROBE_WAITS,
	PROBE_RUNS,
	PROBE_DONE,
};

/* How far it is.  With PROBE_DONE the report, as JSON, is copied to `room` and *n tells its length. */
enum probe_progress probes_look(struct probes *p, uint64_t id, char room[PROBES_REPORT_BYTES], size_t *n);

#endif
