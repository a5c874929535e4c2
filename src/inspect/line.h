/*
 * Text put together piece by piece in a buffer of fixed size.
 *
 * A piece that does not fit is left out, and so is everything after it: `cut` tells, and nothing is ever written
 * beyond the buffer.  No NUL at the end.
 */
#ifndef FRESHET_INSPECT_LINE_H
#define FRESHET_INSPECT_LINE_H

#include "base/span.h"

struct line {
	char *p;      /* borrowed: max bytes */
	size_t n, max;
	bool cut;
};

static inline struct line line_of(char *out, size_t max)
{
	return (struct line){ .p = out, .max = max };
}

/* Where the next n bytes go, counted as written; NULL when they do not fit. */
static inline char *line_take(struct line *l, size_t n)
{
	char *at = l->p + l->n;

	if (__builtin_expect(n > l->max - l->n, 0)) {
		l->cut = true;
		l->max = l->n;
		return NULL;
	}
	l->n += n;
	return at;
}

static inline void line_put(struct line *l, struct span s)
{
	char *at = line_take(l, s.n);

	if (at && s.n)
		memcpy(at, s.p, s.n);
}

static inline void line_put_char(struct line *l, char c)
{
	char *at = line_take(l, 1);

	if (at)
		*at = c;
}

static inline void line_put_u64(struct line *l, uint64_t n)
{
	char digits[20];

	line_put(l, span_of(digits, span_put_u64(digits, n)));
}

#endif
