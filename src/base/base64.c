/*
 * Base64.
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

/* The value of a character, -1 for those that are not in the alphabet. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, the last `padding` of which are '='. */
static bool get_group(char *out, const char in[4], size_t padding)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - padding ? value_of(in[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	for (size_t i = 0; i < 3 - padding; i++)
		out[i] = (char)(bits >> (16 - 8 * i));
	return (bits & (padding == 2 ? 0xffff : padding == 1 ? 0xff : 0)) == 0;
}

bool base64_get(char *out, struct span s, size_t *out_n)
{
	size_t padding = 0, n = 0;

	if (s.n % 4)
		return false;
	while (padding < 2 && padding < s.n && s.p[s.n - 1 - padding] == '=')
		padding++;
	for (size_t at = 0; at < s.n; at += 4) {
		size_t missing = at + 4 == s.n ? padding : 0;

		if (!get_group(out + n, s.p + at, missing))
			return false;
		n += 3 - missing;
	}
	*out_n = n;
	return true;
}
