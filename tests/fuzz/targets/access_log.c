/*
 * The access log: whatever a record says, each format gives one whole line, text of visible ASCII with all its
 * columns, JSON that a strict judge takes.
 */
#include <assert.h>
#include <stdint.h>

#include "inspect/access_log.h"

#include "../../json_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS = 8 };

struct input {
	const uint8_t *p;
	size_t n;
};

/* Zeros when the input is used up. */
static void take(struct input *in, void *out, size_t n)
{
	size_t have = n < in->n ? n : in->n;

	memset(out, 0, n);
	if (!have)
		return;
	memcpy(out, in->p, have);
	in->p += have;
	in->n -= have;
}

static unsigned take_below(struct input *in, unsigned end)
{
	uint16_t n;

	take(in, &n, sizeof(n));
	return n % end;
}

static uint8_t take_edits(struct input *in, struct record_edit edits[RECORD_EDITS_MAX])
{
	unsigned count = take_below(in, RECORD_EDITS_MAX + 1);

	for (unsigned i = 0; i < count; i++) {
		edits[i].op = (uint8_t)take_below(in, EDIT_REMOVE + 1);
		edits[i].id = (uint8_t)(1 + take_below(in, HEADER_COUNT - 1));
	}
	return (uint8_t)count;
}

/* A peer's bytes reach a reason in no case; they are here all the same. */
static const char *take_reason(struct input *in, char text[64])
{
	if (take_below(in, 2))
		return NULL;
	take(in, text, 63);
	text[63] = '\0';
	return text;
}

static void take_flags(struct input *in, struct record *r)
{
	unsigned flags = take_below(in, 256);

	r->tunnel = flags & 1;
	r->busted = flags & 2;
	r->reused = flags & 4;
	r->truncated = flags & 8;
	r->url_cut = flags & 16;
	r->request_minor = flags >> 5 & 1;
}

static void take_text(struct input *in, struct record *r)
{
	r->method_len = (uint16_t)take_below(in, RECORD_METHOD_MAX + 1);
	take(in, r->method, r->method_len);
	r->user_len = (uint16_t)take_below(in, RECORD_USER_MAX + 1);
	take(in, r->user, r->user_len);
	r->url_len = (uint16_t)(in->n < RECORD_URL_MAX ? in->n : RECORD_URL_MAX);
	take(in, r->url, r->url_len);
}

static void take_record(struct input *in, struct record *r, char reasons[3][64])
{
	take(in, &r->started_us, sizeof(r->started_us));
	take(in, &r->exchange_id, sizeof(r->exchange_id));
	take(in, &r->client, sizeof(r->client));
	take(in, &r->origin, sizeof(r->origin));
	take(in, &r->request_body_bytes, sizeof(r->request_body_bytes));
	take(in, &r->response_body_bytes, sizeof(r->response_body_bytes));
	take(in, &r->queue_us, sizeof(r->queue_us));
	take(in, &r->connect_us, sizeof(r->connect_us));
	take(in, &r->first_byte_us, sizeof(r->first_byte_us));
	take(in, &r->total_us, sizeof(r->total_us));
	take(in, &r->status, sizeof(r->status));
	r->verdict.kind = (enum verdict_kind)take_below(in, VERDICT_STALE + 1);
	take(in, &r->verdict.age_s, sizeof(r->verdict.age_s));
	take(in, &r->verdict.stale_by_s, sizeof(r->verdict.stale_by_s));
	take(in, r->verdict.layer, sizeof(r->verdict.layer) - 1);
	r->mode = (enum mode)take_below(in, MODE_BUST + 1);
	r->error = take_reason(in, reasons[0]);
	r->proxy_error = take_reason(in, reasons[1]);
	r->not_busted = take_reason(in, reasons[2]);
	r->request_edit_count = take_edits(in, r->request_edits);
	r->response_edit_count = take_edits(in, r->response_edits);
	take_flags(in, r);
	take_text(in, r);
}

static void check_text(struct span line)
{
	unsigned words = 1;
	bool quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		assert(line.p[i] >= ' ' && line.p[i] <= '~');
		quoted ^= line.p[i] == '"';
		words += line.p[i] == ' ' && !quoted;
		assert(!quoted || words > COLUMNS);
		assert(line.p[i] != ' ' || (i > 0 && i + 1 < line.n));
	}
	assert(!quoted && words > COLUMNS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[ACCESS_LOG_LINE_MAX], reasons[3][64];
	struct input in = { data, size };
	struct record r = { .status = 0 };

	take_record(&in, &r, reasons);
	size_t n = access_log_line(ACCESS_LOG_TEXT, &r, out);
	assert(n > 0 && out[n - 1] == '\n');
	check_text(span_of(out, n - 1));
	n = access_log_line(ACCESS_LOG_JSON, &r, out);
	assert(n > 0 && out[n - 1] == '\n');
	assert(out[0] == '{' && json_check(span_of(out, n - 1)));
	return 0;
}
