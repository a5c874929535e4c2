/*
 * One direction of a body.  Knows framing and back-pressure; knows nothing of requests, policy or timeouts.
 */
#include "proxy/flow.h"

#include <assert.h>

#include "proxy/preface.h"
#include "proxy/worker.h"
#include "tls/digest.h"

enum {
	TURNS = 4,                        /* full reads in one go, then others have their turn */
	SPLICE_AFTER_BYTES = 64 * 1024,   /* copied in full reads: the body is a bulk one */
	SPLICE_WORTH_BYTES = 192 * 1024,  /* still to come: below, two pipe descriptors do not pay */
	PARTS_MAX = 6,
	JOIN_MAX_BYTES = 8 * 1024,        /* small enough to copy rather than to gather */
};

#define LAST_CHUNK SPAN("0\r\n\r\n")

struct parts {
	struct iovec iov[PARTS_MAX];
	int count;
};

void flow_init(struct flow *f, enum framing from, uint64_t length, enum framing to)
{
	*f = (struct flow){ .from = from, .to = to, .remaining = length, .pipe = PIPE_CLOSED };
	if (from == FRAMING_NONE || (from == FRAMING_LENGTH && !length))
		f->state = FLOW_DONE;
	if (from == FRAMING_CHUNKED)
		h1_chunked_init(&f->chunked);
}

void flow_fini(struct flow *f, struct worker *w)
{
	pipe_put(&w->pipes, &f->pipe);
}

bool flow_wants(const struct flow *f, const struct conn *to)
{
	return f->state != FLOW_DONE && !conn_blocked(to) && !f->pipe.held_bytes;
}

static void add(struct parts *p, struct span s)
{
	if (s.n)
		p->iov[p->count++] = (struct iovec){ .iov_base = (void *)(uintptr_t)s.p, .iov_len = s.n };
}

static size_t parts_len(const struct parts *p)
{
	size_t n = 0;

	for (int i = 0; i < p->count; i++)
		n += p->iov[i].iov_len;
	return n;
}

/*
 * A head and a small body go out as one piece, composed behind the head in the loop's output buffer: copying a few
 * kilobytes costs less than the kernel's walk over a vector.
 */
static struct span join(const struct parts *p)
{
	char *first = p->iov[0].iov_base;
	size_t n = p->iov[0].iov_len;

	for (int i = 1; i < p->count; i++) {
		memcpy(first + n, p->iov[i].iov_base, p->iov[i].iov_len);
		n += p->iov[i].iov_len;
	}
	return span_of(first, n);
}

/* What goes out before these bytes of the body, which it may hold until more of them came. */
static struct span take_preface(struct flow *f, struct span *body)
{
	struct span lead = preface_take(f->preface, body, f->ending);

	if (lead.n)
		f->preface = NULL;
	return lead;
}

/* No digest at all where memory for it is out. */
static void digest_given(struct flow *f, struct span lead, struct span body)
{
	if (!digest_add(f->digest, lead) || !digest_add(f->digest, body))
		f->digest = NULL;
}

/* The prefix if there is one, the body bytes in their framing, then `tail`, in one write. */
static bool give(struct flow *f, struct worker *w, struct conn *to, struct span body, struct span tail)
{
	char head[H1_CHUNK_HEAD_MAX];
	struct parts p = { .count = 0 };
	size_t prefix_len = f->prefix.n;
	struct span lead = f->preface && (body.n || f->ending) ? take_preface(f, &body) : SPAN_NONE;
	size_t body_len = lead.n + body.n;

	add(&p, f->prefix);
	f->prefix = SPAN_NONE;
	if (body_len && f->to == FRAMING_CHUNKED)
		add(&p, span_of(head, h1_write_chunk_head(body_len, head)));
	add(&p, lead);
	add(&p, body);
	if (body_len && f->to == FRAMING_CHUNKED)
		add(&p, SPAN("\r\n"));
	add(&p, tail);
	f->body_bytes += body_len;
	if (f->digest)
		digest_given(f, lead, body);
	if (p.count > 1 && prefix_len && parts_len(&p) <= JOIN_MAX_BYTES) {
		assert(p.iov[0].iov_base == w->loop.out);
		return conn_send_span(to, join(&p));
	}
	return !p.count || conn_send(to, p.iov, p.count);
}

static enum flow_result feed_length(struct flow *f, struct worker *w, struct conn *from, struct conn *to, struct span bytes)
{
	size_t take = bytes.n < f->remaining ? bytes.n : (size_t)f->remaining;

	f->ending = take == f->remaining;
	to->ends_next = f->ending && f->closes;
	if (!give(f, w, to, span_first(bytes, take), SPAN_NONE))
		return FLOW_SINK_BROKEN;
	f->remaining -= take;
	if (!f->remaining)
		f->state = FLOW_DONE;
	if (!conn_consume(from, bytes, take))
		return FLOW_SOURCE_BROKEN;
	return f->remaining ? FLOW_WAIT : FLOW_FINISHED;
}

static enum flow_result feed_until_close(struct flow *f, struct worker *w, struct conn *from, struct conn *to, struct span bytes)
{
	if (!give(f, w, to, bytes, SPAN_NONE))
		return FLOW_SINK_BROKEN;
	return conn_consume(from, bytes, bytes.n) ? FLOW_WAIT : FLOW_SOURCE_BROKEN;
}

static bool any_kept(const struct message *trailers)
{
	for (unsigned i = 0; i < trailers->field_count; i++)
		if (!trailers->fields[i].dropped)
			return true;
	return false;
}

/* Sends `body` and the end of the body.  Trailers are composed where the prefix may stand, so that goes first. */
static bool give_end(struct flow *f, struct worker *w, struct conn *to, struct span body, const struct message *trailers)
{
	f->ending = true;
	if (f->to != FRAMING_CHUNKED)
		return give(f, w, to, body, SPAN_NONE);
	if (!trailers || !any_kept(trailers))
		return give(f, w, to, body, LAST_CHUNK);
	if (!give(f, w, to, body, SPAN_NONE))
		return false;
	return give(f, w, to, SPAN_NONE, span_of(w->loop.out, h1_write_trailers(trailers, w->loop.out)));
}

/* `rest` begins with the trailer section; `body` was decoded before it and is still to be sent. */
static enum flow_result feed_trailers(struct flow *f, struct worker *w, struct conn *from, struct conn *to,
	struct span body, struct span rest)
{
	struct message trailers;
	struct h1_error error;
	size_t len = 0;

	f->state = FLOW_TRAILERS;
	message_init(&trailers, w->fields, worker_snapshot(w)->limits.fields);
	switch (h1_read_trailers(&f->chunked, rest, &f->scanned, &worker_snapshot(w)->limits, &trailers, &len, &error)) {
	case H1_OK:
		if (!give_end(f, w, to, body, &trailers))
			return FLOW_SINK_BROKEN; /* and not done: what is left in the source is not the next message's */
		f->state = FLOW_DONE;
		return conn_consume(from, rest, len) ? FLOW_FINISHED : FLOW_SOURCE_BROKEN;
	case H1_MORE:
		f->starving = true;
		if (!give(f, w, to, body, SPAN_NONE))
			return FLOW_SINK_BROKEN;
		return conn_consume(from, rest, 0) ? FLOW_WAIT : FLOW_SOURCE_BROKEN;
	case H1_BAD:
		break;
	}
	f->reason = error.reason;
	return give(f, w, to, body, SPAN_NONE) ? FLOW_SOURCE_BAD : FLOW_SINK_BROKEN;
}

static enum flow_result feed_chunked(struct flow *f, struct worker *w, struct conn *from, struct conn *to,
	struct span bytes)
{
	size_t consumed = 0, body_len = 0;

	if (f->state == FLOW_TRAILERS)
		return feed_trailers(f, w, from, to, SPAN_NONE, bytes);
	/* The bytes are in a buffer of ours, received for this: decoding in place is no cast of somebody's constant. */
	switch (h1_chunked_read(&f->chunked, (char *)(uintptr_t)bytes.p, bytes.n, &consumed, &body_len, &f->reason)) {
	case H1_CHUNK_MORE:
		if (!give(f, w, to, span_first(bytes, body_len), SPAN_NONE))
			return FLOW_SINK_BROKEN;
		return conn_consume(from, bytes, bytes.n) ? FLOW_WAIT : FLOW_SOURCE_BROKEN;
	case H1_CHUNK_TRAILERS: {
		struct span body = span_first(bytes, body_len);

		if (consumed == bytes.n) { /* skipping everything stored would free the body before it is sent */
			if (!give(f, w, to, body, SPAN_NONE))
				return FLOW_SINK_BROKEN;
			body = SPAN_NONE;
		}
		struct span rest = conn_skip(from, bytes, consumed);
		return feed_trailers(f, w, from, to, body, rest);
	}
	case H1_CHUNK_BAD:
		break;
	}
	/* What was decoded before the fault is the client's; that the rest is missing it will see. */
	return give(f, w, to, span_first(bytes, body_len), SPAN_NONE) ? FLOW_SOURCE_BAD : FLOW_SINK_BROKEN;
}

/* Gives on what can be of received bytes, and consumes them. */
static enum flow_result feed(struct flow *f, struct worker *w, struct conn *from, struct conn *to, struct span bytes)
{
	f->starving = false;
	switch (f->from) {
	case FRAMING_NONE:
		break;
	case FRAMING_LENGTH:
		return feed_length(f, w, from, to, bytes);
	case FRAMING_CHUNKED:
		return feed_chunked(f, w, from, to, bytes);
	case FRAMING_CLOSE:
		return feed_until_close(f, w, from, to, bytes);
	}
	return FLOW_FINISHED;
}

/* The source has no more bytes. */
static enum flow_result ended(struct flow *f, struct worker *w, struct conn *to)
{
	if (f->from != FRAMING_CLOSE)
		return FLOW_SOURCE_CUT;
	if (!give_end(f, w, to, SPAN_NONE, NULL))
		return FLOW_SINK_BROKEN;
	f->state = FLOW_DONE;
	return FLOW_FINISHED;
}

static enum flow_result run_splice(struct flow *f, struct worker *w, struct conn *from, struct conn *to)
{
	uint64_t limit = f->from == FRAMING_LENGTH ? f->remaining : UINT64_MAX;
	uint64_t taken, given;

	if (!f->pipe.held_bytes && limit && from->bytes == BYTES_NONE && !from->read_ended)
		return FLOW_WAIT;
	enum splice_result result = splice_move(&f->pipe, from, to, from->read_ended ? 0 : limit, &taken, &given);
	f->body_bytes += given;
	if (f->from == FRAMING_LENGTH)
		f->remaining -= taken;
	switch (result) {
	case SPLICE_SOURCE_DRY:
		from->bytes = BYTES_NONE;
		return FLOW_WAIT;
	case SPLICE_AGAIN:
	case SPLICE_SINK_FULL:
		return FLOW_WAIT;
	case SPLICE_LIMIT:
		if (f->from == FRAMING_CLOSE || f->remaining)
			return ended(f, w, to);
		f->state = FLOW_DONE;
		return FLOW_FINISHED;
	case SPLICE_END:
		return ended(f, w, to);
	case SPLICE_SOURCE_BROKEN:
		return FLOW_SOURCE_BROKEN;
	case SPLICE_SINK_BROKEN:
		break;
	}
	return FLOW_SINK_BROKEN;
}

/* After a full read: whether the rest is worth two pipe descriptors.  Takes them. */
static bool start_splice(struct flow *f, struct worker *w, const struct conn *from, const struct conn *to)
{
	bool raw = (f->from == FRAMING_LENGTH && f->to == FRAMING_LENGTH) ||
		   (f->from == FRAMING_CLOSE && f->to == FRAMING_CLOSE);

	f->copied_bytes += LOOP_READ_BYTES;
	if (!raw || f->digest || f->copied_bytes < SPLICE_AFTER_BYTES || !conn_is_raw(from) || !conn_is_raw(to))
		return false;
	if (f->from == FRAMING_LENGTH && f->remaining < SPLICE_WORTH_BYTES)
		return false;
	return pipe_get(&w->pipes, &f->pipe);
}

static enum flow_result run_copy(struct flow *f, struct worker *w, struct conn *from, struct conn *to)
{
	for (int turn = 0; turn < TURNS || from->bytes == BYTES_UNSURE; turn++) {
		struct span bytes = conn_stored(from);
		bool filled = false;

		if (!bytes.n || f->starving) {
			if (from->read_ended)
				return ended(f, w, to);
			if (from->bytes == BYTES_NONE)
				return FLOW_WAIT;
			switch (conn_read(from, &bytes, &filled)) {
			case IO_OK:
				break;
			case IO_AGAIN:
				return FLOW_WAIT;
			case IO_END:
				return ended(f, w, to);
			case IO_ERROR:
				return FLOW_SOURCE_BROKEN;
			}
		}
		enum flow_result result = feed(f, w, from, to, bytes);
		if (result != FLOW_WAIT || conn_blocked(to))
			return result;
		if (filled && start_splice(f, w, from, to))
			return run_splice(f, w, from, to);
	}
	return FLOW_WAIT;
}

static enum flow_result run(struct flow *f, struct worker *w, struct conn *from, struct conn *to)
{
	if (f->state == FLOW_DONE)
		return FLOW_FINISHED;
	if (conn_blocked(to))
		return FLOW_WAIT;
	if (pipe_is_open(&f->pipe))
		return run_splice(f, w, from, to);
	return run_copy(f, w, from, to);
}

enum flow_result flow_run(struct flow *f, struct worker *w, struct conn *from, struct conn *to)
{
	enum flow_result result = run(f, w, from, to);

	if (f->prefix.n && result != FLOW_SINK_BROKEN && !give(f, w, to, SPAN_NONE, SPAN_NONE))
		return FLOW_SINK_BROKEN;
	return result;
}

enum flow_result flow_feed(struct flow *f, struct worker *w, struct conn *from, struct conn *to, struct span bytes)
{
	enum flow_result result = f->state == FLOW_DONE ? FLOW_FINISHED : FLOW_WAIT;

	if (result == FLOW_FINISHED) {
		if (!conn_consume(from, bytes, 0))
			result = FLOW_SOURCE_BROKEN;
	} else if (bytes.n) {
		result = feed(f, w, from, to, bytes);
	}
	if (f->prefix.n && result != FLOW_SINK_BROKEN && !give(f, w, to, SPAN_NONE, SPAN_NONE))
		return FLOW_SINK_BROKEN;
	return result;
}
