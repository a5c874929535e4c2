/*
 * Text lines of the access log: columns, then words and key=value pairs.
 */
#include "inspect/access_log_parts.h"

#include <assert.h>

static const char hex_digits[] = "0123456789ABCDEF";

static bool is_visible(char c)
{
	return c > ' ' && c <= '~' && c != '"' && c != '\\';
}

/* The space before a value and its key; the line's first column has nothing before it. */
static void begin(struct line *l, struct span before)
{
	line_put(l, l->n ? before : span_from(before, 1));
}

static void text_nothing(struct line *l, struct span before)
{
	if (before.n > 1)
		return; /* only columns have to be there */
	begin(l, before);
	line_put_char(l, '-');
}

static void text_word(struct line *l, struct span before, struct span word)
{
	begin(l, before);
	line_put(l, word);
}

/* Bytes other than visible ASCII, quotes and backslashes as `escape` and two digits. */
static void put_escaped(struct line *l, struct span s, struct span escape)
{
	size_t copied = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_visible(s.p[i]))
			continue;
		line_put(l, span_of(s.p + copied, i - copied));
		line_put(l, escape);
		line_put_char(l, hex_digits[c >> 4]);
		line_put_char(l, hex_digits[c & 15]);
		copied = i + 1;
	}
	line_put(l, span_from(s, copied));
}

static void text_method(struct line *l, struct span before, struct span method)
{
	if (!method.n) {
		text_nothing(l, before);
		return;
	}
	begin(l, before);
	put_escaped(l, method, SPAN("\\x"));
}

static void text_url(struct line *l, struct span before, struct span url)
{
	if (!url.n) {
		text_nothing(l, before);
		return;
	}
	begin(l, before);
	put_escaped(l, url, SPAN("%"));
}

static bool is_plain_word(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_visible(s.p[i]) || s.p[i] == '=')
			return false;
	return s.n > 0;
}

static void put_quoted(struct line *l, struct span s)
{
	line_put_char(l, '"');
	while (s.n) {
		size_t space = span_find(s, ' ');

		put_escaped(l, span_first(s, space), SPAN("\\x"));
		if (space < s.n)
			line_put_char(l, ' ');
		s = span_from(s, space + 1);
	}
	line_put_char(l, '"');
}

static void text_quoted(struct line *l, struct span before, struct span s)
{
	begin(l, before);
	if (is_plain_word(s))
		line_put(l, s);
	else
		put_quoted(l, s);
}

static void text_name(struct line *l, struct span before, struct span name)
{
	if (name.n)
		text_quoted(l, before, name);
}

static void text_reason(struct line *l, struct span before, const char *reason)
{
	if (reason)
		text_quoted(l, before, span_first(span_str(reason), REASON_MAX));
}

static void text_verdict(struct line *l, struct span before, const struct verdict *v)
{
	char text[VERDICT_TEXT_MAX];

	if (v->kind != VERDICT_NONE)
		text_quoted(l, before, span_of(text, verdict_format(v, text)));
}

static void text_layers(struct line *l, struct span before, const struct verdict *v)
{
	char text[VERDICT_LAYERS_MAX * VERDICT_LAYER_TEXT_MAX];
	size_t n = 0;

	if (v->kind == VERDICT_NONE || !v->layer_count)
		return;
	for (unsigned i = 0; i < v->layer_count; i++) {
		if (i)
			text[n++] = ',';
		n += verdict_layer_format(&v->layers[i], text + n);
	}
	text_quoted(l, before, span_of(text, n));
}

static void text_time(struct line *l, struct span before, int64_t us)
{
	char text[ACCESS_LOG_TIME_BYTES];

	text_word(l, before, span_of(text, access_log_time(text, us)));
}

static void text_address(struct line *l, struct span before, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (a->port)
		text_word(l, before, span_of(text, address_format(a, text)));
	else
		text_nothing(l, before);
}

static void text_peer(struct line *l, struct span before, const struct address *a)
{
	text_address(l, before, a);
}

static void text_count(struct line *l, struct span before, uint64_t n)
{
	begin(l, before);
	line_put_u64(l, n);
}

static void text_status(struct line *l, struct span before, unsigned status)
{
	if (status)
		text_count(l, before, status);
	else
		text_nothing(l, before);
}

static void text_bytes(struct line *l, struct span before, uint64_t n)
{
	if (!n && before.n > 1)
		return;
	text_count(l, before, n);
	line_put_char(l, 'B');
}

static void text_duration(struct line *l, struct span before, int64_t us)
{
	uint64_t n = us > 0 ? (uint64_t)us : 0;
	char rest[] = ".000ms";

	span_put_digits(rest + 1, 3, (unsigned)(n % 1000));
	text_count(l, before, n / 1000);
	line_put(l, span_of(rest, sizeof(rest) - 1));
}

static void text_wait(struct line *l, struct span before, int64_t us)
{
	if (us > 0)
		text_duration(l, before, us);
}

static void text_seconds(struct line *l, struct span before, int64_t s)
{
	if (s <= 0)
		return;
	text_count(l, before, (uint64_t)s);
	line_put_char(l, 's');
}

static void text_times(struct line *l, struct span before, uint64_t n)
{
	if (n)
		text_count(l, before, n);
}

static void text_fact(struct line *l, struct span before, bool is)
{
	if (is)
		begin(l, span_first(before, before.n - 1)); /* a word of its own, without the "=" */
}

static void text_version(struct line *l, struct span before, unsigned minor)
{
	text_fact(l, before, minor == 0);
}

static void text_digest(struct line *l, struct span before, const unsigned char *digest)
{
	char text[2 * RECORD_DIGEST_BYTES];

	if (digest)
		text_word(l, before, access_log_digest(text, digest));
}

static void text_edits(struct line *l, struct span before, struct edits e)
{
	char text[EDIT_MAX];

	if (!e.count)
		return;
	begin(l, before);
	for (unsigned i = 0; i < e.count; i++) {
		if (i)
			line_put_char(l, ',');
		line_put(l, span_of(text, access_log_edit(text, &e.edits[i])));
	}
}

size_t access_log_text_line(const struct record *r, char out[ACCESS_LOG_LINE_MAX])
{
	struct line l = line_of(out, ACCESS_LOG_LINE_MAX);

#define FIELD(key, type, value, text) \
	if (sizeof(text) > 1) \
		text_##type(&l, text[0] == '-' ? SPAN(" ") : SPAN(" " text "="), value);
#include "inspect/fields.def"
#undef FIELD
	line_put_char(&l, '\n');
	assert(!l.cut);
	return l.n;
}
