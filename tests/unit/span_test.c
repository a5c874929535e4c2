/*
 * Spans: comparison, trimming, lists, numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_u64_accepts_up_to_max_and_nothing_else(void **state)
{
	static const struct {
		const char *name, *input;
		uint64_t max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{ "zero", "0", 10, true, 0 },
		{ "leading zeros", "0007", 10, true, 7 },
		{ "equal to max", "65535", 65535, true, 65535 },
		{ "one over max", "65536", 65535, false, 0 },
		{ "digit over a one-digit max", "9", 5, false, 0 },
		{ "max zero refuses one", "1", 0, false, 0 },
		{ "max zero accepts zero", "00", 0, true, 0 },
		{ "largest", "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
		{ "one over the largest", "18446744073709551616", UINT64_MAX, false, 0 },
		{ "far over the largest", "99999999999999999999999", UINT64_MAX, false, 0 },
		{ "empty", "", 10, false, 0 },
		{ "sign", "+1", 10, false, 0 },
		{ "minus", "-1", 10, false, 0 },
		{ "blank before", " 1", 10, false, 0 },
		{ "blank after", "1 ", 10, false, 0 },
		{ "hexadecimal", "0x1", 10, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t got = 4711, want = rows[i].ok ? rows[i].value : 4711;
		bool ok = span_u64(span_str(rows[i].input), rows[i].max, &got);

		if (ok != rows[i].ok || got != want)
			fail_msg("%s: \"%s\" gave %d %ju, expected %d %ju", rows[i].name, rows[i].input, ok,
				 (uintmax_t)got, rows[i].ok, (uintmax_t)want);
	}
}

static void test_numbers_are_written_without_padding(void **state)
{
	static const struct {
		uint64_t n;
		const char *decimal, *hex;
	} rows[] = {
		{ 0, "0", "0" },
		{ 9, "9", "9" },
		{ 10, "10", "a" },
		{ 255, "255", "ff" },
		{ 4096, "4096", "1000" },
		{ UINT64_MAX, "18446744073709551615", "ffffffffffffffff" },
	};
	char text[20];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span decimal = span_of(text, span_put_u64(text, rows[i].n));

		if (!span_eq(decimal, span_str(rows[i].decimal)))
			fail_msg("%ju: gave %.*s, expected %s", (uintmax_t)rows[i].n, SPAN_ARG(decimal), rows[i].decimal);
		struct span hex = span_of(text, span_put_hex(text, rows[i].n));
		if (!span_eq(hex, span_str(rows[i].hex)))
			fail_msg("%ju: gave %.*s, expected %s", (uintmax_t)rows[i].n, SPAN_ARG(hex), rows[i].hex);
	}
}

static void test_list_yields_trimmed_nonempty_elements(void **state)
{
	static const struct {
		const char *name, *input, *elements; /* joined by "|", each followed by one */
	} rows[] = {
		{ "one", "close", "close|" },
		{ "two", "a,b", "a|b|" },
		{ "blanks and tabs", " a ,\t b\t", "a|b|" },
		{ "empty elements", ",, a,,b ,", "a|b|" },
		{ "nothing but commas", " , ,,", "" },
		{ "empty", "", "" },
		{ "quoted comma", "a=\"x,y\", b", "a=\"x,y\"|b|" },
		{ "quoted quote", "a=\"x\\\",y\", b", "a=\"x\\\",y\"|b|" },
		{ "quote without end", "a=\"x, b", "a=\"x, b|" },
		{ "backslash at the end", "\"a\\", "\"a\\|" },
		{ "backslash outside quotes", "a\\,b", "a\\|b|" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span rest = span_str(rows[i].input), element;
		char got[128];
		size_t n = 0;

		while (span_list_next(&rest, &element)) {
			memcpy(got + n, element.p, element.n);
			n += element.n;
			got[n++] = '|';
		}
		got[n] = '\0';
		if (strcmp(got, rows[i].elements) != 0)
			fail_msg("%s: \"%s\" gave %s, expected %s", rows[i].name, rows[i].input, got, rows[i].elements);
	}
}

static void test_list_has_ignores_case_but_not_length(void **state)
{
	static const struct {
		const char *list, *token;
		bool has;
	} rows[] = {
		{ "keep-alive, Upgrade", "upgrade", true },
		{ "CLOSE", "close", true },
		{ "closed", "close", false },
		{ "clos", "close", false },
		{ "\"close, x\"", "close", false },
		{ "", "close", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (span_list_has(span_str(rows[i].list), span_str(rows[i].token)) != rows[i].has)
			fail_msg("\"%s\" has %s: expected %d", rows[i].list, rows[i].token, rows[i].has);
}

static void test_trim_removes_blanks_and_tabs_only(void **state)
{
	static const struct {
		const char *input, *trimmed;
	} rows[] = {
		{ "a", "a" }, { " \ta b\t ", "a b" }, { " \t ", "" }, { "", "" }, { "\na\r", "\na\r" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span got = span_trim(span_str(rows[i].input));

		if (!span_eq(got, span_str(rows[i].trimmed)))
			fail_msg("\"%s\" gave \"%.*s\", expected \"%s\"", rows[i].input, SPAN_ARG(got), rows[i].trimmed);
	}
}

static void test_comparison_folds_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(span_ieq(SPAN("Content-LENGTH"), SPAN("content-length")));
	assert_false(span_ieq(SPAN("content-length"), SPAN("content-lengt")));
	assert_false(span_ieq(SPAN("a@"), SPAN("a`"))); /* one bit apart, as letters are */
	assert_false(span_ieq(SPAN("["), SPAN("{")));
	assert_false(span_ieq(SPAN("\xc4"), SPAN("\xe4")));
	assert_false(span_eq(SPAN("A"), SPAN("a")));
	assert_true(span_eq(SPAN_NONE, SPAN("")));
	assert_true(span_ieq(SPAN_NONE, SPAN("")));
}

/* Long enough for the comparison by words; every pair of bytes, at every place of a word. */
static void test_comparison_of_long_texts_is_that_of_their_letters(void **state)
{
	char a[11] = "aB1-[`{@Zz\xff", b[11];

	(void)state;
	for (int i = 0; i < 11 * 256 * 256; i++) {
		size_t at = (size_t)(i % 11);
		char x = (char)(i / 11), y = (char)(i / 11 / 256);

		memcpy(b, a, sizeof(a));
		b[at] = y;
		char kept = a[at];
		a[at] = x;
		if (span_ieq(span_of(a, sizeof(a)), span_of(b, sizeof(b))) != (ascii_lower(x) == ascii_lower(y)))
			fail_msg("0x%02x against 0x%02x at %zu", (unsigned char)x, (unsigned char)y, at);
		a[at] = kept;
	}
}

static void test_prefixes_never_reach_beyond_the_span(void **state)
{
	(void)state;
	assert_true(span_starts(SPAN("http://x"), SPAN("http://")));
	assert_false(span_starts(SPAN("HTTP://x"), SPAN("http://")));
	assert_true(span_istarts(SPAN("HTTP://x"), SPAN("http://")));
	assert_false(span_istarts(SPAN("http:/"), SPAN("http://")));
	assert_true(span_starts(SPAN_NONE, SPAN("")));
}

static void test_cutting_stays_inside(void **state)
{
	struct span s = SPAN("abc");

	(void)state;
	assert_true(span_eq(span_from(s, 1), SPAN("bc")));
	assert_int_equal(span_from(s, 3).n, 0);
	assert_int_equal(span_from(s, 99).n, 0);
	assert_true(span_eq(span_first(s, 2), SPAN("ab")));
	assert_true(span_eq(span_first(s, 99), s));
	assert_int_equal(span_find(s, 'c'), 2);
	assert_int_equal(span_find(s, 'x'), 3);
	assert_int_equal(span_find(SPAN_NONE, 'x'), 0);
}

static void test_hex_digits_are_the_22_characters(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	(void)state;
	for (int c = 0; c < 256; c++) {
		const char *at = c ? strchr(digits, c) : NULL;
		int want = !at ? -1 : (int)(at - digits) < 16 ? (int)(at - digits) : (int)(at - digits) - 6;

		if (ascii_hex((char)c) != want)
			fail_msg("byte %d gave %d, expected %d", c, ascii_hex((char)c), want);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64_accepts_up_to_max_and_nothing_else),
		cmocka_unit_test(test_numbers_are_written_without_padding),
		cmocka_unit_test(test_list_yields_trimmed_nonempty_elements),
		cmocka_unit_test(test_list_has_ignores_case_but_not_length),
		cmocka_unit_test(test_trim_removes_blanks_and_tabs_only),
		cmocka_unit_test(test_comparison_folds_ascii_letters_only),
		cmocka_unit_test(test_comparison_of_long_texts_is_that_of_their_letters),
		cmocka_unit_test(test_prefixes_never_reach_beyond_the_span),
		cmocka_unit_test(test_cutting_stays_inside),
		cmocka_unit_test(test_hex_digits_are_the_22_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
