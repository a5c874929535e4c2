/*
 * Getting past caches that ignore the fields of requests: the request is made so that they do not know it, and made again
 * where an answer's head shows that one of them answered nevertheless.
 *
 * What is decided is in policy/climb, how requests are changed in policy/pierce.  Of an answer that is given up nothing
 * reaches the client.
 */
#include "base/clock.h"
#include "policy/signature.h"
#include "proxy/exchange_steps.h"
#include "proxy/pieces.h"
#include "proxy/pierced_hosts.h"

static const char could_not[] = "could not be pierced: what was changed to get past caches did not help, or nothing could be";

/* "/a/" of "/a/b/c", "/" of "/a". */
static struct span first_folder(struct span path)
{
	path = span_first(path, span_find(path, '?'));
	size_t inner = span_find(span_from(path, 1), '/');

	return span_first(path, inner + 1 < path.n ? inner + 2 : 1);
}

static struct pierced_host host_of(const struct exchange *x)
{
	return (struct pierced_host){
		.name = x->target.host,
		.port = x->target.port,
		.scheme = x->target.scheme,
		.folder = span_ihash(first_folder(x->target.path), 0),
	};
}

/* -- the request -- */

/* Looked at once, and only when there is reason to change the URL. */
static bool is_permitted(struct exchange *x)
{
	const char *reason = x->pierce.permitted ? NULL : signature_forbids_url(&x->request);

	x->pierce.permitted = !reason;
	if (!reason)
		return true;
	x->policy.not_busted = reason;
	x->pierce.on = false;
	return false;
}

static unsigned rungs_of(const struct exchange *x)
{
	const struct piercing *p = &x->pierce;
	struct pierce_facts facts = {
		.request = &x->request,
		.path = x->target.path,
		.agent_signed = policy_is_signed(&x->policy, HEADER_USER_AGENT),
		.agent_varies = p->agent_varies,
		.is_checked = !p->climb.always || p->cached,
		.original_known = p->climb.known,
	};

	return pierce_rungs(&facts);
}

static bool begins_at_zero(struct span range)
{
	return span_istarts(range, SPAN("bytes=0-"));
}

/* Pieces of a file share a token, everything else gets one of its own. */
static uint64_t token_of(struct exchange *x)
{
	struct pierced_host host = host_of(x);
	uint64_t fresh = pierced_hosts_token(x->worker->shared->pierced_hosts, &host), token;
	struct span range = message_value(&x->request, HEADER_RANGE);

	if (!range.n || message_edit(&x->request, HEADER_RANGE))
		return fresh;
	token = pieces_token(x->worker->shared->pieces, &x->client->address, x->request.target, begins_at_zero(range), fresh);
	x->pierce.climb.same_piece = token != fresh;
	return token;
}

/* The User-Agent of RUNG_VARY, or again the client's own. */
static bool set_agent(struct exchange *x, uint64_t token)
{
	struct span own = message_value(&x->request, HEADER_USER_AGENT), agent = own;

	if (x->pierce.climb.at == RUNG_VARY)
		agent = pierce_agent(own, token, &x->arena);
	else if (!message_edit(&x->request, HEADER_USER_AGENT))
		return true;
	if (agent.n)
		message_set(&x->request, HEADER_USER_AGENT, agent, "pierce: answers vary by it");
	return agent.n > 0;
}

/* Makes the request what the rung wants it to be; without memory for that, what it was. */
static void change(struct exchange *x)
{
	struct piercing *p = &x->pierce;
	uint64_t token = p->climb.at ? token_of(x) : 0;

	p->path = SPAN_NONE;
	if (!set_agent(x, token) || p->climb.at == RUNG_ORIGINAL)
		return;
	if (!p->original.n)
		p->original = exchange_origin_form(x);
	if (p->original.n)
		p->path = pierce_path(p->original, p->climb.at, span_str(x->view->snapshot->config->pierce_parameter), token, &x->arena);
	if (!p->path.n)
		p->climb.at = RUNG_ORIGINAL;
}

void exchange_pierce_begin(struct exchange *x)
{
	struct piercing *p = &x->pierce;

	if (x->policy.settings->pierce == PIERCE_NEVER || !x->policy.busted)
		return;
	exchange_unpierce_referer(x);
	if (!pierce_concerns(&x->request))
		return;
	struct pierced_host host = host_of(x);
	bool always = x->policy.settings->pierce == PIERCE_ALWAYS;
	p->on = true;
	p->lesson = pierced_hosts_find(x->worker->shared->pierced_hosts, &host);
	p->climb.always = always;
	if (!always && !p->lesson.worked) {
		climb_begin(&p->climb, &p->lesson, false, 0);
		return;
	}
	if (!is_permitted(x))
		return;
	p->agent_varies = p->lesson.worked == RUNG_VARY;
	climb_begin(&p->climb, &p->lesson, always, rungs_of(x));
	change(x);
}

/* -- the answer -- */

/* The media type without parameters, as a number; 0 for none. */
static uint32_t type_of(const struct message *m)
{
	struct span type = message_value(m, HEADER_CONTENT_TYPE);

	type = span_trim(span_first(type, span_find(type, ';')));
	return type.n ? span_ihash(type, 0) | 1 : 0;
}

static bool is_stream(const struct message *m)
{
	return span_istarts(message_value(m, HEADER_CONTENT_TYPE), SPAN("text/event-stream"));
}

static bool is_from_cache(const struct exchange *x)
{
	return x->facts.verdict.kind == VERDICT_FROM_CACHE || x->facts.verdict.kind == VERDICT_STALE;
}

static int64_t wall_s(void)
{
	return clock_wall_us() / 1000000;
}

enum copy_worth exchange_copy_worth(const struct exchange *x)
{
	return x->pierce.copy ? x->pierce.copy->worth : COPY_UNKNOWN;
}

static void note_costs(struct exchange *x, const struct pierced_host *host)
{
	struct piercing *p = &x->pierce;

	if (p->copy && p->climb.at && !is_from_cache(x))
		stored_copy_compare(p->copy, &x->worker->response, wall_s());
	struct pierced_cost cost = {
		.exchanges = 1,
		.repeats = p->climb.repeats,
		.bytes = p->given_up_bytes,
		.compared = exchange_copy_worth(x) != COPY_UNKNOWN,
		.same = exchange_copy_worth(x) == COPY_SAME,
	};
	pierced_hosts_spend(x->worker->shared->pierced_hosts, host, &cost);
}

/* What is to be known of the answer for good: to the client's record, and to whoever asks next. */
static void conclude(struct exchange *x)
{
	struct piercing *p = &x->pierce;
	struct pierced_host host = host_of(x);

	x->policy.rung = p->climb.unpierced ? RUNG_ORIGINAL : p->climb.at;
	x->policy.unpierced = p->climb.unpierced;
	if (p->climb.unpierced)
		x->policy.not_busted = could_not;
	if (memcmp(&p->climb.lesson, &p->lesson, sizeof(p->lesson)) != 0)
		pierced_hosts_learn(x->worker->shared->pierced_hosts, &host, &p->climb.lesson,
			x->view->snapshot->config->pierce_memory_ms * 1000);
	if (p->climb.repeats)
		note_costs(x, &host);
}

/* Whether the rest of the answer is there already, so that the connection is fit for the next request. */
static bool is_all_there(const struct message *m, size_t rest)
{
	if (!m->persistent)
		return false;
	return m->framing == FRAMING_NONE ? rest == 0 : m->framing == FRAMING_LENGTH && rest == m->content_length;
}

/* Without memory for that it stays unknown what it was worth. */
static void keep_copy(struct exchange *x)
{
	struct stored_copy *copy = x->pierce.copy;

	if (!copy)
		copy = arena_alloc(&x->arena, sizeof(*copy));
	if (copy)
		stored_copy_read(copy, &x->worker->response, &x->facts.verdict, wall_s());
	x->pierce.copy = copy;
}

/* A body still on its way is not waited for: who asked wants the fresh answer now. */
static void give_up_answer(struct exchange *x, struct span bytes, size_t head_len)
{
	struct origin_conn *oc = x->origin;

	x->pierce.given_up_bytes += bytes.n;
	if (is_from_cache(x))
		keep_copy(x);
	if (!is_all_there(&x->worker->response, bytes.n - head_len) || !conn_consume(&oc->conn, bytes, bytes.n) ||
		conn_has_unread(&oc->conn)) {
		exchange_drop_origin(x);
		return;
	}
	x->origin = NULL;
	origin_give_back(oc, true);
}

static void prepare_again(struct exchange *x)
{
	deadline_stop(&x->worker->loop, &x->deadline);
	x->fresh_only = x->up_abandoned = false;
	x->facts.first_byte_us = 0;
	x->response_scanned = 0;
	x->interim_count = 0;
	change(x);
}

bool exchange_pierce_again(struct exchange *x, struct span bytes, size_t head_len)
{
	const struct message *m = &x->worker->response;
	struct piercing *p = &x->pierce;
	bool cached = is_from_cache(x);

	if (!p->on || (p->climb.at == RUNG_ORIGINAL && !cached && !p->climb.always && !p->climb.repeats))
		return false;
	if (!is_permitted(x))
		return false;
	p->cached = p->cached || cached;
	p->agent_varies = p->agent_varies || pierce_varies(m);
	struct climb_answer answer = {
		.status = m->status, .type = type_of(m), .cached = cached, .looping = exchange_unpierce_loops(x), .stream = is_stream(m),
	};
	if (p->climb.at == RUNG_ORIGINAL)
		p->climb.known = true;
	answer.rungs = rungs_of(x);
	if (!climb_take(&p->climb, &answer)) {
		conclude(x);
		return false;
	}
	give_up_answer(x, bytes, head_len);
	prepare_again(x);
	return true;
}

bool exchange_pierce_unanswered(struct exchange *x)
{
	struct piercing *p = &x->pierce;

	if (!p->on || !climb_take_nothing(&p->climb))
		return false;
	exchange_drop_origin(x);
	prepare_again(x);
	return true;
}
