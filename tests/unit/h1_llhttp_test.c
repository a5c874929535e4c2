/*
 * The llhttp we are linked with reads names and values alike, however it looks at them: 16 bytes at a time where there
 * are as many, one by one where they come so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/h1.h"

enum { TEXT_BYTES = 37 }; /* two blocks and a rest */

/* Where reading stopped, and why. */
struct end {
	llhttp_errno_t error;
	size_t at;
};

static int pause_at_end(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

static struct end read_in_pieces(struct span head, size_t piece)
{
	static const llhttp_settings_t settings = { .on_headers_complete = pause_at_end };
	llhttp_t parser;
	llhttp_errno_t e = HPE_OK;

	llhttp_init(&parser, HTTP_REQUEST, &settings);
	for (size_t at = 0; at < head.n && e == HPE_OK; at += piece) {
		size_t n = head.n - at < piece ? head.n - at : piece;

		e = llhttp_execute(&parser, head.p + at, n);
	}
	const char *stop = e == HPE_OK ? head.p + head.n : llhttp_get_error_pos(&parser);
	return (struct end){ .error = e, .at = (size_t)(stop - head.p) };
}

/* `text` is of letters; each byte in turn takes each place. */
static void try_every_byte(struct span head, char *text)
{
	for (size_t i = 0; i < TEXT_BYTES * 256; i++) {
		char *place = text + i / 256;

		*place = (char)(i % 256);
		struct end whole = read_in_pieces(head, head.n), single = read_in_pieces(head, 1);

		if (whole.error != single.error || whole.at != single.at)
			fail_msg("byte 0x%02zx at %zu: whole %s at %zu, single %s at %zu", i % 256, i / 256,
				llhttp_errno_name(whole.error), whole.at, llhttp_errno_name(single.error), single.at);
		*place = 'x';
	}
}

static void test_every_byte_of_a_value_is_judged_alike(void **state)
{
	char head[] = "GET / HTTP/1.1\r\nName: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nHost: example.org\r\n\r\n";

	(void)state;
	try_every_byte(span_of(head, sizeof(head) - 1), strstr(head, "xxx"));
}

static void test_every_byte_of_a_name_is_judged_alike(void **state)
{
	char head[] = "GET / HTTP/1.1\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: value\r\nHost: example.org\r\n\r\n";

	(void)state;
	try_every_byte(span_of(head, sizeof(head) - 1), strstr(head, "xxx"));
}

static void test_a_head_ends_where_its_empty_line_does(void **state)
{
	struct span head = SPAN("GET / HTTP/1.1\r\nHost: example.org\r\n\r\nGET /");
	struct end end = read_in_pieces(head, head.n);

	(void)state;
	assert_int_equal(end.error, HPE_PAUSED);
	assert_int_equal(end.at, head.n - 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_of_a_value_is_judged_alike),
		cmocka_unit_test(test_every_byte_of_a_name_is_judged_alike),
		cmocka_unit_test(test_a_head_ends_where_its_empty_line_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
