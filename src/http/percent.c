/*
 * Percent-encoded text, as bytes.
 */
#include "http/percent.h"

static bool take_escaped(struct span s, char *out)
{
	if (s.n < 3 || ascii_hex(s.p[1]) < 0 || ascii_hex(s.p[2]) < 0)
		return false;
	*out = (char)(ascii_hex(s.p[1]) << 4 | ascii_hex(s.p[2]));
	return true;
}

bool percent_decode(struct span s, char *out, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '%') {
			out[(*n)++] = s.p[i];
			continue;
		}
		if (!take_escaped(span_from(s, i), &out[(*n)++]))
			return false;
		i += 2;
	}
	return true;
}
