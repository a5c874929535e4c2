/*
 * The JSON writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/json.h"

#include "../json_check.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal) { literal, sizeof(literal) - 1 }

static void test_strings_are_escaped(void **state)
{
	static const struct {
		const char *name;
		struct span input;
		const char *want;
	} rows[] = {
		{ "empty", BYTES(""), "\"\"" },
		{ "plain", BYTES("http://example.org/a?b=c"), "\"http://example.org/a?b=c\"" },
		{ "quote and backslash", BYTES("\"\\"), "\"\\\"\\\\\"" },
		{ "escapes amid text", BYTES("a\"b\"c"), "\"a\\\"b\\\"c\"" },
		{ "line ends and tab", BYTES("\r\n\t"), "\"\\r\\n\\t\"" },
		{ "backspace and form feed", BYTES("\b\f"), "\"\\b\\f\"" },
		{ "NUL", BYTES("a\0b"), "\"a\\u0000b\"" },
		{ "escape character", BYTES("\x1b[2J"), "\"\\u001b[2J\"" },
		{ "DEL", BYTES("\x7f"), "\"\\u007f\"" },
		{ "two-byte character", BYTES("\xc3\xa9"), "\"\xc3\xa9\"" },
		{ "three-byte character", BYTES("\xe2\x82\xac"), "\"\xe2\x82\xac\"" },
		{ "four-byte character", BYTES("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"" },
		{ "last of all characters", BYTES("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\"" },
		{ "beyond the last", BYTES("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "overlong slash", BYTES("\xc0\xaf"), "\"\\ufffd\\ufffd\"" },
		{ "overlong in three", BYTES("\xe0\x80\xaf"), "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "overlong in four", BYTES("\xf0\x80\x80\xaf"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ "surrogate", BYTES("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "lone continuation", BYTES("a\x80z"), "\"a\\ufffdz\"" },
		{ "cut character", BYTES("a\xe2\x82"), "\"a\\ufffd\\ufffd\"" },
		{ "character that a quote interrupts", BYTES("\xc3\""), "\"\\ufffd\\\"\"" },
		{ "terminal command in C1", BYTES("\xc2\x9b"), "\"\\u009b\"" },
		{ "first after C1", BYTES("\xc2\xa0"), "\"\xc2\xa0\"" },
		{ "line separator", BYTES("\xe2\x80\xa8"), "\"\\u2028\"" },
		{ "paragraph separator", BYTES("\xe2\x80\xa9"), "\"\\u2029\"" },
		{ "right to left from here", BYTES("\xe2\x80\xae"), "\"\\u202e\"" },
		{ "right to left mark", BYTES("\xe2\x80\x8f"), "\"\\u200f\"" },
		{ "isolated direction", BYTES("\xe2\x81\xa6"), "\"\\u2066\"" },
		{ "Arabic letter mark", BYTES("\xd8\x9c"), "\"\\u061c\"" },
		{ "byte order mark", BYTES("\xef\xbb\xbf"), "\"\\ufeff\"" },
		{ "dash", BYTES("\xe2\x80\x94"), "\"\xe2\x80\x94\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[128];
		struct json j = json_of(out, sizeof(out));

		json_string(&j, rows[i].input);
		if (j.line.cut || !span_eq(span_of(out, j.line.n), span_str(rows[i].want)))
			fail_msg("%s: gave %.*s, expected %s", rows[i].name, (int)j.line.n, out, rows[i].want);
		if (!json_check(span_of(out, j.line.n)))
			fail_msg("%s: %.*s is not JSON", rows[i].name, (int)j.line.n, out);
	}
}

static void test_every_pair_of_bytes_gives_valid_json_of_bounded_length(void **state)
{
	char out[2 * JSON_BYTES_PER_BYTE + 2];

	(void)state;
	for (unsigned n = 0; n < 0x10000; n++) {
		char pair[] = { (char)(n >> 8), (char)n };
		struct json j = json_of(out, sizeof(out));

		json_string(&j, span_of(pair, sizeof(pair)));
		if (j.line.cut || !json_check(span_of(out, j.line.n)))
			fail_msg("bytes %04x: %.*s", n, (int)j.line.n, out);
	}
}

/* One object with everything in it. */
static void write_sample(struct json *j)
{
	json_open(j, '{');
	json_key(j, SPAN("a"));
	json_u64(j, 0);
	json_key(j, SPAN("b.c"));
	json_open(j, '[');
	json_string(j, SPAN("x"));
	json_u64(j, UINT64_MAX);
	json_open(j, '{');
	json_close(j, '}');
	json_close(j, ']');
	json_key(j, SPAN("d"));
	json_open(j, '[');
	json_close(j, ']');
	json_key(j, SPAN("e"));
	json_bool(j, true);
	json_key(j, SPAN("f"));
	json_bool(j, false);
	json_close(j, '}');
}

static const char SAMPLE[] = "{\"a\":0,\"b.c\":[\"x\",18446744073709551615,{}],\"d\":[],\"e\":true,\"f\":false}";

static void test_commas_stand_between_members_only(void **state)
{
	char out[128];
	struct json j = json_of(out, sizeof(out));

	(void)state;
	write_sample(&j);
	assert_false(j.line.cut);
	assert_int_equal(j.line.n, sizeof(SAMPLE) - 1);
	assert_memory_equal(out, SAMPLE, j.line.n);
	assert_true(json_check(span_of(out, j.line.n)));
}

static void test_a_buffer_too_small_is_told_and_never_exceeded(void **state)
{
	char out[128];

	(void)state;
	for (size_t max = 0; max < sizeof(SAMPLE) - 1; max++) {
		memset(out, '#', sizeof(out));
		struct json j = json_of(out, max);
		write_sample(&j);
		assert_true(j.line.cut);
		assert_true(j.line.n <= max);
		assert_memory_equal(out, SAMPLE, j.line.n);
		assert_int_equal(out[max], '#');
	}
}

static void test_the_judge_refuses_what_is_not_json(void **state)
{
	static const struct {
		const char *name;
		struct span input;
	} rows[] = {
		{ "nothing", BYTES("") },
		{ "open object", BYTES("{\"a\":1") },
		{ "trailing comma", BYTES("{\"a\":1,}") },
		{ "missing comma", BYTES("[1\"a\"]") },
		{ "missing value", BYTES("{\"a\":}") },
		{ "key without quotes", BYTES("{a:1}") },
		{ "two values", BYTES("1true") },
		{ "leading zero", BYTES("01") },
		{ "raw newline", BYTES("\"\n\"") },
		{ "raw DEL", BYTES("\"\x7f\"") },
		{ "raw C1", BYTES("\"\xc2\x9b\"") },
		{ "overlong", BYTES("\"\xc0\x80\"") },
		{ "surrogate", BYTES("\"\xed\xa0\x80\"") },
		{ "surrogate escape", BYTES("\"\\ud800\"") },
		{ "short escape", BYTES("\"\\u12\"") },
		{ "unknown escape", BYTES("\"\\x41\"") },
		{ "open string", BYTES("\"abc") },
		{ "mixed brackets", BYTES("[1}") },
		{ "only a sign", BYTES("-") },
		{ "no digit before the point", BYTES(".5") },
		{ "no digit behind the point", BYTES("1.") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (json_check(rows[i].input))
			fail_msg("%s: %.*s passed", rows[i].name, SPAN_ARG(rows[i].input));
	assert_true(json_check(SPAN("{\"a\":[1,0,true,false,\"\\u001f\xc3\xa9\"],\"b\":{}}")));
}

static void test_thousandths_are_exact_numbers(void **state)
{
	static const struct {
		int64_t n;
		const char *expected;
	} rows[] = {
		{ 0, "0" }, { 1, "0.001" }, { 10, "0.010" }, { 1000, "1" }, { 1500, "1.500" }, { -1000, "-1" }, { -1, "-0.001" },
		{ 123456789, "123456.789" }, { INT64_MAX, "9223372036854775.807" }, { INT64_MIN, "-9223372036854775.808" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[32];
		struct json j = json_of(out, sizeof(out));

		json_thousandths(&j, rows[i].n);
		if (!span_eq(span_of(out, j.line.n), span_str(rows[i].expected)) || !json_check(span_of(out, j.line.n)))
			fail_msg("%lld: %.*s instead of %s", (long long)rows[i].n, (int)j.line.n, out, rows[i].expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings_are_escaped),
		cmocka_unit_test(test_every_pair_of_bytes_gives_valid_json_of_bounded_length),
		cmocka_unit_test(test_commas_stand_between_members_only),
		cmocka_unit_test(test_a_buffer_too_small_is_told_and_never_exceeded),
		cmocka_unit_test(test_thousandths_are_exact_numbers),
		cmocka_unit_test(test_the_judge_refuses_what_is_not_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
