/*
 * Chunked bodies: any split gives the same body, end and verdict, a plain decoder reads the same body from what
 * is accepted, and trailer sections do not depend on how they arrive.
 */
#include <assert.h>
#include <stdlib.h>

#include "http/h1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct h1_limits limits = { .head_bytes = 2048, .target_bytes = 512, .fields = 16 };

enum { FIELDS = 16 };

struct decoded {
	struct h1_chunked c;
	enum h1_chunk_result result;
	char *body; /* owned */
	size_t body_len, consumed;
};

static void decode(struct span in, size_t step, struct decoded *d)
{
	const char *reason = NULL;

	*d = (struct decoded){ .result = H1_CHUNK_MORE, .body = malloc(in.n + 1) };
	assert(d->body);
	h1_chunked_init(&d->c);
	for (size_t at = 0; d->result == H1_CHUNK_MORE && at < in.n; at += step) {
		size_t n = step < in.n - at ? step : in.n - at, consumed = 0, body_len = 0;
		char *piece = malloc(n);

		assert(piece);
		memcpy(piece, in.p + at, n);
		d->result = h1_chunked_read(&d->c, piece, n, &consumed, &body_len, &reason);
		assert(consumed <= n && body_len <= consumed);
		assert(d->result != H1_CHUNK_MORE || consumed == n);
		assert(d->result != H1_CHUNK_BAD || (reason && *reason));
		memcpy(d->body + d->body_len, piece, body_len);
		d->body_len += body_len;
		d->consumed += consumed;
		free(piece);
	}
}

/* The offset behind the CRLF that ends the line at `at`, or n. */
static size_t line_after(struct span in, size_t at)
{
	while (at + 1 < in.n && !(in.p[at] == '\r' && in.p[at + 1] == '\n'))
		at++;
	return at + 1 < in.n ? at + 2 : in.n;
}

/* Reads an accepted body the simple way, and expects the same bytes and the same end. */
static void check_plainly(struct span in, const struct decoded *d)
{
	size_t at = 0, body = 0;

	for (;;) {
		uint64_t chunk = 0;

		assert(at < in.n && ascii_hex(in.p[at]) >= 0);
		for (; at < in.n && ascii_hex(in.p[at]) >= 0; at++)
			chunk = chunk * 16 + (uint64_t)ascii_hex(in.p[at]);
		at = line_after(in, at);
		if (!chunk)
			break;
		assert(chunk <= in.n - at && chunk <= d->body_len - body);
		assert(memcmp(in.p + at, d->body + body, chunk) == 0);
		body += chunk;
		at += chunk;
		assert(in.n - at >= 2 && in.p[at] == '\r' && in.p[at + 1] == '\n');
		at += 2;
	}
	assert(body == d->body_len && at == d->consumed);
}

static enum h1_result read_trailers(const struct h1_chunked *decoder, struct span in, size_t step, size_t *len,
	unsigned *count)
{
	struct field fields[FIELDS];
	struct message m;
	struct h1_chunked c = *decoder;
	struct h1_error error = { .reason = NULL };
	size_t scanned = 0;
	enum h1_result r = H1_MORE;

	message_init(&m, fields, FIELDS);
	*len = 0;
	for (size_t n = step; r == H1_MORE && n < in.n + step; n += step)
		r = h1_read_trailers(&c, span_first(in, n), &scanned, &limits, &m, len, &error);
	assert(r != H1_BAD || (error.reason && *error.reason));
	*count = m.field_count;
	if (r == H1_OK) {
		char *out = malloc(h1_head_room(&m, NULL));

		assert(out);
		assert(h1_write_trailers(&m, out) <= h1_head_room(&m, NULL));
		free(out);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoded whole, split;

	if (size < 2)
		return 0;
	headers_init();
	size_t step = 1 + data[0] % 32;
	struct span in = span_of((const char *)data + 1, size - 1);

	decode(in, in.n, &whole);
	decode(in, step, &split);
	assert(whole.result == split.result && whole.body_len == split.body_len);
	assert(memcmp(whole.body, split.body, whole.body_len) == 0);
	if (whole.result == H1_CHUNK_TRAILERS) {
		struct span rest = span_from(in, whole.consumed);
		size_t len[2];
		unsigned count[2];

		assert(whole.consumed == split.consumed);
		check_plainly(in, &whole);
		enum h1_result r = read_trailers(&whole.c, rest, rest.n + 1, &len[0], &count[0]);
		assert(read_trailers(&split.c, rest, step, &len[1], &count[1]) == r);
		assert(r != H1_OK || (len[0] == len[1] && count[0] == count[1]));
	}
	free(whole.body);
	free(split.body);
	return 0;
}
