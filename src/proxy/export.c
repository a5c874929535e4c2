/*
 * Exports of what is remembered.
 */
#include "proxy/export.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/h1.h"
#include "inspect/har.h"
#include "proxy/pages.h"

enum {
	EXPORTS_MAX = 4,             /* at a time, all workers together: each has its own room */
	TURN_BYTES = 64 * 1024,      /* at least so much, where there is so much, then others have their turn */
	ROOM_BYTES = TURN_BYTES + HAR_ENTRY_MAX + HAR_FRAME_MAX,
};

_Static_assert((int)HAR_ENTRY_MAX >= (int)STORY_MAX, "a line of JSON has room where a HAR entry has");

/* How far an export is in one worker's history. */
struct stretch {
	uint64_t next, end;
};

/* Owned by its exchange. */
struct export {
	struct exchange *exchange; /* borrowed: its owner */
	struct event *turn;        /* owned: made active when there is more to write and room for it */
	size_t (*write_entry)(const struct past *p, bool with_secrets, char *out);
	bool is_har;
	bool with_secrets;
	bool begun, any, ended;    /* the frame's beginning, an entry, the frame's end were written */
	struct span host;          /* in the exchange's arena: only of that host; empty for all */
	bool single;               /* only the exchange `id`, which is yet to be told */
	uint64_t id;
	char *copy;                /* owned: HISTORY_COPY_MAX */
	char *text;                /* owned: ROOM_BYTES */
	struct stretch stretches[]; /* one for each worker; empty where only one exchange is wanted */
};

/* -- what is told -- */

/* Which worker's next exchange ended first; -1 when nothing is left. */
static int find_first(struct export *e, const struct shared *s)
{
	int64_t first_us = 0, us;
	int found = -1;

	for (unsigned i = 0; i < s->worker_count; i++) {
		struct stretch *t = &e->stretches[i];

		if (t->next >= t->end || !history_peek(s->workers[i].history, &t->next, &us) || t->next >= t->end)
			continue;
		if (found < 0 || us < first_us) {
			found = (int)i;
			first_us = us;
		}
	}
	return found;
}

/* The next exchange, copied; false behind the last. */
static bool take_next(struct export *e, struct past *p)
{
	const struct shared *s = e->exchange->worker->shared;
	int i;

	if (e->single) {
		e->single = false;
		return page_find_past(e->exchange, e->id, e->copy, p);
	}
	while ((i = find_first(e, s)) >= 0) {
		struct stretch *t = &e->stretches[i];

		if (history_read(s->workers[i].history, &t->next, e->copy, p) && t->next++ < t->end)
			return true;
	}
	return false;
}

static bool is_wanted(const struct export *e, const struct record *r)
{
	struct target target;
	const char *why;
	bool is_tunnel = span_eq(span_of(r->method, r->method_len), SPAN("CONNECT"));

	if (!e->host.n)
		return true;
	return target_parse(span_of(r->url, r->url_len), is_tunnel, &target, &why) &&
	       (span_ieq(target.host, e->host) || span_ieq(target.authority, e->host));
}

/* -- writing -- */

static size_t write_one(struct export *e, const struct past *p, char *out)
{
	size_t n = 0;

	if (!is_wanted(e, p->record))
		return 0;
	if (e->is_har && e->any) {
		memcpy(out, ",\n", 2);
		n = 2;
	}
	e->any = true;
	return n + e->write_entry(p, e->with_secrets, out + n);
}

/* What comes next, to e->text; e->ended when that was all. */
static size_t write_turn(struct export *e)
{
	size_t n = e->is_har && !e->begun ? har_begin(e->text) : 0;
	struct past past;

	e->begun = true;
	while (n < TURN_BYTES) {
		if (!take_next(e, &past)) {
			e->ended = true;
			return n + (e->is_har ? har_end(e->text + n) : 0);
		}
		n += write_one(e, &past, e->text + n);
	}
	return n;
}

/* In the framing that the head announced. */
static bool send_piece(struct exchange *x, struct span text, bool is_last)
{
	char size[H1_CHUNK_HEAD_MAX];
	bool chunked = x->down.to == FRAMING_CHUNKED;
	struct iovec iov[3];
	int count = 0;

	if (text.n && chunked)
		iov[count++] = (struct iovec){ .iov_base = size, .iov_len = h1_write_chunk_head(text.n, size) };
	if (text.n)
		iov[count++] = (struct iovec){ .iov_base = (void *)(uintptr_t)text.p, .iov_len = text.n };
	struct span tail = !chunked ? SPAN_NONE : !is_last ? SPAN("\r\n") : text.n ? SPAN("\r\n0\r\n\r\n") : SPAN("0\r\n\r\n");
	if (tail.n)
		iov[count++] = (struct iovec){ .iov_base = (void *)(uintptr_t)tail.p, .iov_len = tail.n };
	x->down.body_bytes += text.n;
	return !count || conn_send(&x->client->conn, iov, count);
}

enum step step_export(struct exchange *x)
{
	struct export *e = x->export;
	struct loop *l = &x->worker->loop;

	if (conn_blocked(&x->client->conn)) {
		if (!deadline_running(&x->deadline))
			deadline_start(l, &x->deadline, DEADLINE_BODY);
		return STEP_WAIT;
	}
	deadline_stop(l, &x->deadline);
	size_t n = write_turn(e);
	if (!send_piece(x, span_of(e->text, n), e->ended))
		return exchange_give_up(x, "the client went away");
	if (e->ended)
		return exchange_answered(x, true);
	if (!conn_blocked(&x->client->conn))
		event_active(e->turn, EV_TIMEOUT, 0);
	return STEP_WAIT;
}

static void export_on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct exchange *x = ((struct export *)arg)->exchange;

	(void)fd;
	(void)what;
	x->worker->loop.now_us = clock_us();
	exchange_step(x);
}

/* -- beginning -- */

void export_free(struct export *e)
{
	if (!e)
		return;
	atomic_fetch_sub_explicit(&e->exchange->worker->shared->export_count, 1, memory_order_relaxed);
	if (e->turn)
		event_free(e->turn);
	free(e->copy);
	free(e->text);
	free(e);
}

/* NULL when memory is out, or there are enough. */
static struct export *export_new(struct exchange *x)
{
	struct shared *s = x->worker->shared;
	struct export *e = calloc(1, sizeof(*e) + s->worker_count * sizeof(e->stretches[0]));

	if (!e)
		return NULL;
	e->exchange = x;
	bool is_free = atomic_fetch_add_explicit(&s->export_count, 1, memory_order_relaxed) < EXPORTS_MAX;
	e->turn = event_new(x->worker->loop.base, -1, 0, export_on_turn, e);
	e->copy = malloc(HISTORY_COPY_MAX);
	e->text = malloc(ROOM_BYTES); /* touched as far as it is needed */
	if (is_free && e->turn && e->copy && e->text)
		return e;
	export_free(e);
	return NULL;
}

/* What is there now, or only the exchange that was asked for.  False when that is not there. */
static bool choose(struct export *e)
{
	const struct shared *s = e->exchange->worker->shared;
	struct span id = page_parameter(e->exchange, SPAN("id"));
	struct past past;

	e->host = page_parameter(e->exchange, SPAN("host"));
	e->with_secrets = page_shows_secrets(e->exchange);
	e->single = id.n > 0;
	if (e->single)
		return span_u64(id, UINT64_MAX, &e->id) && page_find_past(e->exchange, e->id, e->copy, &past);
	for (unsigned i = 0; i < s->worker_count; i++)
		e->stretches[i].end = s->workers[i].history ? history_end(s->workers[i].history) : 0;
	return true;
}

/* "freshet-2026-11-22T172001.123Z.har": no colons, which Windows has no place for in names. */
static struct span file_name(bool is_har, char *out, size_t max)
{
	char time[ACCESS_LOG_TIME_BYTES];
	struct line l = line_of(out, max);

	access_log_time(time, clock_wall_us());
	line_put(&l, SPAN("freshet-"));
	for (size_t i = 0; i < sizeof(time); i++)
		if (time[i] != ':')
			line_put_char(&l, time[i]);
	line_put(&l, is_har ? SPAN(".har") : SPAN(".jsonl"));
	return span_of(out, l.n);
}

static bool send_head(struct exchange *x, bool is_har)
{
	char name[64];

	x->down.to = x->request.minor ? FRAMING_CHUNKED : FRAMING_CLOSE;
	return reply_begin_file(x, is_har ? SPAN("application/json") : SPAN("application/jsonl"), file_name(is_har, name, sizeof(name)));
}

static enum step begin(struct exchange *x, bool is_har, size_t (*write_entry)(const struct past *, bool, char *))
{
	if (x->request.method_id == METHOD_HEAD)
		return exchange_answered(x, send_head(x, is_har));
	x->export = export_new(x);
	if (!x->export)
		return exchange_fail(x, REPLY_PAGE_VIEWERS, "enough exports are under way");
	x->export->is_har = is_har;
	x->export->write_entry = write_entry;
	if (!choose(x->export))
		return exchange_fail(x, REPLY_NOT_FOUND, "no such exchange is remembered");
	x->head_sent = true;
	if (!send_head(x, is_har))
		return exchange_give_up(x, "the client went away");
	x->stage = STAGE_EXPORT;
	return STEP_AGAIN;
}

enum step page_export_har(struct exchange *x, const struct page *page)
{
	(void)page;
	return begin(x, true, har_entry);
}

enum step page_export_lines(struct exchange *x, const struct page *page)
{
	(void)page;
	return begin(x, false, story_line);
}
