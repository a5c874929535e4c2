/*
 * Request targets and Host fields (RFC 9112 section 3.2, RFC 9110 section 4.2, RFC 3986).
 *
 * Takes text apart and refuses what is ambiguous; changes nothing, resolves nothing.  Spans point into the text
 * that was given, so they live as long as it.  Reasons are constants, worded for the operator.
 */
#ifndef FRESHET_HTTP_URL_H
#define FRESHET_HTTP_URL_H

#include "base/span.h"

enum scheme {
	SCHEME_HTTP,
	SCHEME_HTTPS,
};

enum target_form {
	TARGET_ORIGIN,    /* "/path?query": the authority is in Host */
	TARGET_ABSOLUTE,  /* "http://host:port/path?query" */
	TARGET_AUTHORITY, /* "host:port", of CONNECT and of nothing else */
	TARGET_ASTERISK,  /* "*" */
};

struct target {
	enum target_form form;
	enum scheme scheme;    /* http for the forms that name none */
	struct span authority; /* as written, host[:port]; empty for the forms that name none */
	struct span host;      /* without brackets; empty likewise */
	struct span path;      /* path and query as written, a static "/" when both are missing; empty for CONNECT */
	uint16_t port;         /* explicit, or the scheme's */
	bool port_given;
	bool host_is_ipv6;
	bool path_missing;     /* no path or query written: OPTIONS then means "*" (RFC 9112 section 3.2.4) */
	bool path_needs_slash; /* a query without a path: "/" has to be put before it */
};

/* False, with *out untouched and a reason in *why, for a target that must not be forwarded. */
bool target_parse(struct span raw, bool is_connect, struct target *out, const char **why) MUST_CHECK;

/* A Host field's value, host[:port].  *port is 0 when none is given.  On false only *why is set. */
bool host_parse(struct span host_field, struct span *host, uint16_t *port, bool *is_ipv6,
		const char **why) MUST_CHECK;

uint16_t scheme_port(enum scheme scheme);    /* 80 or 443 */
struct span scheme_name(enum scheme scheme); /* "http" or "https" */

#endif
