/*
 * The address at which the client reached us: what it is to set as its proxy, or has.
 *
 * By its Host, for we may stand behind a translation of addresses or have a name; where that is our name, which only we
 * resolve, or odd, by its connection.
 */
#include "proxy/pages.h"

#include <string.h>

#include "http/url.h"

/* What needs no escaping, wherever it is put. */
static bool is_plain(struct span host)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:";

	for (size_t i = 0; i < host.n; i++)
		if (!host.p[i] || !strchr(plain, host.p[i]))
			return false;
	return host.n > 0;
}

static struct span reached_by_connection(const struct exchange *x, char out[PAGE_REACHED_MAX])
{
	struct sockaddr_storage sa;
	socklen_t bytes = sizeof(sa);
	struct address a;

	_Static_assert((int)ADDRESS_TEXT_MAX <= (int)PAGE_REACHED_MAX, "an address fits");
	if (getsockname(x->client->conn.fd, (void *)&sa, &bytes) < 0 || !address_from_sockaddr((const void *)&sa, &a))
		return SPAN_NONE;
	return span_of(out, address_format(&a, out));
}

struct span page_reached_at(const struct exchange *x, char out[PAGE_REACHED_MAX])
{
	struct span field = x->target.authority.n ? x->target.authority : message_value(&x->request, HEADER_HOST), host;
	bool is_ipv6;
	uint16_t port;
	const char *why;

	if (!host_parse(field, &host, &port, &is_ipv6, &why) || !is_plain(host) || exchange_is_own_name(host) || x->client->secure)
		return reached_by_connection(x, out);
	int n = snprintf(out, PAGE_REACHED_MAX, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", SPAN_ARG(host), port ? port : 80u);
	return n > 0 && n < PAGE_REACHED_MAX ? span_of(out, (size_t)n) : reached_by_connection(x, out);
}
