/*
 * From an exchange to its record and trace.  Copies facts and bytes; formats nothing.
 */
#include "proxy/report.h"

#include "base/clock.h"
#include "config/users.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"

static void append_url(struct record *r, struct span part)
{
	size_t room = RECORD_URL_MAX - r->url_len;

	r->url_cut = r->url_cut || part.n > room;
	part = span_first(part, room);
	if (part.n)
		memcpy(r->url + r->url_len, part.p, part.n);
	r->url_len = (uint16_t)(r->url_len + part.n);
}

/* Where the authority of an absolute URL begins; 0 for other targets. */
static size_t authority_at(struct span url)
{
	size_t colon = span_find(url, ':');

	return span_starts(span_from(url, colon), SPAN("://")) ? colon + 3 : 0;
}

/*
 * The length of a user and password at the front, with its '@'.  No address that was understood has them.  In the others
 * all up to the last '@' counts, for people forget to encode what stands in their passwords.
 */
static size_t credentials_len(const struct exchange *x, struct span rest)
{
	bool is_path = span_starts(rest, SPAN("/")) && !span_starts(rest, SPAN("//"));
	size_t n = rest.n;

	if (x->target.authority.n || is_path)
		return 0;
	while (n && rest.p[n - 1] != '@')
		n--;
	return n;
}

/* "host:port" for tunnels, else the URL as it was asked for, with "***@" for a user and password in it. */
static void report_url(struct record *r, const struct exchange *x)
{
	struct span url = x->request.target;
	size_t from = authority_at(url);
	struct span rest = span_from(url, from);
	size_t hidden = credentials_len(x, rest);

	r->url_cut = false;
	r->url_len = 0;
	append_url(r, span_first(url, from));
	append_url(r, hidden ? SPAN("***@") : SPAN_NONE);
	append_url(r, span_from(rest, hidden));
	struct span method = span_first(x->request.method, RECORD_METHOD_MAX);
	r->method_len = (uint16_t)method.n;
	if (method.n)
		memcpy(r->method, method.p, method.n);
}

static void report_times(struct record *r, const struct exchange *x, int64_t now_us)
{
	const struct exchange_facts *f = &x->facts;
	int64_t waited_us = f->connected_us ? f->connected_us - f->asked_us : -1;

	r->total_us = now_us - f->started_us;
	r->started_us = loop_wall_us(&x->worker->loop, now_us) - r->total_us;
	r->connect_us = f->dial_us;
	r->queue_us = waited_us;
	if (waited_us >= 0 && f->dial_us > 0)
		r->queue_us = waited_us > f->dial_us ? waited_us - f->dial_us : 0;
	r->first_byte_us = f->first_byte_us ? f->first_byte_us - f->started_us : -1;
}

/* Nothing of a copy of which nothing is known. */
static void report_copy(struct record *r, const struct stored_copy *copy)
{
	bool known = copy && copy->worth != COPY_UNKNOWN;

	r->stored_copy = known ? copy_worth_name(copy->worth) : NULL;
	r->stored_copy_age_s = known ? copy->age_s : -1;
	r->stored_copy_older_s = known ? copy->older_s : 0;
	r->stored_copy_layer[0] = '\0';
	if (known)
		memcpy(r->stored_copy_layer, copy->layer, sizeof(copy->layer));
}

static void report_facts(struct record *r, const struct exchange *x)
{
	const struct exchange_facts *f = &x->facts;

	r->client = x->client->address;
	r->origin = f->origin;
	r->request_body_bytes = x->up.body_bytes;
	r->response_body_bytes = x->down.body_bytes;
	r->verdict = f->verdict;
	r->error = f->error;
	r->proxy_error = f->proxy_error;
	r->not_busted = x->policy.not_busted;
	r->switched = f->switched;
	r->pierced = rung_name(x->policy.rung);
	report_copy(r, x->pierce.copy);
	r->repeats = x->pierce.climb.repeats;
	r->service_worker = x->policy.service_worker_note;
	r->mode = x->policy.settings ? x->policy.settings->mode : MODE_OFF;
	r->status = f->status;
	r->request_minor = (uint8_t)x->request.minor;
	r->tunnel = x->tunnel;
	r->busted = x->policy.busted;
	r->reused = f->reused;
	r->truncated = f->truncated;
	r->tls = f->tls;
	r->intercepted = f->intercepted;
	r->unverified = f->unverified;
	r->staple_missing = f->staple_missing;
	r->passed_for_s = (f->passed_for_us + 999999) / 1000000;
	r->request_edit_count = record_edits(r->request_edits, &x->request);
	r->response_edit_count = f->response_edit_count;
	memcpy(r->response_edits, f->response_edits, f->response_edit_count * sizeof(f->response_edits[0]));
}

_Static_assert((int)RECORD_DIGEST_BYTES == (int)DIGEST_BYTES, "a record has room for a digest");

/* Of whole bodies only: that of a part would be taken for another content. */
static void report_digest(struct record *r, struct exchange *x)
{
	r->digested = x->down.digest && x->down.from != FRAMING_NONE && flow_done(&x->down) && !x->facts.truncated &&
		      digest_end(x->down.digest, r->body_digest);
}

static void report_user(struct record *r, const struct user *user)
{
	struct span name = user ? span_first(span_str(user->name), RECORD_USER_MAX) : SPAN_NONE;

	r->user_len = (uint16_t)name.n;
	if (name.n)
		memcpy(r->user, name.p, name.n);
}

void report_head(struct exchange *x, enum trace_head which, struct span head)
{
	if (x->worker->history)
		x->facts.heads[which] = arena_copy(&x->arena, span_first(head, TRACE_HEAD_MAX));
}

static struct trace_edits copy_edits(struct arena *a, const struct message *m)
{
	struct trace_edit edits[TRACE_EDITS_MAX];
	unsigned count = trace_edits(m, edits);
	struct trace_edit *items = arena_alloc(a, count * sizeof(edits[0]));

	if (!items)
		return (struct trace_edits){ .count = 0 };
	memcpy(items, edits, count * sizeof(edits[0]));
	return (struct trace_edits){ .items = items, .count = count };
}

void report_response(struct exchange *x, struct span received, struct span sent)
{
	if (!x->worker->history)
		return;
	report_head(x, TRACE_RESPONSE_RECEIVED, received);
	report_head(x, TRACE_RESPONSE_SENT, sent);
	x->facts.edits = copy_edits(&x->arena, &x->worker->response);
}

static void remember(struct exchange *x, const struct record *r)
{
	struct trace_edit edits[TRACE_EDITS_MAX];
	struct trace t = {
		.request = { .items = edits, .count = trace_edits(&x->request, edits) },
		.response = x->facts.edits,
	};

	memcpy(t.heads, x->facts.heads, sizeof(t.heads));
	t.heads[TRACE_REQUEST_RECEIVED] = x->request.head;
	history_add(x->worker->history, r, &t, worker_is_watched(x->worker));
}

uint64_t report_id(struct exchange *x)
{
	if (x->id == EXCHANGE_WITHOUT_ID)
		x->id = (uint64_t)x->worker->index << 48 | x->worker->next_exchange_id++;
	return x->id;
}

/* All but the digest, which can be had only once. */
static void report_all(struct record *r, struct exchange *x)
{
	r->exchange_id = report_id(x);
	report_facts(r, x);
	report_times(r, x, clock_us());
	report_url(r, x);
	report_user(r, x->user);
}

void report_so_far(struct exchange *x, struct past *out)
{
	report_all(&x->worker->record, x);
	x->worker->record.digested = false; /* that of a part would be taken for another content */
	*out = (struct past){ .record = &x->worker->record };
	memcpy(out->trace.heads, x->facts.heads, sizeof(out->trace.heads));
}

void report_exchange(struct exchange *x)
{
	struct worker *w = x->worker;
	struct record *logged = w->records && !x->facts.unrecorded ? ring_reserve(w->records) : NULL;
	bool remembered = w->history && !x->facts.own_page;
	struct record *r = logged ? logged : &w->record;

	if (!logged && !remembered)
		return;
	report_all(r, x);
	report_digest(r, x);
	if (remembered)
		remember(x, r);
	if (logged)
		ring_commit(w->records);
}
