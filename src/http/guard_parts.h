/*
 * What the guard's files share: one reading of a head from its front, line by line.
 */
#ifndef FRESHET_HTTP_GUARD_PARTS_H
#define FRESHET_HTTP_GUARD_PARTS_H

#include "http/bytes.h"
#include "http/guard.h"

/*
 * One reading from the front.  Line ends are found block by block, ahead of what is done with the lines, so
 * that the processor need not know where one line ends to begin with the next.
 */
struct guard_pass {
	const char *begin, *end; /* the input */
	const char *at;          /* the next line */
	const char *block;       /* the block that is being looked at */
	const char *next;        /* the block behind it */
	uint64_t stops;          /* control bytes of the block that were not looked at yet */
	enum guard_kind kind;
	const struct h1_limits *limits;
	struct h1_known *known;
	struct h1_known_line *last; /* the line before, where that was a known one */
	struct message *m;
	struct guard *g;
	struct h1_error *error;
};

/* Both say what is wrong, and that it is: H1_BAD.  `reason` is a constant. */
enum h1_result guard_bad(struct guard_pass *s, enum h1_fault fault, const char *reason);
enum h1_result guard_syntax(struct guard_pass *s, const char *reason);

/* Moves to the next block with a control byte in it; false at the end of input. */
bool guard_next_stops(struct guard_pass *s) MUST_CHECK;

/* What is wrong with the first control byte of a line, which should be the CR of a CRLF. */
enum h1_result guard_bad_control(struct guard_pass *s, const char *at);

/* Finds the CRLF that ends the line at s->at and moves behind it. */
static inline enum h1_result guard_next_line(struct guard_pass *s, const char **line, const char **eol)
{
	if (!s->stops && !guard_next_stops(s))
		return H1_MORE;
	int i = __builtin_ctzll(s->stops);
	const char *c = s->block + i;
	*line = s->at;
	*eol = c;
	if (*c == '\r' && c + 1 == s->end)
		return H1_MORE;
	if (*c != '\r' || c[1] != '\n')
		return guard_bad_control(s, c);
	s->stops &= ~(UINT64_C(3) << i);
	s->at = c + 2;
	return H1_OK;
}

/* The line at s->at as the start line of its kind. */
enum h1_result guard_request_line(struct guard_pass *s) MUST_CHECK;
enum h1_result guard_status_line(struct guard_pass *s) MUST_CHECK;

/* The same where input ends within it: what is there must fit so far.  H1_MORE, or H1_BAD. */
enum h1_result guard_partial_request_line(struct guard_pass *s, const char *line) MUST_CHECK;
enum h1_result guard_partial_status_line(struct guard_pass *s) MUST_CHECK;

/* Field lines up to the empty one. */
enum h1_result guard_fields(struct guard_pass *s) MUST_CHECK;

#endif
