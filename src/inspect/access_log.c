/*
 * Lines of the access log, in either format: their bounds, and the words that both use.
 */
#include "inspect/access_log_parts.h"

#include <assert.h>
#include <time.h>

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

size_t access_log_line(enum access_log_format format, const struct record *r, char out[ACCESS_LOG_LINE_MAX])
{
	return format == ACCESS_LOG_JSON ? access_log_json_line(r, out) : access_log_text_line(r, out);
}

struct span access_log_outcome(const struct record *r)
{
	if (r->busted)
		return SPAN("busted");
	if (r->intercepted)
		return SPAN("intercepted");
	return r->mode == MODE_BUST ? SPAN("not-busted") : mode_name(r->mode);
}

size_t access_log_edit(char out[EDIT_MAX], const struct record_edit *e)
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

struct span access_log_digest(char out[2 * RECORD_DIGEST_BYTES], const unsigned char *digest)
{
	static const char hex_digits[] = "0123456789abcdef";

	for (size_t i = 0; i < RECORD_DIGEST_BYTES; i++) {
		out[2 * i] = hex_digits[digest[i] >> 4];
		out[2 * i + 1] = hex_digits[digest[i] & 15];
	}
	return span_of(out, 2 * RECORD_DIGEST_BYTES);
}

size_t access_log_time(char out[ACCESS_LOG_TIME_BYTES], int64_t us)
{
	static const int64_t end_us = INT64_C(253402300799999999);
	struct tm t;

	us = us < 0 ? 0 : us > end_us ? end_us : us;
	time_t s = (time_t)(us / 1000000);
	gmtime_r(&s, &t);
	memcpy(out, "0000-00-00T00:00:00.000Z", ACCESS_LOG_TIME_BYTES);
	span_put_digits(out, 4, (unsigned)t.tm_year + 1900);
	span_put_digits(out + 5, 2, (unsigned)t.tm_mon + 1);
	span_put_digits(out + 8, 2, (unsigned)t.tm_mday);
	span_put_digits(out + 11, 2, (unsigned)t.tm_hour);
	span_put_digits(out + 14, 2, (unsigned)t.tm_min);
	span_put_digits(out + 17, 2, (unsigned)t.tm_sec);
	span_put_digits(out + 20, 3, (unsigned)(us / 1000 % 1000));
	return ACCESS_LOG_TIME_BYTES;
}
