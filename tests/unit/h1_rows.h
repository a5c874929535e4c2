/*
 * Rows for the tests of the HTTP/1 codec: bytes in, a verdict out, however the bytes are split.
 *
 * Input is copied to a block of its own size first, so that a sanitizer sees every byte read beyond it.
 */
#ifndef FRESHET_TESTS_H1_ROWS_H
#define FRESHET_TESTS_H1_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/guard.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Text that may hold NUL bytes. */
#define BYTES(literal) { "" literal, sizeof(literal) - 1 }

enum verdict {
	TAKEN,
	INCOMPLETE,
	SYNTAX,
	FRAMING,
	TARGET_TOO_LONG,
	TOO_LARGE,
	VERSION,
	TLS,
};

struct h1_row {
	const char *name;
	struct span input;
	enum verdict want;
};

static const char *const verdict_names[] = {
	"taken", "incomplete", "syntax", "framing", "target too long", "head too large", "version", "TLS",
};

static const struct h1_limits row_limits = { .head_bytes = 4096, .target_bytes = 1024, .fields = 40 };

enum { ROW_FIELDS = 60 };

enum { AS_REQUEST, AS_RESPONSE, AS_TRAILERS };

/* One head being read. */
struct reading {
	struct field fields[ROW_FIELDS];
	struct message m;
	struct h1_chunked chunked;
	size_t scanned, len;
	struct h1_error error;
};

static inline enum verdict verdict_of(enum h1_result r, const struct h1_error *error)
{
	static const enum verdict faults[] = {
		[H1_FAULT_SYNTAX] = SYNTAX,
		[H1_FAULT_FRAMING] = FRAMING,
		[H1_FAULT_TARGET_TOO_LONG] = TARGET_TOO_LONG,
		[H1_FAULT_HEAD_TOO_LARGE] = TOO_LARGE,
		[H1_FAULT_VERSION] = VERSION,
		[H1_FAULT_TLS] = TLS,
	};

	if (r == H1_BAD)
		assert_true(error->reason && *error->reason);
	return r == H1_OK ? TAKEN : r == H1_MORE ? INCOMPLETE : faults[error->fault];
}

static inline void reading_begin(struct reading *r, int as)
{
	*r = (struct reading){ .error = { .reason = "" } };
	headers_init();
	message_init(&r->m, r->fields, ROW_FIELDS);
	if (as == AS_TRAILERS) {
		char zero[] = "0\r\n";
		size_t consumed, body_len;
		const char *why;

		h1_chunked_init(&r->chunked);
		assert_int_equal(h1_chunked_read(&r->chunked, zero, 3, &consumed, &body_len, &why), H1_CHUNK_TRAILERS);
	}
}

static inline enum verdict reading_feed(struct reading *r, int as, struct span in)
{
	enum h1_result got;

	if (as == AS_REQUEST)
		got = h1_read_request(in, &r->scanned, &row_limits, NULL, &r->m, &r->len, &r->error);
	else if (as == AS_RESPONSE)
		got = h1_read_response(in, &r->scanned, &row_limits, NULL, METHOD_GET, &r->m, &r->len, &r->error);
	else
		got = h1_read_trailers(&r->chunked, in, &r->scanned, &row_limits, &r->m, &r->len, &r->error);
	return verdict_of(got, &r->error);
}

/* Whole, then growing by `step` bytes; fails when the two disagree. */
static inline enum verdict reading_all(struct reading *r, int as, const char *name, struct span in, size_t step)
{
	char *copy = malloc(in.n ? in.n : 1);
	enum verdict whole, grown = INCOMPLETE;

	assert_non_null(copy);
	if (in.n)
		memcpy(copy, in.p, in.n);
	reading_begin(r, as);
	for (size_t n = step; grown == INCOMPLETE && n < in.n + step; n += step)
		grown = reading_feed(r, as, span_of(copy, n < in.n ? n : in.n));
	reading_begin(r, as);
	whole = reading_feed(r, as, span_of(copy, in.n));
	if (whole != grown)
		fail_msg("%s: whole %s (%s), by %zu bytes %s", name, verdict_names[whole], r->error.reason, step,
			 verdict_names[grown]);
	free(copy);
	return whole;
}

static inline void check_rows(int as, const struct h1_row *rows, size_t n)
{
	static const size_t steps[] = { 1, 2, 3, 7, 16 };
	struct reading r;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < COUNT(steps); k++) {
			enum verdict got = reading_all(&r, as, rows[i].name, rows[i].input, steps[k]);

			if (got != rows[i].want)
				fail_msg("%s: \"%.*s\" is %s (%s), expected %s", rows[i].name, SPAN_ARG(rows[i].input),
					 verdict_names[got], r.error.reason, verdict_names[rows[i].want]);
		}
	}
}

/* A head that must be taken, kept in the caller's text. */
static inline void read_head(struct reading *r, int as, const char *text)
{
	enum verdict got;

	reading_begin(r, as);
	got = reading_feed(r, as, span_str(text));
	if (got != TAKEN)
		fail_msg("\"%s\" is %s (%s)", text, verdict_names[got], r->error.reason);
}

#endif
