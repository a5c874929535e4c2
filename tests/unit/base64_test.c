/*
 * Base64, with the vectors of RFC 4648 section 10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"

static void assert_encoded(struct span in, const char *expected)
{
	char out[64];
	size_t n = base64_put(out, in);

	assert_int_equal(n, BASE64_LEN(in.n));
	if (!span_eq(span_of(out, n), span_str(expected)))
		fail_msg("%.*s: got %.*s, expected %s", SPAN_ARG(in), (int)n, out, expected);
}

static void test_text_is_encoded_with_padding(void **state)
{
	static const struct {
		const char *in, *expected;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_encoded(span_str(rows[i].in), rows[i].expected);
}

static void test_every_bit_of_a_byte_counts(void **state)
{
	(void)state;
	assert_encoded(SPAN("\xff\xff\xff"), "////");
	assert_encoded(SPAN("\xfb\xef\xbe"), "++++");
	assert_encoded(SPAN("\x00\x00\x00"), "AAAA");
	assert_encoded(SPAN("\x80"), "gA==");
}

static void test_nothing_is_written_behind_the_end(void **state)
{
	char out[9] = "########";

	(void)state;
	assert_int_equal(base64_put(out, SPAN("abcd")), 8);
	assert_int_equal(out[8], '\0');
	assert_int_equal(base64_put(out, SPAN_NONE), 0);
	assert_memory_equal(out, "YWJjZA==", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_encoded_with_padding),
		cmocka_unit_test(test_every_bit_of_a_byte_counts),
		cmocka_unit_test(test_nothing_is_written_behind_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
