/*
 * Where lines end: every byte is looked at, 16 at a time, for controls, of which only the CRLF of a line's end is right.
 */
#include "http/guard_parts.h"

/* The control bytes among the last, fewer than BYTES_BLOCK, bytes of input. */
static uint64_t stops_at_end(const struct guard_pass *s, size_t left)
{
	uint64_t stops = 0;

	if (s->end - s->begin >= BYTES_BLOCK)
		return stops_text(s->end - BYTES_BLOCK) >> (BYTES_BLOCK - left);
	for (size_t i = 0; i < left; i++)
		stops |= (uint64_t)!byte_is(s->next[i], BYTE_TEXT) << i;
	return stops;
}

bool guard_next_stops(struct guard_pass *s)
{
	while (!s->stops) {
		size_t left = (size_t)(s->end - s->next);

		if (!left)
			return false;
		s->block = s->next;
		if (left >= BYTES_WIDE) {
			s->stops = stops_text_wide(s->block);
			s->next += BYTES_WIDE;
		} else if (left >= BYTES_BLOCK) {
			s->stops = stops_text(s->block);
			s->next += BYTES_BLOCK;
		} else {
			s->stops = stops_at_end(s, left);
			s->next += left;
		}
		if (s->at > s->block) /* its first byte is the LF behind the last line's CR */
			s->stops &= ~UINT64_C(1);
	}
	return true;
}

enum h1_result guard_bad_control(struct guard_pass *s, const char *at)
{
	if (*at == '\r')
		return guard_syntax(s, "a CR without LF");
	if (*at == '\n')
		return guard_syntax(s, "a line ends in LF without CR");
	return guard_syntax(s, *at ? "a control byte" : "a NUL byte");
}
