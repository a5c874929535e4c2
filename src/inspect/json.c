/*
 * JSON text, written once and forwards.  Parses nothing.
 */
#include "inspect/json.h"

static size_t utf8_sequence(const unsigned char *p, size_t n);
static void escape_ascii(struct line *l, unsigned char c);
static size_t escape_wide(struct line *l, const unsigned char *p, size_t n);

/* The comma before a value or a key, where one is due. */
static void separate(struct json *j)
{
	if (j->comma)
		line_put_char(&j->line, ',');
	j->comma = true;
}

void json_open(struct json *j, char bracket)
{
	separate(j);
	line_put_char(&j->line, bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	line_put_char(&j->line, bracket);
	j->comma = true;
}

void json_key(struct json *j, struct span key)
{
	char *at = line_take(&j->line, key.n + 3 + j->comma);

	if (!at)
		return;
	if (j->comma)
		*at++ = ',';
	*at++ = '"';
	memcpy(at, key.p, key.n);
	at[key.n] = '"';
	at[key.n + 1] = ':';
	j->comma = false;
}

void json_u64(struct json *j, uint64_t n)
{
	separate(j);
	line_put_u64(&j->line, n);
}

void json_bool(struct json *j, bool b)
{
	separate(j);
	line_put(&j->line, b ? SPAN("true") : SPAN("false"));
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void json_string(struct json *j, struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t copied = 0, i = 0;

	separate(j);
	line_put_char(&j->line, '"');
	while (i < s.n) {
		if (is_plain(p[i])) {
			i++;
			continue;
		}
		line_put(&j->line, span_of(s.p + copied, i - copied));
		if (p[i] < 0x80)
			escape_ascii(&j->line, p[i++]);
		else
			i += escape_wide(&j->line, p + i, s.n - i);
		copied = i;
	}
	if (s.n > copied)
		line_put(&j->line, span_of(s.p + copied, s.n - copied));
	line_put_char(&j->line, '"');
}

/* "\u00XX" */
static void put_code(struct line *l, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	line_put(l, span_of(text, sizeof(text)));
}

static void escape_ascii(struct line *l, unsigned char c)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* what it is, how it is written */

	for (size_t i = 0; i + 1 < sizeof(letters); i += 2) {
		if (letters[i] == (char)c) {
			char text[] = { '\\', letters[i + 1] };

			line_put(l, span_of(text, sizeof(text)));
			return;
		}
	}
	put_code(l, c);
}

/*
 * One character beyond ASCII, or one byte that begins none; returns how many bytes it took.  U+0080 to U+009F are
 * control characters to terminals, U+2028 and U+2029 end lines for some readers.
 */
static size_t escape_wide(struct line *l, const unsigned char *p, size_t n)
{
	size_t length = utf8_sequence(p, n);

	if (!length) {
		line_put(l, SPAN("\\ufffd"));
		return 1;
	}
	if (length == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		put_code(l, p[1]);
	else if (length == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
		line_put(l, p[2] == 0xa8 ? SPAN("\\u2028") : SPAN("\\u2029"));
	else
		line_put(l, span_of((const char *)p, length));
	return length;
}

/*
 * Length of the well-formed sequence at p (Unicode, table 3-7: neither overlong nor a surrogate, at most
 * U+10FFFF), 0 where there is none.  p[0] is 0x80 or more.
 */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	size_t length = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	unsigned char low = 0x80, high = 0xbf;

	if (length == 0 || length > n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return length;
}
