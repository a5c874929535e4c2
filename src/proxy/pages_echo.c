/*
 * /echo: the request as an origin would get it.
 *
 * It goes the way of any other until it would be sent.  With url= it is one for that address, so that the settings for that
 * site apply.  Its body is not read: what is said of it is only that there is one.
 */
#include <stdlib.h>

#include "inspect/story.h"
#include "proxy/pages.h"

/* Reads `url` as the request's target, as if it had been asked for. */
static bool set_target(struct exchange *x, struct span url, const char **why)
{
	struct target target;

	if (!target_parse(url, false, &target, why))
		return false;
	*why = "url= takes an absolute URL";
	if (target.form != TARGET_ABSOLUTE)
		return false;
	x->request.target = url;
	x->target = target;
	return true;
}

/* What was asked for, by the Host that came along where it was asked of us as of a web server. */
static struct span own_url(struct exchange *x)
{
	struct span host = message_value(&x->request, HEADER_HOST), path = x->target.path;
	size_t scheme_n = sizeof("http://") - 1;

	if (x->target.form == TARGET_ABSOLUTE)
		return x->request.target;
	if (!host.n)
		host = SPAN("freshet.internal");
	char *url = arena_alloc(&x->arena, scheme_n + host.n + path.n);
	if (!url)
		return SPAN_NONE;
	memcpy(url, "http://", scheme_n);
	memcpy(url + scheme_n, host.p, host.n);
	memcpy(url + scheme_n + host.n, path.p, path.n);
	return span_of(url, scheme_n + host.n + path.n);
}

static enum step answer_text(struct exchange *x, struct span head)
{
	struct span note = SPAN("(freshet does not echo bodies)\n");
	size_t note_n = x->request.framing == FRAMING_NONE ? 0 : note.n;
	char *text = malloc(head.n + note_n);

	if (!text)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	memcpy(text, head.p, head.n);
	memcpy(text + head.n, note.p, note_n);
	bool sent = reply_page(x, 200, SPAN("text/plain; charset=utf-8"), span_of(text, head.n + note_n));
	free(text);
	return exchange_answered(x, sent);
}

static enum step answer_json(struct exchange *x, struct span head)
{
	size_t max = JSON_BYTES_PER_BYTE * head.n + 64; /* brackets and quotes take the place of colons and line ends */
	char *text = malloc(max);

	if (!text)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	struct json j = json_of(text, max);
	story_put_head(&j, head, true);
	bool sent = reply_page(x, 200, SPAN("application/json"), span_of(text, j.line.n));
	free(text);
	return exchange_answered(x, sent);
}

/* In the record it stays what it is, a page of ours. */
static void restore(struct exchange *x, struct span target)
{
	x->request.target = target;
	x->policy = (struct policy_state){ .not_busted = "the proxy's own page" };
	x->pierce = (struct piercing){ .on = false };
}

enum step page_echo(struct exchange *x, const struct page *page)
{
	struct span asked = x->request.target, url = page_parameter(x, SPAN("url"));
	const char *why = "memory is out";
	enum step step;

	(void)page;
	if (!set_target(x, url.n ? url : own_url(x), &why))
		return exchange_fail(x, REPLY_BAD_REQUEST, why);
	bool passes = exchange_edit_request(x, &step);
	struct span path = x->pierce.path.n ? x->pierce.path : exchange_origin_form(x);
	restore(x, asked);
	if (!passes)
		return step;
	struct span head = exchange_compose_request(x, path);
	if (!head.n)
		return exchange_fail(x, REPLY_INTERNAL, "no room to write the request's head");
	return reply_type_wanted(x, SPAN("application/json")) ? answer_json(x, head) : answer_text(x, head);
}
