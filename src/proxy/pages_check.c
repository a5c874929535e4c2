/*
 * What the page for checking an address asks for: that a probe be led, how far it is, and what samples found stale.
 */
#include <stdlib.h>

#include "inspect/json.h"
#include "proxy/pages.h"
#include "proxy/probes.h"

enum { ANSWER_BYTES = 512 };

static enum step answer_error(struct exchange *x, unsigned status, const char *why)
{
	char room[ANSWER_BYTES];
	struct json j = json_of(room, sizeof(room));

	json_open(&j, '{');
	json_key(&j, SPAN("error"));
	json_string(&j, span_str(why));
	json_close(&j, '}');
	return exchange_answered(x, reply_page(x, status, SPAN("application/json"), span_of(room, j.line.n)));
}

/* What keeps the client from having this address asked, NULL for nothing: what would keep it from asking itself. */
static const char *refusal(const struct exchange *x, const struct target *t)
{
	const struct snapshot *s = x->view->snapshot;

	if (exchange_is_own_name(t->host))
		return "this is the proxy's own name";
	if (t->scheme == SCHEME_HTTPS && !config_ports_have(&s->config->connect_ports, t->port))
		return "connect-ports does not name this port";
	if (!x->client->access.local && destinations_refuse_target(s->destinations, t))
		return "deny-destinations keeps this client from there";
	return NULL;
}

static enum step start(struct exchange *x, struct span url, const struct target *t)
{
	const struct policy_subject subject = { .target = t, .method = SPAN("GET"), .client = &x->client->address };
	struct snapshot *s = x->view->snapshot;
	const struct probe_wish wish = {
		.url = url,
		.snapshot = s,
		.settings = policy_match(s->policy, &subject),
		.guarded = !x->client->access.local,
	};
	uint64_t id = probes_add(&x->worker->shared->probes, &wish);
	char room[64];
	struct json j = json_of(room, sizeof(room));

	if (!id)
		return answer_error(x, 429, "too many addresses are being checked, or were in the last minute; try again later");
	json_open(&j, '{');
	json_key(&j, SPAN("id"));
	json_u64(&j, id);
	json_close(&j, '}');
	return exchange_answered(x, reply_page(x, 200, SPAN("application/json"), span_of(room, j.line.n)));
}

enum step page_check_start(struct exchange *x, const struct page *page)
{
	struct span url = page_parameter(x, SPAN("url"));
	const char *why = "there is no address";
	struct target t;

	(void)page;
	if (!url.n || !target_parse(url, false, &t, &why))
		return answer_error(x, 400, why);
	if (t.form != TARGET_ABSOLUTE)
		return answer_error(x, 400, "it has to begin with http:// or https://");
	why = refusal(x, &t);
	return why ? answer_error(x, 403, why) : start(x, url, &t);
}

static enum step answer_state(struct exchange *x, struct span text)
{
	return exchange_answered(x, reply_page(x, 200, SPAN("application/json"), text));
}

static enum step tell(struct exchange *x, uint64_t id, char *room)
{
	size_t n;

	switch (probes_look(&x->worker->shared->probes, id, room, &n)) {
	case PROBE_FORGOTTEN:
		break;
	case PROBE_WAITS:
		return answer_state(x, SPAN("{\"state\":\"waits\"}"));
	case PROBE_RUNS:
		return answer_state(x, SPAN("{\"state\":\"runs\"}"));
	case PROBE_DONE:
		return n ? answer_state(x, span_of(room, n)) : answer_error(x, 500, "memory is out, or the report is too long");
	}
	return answer_error(x, 404, "no such check is remembered");
}

enum step page_check_result(struct exchange *x, const struct page *page)
{
	char *room = malloc(PROBES_REPORT_BYTES); /* somebody waits for it */
	uint64_t id;

	(void)page;
	if (!room)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	if (!span_u64(page_parameter(x, SPAN("id")), UINT64_MAX, &id))
		id = 0;
	enum step step = tell(x, id, room);
	free(room);
	return step;
}

enum step page_check_stale(struct exchange *x, const struct page *page)
{
	char *room = malloc(STALE_URLS_JSON_MAX); /* touched as far as there is something to tell */

	(void)page;
	if (!room)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	struct json j = json_of(room, STALE_URLS_JSON_MAX);
	sampling_tell(&x->worker->shared->sampling, &j);
	bool sent = reply_page(x, 200, SPAN("application/json"), span_of(room, j.line.n));
	free(room);
	return exchange_answered(x, sent);
}
