/*
 * Patterns of site sections: HOST[:PORT][/PATH].
 *
 *   HOST  "*" any run of characters, dots too; "?" one character; in any case; a dot at the end does not count, here
 *         or in the request.  "*.example.com" is not example.com: list both.  An IPv6 address stands in brackets,
 *         in any spelling, and may hold the same two ("[2001:db8:*]").  "*" alone is every host.
 *   PORT  a number; every port when left out, or "*".
 *   PATH  holds the path and the query as the client wrote them, letter for letter; "*" any run of characters.
 *         Every path when left out, or "*" alone.  A CONNECT request shows no path, so it matches no other.
 */
#ifndef FRESHET_POLICY_PATTERN_H
#define FRESHET_POLICY_PATTERN_H

#include "base/address.h"
#include "base/arena.h"
#include "http/url.h"

enum host_kind {
	HOST_ANY,
	HOST_NAME,      /* a glob */
	HOST_IPV6,      /* one address */
	HOST_IPV6_GLOB, /* over the text between the brackets */
};

struct pattern {
	enum host_kind kind;
	struct span host;      /* in the arena; lower case, no brackets, no dot at the end */
	struct address ipv6;   /* HOST_IPV6 */
	uint16_t port;         /* 0: any */
	struct span path;      /* in the arena; begins with "/"; empty: any */
};

/* False, with a reason in *why, for what cannot be a pattern or could never match. */
bool pattern_compile(struct span text, struct arena *arena, struct pattern *out, const char **why) MUST_CHECK;

bool pattern_matches(const struct pattern *p, const struct target *t);

#endif
