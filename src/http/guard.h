/*
 * The guard: our own strict reading of a head or trailer section, in one pass, before llhttp gives its opinion.
 *
 * It enforces what llhttp's strict machine lets through (bare LF, folded lines, odd versions, repeated framing
 * and Host fields, ...) and finds fields and framing by itself, so that the two can be held against each other.
 * It does not interpret: persistence, upgrades and what is dropped are h1_read.c's.
 */
#ifndef FRESHET_HTTP_GUARD_H
#define FRESHET_HTTP_GUARD_H

#include "http/h1.h"
#include "http/h1_known.h"

enum guard_kind { GUARD_REQUEST, GUARD_RESPONSE, GUARD_TRAILERS };

/* What it found beside the message. */
struct guard {
	size_t start;      /* where the start line begins: behind an empty line that some clients send first */
	size_t len;        /* of the whole head, its empty line included */
	bool chunked;
	bool has_length;
	uint64_t length;
	unsigned host_count;
	unsigned connection; /* llhttp's F_CONNECTION_… for known lines, which it will not see */
	bool has_new_lines;  /* that may be known the next time */
};

/*
 * Reads the head at the front of `in` into m: start line and fields (values trimmed), nothing else.  *scanned as
 * in h1_read_request().  Lines that are `known` (NULL: none) become fields that are, as they did before.  On H1_MORE m
 * holds nothing of use: the head is read from its start when more has come.
 */
enum h1_result guard_read(enum guard_kind kind, struct span in, size_t *scanned, const struct h1_limits *limits,
	struct h1_known *known, struct message *m, struct guard *g, struct h1_error *error) MUST_CHECK;

#endif
