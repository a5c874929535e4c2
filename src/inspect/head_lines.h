/*
 * The lines of a head that was kept.  The guard has read it or we have written it, so every line ends in CRLF; one that was
 * cut may end anywhere.
 */
#ifndef FRESHET_INSPECT_HEAD_LINES_H
#define FRESHET_INSPECT_HEAD_LINES_H

#include "base/span.h"

/* The next line, without its end; false behind the last. */
static inline bool head_next_line(struct span *rest, struct span *line)
{
	if (!rest->n)
		return false;
	*line = span_first(*rest, span_find(*rest, '\r'));
	*rest = span_from(*rest, line->n + 2);
	return line->n > 0;
}

/* Of a field. */
static inline struct span line_name(struct span line)
{
	return span_first(line, span_find(line, ':'));
}

static inline struct span line_value(struct span line)
{
	return span_trim(span_from(line, span_find(line, ':') + 1));
}

#endif
