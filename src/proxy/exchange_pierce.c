/*
 * Getting past caches that ignore the fields of requests: the request is made so that they do not know it, and made again
 * where an answer's head shows that one of them answered nevertheless.
 *
 * What is decided is in policy/climb, how requests are changed in policy/pierce.  Of an answer that is given up nothing
 * reaches the client.
 */
#include "policy/signature.h"
#include "policy/unpierce.h"
#include "proxy/exchange_steps.h"
#include "proxy/pieces.h"
#include "proxy/pierced_hosts.h"

static const char could_not[] = "could not be pierced: what was changed to get past caches did not help, or nothing could be";

static struct pierced_host host_of(const struct exchange *x)
{
	return (struct pierced_host){ .name = x->target.host, .port = x->target.port, .scheme = x->target.scheme };
}

static struct span parameter_of(const struct exchange *x)
{
	return span_str(x->view->snapshot->config->pierce_parameter);
}

static bool is_wanted(const struct exchange *x)
{
	return x->policy.settings->pierce != PIERCE_NEVER;
}

/* -- what clients bring along from pages that show changed URLs -- */

void exchange_pierce_clean(struct exchange *x)
{
	struct unpierce u = { .parameter = parameter_of(x) };
	struct target target;
	const char *why;

	if (!is_wanted(x) || x->policy.settings->mode != MODE_BUST || !unpierce_finds(&u, x->request.target) ||
		signature_forbids_url(&x->request))
		return;
	struct span url = unpierce(&u, x->request.target, &x->arena);
	if (!target_parse(url, false, &target, &why))
		return;
	target.port_given = x->target.port_given;
	target.port = x->target.port;
	x->request.target = url;
	x->target = target;
}

static void clean_referer(struct exchange *x)
{
	struct unpierce u = { .parameter = parameter_of(x) };
	struct span referer = message_value(&x->request, HEADER_REFERER);

	if (referer.n && unpierce_finds(&u, referer) && !policy_is_signed(&x->policy, HEADER_REFERER))
		message_set(&x->request, HEADER_REFERER, unpierce(&u, referer, &x->arena), "pierce: the URL as it was");
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
	uint64_t fresh = pierced_hosts_token(x->worker->shared->pierced_hosts), token;
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
		p->path = pierce_path(p->original, p->climb.at, parameter_of(x), token, &x->arena);
	if (!p->path.n)
		p->climb.at = RUNG_ORIGINAL;
}

void exchange_pierce_begin(struct exchange *x)
{
	struct piercing *p = &x->pierce;

	if (!is_wanted(x) || !x->policy.busted)
		return;
	clean_referer(x);
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
	uint32_t h = 2166136261u;

	type = span_trim(span_first(type, span_find(type, ';')));
	for (size_t i = 0; i < type.n; i++)
		h = (h ^ (unsigned char)ascii_lower(type.p[i])) * 16777619u;
	return type.n ? h | 1 : 0;
}

static bool is_stream(const struct message *m)
{
	return span_istarts(message_value(m, HEADER_CONTENT_TYPE), SPAN("text/event-stream"));
}

static struct unpierce changes_of(const struct exchange *x)
{
	struct unpierce u = { .parameter = parameter_of(x) };

	if (x->pierce.path.n && !span_eq(x->pierce.path, x->pierce.original)) {
		u.sent = x->pierce.path;
		u.original = x->pierce.original;
	}
	return u;
}

/* "http://host", "//host" or nothing at the front of a Location, when it is the request's own; its length. */
static bool names_own_site(const struct exchange *x, struct span location, size_t *length)
{
	struct span scheme = scheme_name(x->target.scheme), authority = x->target.authority;
	size_t n = 0;

	if (span_starts(location, SPAN("/")) && !span_starts(location, SPAN("//"))) {
		*length = 0;
		return true;
	}
	if (span_istarts(location, scheme) && location.n > scheme.n && location.p[scheme.n] == ':')
		n = scheme.n + 1;
	if (!span_starts(span_from(location, n), SPAN("//")))
		return false;
	*length = n + 2 + authority.n;
	return span_istarts(span_from(location, n + 2), authority);
}

/* A redirect to what the client asked for: it would ask again, be pierced again, and so on. */
static bool is_looping(struct exchange *x)
{
	const struct message *m = &x->worker->response;
	struct unpierce u = changes_of(x);
	size_t site;

	if (m->status < 300 || m->status > 399 || !message_has(m, HEADER_LOCATION) || x->pierce.climb.at == RUNG_ORIGINAL)
		return false;
	struct span location = unpierce(&u, message_value(m, HEADER_LOCATION), &x->arena);
	return names_own_site(x, location, &site) && span_eq(span_from(location, site), x->pierce.original);
}

static bool is_from_cache(const struct exchange *x)
{
	return x->facts.verdict.kind == VERDICT_FROM_CACHE || x->facts.verdict.kind == VERDICT_STALE;
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
}

/* Whether the rest of the answer is there already, so that the connection is fit for the next request. */
static bool is_all_there(const struct message *m, size_t rest)
{
	if (!m->persistent)
		return false;
	return m->framing == FRAMING_NONE ? rest == 0 : m->framing == FRAMING_LENGTH && rest == m->content_length;
}

/* A body still on its way is not waited for: who asked wants the fresh answer now. */
static void give_up_answer(struct exchange *x, struct span bytes, size_t head_len)
{
	struct origin_conn *oc = x->origin;

	x->pierce.given_up_bytes += bytes.n;
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
		.status = m->status, .type = type_of(m), .cached = cached, .looping = is_looping(x), .stream = is_stream(m),
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

/* -- the way back -- */

/* All lines of a field as one list, each without our changes; empty when there is no room. */
static struct span restored(struct exchange *x, const struct unpierce *u, enum header id)
{
	const struct message *m = &x->worker->response;
	size_t room = 0, n = 0;
	char *out;

	for (unsigned i = 0; i < m->field_count; i++)
		if (m->fields[i].id == id)
			room += m->fields[i].value.n + 2;
	out = arena_alloc(&x->arena, room);
	for (unsigned i = 0; i < m->field_count && out; i++) {
		if (m->fields[i].id != id)
			continue;
		struct span value = unpierce(u, m->fields[i].value, &x->arena);
		if (n) {
			memcpy(out + n, ", ", 2);
			n += 2;
		}
		if (value.n)
			memcpy(out + n, value.p, value.n);
		n += value.n;
	}
	return span_of(out, out ? n : 0);
}

static bool shows_changes(const struct message *m, const struct unpierce *u, enum header id)
{
	if (!message_has(m, id))
		return false;
	for (unsigned i = 0; i < m->field_count; i++)
		if (m->fields[i].id == id && unpierce_finds(u, m->fields[i].value))
			return true;
	return false;
}

void exchange_pierce_restore(struct exchange *x)
{
	static const enum header shown[] = { HEADER_LOCATION, HEADER_CONTENT_LOCATION, HEADER_LINK, HEADER_REFRESH };
	struct message *m = &x->worker->response;

	if (!x->policy.busted || !is_wanted(x))
		return;
	struct unpierce u = changes_of(x);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		if (!shows_changes(m, &u, shown[i]))
			continue;
		struct span value = restored(x, &u, shown[i]);
		if (value.n)
			message_set(m, shown[i], value, "pierce: the URL as it was asked for");
	}
}
