/*
 * What the page /connect asks for to learn what its browser does: under freshet's own name, which only the proxy resolves,
 * from wherever the page itself was loaded.
 *
 * Answers are for that page alone, so that no other site's page learns that its visitor uses freshet: who asks has to know
 * the mark that the page holds, and that no other page can read there.
 */
#include <stdio.h>

#include "base/clock.h"
#include "proxy/pages.h"

enum { ANSWER_MAX = 768, BODY_MAX = 128 };

static bool has_mark(struct exchange *x)
{
	struct span given = page_parameter(x, SPAN("mark"));
	char mark[PAGE_TOKEN_BYTES];

	page_mark(x->worker->shared, mark);
	return given.n == PAGE_TOKEN_BYTES && secret_same(given.p, mark, PAGE_TOKEN_BYTES);
}

/* /connect/seen: that this freshet was reached. */
enum step page_seen(struct exchange *x, const struct page *page)
{
	if (!has_mark(x))
		return exchange_fail(x, REPLY_PAGE_PART, NULL);
	return exchange_answered(x, reply_shared(x, span_str(page->type), SPAN("{\"seen\":true}\n")));
}

/* -- an answer that may be kept, as it passes through -- */

static bool read_answer(struct exchange *x, struct span head)
{
	struct message *m = &x->worker->response;
	struct h1_error error;
	size_t scanned = 0, head_len;

	message_init(m, x->worker->fields, x->view->snapshot->limits.fields);
	return h1_read_response(head, &scanned, &x->view->snapshot->limits, NULL, METHOD_GET, m, &head_len, &error) == H1_OK;
}

/* Those of sites that have none of their own. */
static bool choose_settings(struct exchange *x)
{
	const char *why;
	struct target asked = x->target;
	bool ok = target_parse(SPAN("http://freshet.internal/"), false, &x->target, &why);

	if (ok)
		exchange_choose_settings(x);
	x->target = asked;
	return ok;
}

static enum step send_rewritten(struct exchange *x, struct span head, struct span body)
{
	struct loop *l = &x->worker->loop;
	struct message *m = &x->worker->response;
	struct policy_state state = { .stamp = (uint64_t)l->now_us };
	struct h1_write w = { .framing = FRAMING_LENGTH, .content_length = body.n };

	if (!read_answer(x, head))
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	policy_request(&state, x->policy.settings, &x->request, &x->arena);
	policy_response(&state, &x->request, m, &x->arena, clock_wall_us() / 1000000);
	if (h1_head_room(m, &w) > LOOP_OUT_BYTES)
		return exchange_fail(x, REPLY_INTERNAL, "no room to write the answer's head");
	struct iovec iov[] = {
		{ .iov_base = l->out, .iov_len = h1_write_response(m, &w, l->out) },
		{ .iov_base = (void *)(uintptr_t)body.p, .iov_len = body.n },
	};
	x->facts.status = 200;
	x->head_sent = true;
	return exchange_answered(x, conn_send(&x->client->conn, iov, x->request.method_id == METHOD_HEAD ? 1 : 2));
}

/*
 * /connect/kept: an answer as an origin gives that allows it to be kept for an hour, as it looks after policy's edits.  It
 * tells when it was made: a browser that gets the same twice answered itself.
 */
enum step page_kept(struct exchange *x, const struct page *page)
{
	char head[ANSWER_MAX], body[BODY_MAX];

	if (!has_mark(x))
		return exchange_fail(x, REPLY_PAGE_PART, NULL);
	if (!choose_settings(x))
		return exchange_fail(x, REPLY_INTERNAL, NULL);
	int body_n = snprintf(body, sizeof(body), "{\"made_us\":%lld,\"rewritten\":%s}\n", (long long)clock_us(),
		mode_rewrites(x->policy.settings->mode) ? "true" : "false");
	int head_n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
		"Cache-Control: public, max-age=3600\r\nAccess-Control-Allow-Origin: *\r\n"
		"Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\n\r\n", page->type, body_n);
	return send_rewritten(x, span_of(head, (size_t)head_n), span_of(body, (size_t)body_n));
}
