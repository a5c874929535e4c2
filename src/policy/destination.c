/*
 * Denied destinations: two lists of networks and of patterns.  Looked through from front to back, as they are short.
 */
#include "policy/destination.h"

#include <stdlib.h>

#include "policy/pattern.h"

enum { PATTERN_BYTES_MAX = 1024 * 1024 }; /* of all patterns together */

struct entries {
	struct network *networks; /* owned, as are the patterns */
	struct pattern *patterns;
	size_t network_count, pattern_count;
};

struct destinations {
	struct entries denied, excepted;
	struct arena arena; /* owns the patterns' text */
};

struct destinations *destinations_new(void)
{
	struct destinations *d = calloc(1, sizeof(*d));
	static char no_room[1]; /* the arena has no memory of its own: all of it is from malloc */

	if (d)
		arena_init(&d->arena, no_room, 0, PATTERN_BYTES_MAX);
	return d;
}

static void entries_fini(struct entries *e)
{
	free(e->networks);
	free(e->patterns);
}

void destinations_free(struct destinations *d)
{
	if (!d)
		return;
	entries_fini(&d->denied);
	entries_fini(&d->excepted);
	arena_reset(&d->arena, 0);
	free(d);
}

static bool add_network(struct entries *e, const struct network *n, const char **why)
{
	struct network *grown = realloc(e->networks, (e->network_count + 1) * sizeof(*grown));

	*why = "memory is out";
	if (!grown)
		return false;
	e->networks = grown;
	grown[e->network_count++] = *n;
	return true;
}

static bool add_pattern(struct entries *e, struct span text, struct arena *arena, const char **why)
{
	struct pattern *grown = realloc(e->patterns, (e->pattern_count + 1) * sizeof(*grown));

	*why = "memory is out";
	if (!grown)
		return false;
	e->patterns = grown;
	if (!pattern_compile(text, arena, &grown[e->pattern_count], why))
		return false;
	e->pattern_count++;
	return true;
}

/* What looks like a pattern and would not do what it seems to. */
static const char *misleading(struct span entry)
{
	size_t i = 0;

	if (span_find(entry, '/') < entry.n)
		return "a network has an address before the slash and a number of bits behind it; paths do not count here";
	if (entry.n && entry.p[0] == '[')
		return "IPv6 addresses and networks stand without brackets";
	while (i < entry.n && (ascii_digit(entry.p[i]) || strchr(".?*", entry.p[i])))
		i++;
	if (i == entry.n && entry.n > 1)
		return "addresses are named by networks, such as 10.0.0.0/8: a pattern would miss other spellings of them";
	return NULL;
}

static bool add(struct entries *e, struct span entry, struct arena *arena, const char **why)
{
	struct network n;

	if (network_parse(entry, &n))
		return add_network(e, &n, why);
	*why = misleading(entry);
	return !*why && add_pattern(e, entry, arena, why);
}

bool destinations_deny(struct destinations *d, struct span entry, const char **why)
{
	return add(&d->denied, entry, &d->arena, why);
}

bool destinations_except(struct destinations *d, struct span entry, const char **why)
{
	return add(&d->excepted, entry, &d->arena, why);
}

static bool has_address(const struct entries *e, const struct address *a)
{
	for (size_t i = 0; i < e->network_count; i++)
		if (network_has(&e->networks[i], a))
			return true;
	return false;
}

static bool has_target(const struct entries *e, const struct target *t)
{
	for (size_t i = 0; i < e->pattern_count; i++)
		if (pattern_matches(&e->patterns[i], t))
			return true;
	return false;
}

static bool refuses(const struct destinations *d, const struct address *a)
{
	return has_address(&d->denied, a) && !has_address(&d->excepted, a);
}

bool destinations_refuse_address(const struct destinations *d, const struct address *a)
{
	struct address inside;

	return refuses(d, a) || (address_embedded_v4(a, &inside) && refuses(d, &inside));
}

/* RFC 6761 section 6.3: whoever resolves it, it means loopback. */
static bool is_localhost(struct span host)
{
	struct span name = SPAN("localhost");

	if (host.n && host.p[host.n - 1] == '.')
		host = span_first(host, host.n - 1);
	if (host.n > name.n && host.p[host.n - name.n - 1] == '.')
		host = span_from(host, host.n - name.n);
	return span_ieq(host, name);
}

bool destinations_refuse_target(const struct destinations *d, const struct target *t)
{
	struct address a;
	bool is_address = address_parse_numeric(t->host, t->port, &a) ||
			  (is_localhost(t->host) && address_parse_ip(SPAN("127.0.0.1"), t->port, &a));

	if (is_address && destinations_refuse_address(d, &a))
		return true;
	if (!has_target(&d->denied, t) || has_target(&d->excepted, t))
		return false;
	return !is_address || !has_address(&d->excepted, &a);
}
