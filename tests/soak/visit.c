/* Requests out, answers in, and what is to be thought of them. */
#include "visit.h"

#include "tally.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

void visit_fail(const struct visit *v, const struct plan *p, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!p) {
		tally_fail("visitor %u session %llu (%s): %s", v->visitor, (unsigned long long)v->number, v->session, text);
		return;
	}
	tally_fail("visitor %u session %llu (%s) exchange %016llx %s fault=%s up=%zu%s down=%zu framing=%d: %s", v->visitor,
		(unsigned long long)v->number, v->session, (unsigned long long)p->id, verb_names[p->verb],
		fault_kinds[p->fault].name, p->up_bytes, p->up_chunked ? " chunked" : "", p->down_bytes,
		(int)p->down_framing, text);
}

bool visit_dial(struct visit *v, int receive_buffer)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	at.sin_port = htons((unsigned short)v->world->proxy_port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	wire_init(&v->wire, fd, v->world->limit_ms);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return true;
	visit_fail(v, NULL, "no connection to the proxy");
	wire_close(&v->wire);
	return false;
}

/* -- requests -- */

/* Without the proxy in between, the origin's faults show as they are. */
static bool is_plain(enum fault f)
{
	return f == FAULT_NONE || f == FAULT_SLOW || f == FAULT_DRIP || f == FAULT_INTERIM || f == FAULT_DUPLEX;
}

struct plan visit_plan(struct visit *v, const struct manner *m)
{
	struct plan p;

	do
		p = plan_of(dice_next(&v->dice));
	while ((m->old && p.up_chunked) || (m->expect && !plan_has_upload(&p)) || (m->direct && !is_plain(p.fault)));
	return p;
}

static void add_padding(struct visit *v, struct bytes *out)
{
	static const char pad[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	if (!dice_percent(&v->dice, 20))
		return;
	for (uint64_t i = dice_below(&v->dice, dice_percent(&v->dice, 10) ? 60 : 6); i; i--)
		bytes_printf(out, "X-Pad-%u: %.*s\r\n", (unsigned)i, (int)dice_below(&v->dice, sizeof(pad)), pad);
}

void visit_add_head(struct visit *v, struct bytes *out, const struct plan *p, const struct manner *m)
{
	const char *authority = v->world->authorities[dice_below(&v->dice, v->world->authority_count)];
	unsigned long long id = p->id;

	bytes_printf(out, "%s %s%s/x/%016llx HTTP/1.%d\r\nHost: %s\r\nX-Check: %016llx\r\n", verb_names[p->verb],
		m->direct ? "" : "http://", m->direct ? "" : authority, id, m->old ? 0 : 1, authority, id);
	if (m->direct)
		bytes_printf(out, "X-Direct: 1\r\n");
	else
		bytes_printf(out, "If-None-Match: \"%llx\"\r\nCache-Control: max-age=9\r\nProxy-Connection: keep-alive\r\n", id);
	if (m->old && m->old_keep_alive)
		bytes_printf(out, "Connection: keep-alive\r\n");
	else if (!m->direct && dice_percent(&v->dice, 20))
		bytes_printf(out, "Connection: X-Named\r\nX-Named: %llx\r\n", id);
	add_padding(v, out);
	if (p->up_chunked)
		bytes_printf(out, "Transfer-Encoding: chunked\r\n");
	else if (plan_has_upload(p))
		bytes_printf(out, "Content-Length: %zu\r\n", p->up_bytes);
	bytes_printf(out, m->expect ? "Expect: 100-continue\r\n\r\n" : "\r\n");
}

void visit_add_request(struct visit *v, struct bytes *out, const struct plan *p, const struct manner *m)
{
	visit_add_head(v, out, p, m);
	if (plan_has_upload(p))
		bytes_add_body(out, p->id, UP, p->up_bytes, p->up_chunked);
}

void visit_say(struct visit *v, const struct bytes *out)
{
	v->wire.out = out->p;
	v->wire.out_n = out->n;
}

/* -- answers -- */

struct download {
	uint64_t id, got;
	bool is_ours; /* by the origin: its bytes are known */
};

static bool take_download(void *arg, const char *p, size_t n)
{
	struct download *d = arg;

	if (d->is_ours && !body_matches(d->id, DOWN, d->got, p, n))
		return false;
	d->got += n;
	return true;
}

static struct answer wrong(struct visit *v, const struct plan *p, const char *why)
{
	visit_fail(v, p, "%s: %.400s", why, v->wire.head);
	return (struct answer){ .got = GOT_WRONG };
}

static struct answer ended(struct visit *v, const struct plan *p, enum wire_result result, enum got got)
{
	switch (result) {
	case WIRE_OK:
	case WIRE_ENDED:
	case WIRE_BROKEN:
		break;
	case WIRE_LATE:
		return wrong(v, p, "waits too long");
	case WIRE_WRONG:
		return wrong(v, p, v->wire.why);
	}
	return (struct answer){ .got = got };
}

static enum wire_result read_body(struct visit *v, const struct plan *p, const struct manner *m, struct answer *a,
	struct download *d)
{
	char value[64];
	unsigned chunked = head_field(v->wire.head, "Transfer-Encoding", value, sizeof(value));
	bool is_chunked = chunked == 1 && strcasecmp(value, "chunked") == 0;
	unsigned lengths = head_field(v->wire.head, "Content-Length", value, sizeof(value));

	if (chunked + lengths > 1 || chunked != is_chunked || (is_chunked && m->old && !m->direct)) {
		v->wire.why = "ambiguous framing";
		return WIRE_WRONG;
	}
	if (p->verb == VERB_HEAD || a->status == 204 || a->status == 304)
		return WIRE_OK;
	if (is_chunked)
		return wire_read_chunked(&v->wire, take_download, d);
	if (lengths)
		return wire_read_counted(&v->wire, strtoull(value, NULL, 10), take_download, d);
	if (!a->last) {
		v->wire.why = "a body without an end";
		return WIRE_WRONG;
	}
	return wire_read_rest(&v->wire, take_download, d);
}

/* What only the right answer has. */
static const char *mistake_in_head(struct visit *v, const struct plan *p, const struct manner *m, unsigned status)
{
	char value[256];
	unsigned long long id;

	if (status >= 500)
		return head_field(v->wire.head, "Proxy-Status", value, sizeof(value)) ? NULL : "an error of nobody's";
	if (status != 200)
		return NULL;
	if (head_field(v->wire.head, "X-Id", value, sizeof(value)) != 1 || sscanf(value, "%16llx", &id) != 1 || id != p->id)
		return "the answer to another request";
	head_field(v->wire.head, "X-Got", value, sizeof(value));
	if (p->fault != FAULT_DUPLEX && strtoull(value, NULL, 10) != p->up_bytes)
		return "the origin got another upload";
	if (!m->direct && (head_field(v->wire.head, "Cache-Control", value, sizeof(value)) != 1 ||
		strncmp(value, "no-cache", 8) != 0))
		return "may be cached";
	return NULL;
}

static bool says_last(const struct visit *v, const struct manner *m)
{
	char value[64];

	head_field(v->wire.head, "Connection", value, sizeof(value));
	return strcasecmp(value, "close") == 0 || (m->old && strcasecmp(value, "keep-alive") != 0);
}

static enum wire_result read_final_head(struct visit *v, const struct manner *m, unsigned *status)
{
	for (;;) {
		enum wire_result result = wire_read_head(&v->wire);

		if (result != WIRE_OK)
			return result;
		if (sscanf(v->wire.head, "HTTP/1.1 %3u ", status) != 1 || v->wire.head[12] != ' ' || *status < 100) {
			v->wire.why = "not a status line";
			return WIRE_WRONG;
		}
		if (*status >= 200 || *status == 101)
			return WIRE_OK;
		if (m->old && !m->direct) {
			v->wire.why = "an interim answer to HTTP/1.0";
			return WIRE_WRONG;
		}
	}
}

struct answer visit_read_answer(struct visit *v, const struct plan *p, const struct manner *m)
{
	struct answer a = { .got = GOT_WHOLE };
	struct download d = { .id = p->id };

	v->wire.head[0] = 0;
	enum wire_result result = read_final_head(v, m, &a.status);
	if (result != WIRE_OK)
		return ended(v, p, result, v->wire.n > v->wire.at ? GOT_CUT : GOT_NOTHING);
	const char *mistake = mistake_in_head(v, p, m, a.status);
	if (mistake)
		return wrong(v, p, mistake);
	d.is_ours = a.status == 200;
	a.last = says_last(v, m);
	result = read_body(v, p, m, &a, &d);
	tally_add("bytes-down-checked", d.is_ours ? d.got : 0);
	if (result != WIRE_OK) {
		unsigned status = a.status;

		a = ended(v, p, result, GOT_CUT);
		a.status = status;
	} else if (d.is_ours && p->verb != VERB_HEAD && d.got != p->down_bytes) {
		return wrong(v, p, "seems whole and is not");
	}
	return a;
}

/* -- judgement -- */

static bool fits(const struct plan *p, struct answer a)
{
	bool once_only = plan_has_upload(p); /* not repeated when a pooled connection turns out dead */

	if (a.got == GOT_WHOLE && a.status == 502 && once_only && fault_kinds[p->fault].outcome == OUTCOME_WHOLE)
		tally_add("uploads-not-repeated", 1);
	switch (fault_kinds[p->fault].outcome) {
	case OUTCOME_WHOLE:
		return a.got == GOT_WHOLE && (a.status == 200 || (a.status == 502 && once_only));
	case OUTCOME_BAD:
		return a.got == GOT_WHOLE && a.status == 502;
	case OUTCOME_LATE:
		return a.got == GOT_WHOLE && (a.status == 504 || (a.status == 502 && once_only));
	case OUTCOME_REFUSED:
		return a.got == GOT_WHOLE && (a.status == 413 || a.status == 502);
	case OUTCOME_CUT:
		return a.got == GOT_CUT || (a.got == GOT_WHOLE && (a.status == 502 || a.status == 504));
	}
	return false;
}

bool visit_judge(struct visit *v, const struct plan *p, struct answer a)
{
	static const char *const names[] = { "whole", "cut", "nothing", "wrong" };

	if (a.got == GOT_WRONG)
		return false;
	tally_add("exchanges", 1);
	tally_add(a.got == GOT_WHOLE ? (a.status == 200 ? "answers-200" : "answers-error") : "answers-cut", 1);
	if (!fits(p, a)) {
		char reason[256];

		head_field(v->wire.head, "Proxy-Status", reason, sizeof(reason));
		visit_fail(v, p, "got %s, status %u (%s), instead of %s", names[a.got], a.status, reason,
			fault_kinds[p->fault].name);
		return false;
	}
	return a.got == GOT_WHOLE && !a.last;
}

bool visit_hear(struct visit *v, const struct plan *p, const struct manner *m)
{
	struct answer a = visit_read_answer(v, p, m);
	bool on = visit_judge(v, p, a);

	if (a.got == GOT_WHOLE && a.last && !m->direct)
		visit_hear_end(v, p);
	return on;
}

void visit_hear_end(struct visit *v, const struct plan *p)
{
	v->wire.out_n = 0;
	if (v->wire.result == WIRE_OK && wire_fill(&v->wire))
		visit_fail(v, p, "bytes behind the last answer: %.100s", v->wire.in + v->wire.at);
	else if (v->wire.result == WIRE_LATE)
		visit_fail(v, p, "the connection does not end");
}

bool visit_hear_error(struct visit *v, const char *what, unsigned status, unsigned or_status)
{
	struct plan p = { .verb = VERB_GET };
	struct manner m = { 0 };
	struct answer a = visit_read_answer(v, &p, &m);

	if (a.got == GOT_WRONG)
		return false;
	tally_add(what, 1);
	if (a.got == GOT_WHOLE && (a.status == status || a.status == or_status))
		return true;
	visit_fail(v, NULL, "%s: status %u instead of %u", what, a.status, status);
	return false;
}
