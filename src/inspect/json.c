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

void json_thousandths(struct json *j, int64_t n)
{
	uint64_t size = n < 0 ? -(uint64_t)n : (uint64_t)n;
	unsigned rest = (unsigned)(size % 1000);
	char digits[] = { '.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10) };

	separate(j);
	if (n < 0)
		line_put_char(&j->line, '-');
	line_put_u64(&j->line, size / 1000);
	if (rest)
		line_put(&j->line, span_of(digits, sizeof(digits)));
}

void json_bool(struct json *j, bool b)
{
	separate(j);
	line_put(&j->line, b ? SPAN("true") : SPAN("false"));
}

void json_text(struct json *j, struct span json)
{
	separate(j);
	line_put(&j->line, json);
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

/* "\u" and four digits */
static void put_code(struct line *l, unsigned c)
{
	static const char hex[] = "0123456789abcdef";
	char text[] = { '\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15] };

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
 * What could make a line look like something else: control characters of terminals (U+0080 to U+009F), line ends for
 * some readers (U+2028, U+2029), marks that turn the direction of what follows, and the invisible U+FEFF.
 */
static bool deceives(unsigned c)
{
	return c < 0xa0 || c == 0x61c || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* The character of a sequence of two or three bytes. */
static unsigned code_of(const unsigned char *p, size_t length)
{
	if (length == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	return (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
}

/* One character beyond ASCII, or one byte that begins none; returns how many bytes it took. */
static size_t escape_wide(struct line *l, const unsigned char *p, size_t n)
{
	size_t length = utf8_sequence(p, n);

	if (!length) {
		line_put(l, SPAN("\\ufffd"));
		return 1;
	}
	if (length < 4 && deceives(code_of(p, length)))
		put_code(l, code_of(p, length));
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
