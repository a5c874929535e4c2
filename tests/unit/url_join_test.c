/*
 * References to URLs: the examples of RFC 3986 section 5.4, and what Location fields hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/url_join.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char memory[4096];

static struct span join(const char *base, const char *reference)
{
	static struct arena arena;
	struct target t;
	const char *why;

	arena_init(&arena, memory, sizeof(memory), 0);
	assert_true(target_parse(span_str(base), false, &t, &why));
	return url_join(&t, t.path, span_str(reference), &arena);
}

static void test_references_are_resolved_as_the_standard_shows(void **state)
{
	static const struct {
		const char *reference, *expected;
	} rows[] = {
		{ "g", "http://a/b/c/g" }, { "./g", "http://a/b/c/g" }, { "g/", "http://a/b/c/g/" }, { "/g", "http://a/g" },
		{ "//g", "http://g" }, { "?y", "http://a/b/c/d;p?y" }, { "g?y", "http://a/b/c/g?y" }, { "#s", "http://a/b/c/d;p?q" },
		{ "g#s", "http://a/b/c/g" }, { "g?y#s", "http://a/b/c/g?y" }, { ";x", "http://a/b/c/;x" }, { "g;x", "http://a/b/c/g;x" },
		{ "", "http://a/b/c/d;p?q" }, { ".", "http://a/b/c/" }, { "./", "http://a/b/c/" }, { "..", "http://a/b/" },
		{ "../", "http://a/b/" }, { "../g", "http://a/b/g" }, { "../..", "http://a/" }, { "../../", "http://a/" },
		{ "../../g", "http://a/g" }, { "../../../g", "http://a/g" }, { "/./g", "http://a/g" }, { "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." }, { ".g", "http://a/b/c/.g" }, { "g..", "http://a/b/c/g.." }, { "..g", "http://a/b/c/..g" },
		{ "./../g", "http://a/b/g" }, { "./g/.", "http://a/b/c/g/" }, { "g/./h", "http://a/b/c/g/h" },
		{ "g/../h", "http://a/b/c/h" }, { "g;x=1/../y", "http://a/b/c/y" }, { "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "https://b/", "https://b/" }, { "HTTP://b", "HTTP://b" }, { "/g//h", "http://a/g//h" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span got = join("http://a/b/c/d;p?q", rows[i].reference);

		if (!span_eq(got, span_str(rows[i].expected)))
			fail_msg("\"%s\" is %.*s, expected %s", rows[i].reference, SPAN_ARG(got), rows[i].expected);
	}
}

static void test_scheme_and_port_stay(void **state)
{
	(void)state;
	assert_true(span_eq(join("https://a:8443/x", "y"), SPAN("https://a:8443/y")));
	assert_true(span_eq(join("https://[::1]:8443/x", "/y"), SPAN("https://[::1]:8443/y")));
}

static void test_other_schemes_lead_nowhere(void **state)
{
	(void)state;
	assert_int_equal(join("http://a/", "ftp://b/").n, 0);
	assert_int_equal(join("http://a/", "javascript:alert(1)").n, 0);
	assert_int_equal(join("http://a/", "mailto:a@b").n, 0);
}

static void test_no_room_is_no_url(void **state)
{
	static struct arena none;
	struct target t;
	const char *why;

	(void)state;
	arena_init(&none, memory, 0, 0);
	assert_true(target_parse(SPAN("http://a/"), false, &t, &why));
	assert_int_equal(url_join(&t, t.path, SPAN("g"), &none).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references_are_resolved_as_the_standard_shows),
		cmocka_unit_test(test_scheme_and_port_stay),
		cmocka_unit_test(test_other_schemes_lead_nowhere),
		cmocka_unit_test(test_no_room_is_no_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
