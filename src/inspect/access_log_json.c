/*
 * JSON lines of the access log: one flat object each.
 */
#include "inspect/access_log_parts.h"

#include <assert.h>

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
		member_word(j, key, access_log_digest(text, digest));
}

static void member_edits(struct json *j, struct span key, struct edits e)
{
	char text[EDIT_MAX];

	json_key(j, key);
	json_open(j, '[');
	for (unsigned i = 0; i < e.count; i++)
		json_string(j, span_of(text, access_log_edit(text, &e.edits[i])));
	json_close(j, ']');
}

size_t access_log_json_line(const struct record *r, char out[ACCESS_LOG_LINE_MAX])
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
