/*
 * So many a minute: taken, used up, renewed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/quota.h"

#define SECOND_US INT64_C(1000000)

static unsigned take_all(struct quota *q, unsigned per_minute, int64_t now_us)
{
	unsigned n = 0;

	while (n < 1000 && quota_take(q, per_minute, now_us))
		n++;
	return n;
}

static void test_no_more_is_given_than_a_minute_has(void **state)
{
	struct quota q = { .taken = 0 };

	(void)state;
	assert_int_equal(take_all(&q, 3, 100 * SECOND_US), 3);
	assert_int_equal(take_all(&q, 3, 159 * SECOND_US), 0);
}

static void test_next_minute_begins_anew_and_nothing_is_saved_up(void **state)
{
	struct quota q = { .taken = 0 };

	(void)state;
	assert_true(quota_take(&q, 3, 100 * SECOND_US));
	assert_int_equal(take_all(&q, 3, 160 * SECOND_US), 3);
	assert_int_equal(take_all(&q, 3, 600 * SECOND_US), 3);
}

static void test_changed_rate_counts_at_once(void **state)
{
	struct quota q = { .taken = 0 };

	(void)state;
	assert_int_equal(take_all(&q, 3, SECOND_US), 3);
	assert_int_equal(take_all(&q, 5, SECOND_US), 2);
	assert_int_equal(take_all(&q, 0, SECOND_US), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_more_is_given_than_a_minute_has),
		cmocka_unit_test(test_next_minute_begins_anew_and_nothing_is_saved_up),
		cmocka_unit_test(test_changed_rate_counts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
