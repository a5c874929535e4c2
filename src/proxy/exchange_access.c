/*
 * The beginning of an exchange: who asks, and may he.
 */
#include "proxy/pages.h"

/* False when the client's address has too many requests in flight. */
static bool count_request(struct exchange *x)
{
	struct client *c = x->client;
	unsigned max = x->view->snapshot->config->max_requests_per_address;

	if (!c->tally || !max)
		return true;
	x->counted = tally_request_begin(c->tally, max);
	if (!x->counted)
		tally_warn(&x->worker->shared->tally, &c->address, "max-requests-per-address", x->worker->loop.now_us);
	return x->counted;
}

/* What watches us by our own pages has no password, and learns nothing but that we are there. */
static bool asks_for_open_page(const struct exchange *x)
{
	const struct page *page = page_find(x->request.target);

	return page && page->flags & PAGE_OPEN;
}

/* Inside of an intercepted tunnel nobody says who he is any more: its CONNECT did. */
static bool has_to_log_in(const struct exchange *x)
{
	return x->view->snapshot->config->users && !x->client->secure && !asks_for_open_page(x);
}

enum step step_access(struct exchange *x)
{
	if (x->client->in_control) { /* who that may be was looked at when it connected */
		x->stage = STAGE_TARGET;
		return STEP_AGAIN;
	}
	access_judge(&x->client->access, x->view->snapshot, &x->client->address);
	if (x->client->access.denied) {
		x->client_persistent = false;
		return exchange_fail(x, REPLY_DENIED_CLIENT, "the client's address is not in allow, or in deny");
	}
	if (!count_request(x))
		return exchange_fail(x, REPLY_TOO_MANY_REQUESTS,
			"the client's address has max-requests-per-address requests in flight already");
	if (x->client->secure)
		login_inherit(x);
	x->stage = has_to_log_in(x) ? STAGE_LOGIN : STAGE_TARGET;
	return STEP_AGAIN;
}

enum step step_login(struct exchange *x)
{
	const char *why = NULL;
	enum reply_error ask = login_is_to_site(x) ? REPLY_LOGIN_SITE : REPLY_LOGIN;

	switch (login_check(x, &why)) {
	case LOGIN_RIGHT:
		break;
	case LOGIN_WRONG:
		return exchange_fail(x, ask, "unknown user or wrong password");
	case LOGIN_MISSING:
		return exchange_fail(x, ask, "the request says not who asks");
	case LOGIN_MALFORMED:
		return exchange_fail(x, ask, why);
	case LOGIN_THROTTLED:
		return exchange_fail(x, REPLY_LOGIN_THROTTLED, "too many wrong passwords came from the client's address");
	case LOGIN_BUSY:
		return exchange_fail(x, REPLY_LOGIN_BUSY, "too many passwords wait to be checked");
	case LOGIN_WAIT:
		return STEP_WAIT;
	}
	x->stage = STAGE_TARGET;
	return STEP_AGAIN;
}
