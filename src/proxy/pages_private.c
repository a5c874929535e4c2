/*
 * Who may see our own pages, and have them do something.
 *
 * Exchanges are nobody else's business: those that tell of them are for clients on this machine, or for who has a
 * password.  And a page of some other site in such a client's browser must neither read them nor have anything done:
 * names that resolve to us are refused by their Host before (exchange_target.c); parts are only for our own page; actions
 * take POST, and a token that only our own page could read.
 */
#include "proxy/pages.h"

/* Somebody in between says that he asks for another. */
static bool is_passed_on(const struct message *m)
{
	if (message_has(m, HEADER_VIA))
		return true;
	for (unsigned i = 0; i < m->field_count; i++)
		if (span_ieq(m->fields[i].name, SPAN("X-Forwarded-For")) || span_ieq(m->fields[i].name, SPAN("Forwarded")))
			return true;
	return false;
}

bool page_client_is_here(const struct exchange *x)
{
	return address_is_loopback(&x->client->address) && !is_passed_on(&x->request);
}

/* Fetch Metadata; browsers send it to loopback and over https, so that its absence says nothing. */
static bool comes_from_elsewhere(const struct exchange *x)
{
	struct span site = message_value(&x->request, HEADER_SEC_FETCH_SITE);

	return site.n && !span_eq(site, SPAN("same-origin")) && !span_eq(site, SPAN("none"));
}

/* An Origin, where there is one, must be the page's own; "null" is not. */
static bool names_other_origin(const struct exchange *x)
{
	struct span origin = message_value(&x->request, HEADER_ORIGIN), host = x->target.authority;
	struct span scheme = x->client->secure ? SPAN("https://") : SPAN("http://");

	if (!message_has(&x->request, HEADER_ORIGIN))
		return false;
	if (!host.n)
		host = message_value(&x->request, HEADER_HOST);
	return !span_starts(origin, scheme) || !span_ieq(span_from(origin, scheme.n), host);
}

/* What nobody can guess, another one for each purpose. */
static void derive(const struct shared *shared, struct span purpose, char out[PAGE_TOKEN_BYTES])
{
	struct secret_digest d = secret_digest(&shared->login.key, purpose);

	for (size_t i = 0; i < PAGE_TOKEN_BYTES; i++)
		out[i] = "0123456789abcdef"[d.bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

void page_token(const struct shared *shared, char out[PAGE_TOKEN_BYTES])
{
	derive(shared, SPAN("the live page's token"), out);
}

void page_mark(const struct shared *shared, char out[PAGE_TOKEN_BYTES])
{
	derive(shared, SPAN("the mark of the page /connect"), out);
}

static bool has_token(const struct exchange *x)
{
	const struct message *m = &x->request;
	char token[PAGE_TOKEN_BYTES];

	page_token(x->worker->shared, token);
	for (unsigned i = 0; i < m->field_count; i++)
		if (span_ieq(m->fields[i].name, SPAN("X-Freshet-Token")))
			return m->fields[i].value.n == PAGE_TOKEN_BYTES &&
			       secret_same(m->fields[i].value.p, token, PAGE_TOKEN_BYTES);
	return false;
}

static bool has_method(const struct exchange *x, const struct page *page)
{
	enum method method = x->request.method_id;

	if (page->flags & PAGE_ANY_METHOD)
		return true;
	return page->flags & PAGE_ACTION ? method == METHOD_POST : method == METHOD_GET || method == METHOD_HEAD;
}

static enum step refuse_method(struct exchange *x, const struct page *page)
{
	return exchange_fail(x, page->flags & PAGE_ACTION ? REPLY_METHOD_ACTION : REPLY_METHOD, NULL);
}

bool page_admits(struct exchange *x, const struct page *page, enum step *step)
{
	if (!has_method(x, page))
		*step = refuse_method(x, page);
	else if (page->flags & PAGE_PRIVATE && !x->user && !page_client_is_here(x))
		*step = exchange_fail(x, REPLY_PAGE_PRIVATE, NULL);
	else if (page->flags & PAGE_PART && (comes_from_elsewhere(x) || names_other_origin(x)))
		*step = exchange_fail(x, REPLY_PAGE_PART, NULL);
	else if (page->flags & PAGE_ACTION && !x->client->in_control && !has_token(x))
		*step = exchange_fail(x, REPLY_PAGE_TOKEN, NULL);
	else
		return true;
	return false;
}
