/*
 * Field sections that llhttp has read: found again byte for byte, behind the same method and version, and no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/h1.h"
#include "http/h1_known.h"

#include <stdio.h>

#define FIELDS "Host: example.org\r\nAccept: text/html\r\nCookie: a=1\r\n\r\n"

static struct h1_known known;
static const struct message get = { .method_id = METHOD_GET, .minor = 1 };

static int set_up(void **state)
{
	(void)state;
	known = (struct h1_known){ 0 };
	return 0;
}

static bool is_known(const struct message *m, struct span section)
{
	bool keep_alive;

	return h1_known_find(&known, m, section, &keep_alive);
}

static void test_section_is_known_once_it_was_read(void **state)
{
	bool keep_alive = false;

	(void)state;
	assert_false(is_known(&get, SPAN(FIELDS)));
	h1_known_add(&known, &get, SPAN(FIELDS), true);
	assert_true(h1_known_find(&known, &get, SPAN(FIELDS), &keep_alive));
	assert_true(keep_alive);
}

static void test_any_other_byte_method_or_version_is_another_section(void **state)
{
	const struct message post = { .method_id = METHOD_POST, .minor = 1 }, old = { .method_id = METHOD_GET, .minor = 0 };
	char other[] = FIELDS;

	(void)state;
	h1_known_add(&known, &get, SPAN(FIELDS), true);
	assert_false(is_known(&post, SPAN(FIELDS)));
	assert_false(is_known(&old, SPAN(FIELDS)));
	for (size_t i = 0; i < sizeof(other) - 1; i++) {
		other[i] ^= 1;
		assert_false(is_known(&get, span_of(other, sizeof(other) - 1)));
		other[i] ^= 1;
	}
	assert_true(is_known(&get, span_of(other, sizeof(other) - 1)));
	assert_false(is_known(&get, span_of(other, sizeof(other) - 2)));
}

static void test_short_and_long_sections_are_never_known(void **state)
{
	static char long_one[H1_KNOWN_BYTES + 1];
	const struct span sections[] = { SPAN("Host: a\r\n\r\n"), span_of(long_one, sizeof(long_one)), SPAN_NONE };

	(void)state;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		h1_known_add(&known, &get, sections[i], true);
		assert_false(is_known(&get, sections[i]));
	}
	h1_known_add(&known, &get, span_of(long_one, H1_KNOWN_BYTES), true);
	assert_true(is_known(&get, span_of(long_one, H1_KNOWN_BYTES)));
}

/* -- what reading makes of it */

static enum h1_result read_request(const char *text, struct message *m)
{
	static struct field fields[8];
	const struct h1_limits limits = { .head_bytes = 4096, .target_bytes = 1024, .fields = 8 };
	struct h1_error error;
	size_t scanned = 0, len;

	message_init(m, fields, 8);
	return h1_read_request(span_str(text), &scanned, &limits, &known, m, &len, &error);
}

static void test_known_fields_mean_what_they_meant_behind_any_target(void **state)
{
	static const char *const lines[] = { "GET / HTTP/1.1\r\n", "GET http://example.org/other HTTP/1.1\r\n" };
	char text[256];
	struct message m;

	(void)state;
	headers_init();
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s" "Connection: close\r\nContent-Length: 12\r\n" FIELDS, lines[i % 2]);
		assert_int_equal(read_request(text, &m), H1_OK);
		assert_false(m.persistent);
		assert_int_equal(m.content_length, 12);
		assert_int_equal(m.field_count, 5);
	}
}

static void test_request_line_is_judged_by_both_parsers_even_if_its_fields_are_known(void **state)
{
	struct message m;

	(void)state;
	headers_init();
	assert_int_equal(read_request("GET / HTTP/1.1\r\n" FIELDS, &m), H1_OK);
	assert_int_equal(read_request("GET / HTTP/1.2\r\n" FIELDS, &m), H1_BAD);
	assert_int_equal(read_request("GET /a b HTTP/1.1\r\n" FIELDS, &m), H1_BAD);
	assert_int_equal(read_request("SOURCE / HTTP/1.1\r\n" FIELDS, &m), H1_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_section_is_known_once_it_was_read, set_up),
		cmocka_unit_test_setup(test_any_other_byte_method_or_version_is_another_section, set_up),
		cmocka_unit_test_setup(test_short_and_long_sections_are_never_known, set_up),
		cmocka_unit_test_setup(test_known_fields_mean_what_they_meant_behind_any_target, set_up),
		cmocka_unit_test_setup(test_request_line_is_judged_by_both_parsers_even_if_its_fields_are_known, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
