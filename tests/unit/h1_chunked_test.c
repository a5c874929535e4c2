/*
 * Chunked bodies and their trailers: the same bytes out at every split, and nothing that two readers could
 * understand differently.
 */
#include "h1_rows.h"

#include <stdio.h>

enum outcome { MORE, TRAILERS, BAD };

static const char *const outcome_names[] = { "more", "trailers", "bad" };

struct decoded {
	enum outcome outcome;
	char body[512];
	size_t body_len;
	size_t consumed; /* of the whole input */
	const char *reason;
};

/* Feeds `in` in pieces: the first of `first` bytes, the others of `step`. */
static void decode(struct span in, size_t first, size_t step, struct decoded *d)
{
	struct h1_chunked c;
	size_t at = 0, n = first;

	*d = (struct decoded){ .outcome = MORE, .reason = "" };
	h1_chunked_init(&c);
	while (d->outcome == MORE && at < in.n) {
		size_t piece = n < in.n - at ? n : in.n - at, consumed = 0, body_len = 0;
		char *copy = malloc(piece);

		assert_non_null(copy);
		memcpy(copy, in.p + at, piece);
		switch (h1_chunked_read(&c, copy, piece, &consumed, &body_len, &d->reason)) {
		case H1_CHUNK_MORE:
			assert_int_equal(consumed, piece);
			break;
		case H1_CHUNK_TRAILERS:
			d->outcome = TRAILERS;
			break;
		case H1_CHUNK_BAD:
			d->outcome = BAD;
			break;
		}
		assert_true(consumed <= piece && body_len <= consumed);
		assert_true(d->body_len + body_len <= sizeof(d->body));
		memcpy(d->body + d->body_len, copy, body_len);
		d->body_len += body_len;
		d->consumed += consumed;
		free(copy);
		at += piece;
		n = step;
	}
}

struct row {
	const char *name;
	struct span input;
	enum outcome want;
	const char *body;
	const char *rest; /* what is left for the trailer section, in the case of TRAILERS */
};

static void check(const struct row *row, const struct decoded *d, size_t first, size_t step)
{
	bool same = d->outcome == row->want && span_eq(span_of(d->body, d->body_len), span_str(row->body));

	if (same && row->want == TRAILERS)
		same = span_eq(span_from(row->input, d->consumed), span_str(row->rest));
	if (!same)
		fail_msg("%s, split at %zu then by %zu: %s (%s) with body \"%.*s\", %zu consumed; expected %s with \"%s\"",
			 row->name, first, step, outcome_names[d->outcome], d->reason, (int)d->body_len, d->body, d->consumed,
			 outcome_names[row->want], row->body);
}

/* Whole, byte by byte, and in two pieces at every byte. */
static void check_rows_at_every_split(const struct row *rows, size_t n)
{
	struct decoded d;

	for (size_t i = 0; i < n; i++) {
		decode(rows[i].input, rows[i].input.n, 1, &d);
		check(&rows[i], &d, rows[i].input.n, 1);
		for (size_t step = 1; step < 6; step++) {
			decode(rows[i].input, step, step, &d);
			check(&rows[i], &d, step, step);
		}
		for (size_t first = 1; first < rows[i].input.n; first++) {
			decode(rows[i].input, first, rows[i].input.n, &d);
			check(&rows[i], &d, first, rows[i].input.n);
		}
	}
}

static void test_body_is_the_same_at_every_split(void **state)
{
	static const struct row rows[] = {
		{ "one chunk", BYTES("5\r\nhello\r\n0\r\n\r\n"), TRAILERS, "hello", "\r\n" },
		{ "three chunks", BYTES("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"), TRAILERS, "abcdef", "\r\n" },
		{ "no chunk", BYTES("0\r\n\r\n"), TRAILERS, "", "\r\n" },
		{ "hexadecimal", BYTES("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), TRAILERS,
		  "01234567890123456789a", "\r\n" },
		{ "leading zeros", BYTES("0005\r\nhello\r\n000\r\n\r\n"), TRAILERS, "hello", "\r\n" },
		{ "line ends as body", BYTES("4\r\n\r\n\r\n\r\n0\r\n\r\n"), TRAILERS, "\r\n\r\n", "\r\n" },
		{ "body that looks like framing", BYTES("7\r\n0\r\n\r\n5\r\r\n0\r\n\r\n"), TRAILERS, "0\r\n\r\n5\r", "\r\n" },
		{ "extension", BYTES("5;a=b\r\nhello\r\n0\r\n\r\n"), TRAILERS, "hello", "\r\n" },
		{ "extension without value", BYTES("5;a\r\nhello\r\n0\r\n\r\n"), TRAILERS, "hello", "\r\n" },
		{ "quoted extension", BYTES("5;a=\"b c;\"\r\nhello\r\n0\r\n\r\n"), TRAILERS, "hello", "\r\n" },
		{ "extension of the last chunk", BYTES("5\r\nhello\r\n0;a=b\r\n\r\n"), TRAILERS, "hello", "\r\n" },
		{ "trailer", BYTES("5\r\nhello\r\n0\r\nX: y\r\n\r\n"), TRAILERS, "hello", "X: y\r\n\r\n" },
		{ "next message", BYTES("0\r\n\r\nGET / HTTP/1.1\r\n"), TRAILERS, "", "\r\nGET / HTTP/1.1\r\n" },
		{ "not complete", BYTES("5\r\nhel"), MORE, "hel", "" },
		{ "no line end behind the data", BYTES("5\r\nhello"), MORE, "hello", "" },
		{ "largest size", BYTES("7fffffffffffffff\r\nx"), MORE, "x", "" },
	};

	(void)state;
	check_rows_at_every_split(rows, COUNT(rows));
}

static void test_framing_that_is_read_differently_is_refused(void **state)
{
	static const struct row rows[] = {
		{ "bare LF behind the size", BYTES("5\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "bare CR behind the size", BYTES("5\rhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "CR CR LF behind the size", BYTES("5\r\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "bare LF behind the data", BYTES("5\r\nhello\n0\r\n\r\n"), BAD, "hello", "" },
		{ "bare CR behind the data", BYTES("5\r\nhello\r0\r\n\r\n"), BAD, "hello", "" },
		{ "any two bytes behind the data", BYTES("5\r\nhelloXX0\r\n\r\n"), BAD, "hello", "" },
		{ "data longer than its size", BYTES("4\r\nhello\r\n0\r\n\r\n"), BAD, "hell", "" },
		{ "data shorter than its size", BYTES("6\r\nhello\r\n0\r\n\r\n"), BAD, "hello\r", "" },
		{ "no size", BYTES("\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "blank before the size", BYTES(" 5\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "blank behind the size", BYTES("5 \r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "tab behind the size", BYTES("5\t\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "prefix", BYTES("0x5\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "sign", BYTES("+5\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "negative", BYTES("-1\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "letter", BYTES("5g\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "underscore", BYTES("1_0\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "NUL", BYTES("5\0\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "size 2^63", BYTES("8000000000000000\r\nx"), BAD, "", "" },
		{ "size 2^64-1", BYTES("ffffffffffffffff\r\nx"), BAD, "", "" },
		{ "size 2^64", BYTES("10000000000000000\r\nx"), BAD, "", "" },
		{ "size 2^64+5", BYTES("10000000000000005\r\nhello"), BAD, "", "" },
		{ "bare LF in an extension", BYTES("5;a\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "bare CR in an extension", BYTES("5;a\rb\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "LF in a quoted extension", BYTES("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "line end in a quoted extension", BYTES("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "blank before an extension", BYTES("5 ;a=b\r\nhello\r\n0\r\n\r\n"), BAD, "", "" },
		{ "second size behind a chunk", BYTES("1\r\na\r\n\r\n1\r\nb\r\n"), BAD, "a", "" },
		{ "field for a size", BYTES("Host: x\r\n"), BAD, "", "" },
	};

	(void)state;
	check_rows_at_every_split(rows, COUNT(rows));
}

/* `n` bytes of extension before a body byte, fed in pieces of `step`. */
static enum h1_chunk_result extension_of(size_t n, size_t step, size_t *body_total)
{
	static char text[40000], copy[40000];
	struct h1_chunked c;
	size_t len = 0, consumed, body_len;
	enum h1_chunk_result r = H1_CHUNK_MORE;
	const char *why;

	memcpy(text, "1;", 2);
	memset(text + 2, 'x', n);
	len = n + 2;
	memcpy(text + len, "\r\nB\r\n1\r\nC\r\n", 11);
	len += 11;
	*body_total = 0;
	h1_chunked_init(&c);
	for (size_t at = 0; at < len && r == H1_CHUNK_MORE; at += step) {
		size_t piece = step < len - at ? step : len - at;

		memcpy(copy, text + at, piece);
		r = h1_chunked_read(&c, copy, piece, &consumed, &body_len, &why);
		*body_total += body_len;
	}
	return r;
}

static void test_framing_between_body_bytes_is_bounded(void **state)
{
	static const size_t steps[] = { 1, 13, 4096, 40000 };
	const size_t most = 16 * 1024 - 4; /* beside "1;" and the line end */
	size_t body;

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		assert_int_equal(extension_of(most, steps[i], &body), H1_CHUNK_MORE);
		assert_int_equal(body, 2);
		assert_int_equal(extension_of(most + 1, steps[i], &body), H1_CHUNK_BAD);
		assert_int_equal(body, 0);
	}
}

static void test_small_chunks_with_short_extensions_pass_for_ever(void **state)
{
	struct h1_chunked c;
	size_t consumed, body_len;
	const char *why;

	(void)state;
	h1_chunked_init(&c);
	for (int i = 0; i < 20000; i++) {
		char piece[] = "1;ext\r\nx\r\n";

		assert_int_equal(h1_chunked_read(&c, piece, 10, &consumed, &body_len, &why), H1_CHUNK_MORE);
		assert_int_equal(body_len, 1);
	}
}

static void test_trickle_of_body_does_not_carry_a_stream_of_extensions(void **state)
{
	static char piece[1024], copy[sizeof(piece)];
	struct h1_chunked c;
	size_t consumed, body_len, chunks = 0;
	const char *why;

	(void)state;
	memset(piece, 'x', sizeof(piece));
	memcpy(piece, "1;", 2);
	memcpy(piece + sizeof(piece) - 5, "\r\nB\r\n", 5);
	h1_chunked_init(&c);
	do {
		memcpy(copy, piece, sizeof(piece));
	} while (h1_chunked_read(&c, copy, sizeof(copy), &consumed, &body_len, &why) == H1_CHUNK_MORE && chunks++ < 100);
	assert_int_equal(chunks, 16);
	assert_string_equal(why, "chunk sizes and extensions over the limit");
}

static void test_large_body_is_not_taken_for_framing(void **state)
{
	static char text[60000];
	struct h1_chunked c;
	size_t consumed, body_len, n = 0;
	const char *why;

	(void)state;
	for (int i = 0; i < 2; i++) {
		memcpy(text + n, "4e20;e\r\n", 8);
		memset(text + n + 8, 'x', 20000);
		memcpy(text + n + 20008, "\r\n", 2);
		n += 20010;
	}
	memcpy(text + n, "0\r\n\r\n", 5);
	h1_chunked_init(&c);
	assert_int_equal(h1_chunked_read(&c, text, n + 5, &consumed, &body_len, &why), H1_CHUNK_TRAILERS);
	assert_int_equal(body_len, 40000);
	assert_int_equal(consumed, n + 3);
}

static void test_many_zero_digits_are_bounded(void **state)
{
	struct h1_chunked c;
	size_t consumed, body_len;
	const char *why;
	enum h1_chunk_result r = H1_CHUNK_MORE;
	unsigned fed = 0;

	(void)state;
	h1_chunked_init(&c);
	for (; r == H1_CHUNK_MORE && fed < 20000; fed++) {
		char zero = '0';

		r = h1_chunked_read(&c, &zero, 1, &consumed, &body_len, &why);
	}
	assert_int_equal(r, H1_CHUNK_BAD);
	assert_int_equal(fed, 16 * 1024 + 1);
}

static void test_decoder_tells_why(void **state)
{
	struct decoded d;

	(void)state;
	decode(SPAN("8000000000000000\r\n"), 64, 64, &d);
	assert_string_equal(d.reason, "a chunk size over 2^63-1");
	decode(SPAN("zz\r\n"), 64, 64, &d);
	assert_true(d.reason && *d.reason);
}

static void test_trailer_sections_are_taken_or_refused(void **state)
{
	static const struct h1_row rows[] = {
		{ "none", BYTES("\r\n"), TAKEN },
		{ "one field", BYTES("X: y\r\n\r\n"), TAKEN },
		{ "several fields", BYTES("X: y\r\nServer-Timing: a;dur=1\r\nZ:\r\n\r\n"), TAKEN },
		{ "grpc", BYTES("grpc-status: 0\r\ngrpc-message: \r\n\r\n"), TAKEN },
		{ "close", BYTES("Connection: close\r\n\r\n"), TAKEN },
		{ "next message behind", BYTES("\r\nGET / HTTP/1.1\r\n"), TAKEN },
		{ "nothing", BYTES(""), INCOMPLETE },
		{ "half a line end", BYTES("\r"), INCOMPLETE },
		{ "no empty line", BYTES("X: y\r\n"), INCOMPLETE },
		{ "length, which is dropped", BYTES("Content-Length: 5\r\n\r\n"), TAKEN },
		{ "coding, which llhttp refuses", BYTES("Transfer-Encoding: chunked\r\n\r\n"), FRAMING },
		{ "bare LF", BYTES("\n"), SYNTAX },
		{ "CR and another byte as empty line", BYTES("\rX\r\n"), SYNTAX },
		{ "bare LF behind a field", BYTES("X: y\n\r\n"), SYNTAX },
		{ "bare CR in a field", BYTES("X: y\rZ: z\r\n\r\n"), SYNTAX },
		{ "bare LF as empty line", BYTES("X: y\r\n\n"), SYNTAX },
		{ "NUL", BYTES("X: \0\r\n\r\n"), SYNTAX },
		{ "blank first", BYTES(" X: y\r\n\r\n"), SYNTAX },
		{ "folded", BYTES("X: y\r\n z\r\n\r\n"), SYNTAX },
		{ "blank before the colon", BYTES("X : y\r\n\r\n"), SYNTAX },
		{ "blank inside a name", BYTES("X Y: y\r\n\r\n"), SYNTAX },
		{ "no colon", BYTES("GET / HTTP/1.1\r\n\r\n"), SYNTAX },
		{ "no name", BYTES(": y\r\n\r\n"), SYNTAX },
		{ "TLS is nothing special here", BYTES("\x16\x03\x01"), SYNTAX },
	};

	(void)state;
	check_rows(AS_TRAILERS, rows, COUNT(rows));
}

static void test_trailers_cannot_frame_route_or_steer_caches(void **state)
{
	static const struct {
		const char *name;
		bool kept;
	} rows[] = {
		{ "X-Checksum", true },       { "Server-Timing", true }, { "Grpc-Status", true },
		{ "Signature", true },        { "User-Agent", true },    { "Cache-Control", false },
		{ "Pragma", false },          { "Expires", false },      { "Age", false },
		{ "ETag", false },            { "Last-Modified", false }, { "Vary", false },
		{ "CDN-Cache-Control", false }, { "My-Cache-Control", false }, { "Surrogate-Control", false },
		{ "Host", false },            { "Authorization", false }, { "Set-Cookie", false },
		{ "Location", false },        { "Content-Type", false }, { "Content-Encoding", false },
		{ "Connection", false },      { "Keep-Alive", false },   { "Upgrade", false },
		{ "TE", false },              { "Trailer", false },      { "Via", false },
		{ "Content-Length", false },
	};
	struct reading r;
	char text[80];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text), "%s: 1\r\n\r\n", rows[i].name);
		read_head(&r, AS_TRAILERS, text);
		assert_int_equal(r.m.field_count, 1);
		if (!r.m.fields[0].dropped != rows[i].kept)
			fail_msg("trailer %s is %s", rows[i].name, r.m.fields[0].dropped ? "dropped" : "kept");
	}
}

static void test_trailers_are_limited_like_heads(void **state)
{
	static char text[8192];
	struct reading r;
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < row_limits.fields + 1; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "x%u: y\r\n", i);
	snprintf(text + n, sizeof(text) - n, "\r\n");
	assert_int_equal(reading_all(&r, AS_TRAILERS, "many", span_str(text), 3), TOO_LARGE);
	memset(text, 'x', sizeof(text));
	text[1] = ':';
	assert_int_equal(reading_all(&r, AS_TRAILERS, "long", span_of(text, sizeof(text)), 97), TOO_LARGE);
}

static void test_decoder_keeps_no_pointer_between_calls(void **state)
{
	struct h1_chunked c;
	size_t consumed, body_len;
	const char *why;
	char piece[] = "3\r\nab";

	(void)state;
	h1_chunked_init(&c);
	assert_int_equal(h1_chunked_read(&c, piece, 5, &consumed, &body_len, &why), H1_CHUNK_MORE);
	assert_null(c.parser.data);
	struct h1_chunked moved = c;
	char rest[] = "c\r\n0\r\n";
	assert_int_equal(h1_chunked_read(&moved, rest, 6, &consumed, &body_len, &why), H1_CHUNK_TRAILERS);
	assert_int_equal(body_len, 1);
	assert_int_equal(rest[0], 'c');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_is_the_same_at_every_split),
		cmocka_unit_test(test_framing_that_is_read_differently_is_refused),
		cmocka_unit_test(test_framing_between_body_bytes_is_bounded),
		cmocka_unit_test(test_small_chunks_with_short_extensions_pass_for_ever),
		cmocka_unit_test(test_trickle_of_body_does_not_carry_a_stream_of_extensions),
		cmocka_unit_test(test_large_body_is_not_taken_for_framing),
		cmocka_unit_test(test_many_zero_digits_are_bounded),
		cmocka_unit_test(test_decoder_tells_why),
		cmocka_unit_test(test_trailer_sections_are_taken_or_refused),
		cmocka_unit_test(test_trailers_cannot_frame_route_or_steer_caches),
		cmocka_unit_test(test_trailers_are_limited_like_heads),
		cmocka_unit_test(test_decoder_keeps_no_pointer_between_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
