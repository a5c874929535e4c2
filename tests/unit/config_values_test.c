/*
 * Values of options as text: numbers with units, words, ports, parents, and the word that was meant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/field.h"
#include "config/nearest.h"
#include "config/value.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { REFUSED = -1, OUT_OF_RANGE = -2 };

struct row {
	const char *input;
	int64_t expected;
};

typedef const char *(*number_parser)(struct span text, uint64_t min, uint64_t max, uint64_t *out);

static void check_numbers(number_parser parse, uint64_t min, uint64_t max, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t n = 4711;
		const char *why = parse(span_str(rows[i].input), min, max, &n);
		int64_t got = !why ? (int64_t)n : why == value_out_of_range ? OUT_OF_RANGE : REFUSED;

		if (got != rows[i].expected)
			fail_msg("\"%s\" gave %lld, expected %lld", rows[i].input, (long long)got,
				 (long long)rows[i].expected);
		if (why && n != 4711)
			fail_msg("\"%s\" was refused and stored all the same", rows[i].input);
	}
}

static void test_durations_need_a_unit(void **state)
{
	static const struct row rows[] = {
		{ "500ms", 500 },         { "10s", 10000 },        { "5m", 300000 },
		{ "1h", 3600000 },        { "1d", 86400000 },      { "0", 0 },
		{ "0s", 0 },              { "1H", 3600000 },       { "10", REFUSED },
		{ "", REFUSED },          { "s", REFUSED },        { "1.5s", REFUSED },
		{ "-1s", REFUSED },       { "10 s", REFUSED },     { "10x", REFUSED },
		{ "1h30m", REFUSED },     { "soon", REFUSED },     { "2d", OUT_OF_RANGE },
		{ "99999999999999999999d", REFUSED },              { "18446744073709551615d", REFUSED },
	};

	(void)state;
	check_numbers(value_duration, 0, 86400000, rows, COUNT(rows));
}

static const char *share(struct span text, uint64_t min, uint64_t max, uint64_t *out)
{
	(void)min;
	(void)max;
	return value_share(text, out);
}

static void test_shares_are_percentages_of_at_most_four_places(void **state)
{
	static const struct row rows[] = {
		{ "1%", 10000 },      { "0%", 0 },          { "100%", 1000000 },    { "0.25%", 2500 },
		{ "0.05%", 500 },     { "0.0001%", 1 },     { "12.5%", 125000 },    { "101%", OUT_OF_RANGE },
		{ "100.1%", OUT_OF_RANGE }, { "1", REFUSED }, { "%", REFUSED },     { ".5%", REFUSED },
		{ "1.%", REFUSED },   { "0.00001%", REFUSED }, { "-1%", REFUSED },  { "1 %", REFUSED },
		{ "1%%", REFUSED },   { "", REFUSED },      { "1.2.3%", REFUSED },
	};

	(void)state;
	check_numbers(share, 0, 0, rows, COUNT(rows));
}

static void test_sizes_are_powers_of_1024(void **state)
{
	static const struct row rows[] = {
		{ "512", 512 },       { "64k", 65536 },        { "64K", 65536 },       { "1m", 1048576 },
		{ "1g", OUT_OF_RANGE }, { "511", OUT_OF_RANGE }, { "64kb", REFUSED },    { "64parsecs", REFUSED },
		{ "", REFUSED },      { "k", REFUSED },        { "0x200", REFUSED },   { "18014398509481984k", REFUSED },
	};

	(void)state;
	check_numbers(value_size, 512, 1048576, rows, COUNT(rows));
}

static void test_integers_have_no_unit_and_keep_their_range(void **state)
{
	static const struct row rows[] = {
		{ "1", 1 },        { "64", 64 },       { "007", 7 },       { "0", OUT_OF_RANGE },
		{ "65", OUT_OF_RANGE }, { "1k", REFUSED }, { "-1", REFUSED }, { "+1", REFUSED },
		{ " 1", REFUSED }, { "", REFUSED },    { "18446744073709551616", REFUSED },
	};

	(void)state;
	check_numbers(value_integer, 1, 64, rows, COUNT(rows));
}

static void test_booleans_have_three_spellings_each(void **state)
{
	static const struct row rows[] = {
		{ "yes", 1 }, { "on", 1 },       { "true", 1 },    { "no", 0 },       { "off", 0 },
		{ "false", 0 }, { "Yes", REFUSED }, { "1", REFUSED }, { "", REFUSED }, { "perhaps", REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool flag = false;
		int64_t got = value_boolean(span_str(rows[i].input), &flag) ? REFUSED : flag;

		if (got != rows[i].expected)
			fail_msg("\"%s\" gave %lld", rows[i].input, (long long)got);
	}
}

static void test_ports_are_single_or_ranges(void **state)
{
	static const struct {
		const char *input;
		unsigned first, last; /* 0: refused */
	} rows[] = {
		{ "443", 443, 443 }, { "1-65535", 1, 65535 }, { "80-80", 80, 80 }, { "0", 0, 0 },     { "65536", 0, 0 },
		{ "9-3", 0, 0 },     { "-80", 0, 0 },         { "80-", 0, 0 },     { "", 0, 0 },      { "-", 0, 0 },
		{ "1-2-3", 0, 0 },   { "http", 0, 0 },        { "0-80", 0, 0 },    { "80,81", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_port_range got = { 0, 0 };

		if ((value_ports(span_str(rows[i].input), &got) == NULL) != (rows[i].first != 0) ||
		    got.first != rows[i].first || got.last != rows[i].last)
			fail_msg("\"%s\" gave %u-%u", rows[i].input, got.first, got.last);
	}
}

static void parent_format(const struct value_parent *p, char *out, size_t size)
{
	snprintf(out, size, "%s %.*s %u%s%.*s%s%.*s",
		 p->kind == CONFIG_PARENT_NONE ? "none" : p->kind == CONFIG_PARENT_HTTP ? "http" : "socks5",
		 SPAN_ARG(p->host), p->port, p->has_credentials ? " " : "", SPAN_ARG(p->user),
		 p->has_credentials ? " " : "", SPAN_ARG(p->password));
}

static void test_parent_is_taken_apart(void **state)
{
	static const struct {
		const char *input, *expected; /* NULL: refused */
	} rows[] = {
		{ "", "none  0" },
		{ "http://proxy.example:3128", "http proxy.example 3128" },
		{ "HTTP://proxy.example:3128/", "http proxy.example 3128" },
		{ "http://user:pass@host:1", "http host 1 user pass" },
		{ "http://user@host:1", "http host 1 user " },
		{ "http://us%40er:p%3ass@host:1", "http host 1 us%40er p%3ass" },
		{ "http://user:p@ss@host:1", "http host 1 user p@ss" },
		{ "http://user:a:b@host:1", "http host 1 user a:b" },
		{ "socks5://10.0.0.1:1080", "socks5 10.0.0.1 1080" },
		{ "socks5://u:p@[::1]:1080", "socks5 ::1 1080 u p" },
		{ "https://host:443", NULL },
		{ "socks4://host:1080", NULL },
		{ "host:3128", NULL },
		{ "http://host", NULL },
		{ "http://", NULL },
		{ "http://:3128", NULL },
		{ "http://host:0", NULL },
		{ "http://host:65536", NULL },
		{ "http://host:3128/path", NULL },
		{ "http://ho st:3128", NULL },
		{ "http://[::1:3128", NULL },
		{ "http://[::1]3128", NULL },
		{ "http://[host]:3128", NULL },
		{ "http://::1:3128", NULL },
		{ "http://%zz@host:1", NULL },
		{ "http://u:%00@host:1", NULL },
		{ "http://u:%4@host:1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct value_parent p;
		char got[256] = "";
		const char *why = value_parent(span_str(rows[i].input), &p);

		if (!why)
			parent_format(&p, got, sizeof(got));
		if (!why != (rows[i].expected != NULL) || (!why && strcmp(got, rows[i].expected) != 0))
			fail_msg("\"%s\" gave \"%s\" (%s)", rows[i].input, got, why ? why : "accepted");
	}
}

static void test_resolver_is_empty_system_or_an_address(void **state)
{
	static const struct {
		const char *input;
		int kind; /* -1: refused */
		unsigned port;
	} rows[] = {
		{ "", CONFIG_RESOLVER_SYSTEM_FILE, 0 },
		{ "system", CONFIG_RESOLVER_GETADDRINFO, 0 },
		{ "127.0.0.1:5353", CONFIG_RESOLVER_ADDRESS, 5353 },
		{ "192.0.2.1", CONFIG_RESOLVER_ADDRESS, 53 },
		{ "::1", CONFIG_RESOLVER_ADDRESS, 53 },
		{ "[::1]:5353", CONFIG_RESOLVER_ADDRESS, 5353 },
		{ "127.0.0.1:0", -1, 0 },
		{ "dns.example", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_resolver r = { .kind = CONFIG_RESOLVER_SYSTEM_FILE };
		const char *why = value_resolver(span_str(rows[i].input), &r);
		int got = why ? -1 : (int)r.kind;

		if (got != rows[i].kind || r.address.port != rows[i].port)
			fail_msg("\"%s\" gave kind %d, port %u", rows[i].input, got, r.address.port);
	}
}

static void test_choice_is_its_place_among_the_words(void **state)
{
	size_t n = 99;

	(void)state;
	assert_null(value_choice(SPAN("revalidate"), "off|observe|revalidate|bust", &n));
	assert_int_equal(n, 2);
	assert_non_null(value_choice(SPAN("bus"), "off|bust", &n));
	assert_non_null(value_choice(SPAN("off|bust"), "off|bust", &n));
	assert_non_null(value_choice(SPAN(""), "off|bust", &n));
	assert_int_equal(n, 2);
}

static void test_distance_counts_edits_and_swaps(void **state)
{
	static const struct {
		const char *a, *b;
		size_t expected;
	} rows[] = {
		{ "mode", "mode", 0 },  { "MODE", "mode", 0 }, { "mdoe", "mode", 1 },  { "moode", "mode", 1 },
		{ "moe", "mode", 1 },   { "made", "mode", 1 }, { "mood", "mode", 2 },  { "", "abc", 3 },
		{ "abc", "", 3 },       { "allow", "deny", 4 }, { "kitten", "sitting", 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t got = nearest_distance(span_str(rows[i].a), span_str(rows[i].b), 3);

		if (got != rows[i].expected)
			fail_msg("%s to %s is %zu, expected %zu", rows[i].a, rows[i].b, got, rows[i].expected);
	}
}

static void test_distance_of_long_words_is_beyond_any_limit(void **state)
{
	static const char longer[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

	(void)state;
	assert_int_equal(nearest_distance(SPAN("mode"), span_str(longer), 3), 4);
	assert_null(option_nearest(span_str(longer)));
}

static void test_nearest_option_is_found_for_usual_slips(void **state)
{
	static const struct {
		const char *word, *expected;
	} rows[] = {
		{ "moode", "mode" },         { "timeout_connect", "timeout-connect" },
		{ "max-haed", "max-head" },  { "validatrs", "validators" },
		{ "Workers", "workers" },    { "pool-idel", "pool-idle" },
		{ "connect-port", "connect-ports" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(option_nearest(span_str(rows[i].word)), rows[i].expected);
	assert_null(option_nearest(SPAN("frobnicate")));
}

static void test_every_default_is_a_valid_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct config_option *o = &config_options[i];
		struct span rest = span_str(o->standard), part;
		union field_any scratch;
		const char *why = NULL;

		memset(&scratch, 0, sizeof(scratch));
		if (!option_is_list(o))
			why = field_set(o, &scratch, rest);
		while (!why && option_is_list(o) && span_list_next(&rest, &part))
			why = field_set(o, &scratch, part);
		field_clear(o, &scratch);
		if (why)
			fail_msg("%s: \"%s\" %s", o->name, o->standard, why);
	}
}

static void test_explanation_names_range_or_word_and_no_password(void **state)
{
	char text[512];

	(void)state;
	field_explain(option_find("max-head"), SPAN("1g"), value_out_of_range, text, sizeof(text));
	assert_string_equal(text, "max-head: \"1g\" is out of range, which is 4k to 64k");
	field_explain(option_find("timeout-connect"), SPAN("0"), value_out_of_range, text, sizeof(text));
	assert_string_equal(text, "timeout-connect: \"0\" is out of range, which is 100ms to 1h");
	field_explain(option_find("mode"), SPAN("bustt"), "is wrong", text, sizeof(text));
	assert_string_equal(text, "mode: \"bustt\" is wrong, off|observe|revalidate|bust; did you mean \"bust\"?");
	field_explain(option_find("parent"), SPAN("http://user:secret@"), "is wrong", text, sizeof(text));
	assert_null(strstr(text, "secret"));
	field_explain(option_find("mode"), SPAN("bustt"), "is wrong", text, 8);
	assert_string_equal(text, "mode: \"");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations_need_a_unit),
		cmocka_unit_test(test_shares_are_percentages_of_at_most_four_places),
		cmocka_unit_test(test_sizes_are_powers_of_1024),
		cmocka_unit_test(test_integers_have_no_unit_and_keep_their_range),
		cmocka_unit_test(test_booleans_have_three_spellings_each),
		cmocka_unit_test(test_ports_are_single_or_ranges),
		cmocka_unit_test(test_parent_is_taken_apart),
		cmocka_unit_test(test_resolver_is_empty_system_or_an_address),
		cmocka_unit_test(test_choice_is_its_place_among_the_words),
		cmocka_unit_test(test_distance_counts_edits_and_swaps),
		cmocka_unit_test(test_distance_of_long_words_is_beyond_any_limit),
		cmocka_unit_test(test_nearest_option_is_found_for_usual_slips),
		cmocka_unit_test(test_every_default_is_a_valid_value),
		cmocka_unit_test(test_explanation_names_range_or_word_and_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
