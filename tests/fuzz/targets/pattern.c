/*
 * Site patterns against a second matcher that tries everything: "pattern LF URL" must give the same answer.
 */
#include <assert.h>
#include <stdlib.h>

#include "policy/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 256 };

/* One row of the textbook table per character of the pattern: reach[j] when it matches text[0..j). */
static bool slow_glob(struct span pattern, struct span text, bool host)
{
	bool reach[TEXT_MAX + 1] = { true };

	for (size_t i = 0; i < pattern.n; i++) {
		char p = pattern.p[i];
		bool before = reach[0];

		reach[0] = p == '*' && before;
		for (size_t j = 1; j <= text.n; j++) {
			char c = host ? ascii_lower(text.p[j - 1]) : text.p[j - 1];
			bool here = reach[j];

			reach[j] = p == '*' ? here || reach[j - 1] : before && (p == c || (host && p == '?'));
			before = here;
		}
	}
	return reach[text.n];
}

static bool slow_match(const struct pattern *p, const struct target *t)
{
	char path[TEXT_MAX + 1] = "/";
	struct span host = t->host, full = t->path;
	bool host_fits = true;

	if (!t->host_is_ipv6 && host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (p->kind == HOST_NAME || p->kind == HOST_IPV6_GLOB)
		host_fits = t->host_is_ipv6 == (p->kind == HOST_IPV6_GLOB) && slow_glob(p->host, host, true);
	if (p->kind == HOST_IPV6) {
		struct address a;

		host_fits = t->host_is_ipv6 && address_parse_ip(t->host, p->ipv6.port, &a) && address_eq(&a, &p->ipv6);
	}
	if (t->path_needs_slash) {
		memcpy(path + 1, full.p, full.n);
		full = span_of(path, full.n + 1);
	}
	return host_fits && (p->port == 0 || p->port == t->port) && (!p->path.n || slow_glob(p->path, full, false));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of((const char *)data, size);
	struct span text = span_first(in, span_find(in, '\n')), url = span_from(in, text.n + 1);
	char room[1024];
	struct arena arena;
	struct pattern p;
	struct target t;
	const char *why = NULL;

	if (size > TEXT_MAX)
		return 0;
	arena_init(&arena, room, sizeof(room), 0);
	if (!pattern_compile(text, &arena, &p, &why)) {
		assert(why);
		return 0;
	}
	assert(!p.path.n || p.path.p[0] == '/');
	bool is_connect = span_find(url, '/') == url.n;
	if (target_parse(url, is_connect, &t, &why) && pattern_matches(&p, &t) != slow_match(&p, &t))
		abort();
	return 0;
}
