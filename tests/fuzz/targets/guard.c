/*
 * The guard against llhttp and against a plain reading of its first rules: nothing is accepted with a stray CR,
 * LF or control byte, the two parsers never find different fields or framing, and splitting changes nothing.
 */
#include <assert.h>
#include <stdlib.h>

#include "http/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct h1_limits limits = { .head_bytes = 4096, .target_bytes = 512, .fields = 32 };

enum { FIELDS = 32 };

struct reading {
	struct field fields[FIELDS];
	struct message m;
	size_t scanned, len;
	struct h1_error error;
};

static void begin(struct reading *r)
{
	*r = (struct reading){ 0 };
	message_init(&r->m, r->fields, FIELDS);
}

static enum h1_result feed_with(struct h1_known *known, struct reading *r, bool request, struct span in)
{
	return request ? h1_read_request(in, &r->scanned, &limits, known, &r->m, &r->len, &r->error) :
			 h1_read_response(in, &r->scanned, &limits, known, METHOD_GET, &r->m, &r->len, &r->error);
}

static enum h1_result feed(struct reading *r, bool request, struct span in)
{
	return feed_with(NULL, r, request, in);
}

static bool same_span(struct span a, struct span b)
{
	return a.p == b.p && a.n == b.n;
}

static bool same_fields(const struct message *a, const struct message *b)
{
	for (unsigned i = 0; i < a->field_count; i++) {
		const struct field *f = &a->fields[i], *g = &b->fields[i];

		if (!same_span(f->name, g->name) || !same_span(f->value, g->value) || f->id != g->id || f->dropped != g->dropped)
			return false;
	}
	return a->present[0] == b->present[0] && a->present[1] == b->present[1] &&
	       a->repeated[0] == b->repeated[0] && a->repeated[1] == b->repeated[1];
}

static bool same_reading(const struct reading *a, const struct reading *b)
{
	return a->len == b->len && a->m.field_count == b->m.field_count && a->m.framing == b->m.framing &&
	       a->m.content_length == b->m.content_length && a->m.persistent == b->m.persistent &&
	       same_fields(&a->m, &b->m);
}

/* What was read before, of this or of earlier inputs, changes nothing. */
static void check_known(const struct reading *whole, enum h1_result want, bool request, struct span in)
{
	static struct h1_known known;
	struct reading again;

	for (int i = 0; i < 2; i++) {
		begin(&again);
		enum h1_result got = feed_with(&known, &again, request, in);
		assert(got == want);
		assert(got != H1_OK || same_reading(whole, &again));
	}
}

/* Rule 1 and the number of fields, byte by byte. */
static void check_lines(struct span head, unsigned fields, bool request)
{
	unsigned lines = 0;

	for (size_t i = 0; i < head.n; i++) {
		unsigned char c = (unsigned char)head.p[i];

		if (c == '\r')
			assert(i + 1 < head.n && head.p[i + 1] == '\n');
		else if (c == '\n')
			assert(i > 0 && head.p[i - 1] == '\r');
		else
			assert((c >= 0x20 || c == '\t') && c != 0x7f);
		lines += c == '\n';
	}
	assert(head.n >= 4 && memcmp(head.p + head.n - 4, "\r\n\r\n", 4) == 0);
	unsigned before = request && head.p[0] == '\r';
	assert(lines == before + 1 + fields + 1);
}

static void check_agreement(const struct reading *r, enum h1_result got)
{
	if (got == H1_BAD) {
		assert(r->error.reason && *r->error.reason);
		assert(strcmp(r->error.reason, "a head that two parsers read differently") != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole, grown;
	enum h1_result r = H1_MORE;

	if (size < 2)
		return 0;
	headers_init();
	bool request = data[0] & 1;
	size_t step = 1 + (data[0] >> 1) % 64;
	/* A block of its own, so that a byte read beyond the end is seen. */
	struct span in = { malloc(size - 1), size - 1 };
	assert(in.p);
	memcpy((char *)(uintptr_t)in.p, data + 1, in.n);

	begin(&whole);
	enum h1_result want = feed(&whole, request, in);
	check_agreement(&whole, want);
	if (want == H1_OK)
		check_lines(span_first(in, whole.len), whole.m.field_count, request);

	begin(&grown);
	for (size_t n = step; r == H1_MORE && n < in.n + step; n += step)
		r = feed(&grown, request, span_first(in, n));
	assert(r == want);
	if (r == H1_OK)
		assert(same_reading(&whole, &grown));
	check_known(&whole, want, request, in);
	free((char *)(uintptr_t)in.p);
	return 0;
}
