/*
 * Percent-encoded text, as bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/percent.h"

static struct span decoded(struct span s, char *out)
{
	size_t n;

	assert_true(percent_decode(s, out, &n));
	return span_of(out, n);
}

static void test_escaped_bytes_become_bytes(void **state)
{
	char out[32];

	(void)state;
	assert_true(span_eq(decoded(SPAN("http%3A%2f%2Fa%20b"), out), SPAN("http://a b")));
	assert_true(span_eq(decoded(SPAN("%00%ff"), out), SPAN("\0\xff")));
	assert_true(span_eq(decoded(SPAN("plain+text"), out), SPAN("plain+text")));
	assert_int_equal(decoded(SPAN(""), out).n, 0);
}

static void test_text_is_decoded_once(void **state)
{
	char out[8];

	(void)state;
	assert_true(span_eq(decoded(SPAN("%2541"), out), SPAN("%41")));
}

static void test_text_may_be_decoded_in_place(void **state)
{
	char text[] = "a%2Fb%2Fc";

	(void)state;
	assert_true(span_eq(decoded(span_of(text, sizeof(text) - 1), text), SPAN("a/b/c")));
}

static void test_broken_escapes_are_refused(void **state)
{
	static const char *const broken[] = { "%", "a%2", "%g0", "%0g", "%%41" };
	char out[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_false(percent_decode(span_str(broken[i]), out, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escaped_bytes_become_bytes),
		cmocka_unit_test(test_text_is_decoded_once),
		cmocka_unit_test(test_text_may_be_decoded_in_place),
		cmocka_unit_test(test_broken_escapes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
