/*
 * `freshet env`: shell commands that make programs use the proxy.
 */
#include "config/env.h"

static const struct address *first_fixed(const struct config_addresses *listen)
{
	for (size_t i = 0; i < listen->count; i++)
		if (listen->items[i].port)
			return &listen->items[i];
	return NULL;
}

/* An address to connect to: for "all addresses" the loopback one of the same family. */
static struct address reachable(const struct address *a)
{
	struct address loopback = *a;

	if (!address_is_any(a))
		return *a;
	if (address_is_v4(a))
		loopback.ip[12] = 127;
	loopback.ip[15] = 1;
	return loopback;
}

bool env_print(const struct config *config, FILE *out)
{
	const struct address *first = first_fixed(&config->listen);
	char text[ADDRESS_TEXT_MAX];

	if (!first)
		return false;
	struct address address = reachable(first);
	address_format(&address, text);
	/*
	 * Lower case: curl ignores HTTP_PROXY, which a CGI's client can set, and all others read lower case
	 * as well.
	 */
	fprintf(out, "export http_proxy=http://%s\n", text);
	fprintf(out, "export https_proxy=http://%s\n", text);
	fprintf(out, "export no_proxy=localhost,127.0.0.1,::1\n");
	return true;
}
