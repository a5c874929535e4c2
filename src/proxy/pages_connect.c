/*
 * /connect: how programs are led to this proxy and come to trust it, with its address and fingerprint, for whoever may use
 * it.  And what that page asks for to see whether a browser does: pages_seen.c.
 */
#include <stdlib.h>

#include "proxy/pages.h"
#include "tls/ca_forms.h"

/* What can be said of the authority; the page shows one thing or another by it. */
static struct span authority_state(const struct snapshot *s)
{
	if (!snapshot_authority(s))
		return SPAN("none");
	if (!snapshot_leaves(s))
		return SPAN("idle");
	return leaves_may_sign(snapshot_leaves(s), SPAN("freshet.internal")) ? SPAN("used") : SPAN("limited");
}

/* The host with its brackets, and the port. */
static void split(struct span reached, struct span *host, struct span *port)
{
	size_t colon = reached.n;

	while (colon && reached.p[colon - 1] != ':')
		colon--;
	*host = span_first(reached, colon ? colon - 1 : 0);
	*port = span_from(reached, colon);
}

/* Whether the address leads other machines to themselves. */
static bool is_loopback(struct span host)
{
	struct address a;

	if (host.n && host.p[0] == '[')
		host = span_of(host.p + 1, host.n - 2);
	return span_ieq(host, SPAN("localhost")) || (address_parse_numeric(host, 0, &a) && address_is_loopback(&a));
}

enum step page_connect(struct exchange *x, const struct page *page)
{
	const struct snapshot *s = x->view->snapshot;
	const struct ca *ca = snapshot_authority(s);
	char room[PAGE_REACHED_MAX], fingerprint[CA_FINGERPRINT_BYTES] = "", mark[PAGE_TOKEN_BYTES];
	char *name = ca ? ca_common_name(ca) : NULL;
	struct span reached = page_reached_at(x, room), host, port;

	if (ca)
		ca_fingerprint(ca, fingerprint);
	page_mark(x->worker->shared, mark);
	split(reached, &host, &port);
	struct page_value values[] = {
		{ SPAN("REACHED"), reached },
		{ SPAN("HOST"), host },
		{ SPAN("PORT"), port },
		{ SPAN("LOOPBACK"), is_loopback(host) ? SPAN("yes") : SPAN("no") },
		{ SPAN("AUTHORITY"), authority_state(s) },
		{ SPAN("NAME"), span_str(name ? name : "") },
		{ SPAN("FINGERPRINT"), span_str(fingerprint) },
		{ SPAN("MARK"), span_of(mark, PAGE_TOKEN_BYTES) },
	};
	enum step step = page_serve_filled(x, page, values, sizeof(values) / sizeof(values[0]));
	free(name);
	return step;
}
