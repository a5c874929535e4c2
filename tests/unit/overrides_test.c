/*
 * Settings that are changed while freshet runs: which of them counts, and for how long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "config/option.h"
#include "policy/overrides.h"

static struct override override_of(const char *site, enum override_kind kind, unsigned value, int64_t until_us)
{
	return (struct override){ .site = span_str(site), .kind = kind, .value = value, .until_us = until_us };
}

/* Puts one more in force, in place. */
static void add(struct overrides **list, const char *site, enum override_kind kind, unsigned value, int64_t until_us)
{
	struct override o = override_of(site, kind, value, until_us);
	const char *why = "";
	struct overrides *next = overrides_with(*list, &o, &why);

	if (!next)
		fail_msg("%s: %s", site, why);
	overrides_put(*list);
	*list = next;
}

static const char *reason_against(struct overrides *list, const char *site, enum override_kind kind)
{
	struct override o = override_of(site, kind, 1, OVERRIDE_FOREVER);
	const char *why = "taken";
	struct overrides *next = overrides_with(list, &o, &why);

	overrides_put(next);
	return next ? "taken" : why;
}

/* The mode that is in force for a URL, where bust is configured. */
static enum mode mode_at(const struct overrides *list, const char *url)
{
	struct policy_settings settings = { .mode = MODE_BUST, .pierce = PIERCE_ALWAYS, .heal = true };
	struct target t = { .form = TARGET_ORIGIN };
	const char *why = "";

	if (!target_parse(span_str(url), false, &t, &why))
		fail_msg("%s: %s", url, why);
	unsigned decided = overrides_apply(list, &t, &settings);
	assert_int_equal(decided & OVERRIDE_BIT(OVERRIDE_MODE), settings.mode != MODE_BUST ? OVERRIDE_BIT(OVERRIDE_MODE) : 0);
	assert_int_equal(settings.pierce, PIERCE_ALWAYS);
	assert_true(settings.heal);
	return settings.mode;
}

static int set_up(void **state)
{
	*state = overrides_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	overrides_put(*state);
	return 0;
}

static void test_override_changes_its_one_setting_of_the_sites_it_names(void **state)
{
	struct overrides *list = *state;

	add(&list, "*.example.com", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	*state = list;
	assert_int_equal(mode_at(list, "http://www.example.com/"), MODE_OFF);
	assert_int_equal(mode_at(list, "http://example.com/"), MODE_BUST);
}

static void test_settings_that_were_decided_are_named_even_where_the_value_is_the_same(void **state)
{
	struct policy_settings settings = { .mode = MODE_BUST };
	struct target t = { .form = TARGET_ORIGIN };
	struct overrides *list = *state;
	const char *why = "";

	add(&list, "*", OVERRIDE_MODE, MODE_BUST, OVERRIDE_FOREVER);
	add(&list, "example.com", OVERRIDE_INTERCEPT, INTERCEPT_YES, OVERRIDE_FOREVER);
	add(&list, "elsewhere.example", OVERRIDE_PIERCE, PIERCE_NEVER, OVERRIDE_FOREVER);
	*state = list;
	assert_true(target_parse(SPAN("http://example.com/"), false, &t, &why));
	assert_string_equal(override_kinds_text(overrides_apply(list, &t, &settings)), "mode,intercept");
	assert_null(override_kinds_text(0));
	assert_string_equal(override_kinds_text((1u << OVERRIDE_KINDS) - 1), "mode,pierce,intercept");
}

static void test_newest_of_those_that_match_counts(void **state)
{
	struct overrides *list = *state;

	add(&list, "www.example.com", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	add(&list, "*", OVERRIDE_MODE, MODE_OBSERVE, OVERRIDE_FOREVER);
	*state = list;
	assert_int_equal(mode_at(list, "http://www.example.com/"), MODE_OBSERVE);
	assert_int_equal(overrides_count(list), 2);
}

static void test_same_pattern_and_setting_is_replaced_whatever_the_hosts_case(void **state)
{
	struct overrides *list = *state;

	add(&list, "example.com/a", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	add(&list, "EXAMPLE.com/A", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	add(&list, "Example.COM/a", OVERRIDE_MODE, MODE_OBSERVE, OVERRIDE_FOREVER);
	add(&list, "example.com/a", OVERRIDE_PIERCE, PIERCE_ALWAYS, OVERRIDE_FOREVER);
	*state = list;
	assert_int_equal(overrides_count(list), 3);
	assert_int_equal(mode_at(list, "http://example.com/a"), MODE_OBSERVE);
	assert_int_equal(mode_at(list, "http://example.com/A"), MODE_OFF);
}

static void test_list_that_somebody_holds_does_not_change(void **state)
{
	struct overrides *before = *state, *list = *state;

	overrides_get(before);
	add(&list, "*", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	*state = list;
	assert_int_equal(overrides_count(before), 0);
	assert_int_equal(mode_at(before, "http://example.com/"), MODE_BUST);
	overrides_put(before);
}

static void test_undoing_takes_one_kind_of_a_site_or_all_of_it(void **state)
{
	static const enum override_kind mode = OVERRIDE_MODE;
	struct overrides *list = *state, *without;

	add(&list, "a.example", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	add(&list, "a.example", OVERRIDE_PIERCE, PIERCE_NEVER, OVERRIDE_FOREVER);
	add(&list, "b.example", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	*state = list;
	without = overrides_without(list, span_str("A.example"), &mode);
	assert_int_equal(overrides_count(without), 2);
	assert_int_equal(overrides_at(without, 0)->kind, OVERRIDE_MODE);
	assert_int_equal(overrides_at(without, 1)->kind, OVERRIDE_PIERCE);
	overrides_put(without);
	without = overrides_without(list, span_str("a.example"), NULL);
	assert_int_equal(overrides_count(without), 1);
	overrides_put(without);
}

static void test_those_whose_time_is_over_go_and_the_first_end_is_known(void **state)
{
	struct overrides *list = *state, *rest;

	assert_int_equal(overrides_first_end(list), OVERRIDE_FOREVER);
	add(&list, "a.example", OVERRIDE_MODE, MODE_OFF, 3000);
	add(&list, "b.example", OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	add(&list, "c.example", OVERRIDE_MODE, MODE_OFF, 2000);
	*state = list;
	assert_int_equal(overrides_first_end(list), 2000);
	rest = overrides_unexpired(list, 1999);
	assert_int_equal(overrides_count(rest), 3);
	overrides_put(rest);
	rest = overrides_unexpired(list, 2000);
	assert_int_equal(overrides_count(rest), 2);
	assert_int_equal(overrides_first_end(rest), 3000);
	overrides_put(rest);
}

static void test_list_is_bounded_but_a_full_one_can_still_be_changed(void **state)
{
	struct overrides *list = *state;
	char site[32];

	for (int i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(site, sizeof(site), "h%d.example", i);
		add(&list, site, OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	}
	assert_non_null(strstr(reason_against(list, "one.more", OVERRIDE_MODE), "as many"));
	add(&list, "h0.example", OVERRIDE_MODE, MODE_OBSERVE, OVERRIDE_FOREVER);
	*state = list;
	assert_int_equal(overrides_count(list), OVERRIDES_MAX);
	assert_int_equal(mode_at(list, "http://h0.example/"), MODE_OBSERVE);
	assert_int_equal(mode_at(list, "http://h63.example/"), MODE_OFF);
}

static void test_full_list_of_the_longest_patterns_fits(void **state)
{
	struct overrides *list = *state;
	char site[OVERRIDE_SITE_MAX + 1];

	memset(site, 'a', sizeof(site));
	site[1] = '/';
	site[OVERRIDE_SITE_MAX] = '\0';
	for (int i = 0; i < OVERRIDES_MAX; i++) {
		site[2] = (char)('0' + i);
		if (site[2] != '#')
			add(&list, site, OVERRIDE_MODE, MODE_OFF, OVERRIDE_FOREVER);
	}
	*state = list;
	assert_int_equal(overrides_count(list), OVERRIDES_MAX);
}

static void test_patterns_that_cannot_be_are_refused_with_a_reason(void **state)
{
	char longest[OVERRIDE_SITE_MAX + 2];
	const struct {
		const char *site;
		enum override_kind kind;
		const char *reason;
	} rows[] = {
		{ "http://example.com/", OVERRIDE_MODE, "URL" },
		{ "a b", OVERRIDE_MODE, "character" },
		{ "<script>", OVERRIDE_MODE, "character" },
		{ "a.example\n", OVERRIDE_MODE, "character" },
		{ "a.example:0", OVERRIDE_MODE, "port" },
		{ "a.example/x", OVERRIDE_INTERCEPT, "no path" },
		{ longest, OVERRIDE_MODE, "too long" },
	};

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strstr(reason_against(*state, rows[i].site, rows[i].kind), rows[i].reason))
			fail_msg("%s: %s, not about: %s", rows[i].site, reason_against(*state, rows[i].site, rows[i].kind),
				rows[i].reason);
}

static void test_words_are_those_of_the_options_and_in_their_order(void **state)
{
	unsigned value;

	(void)state;
	for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++) {
		char name[32];

		snprintf(name, sizeof(name), "%.*s", SPAN_ARG(override_name((enum override_kind)kind)));
		const struct config_option *option = option_find(name);
		assert_non_null(option);
		for (unsigned i = 0; i < 5; i++) {
			struct span word = choice_word(option->choices, i);

			assert_true(span_eq(word, override_value_name((enum override_kind)kind, i)));
			assert_int_equal(override_value_find((enum override_kind)kind, word, &value), word.n > 0);
			assert_true(!word.n || value == i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_override_changes_its_one_setting_of_the_sites_it_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_settings_that_were_decided_are_named_even_where_the_value_is_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newest_of_those_that_match_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_same_pattern_and_setting_is_replaced_whatever_the_hosts_case, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list_that_somebody_holds_does_not_change, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_undoing_takes_one_kind_of_a_site_or_all_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_those_whose_time_is_over_go_and_the_first_end_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list_is_bounded_but_a_full_one_can_still_be_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_list_of_the_longest_patterns_fits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_patterns_that_cannot_be_are_refused_with_a_reason, set_up, tear_down),
		cmocka_unit_test(test_words_are_those_of_the_options_and_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
