/*
 * Base64, encoding only.
 */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes as four characters. */
static void put_group(char out[4], struct span s)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 3; i++)
		bits = bits << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
	for (size_t i = 0; i < 4; i++)
		out[i] = i <= s.n ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
}

size_t base64_put(char *out, struct span s)
{
	size_t len = 0;

	for (size_t at = 0; at < s.n; at += 3, len += 4)
		put_group(out + len, span_first(span_from(s, at), 3));
	return len;
}
