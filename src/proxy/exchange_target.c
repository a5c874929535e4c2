/*
 * What a request asks for: a page of ours, a tunnel, something that the proxy itself has to answer, or another's resource.
 */
#include "inspect/passing.h"
#include "proxy/pages.h"

/* The name under which freshet's own pages are reached through the proxy. */
#define OWN_HOST SPAN("freshet.internal")

bool exchange_is_own_name(struct span host)
{
	return span_ieq(host, OWN_HOST);
}

bool exchange_is_own_authority(const struct exchange *x)
{
	struct address a;

	if (exchange_is_own_name(x->target.host))
		return true;
	return snapshot_listens_on(x->view->snapshot, x->target.port) &&
	       address_parse_numeric(x->target.host, x->target.port, &a) && snapshot_is_self(x->view->snapshot, &a);
}

/*
 * A request as to a web server.  Only a literal address, localhost or our own name may be meant for us: any other name
 * is a site whose program did not know that it speaks to a proxy, or a page that tries to reach us under its own.
 */
static bool is_meant_for_us(const struct exchange *x)
{
	struct span host;
	struct address a;
	uint16_t port;
	bool is_ipv6;
	const char *why;

	if (!message_has(&x->request, HEADER_HOST))
		return true;
	if (!host_parse(message_value(&x->request, HEADER_HOST), &host, &port, &is_ipv6, &why))
		return false;
	return address_parse_numeric(host, port, &a) || exchange_is_own_name(host) || span_ieq(host, SPAN("localhost"));
}

static enum step own_page(struct exchange *x)
{
	x->policy.not_busted = "the proxy's own page";
	x->facts.own_page = true;
	const struct page *page = page_find(x->target.path);
	if (!(page && page->flags & PAGE_ANY_NAME) && !is_meant_for_us(x))
		return exchange_fail(x, REPLY_MISDIRECTED, NULL);
	if (!page)
		return exchange_fail(x, REPLY_NOT_FOUND, NULL);
	enum step step;
	if (!page_admits(x, page, &step))
		return step;
	x->facts.unrecorded = page->flags & PAGE_UNLOGGED;
	return page->serve(x, page);
}

/* Of a tunnel intercept is what is decided, of all else the others. */
static unsigned kinds_of_interest(const struct exchange *x)
{
	unsigned intercept = OVERRIDE_BIT(OVERRIDE_INTERCEPT);

	return x->request.method_id == METHOD_CONNECT ? intercept : ~intercept;
}

static void apply_switches(struct exchange *x, const struct overrides *overrides)
{
	x->switched = *x->policy.settings;
	unsigned decided = overrides_apply(overrides, &x->target, &x->switched);
	if (!decided)
		return;
	x->policy.settings = &x->switched;
	x->facts.switched = override_kinds_text(decided & kinds_of_interest(x));
}

void exchange_choose_settings(struct exchange *x)
{
	struct policy_subject subject = {
		.target = &x->target,
		.method = x->request.method,
		.client = &x->client->address,
	};

	x->policy.settings = policy_match(x->view->snapshot->policy, &subject);
	const struct overrides *overrides = switches_look(&x->worker->shared->switches, &x->worker->switches);
	if (overrides)
		apply_switches(x, overrides);
}

enum step exchange_refuse_destination(struct exchange *x)
{
	return exchange_fail(x, REPLY_DENIED_DESTINATION, "deny-destinations keeps this client from there");
}

static enum step target_connect(struct exchange *x)
{
	exchange_choose_settings(x);
	x->policy.not_busted = passing_text(PASSING_NOT_ASKED);
	if (!config_ports_have(&x->view->snapshot->config->connect_ports, x->target.port))
		return exchange_fail(x, REPLY_DENIED_PORT, "CONNECT to a port that connect-ports does not name");
	if (exchange_is_own_name(x->target.host) && snapshot_leaves(x->view->snapshot))
		return exchange_intercept(x); /* by whatever settings: whether a client trusts us shows nowhere else */
	if (access_refuses_target(x))
		return exchange_refuse_destination(x);
	return exchange_may_intercept(x) ? exchange_intercept(x) : exchange_ask_origin(x);
}

/*
 * Max-Forwards of TRACE and OPTIONS (RFC 9110 section 7.6.2): at 0 the answer is ours, otherwise it counts down.  False
 * when the answer is ours.
 */
static bool may_forward(struct exchange *x)
{
	uint64_t hops;
	char *text;

	if (x->request.method_id != METHOD_TRACE && x->request.method_id != METHOD_OPTIONS)
		return true;
	if (!message_has(&x->request, HEADER_MAX_FORWARDS))
		return true;
	if (!span_u64(message_value(&x->request, HEADER_MAX_FORWARDS), INT32_MAX, &hops))
		return true;
	if (!hops)
		return false;
	text = arena_alloc(&x->arena, 20);
	if (text)
		message_set(&x->request, HEADER_MAX_FORWARDS, span_of(text, span_put_u64(text, hops - 1)),
			"RFC 9110: one hop less");
	return true;
}

static enum step final_recipient(struct exchange *x)
{
	x->policy.not_busted = "answered by the proxy itself";
	if (x->request.method_id == METHOD_TRACE)
		return exchange_answered(x, reply_trace(x));
	return exchange_answered(x, reply_options(x));
}

static enum step target_absolute(struct exchange *x)
{
	if (exchange_is_own_authority(x))
		return own_page(x);
	if (access_refuses_target(x))
		return exchange_refuse_destination(x);
	if (!may_forward(x))
		return final_recipient(x);
	x->stage = STAGE_POLICY;
	return STEP_AGAIN;
}

/*
 * Inside of an intercepted tunnel: the target becomes absolute, by the tunnel's scheme and the request's Host (RFC 9112
 * section 3.3), and from there on the request is like any other.  False with the error answered.
 */
static bool make_absolute(struct exchange *x, enum step *step)
{
	const struct secure *s = x->client->secure;
	struct span target = x->request.target, authority = message_value(&x->request, HEADER_HOST);
	bool is_asterisk = span_eq(target, SPAN("*"));

	if (x->request.method_id == METHOD_CONNECT) {
		*step = exchange_fail(x, REPLY_BAD_REQUEST, "CONNECT inside of a tunnel");
		return false;
	}
	if (!is_asterisk && (!target.n || target.p[0] != '/'))
		return true;
	if (!authority.n)
		authority = s->authority;
	char *url = arena_alloc(&x->arena, sizeof("https://") + authority.n + target.n);
	if (!url) {
		*step = exchange_fail(x, REPLY_INTERNAL, "memory is out");
		return false;
	}
	size_t n = sizeof("https://") - 1;
	memcpy(url, "https://", n);
	memcpy(url + n, authority.p, authority.n);
	n += authority.n;
	if (!is_asterisk) {
		memcpy(url + n, target.p, target.n);
		n += target.n;
	}
	x->request.target = span_of(url, n);
	return true;
}

/*
 * Another site's request does not belong into this tunnel: neither its name nor its certificate were looked at.  Who
 * names no port means the tunnel's.
 */
static bool belongs_here(struct exchange *x)
{
	const struct secure *s = x->client->secure;

	if (!s)
		return true;
	if (!x->target.port_given)
		x->target.port = s->port;
	return x->target.scheme == SCHEME_HTTPS && x->target.port == s->port &&
	       (span_ieq(x->target.host, s->host) || span_ieq(x->target.host, s->name));
}

enum step step_target(struct exchange *x)
{
	const char *why;
	enum step step;

	if (x->client->secure && !make_absolute(x, &step))
		return step;
	if (!target_parse(x->request.target, x->request.method_id == METHOD_CONNECT, &x->target, &why)) {
		x->client_persistent = false; /* who errs here may have meant something else by what follows, too */
		return exchange_fail(x, REPLY_BAD_REQUEST, why);
	}
	if (x->client->in_control && x->target.form != TARGET_ORIGIN)
		return exchange_fail(x, REPLY_CONTROL, NULL);
	if (!belongs_here(x))
		return exchange_fail(x, REPLY_OTHER_SITE, NULL);
	switch (x->target.form) {
	case TARGET_ORIGIN:
		return own_page(x);
	case TARGET_ABSOLUTE:
		return target_absolute(x);
	case TARGET_AUTHORITY:
		return target_connect(x);
	case TARGET_ASTERISK:
		break;
	}
	if (x->request.method_id != METHOD_OPTIONS) {
		x->client_persistent = false;
		return exchange_fail(x, REPLY_BAD_REQUEST, "the target * belongs to OPTIONS only");
	}
	return final_recipient(x);
}
