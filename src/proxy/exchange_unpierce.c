/*
 * The other end of exchange_pierce.c: clients see their own URLs, and what they bring along of changed ones is put right.
 */
#include "policy/signature.h"
#include "policy/unpierce.h"
#include "proxy/exchange_steps.h"

static struct span parameter_of(const struct exchange *x)
{
	return span_str(x->view->snapshot->config->pierce_parameter);
}

static bool is_wanted(const struct exchange *x)
{
	return x->policy.settings->pierce != PIERCE_NEVER;
}

/* -- what clients bring along from pages that show changed URLs -- */

void exchange_unpierce_target(struct exchange *x)
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

void exchange_unpierce_referer(struct exchange *x)
{
	struct unpierce u = { .parameter = parameter_of(x) };
	struct span referer = message_value(&x->request, HEADER_REFERER);

	if (referer.n && unpierce_finds(&u, referer) && !policy_is_signed(&x->policy, HEADER_REFERER))
		message_set(&x->request, HEADER_REFERER, unpierce(&u, referer, &x->arena), "pierce: the URL as it was");
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

bool exchange_unpierce_loops(struct exchange *x)
{
	const struct message *m = &x->worker->response;
	struct unpierce u = changes_of(x);
	size_t site;

	if (m->status < 300 || m->status > 399 || !message_has(m, HEADER_LOCATION) || x->pierce.climb.at == RUNG_ORIGINAL)
		return false;
	struct span location = unpierce(&u, message_value(m, HEADER_LOCATION), &x->arena);
	return names_own_site(x, location, &site) && span_eq(span_from(location, site), x->pierce.original);
}

/* -- what the client sees -- */

/* All lines of a field as one list, each without our changes; empty when there is no room. */
static struct span restored(struct exchange *x, const struct unpierce *u, enum header id)
{
	const struct message *m = &x->worker->response;
	size_t room = 0, n = 0;
	char *out;

	for (const struct field *f = message_field(m, id); f; f = message_next(m, f))
		room += f->value.n + 2;
	out = arena_alloc(&x->arena, room);
	for (const struct field *f = message_field(m, id); f && out; f = message_next(m, f)) {
		struct span value = unpierce(u, f->value, &x->arena);
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
	for (const struct field *f = message_field(m, id); f; f = message_next(m, f))
		if (unpierce_finds(u, f->value))
			return true;
	return false;
}

void exchange_unpierce_response(struct exchange *x)
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
