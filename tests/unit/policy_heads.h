/*
 * Heads as text for the tests of policy: read from rows of a table, and written by the codec, edits applied.
 */
#ifndef FRESHET_TESTS_POLICY_HEADS_H
#define FRESHET_TESTS_POLICY_HEADS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/h1.h"
#include "policy/policy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { HEAD_FIELDS_MAX = 64, HEAD_TEXT_MAX = 8192 };

struct head {
	struct message m;
	struct field fields[HEAD_FIELDS_MAX];
};

/* Lines "Name: value", separated by "\n"; the message points into them. */
static inline void head_read(struct head *h, const char *lines)
{
	struct span rest = span_str(lines);

	headers_init();
	message_init(&h->m, h->fields, HEAD_FIELDS_MAX);
	h->m.minor = 1;
	while (rest.n) {
		struct span line = span_first(rest, span_find(rest, '\n'));
		size_t colon = span_find(line, ':');

		rest = span_from(rest, line.n + 1);
		assert_true(message_receive(&h->m, span_first(line, colon), span_trim(span_from(line, colon + 1))));
	}
}

static inline void head_read_request(struct head *h, const char *method, const char *target, const char *lines)
{
	head_read(h, lines);
	h->m.method = span_str(method);
	h->m.method_id = method_lookup(h->m.method);
	h->m.target = span_str(target);
}

static inline void head_read_response(struct head *h, unsigned status, const char *lines)
{
	head_read(h, lines);
	h->m.status = status;
}

/* The fields as they would be sent, in the same form: the codec's head without start line and CRs. */
static inline const char *head_write(const struct message *m, char out[HEAD_TEXT_MAX])
{
	struct h1_write w = { .framing = m->status ? FRAMING_CLOSE : FRAMING_NONE, .target = m->target };
	static char wire[HEAD_TEXT_MAX];
	size_t n = 0;

	assert_true(h1_head_room(m, &w) <= sizeof(wire));
	struct span head = span_of(wire, m->status ? h1_write_response(m, &w, wire) : h1_write_request(m, &w, wire));
	/* The last field's CRLF and the empty line end the head. */
	for (size_t i = span_find(head, '\n') + 1; i + 4 < head.n; i++)
		if (head.p[i] != '\r')
			out[n++] = head.p[i];
	out[n] = '\0';
	return out;
}

static inline void assert_text(const char *name, const char *got, const char *expected)
{
	if (strcmp(got, expected) != 0)
		fail_msg("%s: got\n%s\nexpected\n%s", name, got, expected);
}

#define TRIPLE "Cache-Control: no-cache, no-store, must-revalidate\nPragma: no-cache\nExpires: 0"
#define BYPASS "Cache-Status: freshet; fwd=bypass; detail=fields"

#endif
