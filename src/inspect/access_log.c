/*
 * Lines of the access log, made of fields.def.
 *
 * Each type of that list is a pair of writers here: text_*() for text lines, which gets the space and the key
 * that stand before its value, and member_*() for JSON lines, which gets its key.  A writer decides itself whether
 * the value applies.
 */
#include "inspect/access_log.h"

#include <assert.h>
#include <time.h>

#include "inspect/json.h"

enum {
	REASON_MAX = 200, /* our own constants are shorter */
};

/* One slot per field of headers.def, each as long as its name. */
union header_names {
#define HEADER(id, name, flags, where) char id[sizeof(name)];
#include "http/headers.def"
#undef HEADER
};

enum { EDIT_MAX = sizeof(union header_names) }; /* a name and its mark */

/* What a value of each type takes at worst, in either format. */
enum {
	MAX_time = ACCESS_LOG_TIME_BYTES + 2,
	MAX_address = ADDRESS_TEXT_MAX + 2,
	MAX_peer = ADDRESS_TEXT_MAX + 2,
	MAX_count = 20,
	MAX_method = RECORD_METHOD_MAX * JSON_BYTES_PER_BYTE + 2,
	MAX_name = RECORD_USER_MAX * JSON_BYTES_PER_BYTE + 2,
	MAX_url = RECORD_URL_MAX * JSON_BYTES_PER_BYTE + 2,
	MAX_version = 5,
	MAX_status = 5,
	MAX_bytes = 21,
	MAX_duration = 24,
	MAX_wait = 24,
	MAX_seconds = 21,
	MAX_times = 20,
	MAX_word = 32,
	MAX_fact = 5,
	MAX_reason = REASON_MAX * JSON_BYTES_PER_BYTE + 2,
	MAX_verdict = VERDICT_TEXT_MAX * JSON_BYTES_PER_BYTE + 2,
	MAX_layers = VERDICT_LAYERS_MAX * (VERDICT_LAYER_TEXT_MAX * JSON_BYTES_PER_BYTE + 3) + 2,
	MAX_digest = 2 * RECORD_DIGEST_BYTES + 2,
	MAX_edits = RECORD_EDITS_MAX * (EDIT_MAX + 3) + 2,
};

#define FIELD(key, type, value, text) \
	+sizeof(",\"\":" key text) + MAX_##type
static_assert(ACCESS_LOG_LINE_MAX >= sizeof("{}\n")
#include "inspect/fields.def"
	, "the longest line fits");
#undef FIELD

struct edits {
	const struct record_edit *edits; /* borrowed */
	unsigned count;
};

#define EDITS(array, n) ((struct edits){ (array), (n) })

static void put_digits(char *out, unsigned n, unsigned count);
static size_t put_edit(char out[EDIT_MAX], const struct record_edit *e);
static struct span outcome(const struct record *r);

/* ---- text */

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

	put_digits(rest + 1, (unsigned)(n % 1000), 3);
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

/* In lower case, as programs that compute it write it. */
static struct span put_digest(char out[2 * RECORD_DIGEST_BYTES], const unsigned char *digest)
{
	for (size_t i = 0; i < RECORD_DIGEST_BYTES; i++) {
		out[2 * i] = ascii_lower(hex_digits[digest[i] >> 4]);
		out[2 * i + 1] = ascii_lower(hex_digits[digest[i] & 15]);
	}
	return span_of(out, 2 * RECORD_DIGEST_BYTES);
}

static void text_digest(struct line *l, struct span before, const unsigned char *digest)
{
	char text[2 * RECORD_DIGEST_BYTES];

	if (digest)
		text_word(l, before, put_digest(text, digest));
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
		line_put(l, span_of(text, put_edit(text, &e.edits[i])));
	}
}

static size_t text_line(const struct record *r, char out[ACCESS_LOG_LINE_MAX])
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

/* ---- JSON */

static void member_word(struct json *j, struct span key, struct span s)
{
	json_key(j, key);
	json_string(j, s);
}

static void member_method(struct json *j, struct span key, struct span method)
{
	if (method.n)
		member_word(j, key, method);
}

static void member_url(struct json *j, struct span key, struct span url)
{
	if (url.n)
		member_word(j, key, url);
}

static void member_name(struct json *j, struct span key, struct span name)
{
	if (name.n)
		member_word(j, key, name);
}

static void member_reason(struct json *j, struct span key, const char *reason)
{
	if (reason)
		member_word(j, key, span_first(span_str(reason), REASON_MAX));
}

static void member_verdict(struct json *j, struct span key, const struct verdict *v)
{
	char text[VERDICT_TEXT_MAX];

	if (v->kind != VERDICT_NONE)
		member_word(j, key, span_of(text, verdict_format(v, text)));
}

static void member_layers(struct json *j, struct span key, const struct verdict *v)
{
	char text[VERDICT_LAYER_TEXT_MAX];

	if (v->kind == VERDICT_NONE || !v->layer_count)
		return;
	json_key(j, key);
	json_open(j, '[');
	for (unsigned i = 0; i < v->layer_count; i++)
		json_string(j, span_of(text, verdict_layer_format(&v->layers[i], text)));
	json_close(j, ']');
}

static void member_time(struct json *j, struct span key, int64_t us)
{
	char text[ACCESS_LOG_TIME_BYTES];

	member_word(j, key, span_of(text, access_log_time(text, us)));
}

static void member_address(struct json *j, struct span key, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (a->port)
		member_word(j, key, span_of(text, address_format(a, text)));
}

/* The port has a key of its own. */
static void member_peer(struct json *j, struct span key, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	member_word(j, key, span_of(text, address_format_ip(a, text)));
}

static void member_count(struct json *j, struct span key, uint64_t n)
{
	json_key(j, key);
	json_u64(j, n);
}

static void member_version(struct json *j, struct span key, unsigned minor)
{
	member_word(j, key, minor ? SPAN("1.1") : SPAN("1.0"));
}

static void member_status(struct json *j, struct span key, unsigned status)
{
	if (status)
		member_count(j, key, status);
}

static void member_bytes(struct json *j, struct span key, uint64_t n)
{
	member_count(j, key, n);
}

/* ECS counts nanoseconds. */
static void member_duration(struct json *j, struct span key, int64_t us)
{
	uint64_t n = us > 0 ? (uint64_t)us : 0;

	member_count(j, key, n > UINT64_MAX / 1000 ? UINT64_MAX : n * 1000);
}

static void member_wait(struct json *j, struct span key, int64_t us)
{
	if (us >= 0)
		member_count(j, key, (uint64_t)us);
}

static void member_seconds(struct json *j, struct span key, int64_t s)
{
	if (s > 0)
		member_count(j, key, (uint64_t)s);
}

static void member_times(struct json *j, struct span key, uint64_t n)
{
	if (n)
		member_count(j, key, n);
}

static void member_fact(struct json *j, struct span key, bool is)
{
	json_key(j, key);
	json_bool(j, is);
}

static void member_digest(struct json *j, struct span key, const unsigned char *digest)
{
	char text[2 * RECORD_DIGEST_BYTES];

	if (digest)
		member_word(j, key, put_digest(text, digest));
}

static void member_edits(struct json *j, struct span key, struct edits e)
{
	char text[EDIT_MAX];

	json_key(j, key);
	json_open(j, '[');
	for (unsigned i = 0; i < e.count; i++)
		json_string(j, span_of(text, put_edit(text, &e.edits[i])));
	json_close(j, ']');
}

static size_t json_line(const struct record *r, char out[ACCESS_LOG_LINE_MAX])
{
	struct json j = json_of(out, ACCESS_LOG_LINE_MAX);

	json_open(&j, '{');
#define FIELD(key, type, value, text) \
	if (sizeof(key) > 1) \
		member_##type(&j, SPAN(key), value);
#include "inspect/fields.def"
#undef FIELD
	json_close(&j, '}');
	line_put_char(&j.line, '\n');
	assert(!j.line.cut);
	return j.line.n;
}

/* ---- both */

size_t access_log_line(enum access_log_format format, const struct record *r, char out[ACCESS_LOG_LINE_MAX])
{
	return format == ACCESS_LOG_JSON ? json_line(r, out) : text_line(r, out);
}

static struct span outcome(const struct record *r)
{
	if (r->busted)
		return SPAN("busted");
	if (r->intercepted)
		return SPAN("intercepted");
	return r->mode == MODE_BUST ? SPAN("not-busted") : mode_name(r->mode);
}

static size_t put_edit(char out[EDIT_MAX], const struct record_edit *e)
{
	struct span name = header_name((enum header)e->id);
	char *at = out;

	if (e->op != EDIT_SET)
		*at++ = e->op == EDIT_ADD ? '+' : '-';
	memcpy(at, name.p, name.n);
	at += name.n;
	if (e->op == EDIT_SET)
		*at++ = '=';
	return (size_t)(at - out);
}

/* The last `count` digits of n. */
static void put_digits(char *out, unsigned n, unsigned count)
{
	while (count--) {
		out[count] = (char)('0' + n % 10);
		n /= 10;
	}
}

size_t access_log_time(char out[ACCESS_LOG_TIME_BYTES], int64_t us)
{
	static const int64_t end_us = INT64_C(253402300799999999);
	struct tm t;

	us = us < 0 ? 0 : us > end_us ? end_us : us;
	time_t s = (time_t)(us / 1000000);
	gmtime_r(&s, &t);
	memcpy(out, "0000-00-00T00:00:00.000Z", ACCESS_LOG_TIME_BYTES);
	put_digits(out, (unsigned)t.tm_year + 1900, 4);
	put_digits(out + 5, (unsigned)t.tm_mon + 1, 2);
	put_digits(out + 8, (unsigned)t.tm_mday, 2);
	put_digits(out + 11, (unsigned)t.tm_hour, 2);
	put_digits(out + 14, (unsigned)t.tm_min, 2);
	put_digits(out + 17, (unsigned)t.tm_sec, 2);
	put_digits(out + 20, (unsigned)(us / 1000 % 1000), 3);
	return ACCESS_LOG_TIME_BYTES;
}
