/*
 * Probes on threads.  What is asked and what it proves is probe/visit.c's and inspect/probe.c's.
 */
#include "proxy/probes.h"

#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "probe/visit.h"
#include "proxy/access.h"
#include "proxy/sampling.h"

enum {
	QUESTION_MS = 10 * 1000, /* for each answer */
	PROBE_MS = 40 * 1000,    /* for all of them */
	BODY_BYTES_MAX = 16 * 1024 * 1024,
	URL_ARENA_BYTES = 512 * 1024,
};

struct probe_job {
	struct list link;
	uint64_t id;
	enum probe_progress progress;
	struct snapshot *snapshot;              /* counted; NULL once it is done */
	struct policy_settings settings;
	bool guarded;
	struct sampling *sampling;              /* borrowed: who is told; NULL: the report is kept */
	char *report;                           /* owned; NULL before it is done */
	size_t report_n, url_n;
	struct check_field fields[CHECK_FIELDS_MAX]; /* into the text, as the URL */
	size_t field_count;
	char url[];
};

static void *thread_main(void *arg);

void probes_init(struct probes *p)
{
	*p = (struct probes){ .latest_id = 0 };
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	list_init(&p->jobs);
	atomic_init(&p->stopping, false);
}

/* -- jobs; with the lock held -- */

static void job_free(struct probe_job *j)
{
	snapshot_put(j->snapshot);
	free(j->report);
	free(j);
}

static size_t fields_bytes(const struct probe_wish *wish)
{
	size_t bytes = 0;

	for (size_t i = 0; i < wish->field_count; i++)
		bytes += wish->fields[i].name.n + wish->fields[i].value.n;
	return bytes;
}

/* Moves s to the room at *at. */
static struct span moved(struct span s, char **at)
{
	char *to = *at;

	if (s.n)
		memcpy(to, s.p, s.n);
	*at += s.n;
	return span_of(to, s.n);
}

static struct probe_job *job_new(const struct probe_wish *wish)
{
	struct probe_job *j = malloc(sizeof(*j) + wish->url.n + fields_bytes(wish)); /* somebody pressed a button, or a die fell */

	if (!j)
		return NULL;
	*j = (struct probe_job){
		.progress = PROBE_WAITS,
		.snapshot = wish->snapshot,
		.settings = *wish->settings,
		.guarded = wish->guarded,
		.sampling = wish->sampling,
		.url_n = wish->url.n,
		.field_count = wish->field_count,
	};
	snapshot_get(j->snapshot);
	char *at = j->url;
	moved(wish->url, &at);
	for (size_t i = 0; i < wish->field_count; i++) {
		j->fields[i].name = moved(wish->fields[i].name, &at);
		j->fields[i].value = moved(wish->fields[i].value, &at);
	}
	return j;
}

static struct probe_job *first_in(const struct probes *p, enum probe_progress progress)
{
	for (struct list *link = p->jobs.next; link != &p->jobs; link = link->next) {
		struct probe_job *j = LIST_OF(link, struct probe_job, link);

		if (j->progress == progress)
			return j;
	}
	return NULL;
}

static struct probe_job *find(const struct probes *p, uint64_t id)
{
	for (struct list *link = p->jobs.next; link != &p->jobs; link = link->next) {
		struct probe_job *j = LIST_OF(link, struct probe_job, link);

		if (j->id == id)
			return j;
	}
	return NULL;
}

static void forget(struct probes *p, struct probe_job *j)
{
	list_remove(&j->link);
	p->job_count--;
	job_free(j);
}

/* Those that wait and run are fewer than are remembered, so that there is always one to forget. */
static void forget_oldest(struct probes *p)
{
	struct probe_job *j = first_in(p, PROBE_DONE);

	if (j)
		forget(p, j);
}

/* Signals are the main thread's. */
static void start_thread(struct probes *p)
{
	sigset_t all, before;

	if (p->thread_count == PROBES_THREADS)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&p->threads[p->thread_count], NULL, thread_main, p) == 0)
		p->thread_count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static bool enqueue(struct probes *p, struct probe_job *j)
{
	start_thread(p);
	if (!p->thread_count || p->waiting_count >= (j->sampling ? PROBES_SAMPLES_WAITING_MAX : PROBES_WAITING_MAX))
		return false;
	if (!j->sampling && !quota_take(&p->rate, PROBES_PER_MINUTE, clock_us()))
		return false;
	if (p->job_count == PROBES_REMEMBERED_MAX)
		forget_oldest(p);
	j->id = ++p->latest_id;
	list_push(&p->jobs, &j->link);
	p->job_count++;
	p->waiting_count++;
	pthread_cond_signal(&p->work);
	return true;
}

uint64_t probes_add(struct probes *p, const struct probe_wish *wish)
{
	struct probe_job *j = job_new(wish);
	uint64_t id = 0;

	if (!j)
		return 0;
	pthread_mutex_lock(&p->lock);
	if (enqueue(p, j))
		id = j->id;
	pthread_mutex_unlock(&p->lock);
	if (!id)
		job_free(j);
	return id;
}

enum probe_progress probes_look(struct probes *p, uint64_t id, char room[PROBES_REPORT_BYTES], size_t *n)
{
	enum probe_progress progress = PROBE_FORGOTTEN;

	pthread_mutex_lock(&p->lock);
	const struct probe_job *j = find(p, id);
	if (j)
		progress = j->progress;
	if (progress == PROBE_DONE) {
		*n = j->report_n;
		if (j->report_n)
			memcpy(room, j->report, j->report_n);
	}
	pthread_mutex_unlock(&p->lock);
	return progress;
}

/* -- on the threads -- */

/* The way of one probe, with whom it is for. */
struct probe_way {
	struct fetch_way way;
	const struct probe_job *job; /* borrowed */
};

static bool way_allows(const struct fetch_way *way, const struct address *a)
{
	const struct probe_job *j = LIST_OF(way, const struct probe_way, way)->job;

	return access_address(j->snapshot, j->guarded && !way->parent, a) == ACCESS_FREE;
}

static struct probe_way way_of(const struct probe_job *j, const struct target *t)
{
	const struct routes *routes = j->snapshot->routes;

	return (struct probe_way){
		.way = {
			.parent = routes_for(routes, t) == ROUTE_DIRECT ? NULL : routes_parent(routes),
			.contexts = j->snapshot->tls,
			.is_unverified = j->settings.tls_unverified,
			.is_legacy = j->settings.tls_legacy,
			.allows = way_allows,
			.body_max = BODY_BYTES_MAX,
		},
		.job = j,
	};
}

static size_t write_report(struct span url, const struct probe_place *place, char room[PROBES_REPORT_BYTES])
{
	struct line out = line_of(room, PROBES_REPORT_BYTES);
	struct probe_report report = { .url = url, .places = place, .place_count = 1 };

	return probe_report_json(&report, &out) ? out.n : 0;
}

static size_t visit(const struct probe_job *j, struct fetcher *f, const struct probe_subject *s,
	char room[PROBES_REPORT_BYTES])
{
	struct probe_way way = way_of(j, &s->target);
	struct probe_visit v = { .host = s->target.host, .port = s->target.port };

	probe_visit_make(&v, f, s, &way.way);
	if (j->sampling && !atomic_load(f->stopping))
		sampling_take(j->sampling, s->url, &v.found);
	size_t n = j->sampling ? 0 : write_report(s->url, &v.found, room);
	probe_visit_fini(&v);
	return n;
}

static size_t probe_url(const struct probes *p, const struct probe_job *j, char room[PROBES_REPORT_BYTES])
{
	static char no_room[1]; /* the arena has no memory of its own: all of it is from malloc */
	const struct config *config = j->snapshot->config;
	struct probe_subject subject;
	struct fetcher fetcher;
	struct arena arena;
	const char *why;
	size_t n = 0;

	arena_init(&arena, no_room, 0, URL_ARENA_BYTES);
	bool ready = fetcher_init(&fetcher, config, QUESTION_MS);
	if (ready && probe_subject_read(&subject, span_of(j->url, j->url_n), config, &arena, &why)) {
		subject.fields = j->fields;
		subject.field_count = j->field_count;
		fetcher.stopping = &p->stopping;
		fetcher.ends_us = clock_us() + PROBE_MS * INT64_C(1000);
		n = visit(j, &fetcher, &subject, room);
	}
	fetcher_fini(&fetcher);
	arena_reset(&arena, 0);
	return n;
}

/* The job's report; NULL when memory is out. */
static char *make_report(const struct probes *p, const struct probe_job *j, size_t *n)
{
	char *room = malloc(PROBES_REPORT_BYTES);

	if (!room)
		return NULL;
	*n = probe_url(p, j, room);
	char *fitting = realloc(room, *n + 1);
	return fitting ? fitting : room;
}

/* Takes the next one, or NULL when it is time to end.  Called, and returns, with the lock held. */
static struct probe_job *take(struct probes *p)
{
	while (!atomic_load(&p->stopping) && !p->waiting_count)
		pthread_cond_wait(&p->work, &p->lock);
	if (atomic_load(&p->stopping))
		return NULL;
	struct probe_job *j = first_in(p, PROBE_WAITS);
	j->progress = PROBE_RUNS;
	p->waiting_count--;
	return j;
}

static void *thread_main(void *arg)
{
	struct probes *p = arg;
	struct probe_job *j;

	pthread_mutex_lock(&p->lock);
	while ((j = take(p))) {
		size_t n = 0;

		pthread_mutex_unlock(&p->lock);
		char *report = make_report(p, j, &n);
		struct snapshot *snapshot = j->snapshot;
		pthread_mutex_lock(&p->lock);
		j->report = report;
		j->report_n = n;
		j->snapshot = NULL;
		j->progress = PROBE_DONE;
		if (j->sampling)
			forget(p, j);
		pthread_mutex_unlock(&p->lock);
		snapshot_put(snapshot);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void probes_fini(struct probes *p)
{
	struct list *link;

	pthread_mutex_lock(&p->lock);
	atomic_store(&p->stopping, true);
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	while ((link = list_shift(&p->jobs)))
		job_free(LIST_OF(link, struct probe_job, link));
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
}
