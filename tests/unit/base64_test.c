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

static void test_what_was_encoded_is_decoded(void **state)
{
	char bytes[48], text[BASE64_LEN(48)], back[BASE64_DECODED_MAX(BASE64_LEN(48))];
	size_t n;

	(void)state;
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)(37 * i + 11 * len);
		size_t text_len = base64_put(text, span_of(bytes, len));
		assert_true(base64_get(back, span_of(text, text_len), &n));
		assert_true(span_eq(span_of(back, n), span_of(bytes, len)));
	}
}

static void test_any_other_spelling_is_refused(void **state)
{
	static const char *const rows[] = {
		"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm9v=", "Zg==Zg==",
		"Zm-_", "Z=g=", "Zm9vYg==x",
	};
	char out[16];
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (base64_get(out, span_str(rows[i]), &n))
			fail_msg("\"%s\" was decoded", rows[i]);
	assert_int_equal(n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_encoded_with_padding),
		cmocka_unit_test(test_every_bit_of_a_byte_counts),
		cmocka_unit_test(test_nothing_is_written_behind_the_end),
		cmocka_unit_test(test_what_was_encoded_is_decoded),
		cmocka_unit_test(test_any_other_spelling_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
