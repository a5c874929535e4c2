/*
 * Field names: each is found in any case, and only it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/headers.h"

static void set_case(struct span name, bool upper, char *out)
{
	for (size_t i = 0; i < name.n; i++)
		out[i] = upper && name.p[i] >= 'a' && name.p[i] <= 'z' ? (char)(name.p[i] - 0x20) : name.p[i];
}

static void test_every_known_name_is_found_in_any_case(void **state)
{
	char text[64];

	(void)state;
	headers_init();
	for (unsigned id = 1; id < HEADER_COUNT; id++) {
		struct span name = header_name((enum header)id);

		assert_int_equal(header_lookup(name), id);
		set_case(name, true, text);
		assert_int_equal(header_lookup(span_of(text, name.n)), id);
		assert_int_equal(header_lookup(header_display_name((enum header)id)), id);
	}
}

/* Every byte of every name, replaced by every other byte: the same name only where just the case differs. */
static void test_a_name_that_differs_in_one_byte_is_another(void **state)
{
	char text[64];

	(void)state;
	headers_init();
	for (unsigned id = 1; id < HEADER_COUNT; id++) {
		struct span name = header_name((enum header)id);

		for (size_t at = 0; at < name.n; at++) {
			for (unsigned c = 0; c < 256; c++) {
				memcpy(text, name.p, name.n);
				text[at] = (char)c;
				bool same = ascii_lower((char)c) == name.p[at];
				bool found = (unsigned)header_lookup(span_of(text, name.n)) == id;
				/* "xdn-cache-control" is as targeted as "cdn-cache-control". */
				if (id == HEADER_TARGETED_CACHE_CONTROL && at < 3)
					same = true;
				if (found != same)
					fail_msg("\"%.*s\" with byte 0x%02x at %zu is %s", SPAN_ARG(name), c, at,
						 found ? "found" : "not found");
			}
		}
	}
}

static void test_longer_and_shorter_names_are_others(void **state)
{
	char text[64] = { 0 };

	(void)state;
	headers_init();
	for (unsigned id = 1; id < HEADER_COUNT; id++) {
		struct span name = header_name((enum header)id);

		memcpy(text, name.p, name.n);
		text[name.n] = 'x';
		assert_int_not_equal(header_lookup(span_of(text, name.n + 1)), id);
		assert_int_not_equal(header_lookup(span_of(text, name.n - 1)), id);
	}
}

static void test_unknown_names_are_other(void **state)
{
	static const char *const names[] = {
		"x", "X-Forwarded-For", "Accept-Language", "Sec-Fetch-User", "DNT", "Server", "Sec-CH-UA-Platform-Version",
		"Content-Lengt", "a-very-long-name-that-is-longer-than-any-known-field-name-by-far",
	};

	(void)state;
	headers_init();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(header_lookup(span_str(names[i])), HEADER_OTHER);
	assert_int_equal(header_lookup(SPAN_NONE), HEADER_OTHER);
}

static void test_any_targeted_cache_control_is_recognised(void **state)
{
	(void)state;
	headers_init();
	assert_int_equal(header_lookup(SPAN("Cloudflare-CDN-Cache-Control")), HEADER_TARGETED_CACHE_CONTROL);
	assert_int_equal(header_lookup(SPAN("x-CACHE-control")), HEADER_TARGETED_CACHE_CONTROL);
	assert_int_equal(header_lookup(SPAN("Cache-Control")), HEADER_CACHE_CONTROL);
	assert_int_equal(header_lookup(SPAN("-cache-control")), HEADER_OTHER);
	assert_int_equal(header_lookup(SPAN("xcache-control")), HEADER_OTHER);
	assert_int_equal(header_lookup(SPAN("x-cache-controls")), HEADER_OTHER);
}

static void test_own_spelling_is_the_usual_one(void **state)
{
	(void)state;
	headers_init();
	headers_init();
	assert_true(span_eq(header_display_name(HEADER_CACHE_CONTROL), SPAN("Cache-Control")));
	assert_true(span_eq(header_display_name(HEADER_ETAG), SPAN("ETag")));
	assert_true(span_eq(header_display_name(HEADER_TE), SPAN("TE")));
	assert_true(span_eq(header_display_name(HEADER_VIA), SPAN("Via")));
	assert_true(span_eq(header_display_name(HEADER_OTHER), SPAN("")));
}

static void test_flags_say_who_may_touch_a_field(void **state)
{
	(void)state;
	assert_int_equal(header_flags(HEADER_OTHER), 0);
	assert_true(header_flags(HEADER_CONNECTION) & HEADER_FLAG_HOP);
	assert_true(header_flags(HEADER_CONTENT_LENGTH) & HEADER_FLAG_FRAMING);
	assert_true(header_flags(HEADER_TRANSFER_ENCODING) & HEADER_FLAG_FRAMING);
	/* What is framing or end-to-end must not be named away, what is hop-by-hop must not be kept. */
	for (unsigned id = 1; id < HEADER_COUNT; id++) {
		unsigned flags = header_flags((enum header)id);

		assert_false((flags & HEADER_FLAG_HOP) && (flags & HEADER_FLAG_KEEP));
		if (flags & HEADER_FLAG_FRAMING)
			assert_true(flags & HEADER_FLAG_KEEP);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_known_name_is_found_in_any_case),
		cmocka_unit_test(test_a_name_that_differs_in_one_byte_is_another),
		cmocka_unit_test(test_longer_and_shorter_names_are_others),
		cmocka_unit_test(test_unknown_names_are_other),
		cmocka_unit_test(test_any_targeted_cache_control_is_recognised),
		cmocka_unit_test(test_own_spelling_is_the_usual_one),
		cmocka_unit_test(test_flags_say_who_may_touch_a_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
