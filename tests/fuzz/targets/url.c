/*
 * Request targets and Host fields: whatever comes, spans lie inside the input and what was accepted can be put
 * together again and means the same.  The first byte says whether the method is CONNECT.
 */
#include <assert.h>
#include <stdint.h>

#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span inner, struct span outer)
{
	if (inner.n == 0)
		return;
	assert(inner.p >= outer.p && inner.n <= outer.n);
	assert((size_t)(inner.p - outer.p) <= outer.n - inner.n);
}

static void check_host(struct span host, bool is_ipv6)
{
	assert(host.n > 0 && host.n <= 255);
	for (size_t i = 0; i < host.n; i++)
		assert(host.p[i] > 0x20 && host.p[i] < 0x7f && host.p[i] != '/' && host.p[i] != '@' && host.p[i] != '%');
	assert(is_ipv6 == (span_find(host, ':') < host.n));
}

/* Writes the target out of its parts, as a client of the next hop would. */
static size_t put_together(const struct target *t, char *out)
{
	struct span parts[] = {
		t->form == TARGET_ABSOLUTE ? scheme_name(t->scheme) : SPAN_NONE,
		t->form == TARGET_ABSOLUTE ? SPAN("://") : SPAN_NONE,
		t->host_is_ipv6 ? SPAN("[") : SPAN_NONE,
		t->host,
		t->host_is_ipv6 ? SPAN("]") : SPAN_NONE,
		t->port_given ? SPAN(":") : SPAN_NONE,
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].n)
			memcpy(out + n, parts[i].p, parts[i].n);
		n += parts[i].n;
	}
	if (t->port_given)
		n += span_put_u64(out + n, t->port);
	if (t->path_needs_slash)
		out[n++] = '/';
	if (t->path.n)
		memcpy(out + n, t->path.p, t->path.n);
	return n + t->path.n;
}

static void check_round_trip(const struct target *t, bool is_connect)
{
	static char text[8192];
	const char *why = NULL;
	struct target again;
	struct span s = span_of(text, put_together(t, text));

	assert(target_parse(s, is_connect, &again, &why));
	assert(again.form == t->form && again.scheme == t->scheme && again.port == t->port);
	assert(again.host_is_ipv6 == t->host_is_ipv6 && again.port_given == t->port_given);
	assert(span_eq(again.host, t->host));
	assert(!again.path_needs_slash && !again.path_missing);
	assert(span_eq(span_from(again.path, t->path_needs_slash ? 1 : 0), t->path));
}

static void check_target(struct span raw, bool is_connect)
{
	const char *why = NULL;
	struct target t;

	if (!target_parse(raw, is_connect, &t, &why)) {
		assert(why && *why);
		return;
	}
	assert(is_connect == (t.form == TARGET_AUTHORITY));
	assert(t.port != 0);
	check_inside(t.authority, raw);
	check_inside(t.host, t.authority);
	if (t.path_missing)
		assert(span_eq(t.path, SPAN("/")));
	else
		check_inside(t.path, raw);
	if (t.form == TARGET_ABSOLUTE || t.form == TARGET_AUTHORITY)
		check_host(t.host, t.host_is_ipv6);
	check_round_trip(&t, is_connect);
}

static void check_host_field(struct span raw)
{
	const char *why = NULL;
	struct span host;
	uint16_t port;
	bool is_ipv6;

	if (!host_parse(raw, &host, &port, &is_ipv6, &why)) {
		assert(why && *why);
		return;
	}
	check_inside(host, raw);
	check_host(host, is_ipv6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 4096)
		return 0;
	const void *bytes = data + 1;
	struct span raw = span_of(bytes, size - 1);

	check_target(raw, data[0] == 'C');
	check_host_field(raw);
	return 0;
}
