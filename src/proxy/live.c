/*
 * The live page's news.
 */
#include "proxy/live.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "inspect/line.h"
#include "inspect/story.h"
#include "proxy/pages.h"
#include "proxy/running.h"

enum {
	TICK_MS = 200,
	QUIET_US = 15 * 1000000, /* after which a viewer is sent something, to see whether it is still there */
	NEWS_BYTES = 256 * 1024, /* one event's rows */
	WORKERS_MAX = 64,
	ID_BYTES = WORKERS_MAX * 21 + 32,
	RUNNING_END_BYTES = 64,  /* what comes behind the rows of what runs */
};

/* Owned by its exchange. */
struct viewer {
	struct exchange *exchange; /* borrowed: its owner */
	struct list link;          /* in its worker's viewers */
	int64_t told_us;           /* when something was sent last */
	bool greeted;
	uint64_t running;          /* the versions of what was told of what runs, all workers' together */
	uint64_t positions[WORKERS_MAX]; /* in each worker's history: what comes next */
};

/* In the live page's room. */
struct room {
	char copy[HISTORY_COPY_MAX] __attribute__((aligned(16)));
	char row[STORY_ROW_MAX];
	char news[NEWS_BYTES];
};

static void live_on_tick(evutil_socket_t fd, short what, void *arg);

void live_init(struct live *l, struct worker *w)
{
	*l = (struct live){ .worker = w };
	list_init(&l->viewers);
}

void live_fini(struct live *l)
{
	if (l->tick)
		event_free(l->tick);
	free(l->room);
}

/* -- how far a viewer is -- */

/* "start.position.position…": the start tells whether it is still the same process. */
static struct span write_id(const struct viewer *v, char out[ID_BYTES])
{
	const struct shared *s = v->exchange->worker->shared;
	struct line l = line_of(out, ID_BYTES);

	line_put_u64(&l, (uint64_t)s->started_us);
	for (unsigned i = 0; i < s->worker_count; i++) {
		line_put_char(&l, '.');
		line_put_u64(&l, v->positions[i]);
	}
	return span_of(out, l.n);
}

static bool next_number(struct span *rest, uint64_t *n)
{
	size_t digits = span_find(*rest, '.');
	bool ok = span_u64(span_first(*rest, digits), INT64_MAX, n);

	*rest = span_from(*rest, digits + 1);
	return ok;
}

/* What cannot be read means from the beginning. */
static void read_id(struct viewer *v, struct span id)
{
	const struct shared *s = v->exchange->worker->shared;
	uint64_t start;

	if (!next_number(&id, &start) || start != (uint64_t)s->started_us)
		return;
	for (unsigned i = 0; i < s->worker_count; i++)
		if (!next_number(&id, &v->positions[i]))
			v->positions[i] = 0;
	v->greeted = true;
}

static struct span last_event_id(const struct exchange *x)
{
	for (unsigned i = 0; i < x->request.field_count; i++)
		if (span_ieq(x->request.fields[i].name, SPAN("Last-Event-ID")))
			return x->request.fields[i].value;
	return SPAN_NONE;
}

/* -- sending -- */

/* False when v is gone. */
static bool tell(struct viewer *v, struct span text)
{
	v->told_us = v->exchange->worker->loop.now_us;
	if (conn_send_span(&v->exchange->client->conn, text))
		return true;
	exchange_client_broken(v->exchange);
	return false;
}

/* Rows from one history, as far as they fit.  How many were forgotten before they could be sent is added to *lost. */
static bool put_rows(struct line *l, struct history *h, uint64_t *position, struct room *room, uint64_t *lost)
{
	uint64_t wanted = *position;
	struct past past;

	while (h && history_read(h, position, room->copy, &past)) {
		size_t n = story_row(&past, room->row);

		*lost += *position - wanted;
		if (n + 64 + ID_BYTES > l->max - l->n)
			return false;
		if (l->p[l->n - 1] == '}')
			line_put_char(l, ',');
		line_put(l, span_of(room->row, n));
		wanted = ++*position;
	}
	return true;
}

/* One event with what has come since.  Empty when nothing has. */
static struct span put_news(struct viewer *v, struct room *room)
{
	const struct shared *s = v->exchange->worker->shared;
	struct line l = line_of(room->news, sizeof(room->news));
	char id[ID_BYTES];
	uint64_t lost = 0;

	line_put(&l, SPAN("data: {\"rows\":["));
	size_t empty = l.n;
	for (unsigned i = 0; i < s->worker_count; i++)
		if (!put_rows(&l, s->workers[i].history, &v->positions[i], room, &lost))
			break;
	if (l.n == empty)
		return SPAN_NONE;
	line_put(&l, SPAN("],\"lost\":"));
	line_put_u64(&l, v->greeted ? lost : 0);
	line_put(&l, SPAN("}\nid: "));
	line_put(&l, write_id(v, id));
	line_put(&l, SPAN("\n\n"));
	v->greeted = true;
	return span_of(room->news, l.n);
}

static uint64_t running_versions(const struct shared *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->worker_count; i++)
		if (s->workers[i].running)
			sum += running_version(s->workers[i].running);
	return sum;
}

/* One event with all that runs, where that has changed.  It has no id: who comes back gets it again. */
static struct span put_running(struct viewer *v, struct room *room)
{
	const struct shared *s = v->exchange->worker->shared;
	struct line l = line_of(room->news, sizeof(room->news));
	uint64_t versions = running_versions(s), more = 0;

	if (versions == v->running)
		return SPAN_NONE;
	v->running = versions;
	line_put(&l, SPAN("event: running\ndata: {\"rows\":["));
	l.max -= RUNNING_END_BYTES;
	for (unsigned i = 0; i < s->worker_count; i++)
		if (s->workers[i].running)
			running_put(s->workers[i].running, &l, &more);
	l.max += RUNNING_END_BYTES;
	line_put(&l, SPAN("],\"more\":"));
	line_put_u64(&l, more);
	line_put(&l, SPAN("}\n\n"));
	return span_of(room->news, l.n);
}

/*
 * What runs goes first: who ends in between is told of as running and then as ended, never the other way round.
 */
static void serve(struct live *live, struct viewer *v)
{
	struct room *room = (struct room *)(void *)live->room;
	struct exchange *x = v->exchange;

	if (conn_blocked(&x->client->conn)) {
		if (!deadline_running(&x->deadline))
			deadline_start(&live->worker->loop, &x->deadline, DEADLINE_BODY);
		return;
	}
	deadline_stop(&live->worker->loop, &x->deadline);
	struct span running = put_running(v, room);
	if (running.n && !tell(v, running))
		return;
	struct span news = put_news(v, room);
	if (news.n)
		(void)tell(v, news);
	else if (live->worker->loop.now_us - v->told_us > QUIET_US)
		(void)tell(v, SPAN(":\n\n"));
}

static void live_on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct live *l = arg;

	(void)fd;
	(void)what;
	l->worker->loop.now_us = clock_us();
	for (struct list *link = l->viewers.next, *next; link != &l->viewers; link = next) {
		next = link->next;
		serve(l, LIST_OF(link, struct viewer, link));
	}
}

void live_end(struct live *l)
{
	while (!list_empty(&l->viewers)) {
		struct exchange *x = LIST_OF(l->viewers.next, struct viewer, link)->exchange;

		exchange_answered(x, true);
		exchange_step(x);
	}
}

/* -- viewers -- */

static bool start_ticking(struct live *l)
{
	const struct timeval every = { .tv_usec = TICK_MS * 1000 };

	if (!l->room)
		l->room = malloc(sizeof(struct room));
	if (!l->tick)
		l->tick = event_new(l->worker->loop.base, -1, EV_PERSIST, live_on_tick, l);
	return l->room && l->tick && (event_pending(l->tick, EV_TIMEOUT, NULL) || event_add(l->tick, &every) == 0);
}

static void stop_ticking(struct live *l)
{
	event_del(l->tick);
	free(l->room);
	l->room = NULL;
}

void viewer_free(struct viewer *v)
{
	if (!v)
		return;
	struct worker *w = v->exchange->worker;

	list_remove(&v->link);
	if (list_empty(&w->live.viewers))
		stop_ticking(&w->live);
	atomic_fetch_sub_explicit(&w->shared->viewer_count, 1, memory_order_relaxed);
	free(v);
}

/* NULL when memory is out, or there are enough. */
static struct viewer *viewer_new(struct exchange *x)
{
	struct worker *w = x->worker;
	struct viewer *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	if (atomic_fetch_add_explicit(&w->shared->viewer_count, 1, memory_order_relaxed) >= VIEWERS_MAX ||
		!start_ticking(&w->live)) {
		atomic_fetch_sub_explicit(&w->shared->viewer_count, 1, memory_order_relaxed);
		free(v);
		return NULL;
	}
	v->exchange = x;
	list_push(&w->live.viewers, &v->link);
	return v;
}

/* How much there is to see, and of which process; a new one each time, for a restart may have changed both. */
static bool greet(struct exchange *x)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "retry: 1000\nevent: hello\ndata: {\"records\":%u,\"started_us\":%" PRId64 "}\n\n",
		x->view->snapshot->config->records, x->worker->shared->started_us);

	return conn_send_span(&x->client->conn, span_of(text, (size_t)n));
}

enum step page_events(struct exchange *x, const struct page *page)
{
	struct live *l = &x->worker->live;

	(void)page;
	if (x->request.method_id == METHOD_HEAD)
		return exchange_answered(x, reply_begin(x, SPAN("text/event-stream")));
	if (worker_is_leaving(x->worker))
		return exchange_fail(x, REPLY_PAGE_VIEWERS, "the proxy is about to stop");
	x->viewer = viewer_new(x);
	if (!x->viewer)
		return exchange_fail(x, REPLY_PAGE_VIEWERS, NULL);
	read_id(x->viewer, last_event_id(x));
	x->viewer->running = running_versions(x->worker->shared); /* what was written before is of no use */
	x->head_sent = true;
	x->viewer->told_us = x->worker->loop.now_us;
	if (!reply_begin(x, SPAN("text/event-stream")) || !greet(x))
		return exchange_give_up(x, "the client went away");
	struct span news = put_news(x->viewer, (struct room *)(void *)l->room);
	if (news.n && !conn_send_span(&x->client->conn, news))
		return exchange_give_up(x, "the client went away");
	x->stage = STAGE_LIVE;
	return STEP_AGAIN;
}

enum step step_live(struct exchange *x)
{
	return x->client->conn.read_ended ? exchange_answered(x, true) : STEP_WAIT;
}
