/*
 * Strict judge of the JSON that we write: one value without white space, UTF-8, nothing that a terminal obeys.
 *
 * Shares no code with the writer, and is stricter than RFC 8259: no exponents, no surrogate escapes.
 */
#ifndef FRESHET_TESTS_JSON_CHECK_H
#define FRESHET_TESTS_JSON_CHECK_H

#include "base/span.h"

static bool json_check_value(struct span *s);

static inline bool json_check_take(struct span *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = span_from(*s, 1);
	return true;
}

static inline bool json_check_escape(struct span *s)
{
	uint32_t code = 0;

	if (!s->n)
		return false;
	char c = s->p[0];
	*s = span_from(*s, 1);
	if (c != 'u')
		return memchr("\"\\/bfnrt", c, 8) != NULL;
	for (int i = 0; i < 4; i++, *s = span_from(*s, 1)) {
		if (!s->n || ascii_hex(s->p[0]) < 0)
			return false;
		code = code << 4 | (uint32_t)ascii_hex(s->p[0]);
	}
	return code < 0xd800 || code > 0xdfff;
}

/* One code point, decoded by arithmetic; no control characters (C0, DEL, C1) and no line separators. */
static inline bool json_check_character(struct span *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s->p[0];
	size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
	uint32_t code = length == 1 ? first : first & (0x7fu >> length);

	if (!length || length > s->n)
		return false;
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)s->p[i] & 0xc0) != 0x80)
			return false;
		code = code << 6 | ((unsigned char)s->p[i] & 0x3f);
	}
	*s = span_from(*s, length);
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return false;
	return code >= 0x20 && (code < 0x7f || code > 0x9f) && code != 0x2028 && code != 0x2029;
}

static inline bool json_check_string(struct span *s)
{
	if (!json_check_take(s, '"'))
		return false;
	while (s->n) {
		if (json_check_take(s, '"'))
			return true;
		if (json_check_take(s, '\\') ? !json_check_escape(s) : !json_check_character(s))
			return false;
	}
	return false;
}

static inline bool json_check_integer(struct span *s)
{
	size_t digits = 0;

	while (digits < s->n && ascii_digit(s->p[digits]))
		digits++;
	bool ok = digits == 1 || (digits > 1 && s->p[0] != '0');
	*s = span_from(*s, digits);
	return ok;
}

/* A sign and decimals as JSON has them; no exponent. */
static inline bool json_check_number(struct span *s)
{
	json_check_take(s, '-');
	if (!json_check_integer(s))
		return false;
	if (!json_check_take(s, '.'))
		return true;
	size_t digits = 0;
	while (digits < s->n && ascii_digit(s->p[digits]))
		digits++;
	*s = span_from(*s, digits);
	return digits > 0;
}

static inline bool json_check_word(struct span *s, struct span word)
{
	bool ok = span_starts(*s, word);

	*s = span_from(*s, word.n);
	return ok;
}

static inline bool json_check_members(struct span *s, char close)
{
	if (json_check_take(s, close))
		return true;
	do {
		if (close == '}' && (!json_check_string(s) || !json_check_take(s, ':')))
			return false;
		if (!json_check_value(s))
			return false;
	} while (json_check_take(s, ','));
	return json_check_take(s, close);
}

static bool json_check_value(struct span *s)
{
	switch (s->n ? s->p[0] : 0) {
	case '{':
		return json_check_take(s, '{') && json_check_members(s, '}');
	case '[':
		return json_check_take(s, '[') && json_check_members(s, ']');
	case '"':
		return json_check_string(s);
	case 't':
		return json_check_word(s, SPAN("true"));
	case 'f':
		return json_check_word(s, SPAN("false"));
	default:
		return json_check_number(s);
	}
}

/* Whether s is one value and nothing else. */
static inline bool json_check(struct span s)
{
	return json_check_value(&s) && s.n == 0;
}

#endif
