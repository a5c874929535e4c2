/*
 * Names that no name server is asked for: those of the hosts file, and those of special use.
 */
#include "net/resolve_local.h"

#include <netdb.h>
#include <sys/socket.h>

enum { HOSTS_TTL_S = 5, LOCALHOST_TTL_S = 60 };

int resolve_local_open(ares_channel *hosts)
{
	char lookups[] = "f";
	struct ares_options o = { .lookups = lookups };

	return ares_init_options(hosts, &o, ARES_OPT_LOOKUPS);
}

static void hosts_on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
	struct lookup_answer *a = arg;
	struct address address;

	(void)timeouts;
	if (status != ARES_SUCCESS)
		return;
	for (const struct ares_addrinfo_node *n = result->nodes; n; n = n->ai_next)
		if (address_from_sockaddr(n->ai_addr, &address))
			lookup_answer_add(a, &address);
	ares_freeaddrinfo(result);
}

/* The hosts file; c-ares answers before it returns, for there is nobody to wait for. */
static bool from_hosts_file(ares_channel hosts, const char *name, struct lookup_answer *a)
{
	struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM
	};

	ares_getaddrinfo(hosts, name, NULL, &hints, hosts_on_answer, a);
	a->ttl_s = HOSTS_TTL_S;
	return a->v4_count || a->v6_count;
}

static bool in_domain(struct span name, struct span domain)
{
	if (name.n < domain.n || !span_eq(span_from(name, name.n - domain.n), domain))
		return false;
	return name.n == domain.n || name.p[name.n - domain.n - 1] == '.';
}

static void add_text(struct lookup_answer *a, struct span ip)
{
	struct address address;

	if (address_parse_ip(ip, 0, &address))
		lookup_answer_add(a, &address);
}

/* Names that must not reach a name server (RFC 6761 section 6.3, RFC 7686 section 2). */
static bool from_special_use(const char *text, struct lookup_answer *a)
{
	struct span name = span_str(text);

	if (in_domain(name, SPAN("onion"))) {
		a->status = RESOLVE_NOT_FOUND;
		a->reason = "onion names are reached through Tor only";
		return true;
	}
	if (!in_domain(name, SPAN("localhost")))
		return false;
	add_text(a, SPAN("::1"));
	add_text(a, SPAN("127.0.0.1"));
	a->ttl_s = LOCALHOST_TTL_S;
	return true;
}

bool resolve_local(ares_channel hosts, const char *name, struct lookup_answer *a)
{
	return from_hosts_file(hosts, name, a) || from_special_use(name, a);
}
