/*
 * Failures by address: pauses grow, end, concern nobody else, and the table stays what it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/throttle.h"

#include <stdio.h>

#define SECOND INT64_C(1000000)

static struct throttle t;

static int reset(void **state)
{
	const struct secret_key key = { { 1, 2 } };

	(void)state;
	throttle_init(&t, &key);
	return 0;
}

static struct address at(const char *text)
{
	struct address a;

	if (!address_parse_ip(span_str(text), 0, &a))
		fail_msg("%s", text);
	return a;
}

static int64_t fail_times(const char *who, unsigned times, int64_t now_us)
{
	struct address a = at(who);
	int64_t pause_us = 0;

	while (times--)
		pause_us = throttle_fail(&t, &a, now_us);
	return pause_us;
}

static int64_t wait_of(const char *who, int64_t now_us)
{
	struct address a = at(who);

	return throttle_wait_us(&t, &a, now_us);
}

static void test_first_failures_are_free(void **state)
{
	(void)state;
	assert_int_equal(fail_times("192.0.2.1", THROTTLE_FREE - 1, SECOND), 0);
	assert_int_equal(wait_of("192.0.2.1", SECOND), 0);
	assert_int_equal(fail_times("192.0.2.1", 1, SECOND), SECOND);
	assert_int_equal(wait_of("192.0.2.1", SECOND), SECOND);
}

static void test_pauses_double_up_to_the_longest(void **state)
{
	int64_t last = fail_times("192.0.2.1", THROTTLE_FREE, 0);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		int64_t next = fail_times("192.0.2.1", 1, 0);

		assert_true(next == 2 * last || next == THROTTLE_LONGEST_US);
		last = next;
	}
	assert_int_equal(last, THROTTLE_LONGEST_US);
}

static void test_pause_ends_and_failures_are_forgotten(void **state)
{
	(void)state;
	fail_times("192.0.2.1", THROTTLE_FREE, 0);
	assert_int_equal(wait_of("192.0.2.1", SECOND - 1), 1);
	assert_int_equal(wait_of("192.0.2.1", SECOND), 0);
	assert_int_equal(fail_times("192.0.2.1", 1, 2 * SECOND), 2 * SECOND);
	assert_int_equal(fail_times("192.0.2.1", 1, 5 * SECOND + THROTTLE_FORGET_US), 0);
}

static void test_others_are_not_concerned(void **state)
{
	(void)state;
	fail_times("192.0.2.1", 20, 0);
	assert_int_equal(wait_of("192.0.2.2", 0), 0);
	assert_int_equal(wait_of("2001:db8::1", 0), 0);
}

static void test_hosts_of_one_ipv6_network_count_together(void **state)
{
	(void)state;
	fail_times("2001:db8:0:1::1", 3, 0);
	fail_times("2001:db8:0:1:ffff::2", 3, 0);
	assert_true(wait_of("2001:db8:0:1:abcd::3", 0) > 0);
	assert_int_equal(wait_of("2001:db8:0:2::1", 0), 0);
}

static void test_with_more_addresses_than_room_the_newest_are_known(void **state)
{
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
		fail_times(text, 1, i);
	}
	fail_times("192.0.2.1", THROTTLE_FREE, 100000);
	assert_int_equal(wait_of("192.0.2.1", 100000), SECOND);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_first_failures_are_free, reset),
		cmocka_unit_test_setup(test_pauses_double_up_to_the_longest, reset),
		cmocka_unit_test_setup(test_pause_ends_and_failures_are_forgotten, reset),
		cmocka_unit_test_setup(test_others_are_not_concerned, reset),
		cmocka_unit_test_setup(test_hosts_of_one_ipv6_network_count_together, reset),
		cmocka_unit_test_setup(test_with_more_addresses_than_room_the_newest_are_known, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
