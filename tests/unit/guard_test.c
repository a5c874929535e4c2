/*
 * The guard by itself: which byte is allowed where, wherever in the 16-byte blocks of its search it stands.
 */
#include "h1_rows.h"

#include <stdio.h>

#include "http/bytes.h"

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define TCHAR "!#$%&'*+-.^_`|~" DIGITS UPPER LOWER
#define HOST_CHAR "-._~%!$&'()*+,;=" DIGITS UPPER LOWER

struct guarded {
	struct field fields[ROW_FIELDS];
	struct message m;
	struct guard g;
	struct h1_error error;
};

/* Reads a copy that ends where its block ends, `shift` bytes behind the block's start. */
static enum h1_result guard_bytes(struct guarded *t, enum guard_kind kind, const char *text, size_t n, size_t shift)
{
	char *block = malloc(shift + n ? shift + n : 1);
	size_t scanned = 0;

	assert_non_null(block);
	headers_init();
	*t = (struct guarded){ .error = { .reason = "" } };
	message_init(&t->m, t->fields, ROW_FIELDS);
	memcpy(block + shift, text, n);
	enum h1_result r = guard_read(kind, span_of(block + shift, n), &scanned, &row_limits, NULL, &t->m, &t->g, &t->error);
	free(block);
	return r;
}

/* Puts each byte into a head, for its Q, and expects it taken exactly when the list, or the range beyond ASCII, has it. */
static void check_bytes(const char *head, const char *allowed, bool allow_beyond_ascii)
{
	for (unsigned c = 0; c < 256; c++) {
		struct guarded t;
		char text[256];
		size_t n = strlen(head);
		bool want = c >= 0x80 ? allow_beyond_ascii : c && strchr(allowed, (int)c);

		memcpy(text, head, n + 1);
		*strchr(text, 'Q') = (char)c;
		enum h1_result r = guard_bytes(&t, GUARD_REQUEST, text, n, 0);
		if ((r == H1_OK) != want)
			fail_msg("byte 0x%02x in \"%s\" is %s: %s", c, head, r == H1_OK ? "taken" : "refused", t.error.reason);
	}
}

static void test_every_byte_is_judged_by_where_it_stands(void **state)
{
	static char text[200] = "\t #";
	char *visible = text + 3;
	size_t n = 0;

	(void)state;
	for (int c = 0x21; c < 0x7f; c++)
		if (c != '#')
			visible[n++] = (char)c;
	check_bytes("GEQ / HTTP/1.1\r\nHost: a\r\n\r\n", TCHAR, false);
	check_bytes("GET /abcQdef HTTP/1.1\r\nHost: a\r\n\r\n", visible, false);
	check_bytes("GET /abcdefghijklmnopqrstuQvwxyz HTTP/1.1\r\nHost: a\r\n\r\n", visible, false);
	check_bytes("GET / HTTP/1.1\r\nHost: a\r\nXQY: b\r\n\r\n", TCHAR ":", false);
	check_bytes("GET / HTTP/1.1\r\nHost: a\r\nX-abcdefghijklmnopqrstuvwQxyz: b\r\n\r\n", TCHAR ":", false);
	check_bytes("GET / HTTP/1.1\r\nHost: a\r\nQY: b\r\n\r\n", TCHAR, false);
	check_bytes("GET / HTTP/1.1\r\nHost: a\r\nX: aQb\r\n\r\n", text, true);
	check_bytes("GET / HTTP/1.1\r\nHost: a\r\nX: Q\r\n\r\n", text, true);
	check_bytes("GET / HTTP/1.1\r\nHost: aQb\r\n\r\n", HOST_CHAR, false);
}

/* A field line grows by one byte at a time, so that every later byte visits every place in a block. */
static void test_wrong_byte_is_found_at_every_alignment(void **state)
{
	static const char wrong[] = { 0, 1, '\n', '\r', 0x0b, 0x1f, 0x7f };
	char text[256];
	struct guarded t;

	(void)state;
	for (int pad = 0; pad < 40; pad++) {
		int n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nX: %.*s\r\nLast: value\r\n\r\n", pad,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		size_t at = (size_t)n - sizeof("lue\r\n\r\n") + 1;

		for (size_t shift = 0; shift < 16; shift++)
			assert_int_equal(guard_bytes(&t, GUARD_REQUEST, text, (size_t)n, shift), H1_OK);
		for (size_t i = 0; i < sizeof(wrong); i++) {
			text[at] = wrong[i];
			assert_int_equal(guard_bytes(&t, GUARD_REQUEST, text, (size_t)n, 0), H1_BAD);
		}
	}
}

static void test_line_end_is_found_at_every_alignment(void **state)
{
	char text[256];
	struct guarded t;

	(void)state;
	for (int pad = 0; pad < 40; pad++) {
		int n = snprintf(text, sizeof(text), "HTTP/1.1 200 %.*s\r\nA:%.*s\r\nB: c\r\n\r\nbody", pad,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", pad / 2,
			"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");

		assert_int_equal(guard_bytes(&t, GUARD_RESPONSE, text, (size_t)n, 0), H1_OK);
		assert_int_equal(t.g.len, n - 4);
		assert_int_equal(t.m.field_count, 2);
		assert_int_equal(t.m.reason.n, pad);
		assert_int_equal(t.m.fields[0].value.n, pad / 2);
		for (int cut = 0; cut < n - 4; cut++)
			assert_int_equal(guard_bytes(&t, GUARD_RESPONSE, text, (size_t)cut, 0), H1_MORE);
	}
}

static void test_reason_names_the_fault(void **state)
{
	static const struct {
		struct span input;
		const char *reason;
	} rows[] = {
		{ BYTES("GET / HTTP/1.1\nHost: a\r\n\r\n"), "a line ends in LF without CR" },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"), "a NUL byte" },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\nX: \x02\r\n\r\n"), "a control byte" },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n"), "a CR without LF" },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\n X: y\r\n\r\n"), "a line that begins with a blank (folded field)" },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n"), "a blank in or behind a field name" },
		{ BYTES("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), "two Host fields" },
		{ BYTES("GET / HTTP/1.1\r\n\r\n"), "no Host field" },
		{ BYTES("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"), "two Content-Length fields" },
		{ BYTES("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
		  "both Content-Length and Transfer-Encoding" },
		{ BYTES("GET /#a HTTP/1.1\r\n\r\n"), "a fragment in the request target" },
		{ BYTES("GET /\r\n"), "a request line without HTTP version" },
		{ BYTES("GET / HTTP/3.0\r\n"), "an HTTP version other than 1.0 and 1.1" },
	};
	struct guarded t;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(guard_bytes(&t, GUARD_REQUEST, rows[i].input.p, rows[i].input.n, 0), H1_BAD);
		assert_string_equal(t.error.reason, rows[i].reason);
	}
}

static void test_framing_is_found_without_llhttp(void **state)
{
	static const char length[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 042\r\n\r\n";
	static const char coding[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:chunked\r\n\r\n";
	struct guarded t;

	(void)state;
	assert_int_equal(guard_bytes(&t, GUARD_REQUEST, length, sizeof(length) - 1, 0), H1_OK);
	assert_true(t.g.has_length && !t.g.chunked);
	assert_int_equal(t.g.length, 42);
	assert_int_equal(guard_bytes(&t, GUARD_REQUEST, coding, sizeof(coding) - 1, 0), H1_OK);
	assert_true(t.g.chunked && !t.g.has_length);
}

static void test_empty_line_before_a_request_is_skipped(void **state)
{
	static const char text[] = "\r\nGET / HTTP/1.0\r\n\r\n";
	struct guarded t;

	(void)state;
	assert_int_equal(guard_bytes(&t, GUARD_REQUEST, text, sizeof(text) - 1, 0), H1_OK);
	assert_int_equal(t.g.start, 2);
	assert_int_equal(t.g.len, sizeof(text) - 1);
}

static void test_control_byte_is_found_anywhere(void **state)
{
	char text[64];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[7] = '\t';
	text[8] = (char)0xff;
	assert_ptr_equal(text_end(text, text + 64), text + 64);
	for (size_t at = 0; at < 64; at++) {
		char was = text[at];

		text[at] = '\r';
		assert_ptr_equal(text_end(text, text + 64), text + at);
		text[at] = was;
	}
	assert_ptr_equal(text_end(text, text), text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_is_judged_by_where_it_stands),
		cmocka_unit_test(test_wrong_byte_is_found_at_every_alignment),
		cmocka_unit_test(test_line_end_is_found_at_every_alignment),
		cmocka_unit_test(test_reason_names_the_fault),
		cmocka_unit_test(test_framing_is_found_without_llhttp),
		cmocka_unit_test(test_empty_line_before_a_request_is_skipped),
		cmocka_unit_test(test_control_byte_is_found_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
