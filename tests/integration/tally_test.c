/*
 * The tally: who counts as one, what the limits let through, also with threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/tally.h"

#include <stdio.h>

enum { THREADS = 4, ROUNDS = 20000, ROOM = 3 };

static struct tally tally;

static int set_up(void **state)
{
	(void)state;
	tally_init(&tally, UINT64_C(0x5eed));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tally_fini(&tally);
	return 0;
}

static struct address address(const char *text)
{
	struct address a;

	assert_true(address_parse_ip(span_str(text), 1234, &a));
	return a;
}

/* The entry that this address got; NULL when it was one too many. */
static struct tally_entry *enter(const char *text, unsigned max)
{
	struct address a = address(text);
	struct tally_entry *e = NULL;
	enum tally_result result = tally_enter(&tally, &a, max, &e);

	assert_int_not_equal(result, TALLY_NO_MEMORY);
	assert_int_equal(result == TALLY_COUNTED, e != NULL);
	return e;
}

static void test_limit_holds_and_a_place_comes_free(void **state)
{
	(void)state;
	struct tally_entry *first = enter("192.0.2.1", 2), *second = enter("192.0.2.1", 2);

	assert_non_null(first);
	assert_ptr_equal(first, second);
	assert_null(enter("192.0.2.1", 2));
	tally_leave(&tally, second);
	assert_ptr_equal(enter("192.0.2.1", 2), first);
	tally_leave(&tally, first);
	tally_leave(&tally, first);
}

static void test_zero_counts_without_a_limit(void **state)
{
	struct tally_entry *e = NULL;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_non_null(e = enter("192.0.2.1", 0));
	assert_int_equal(e->clients, 100);
	for (int i = 0; i < 100; i++)
		tally_leave(&tally, e);
	assert_int_equal(tally.entries.used_count, 0);
}

static void test_who_counts_as_one(void **state)
{
	static const struct {
		const char *one, *other;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true },
		{ "2001:db8:1:2::1", "2001:db8:1:3::1", false },
		{ "::1", "192.0.2.1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tally_entry *one = enter(rows[i].one, 0), *other = enter(rows[i].other, 0);

		if ((one == other) != rows[i].same)
			fail_msg("%s and %s: one entry: %d", rows[i].one, rows[i].other, one == other);
		tally_leave(&tally, one);
		tally_leave(&tally, other);
	}
}

static void test_entry_goes_with_its_last_client(void **state)
{
	(void)state;
	for (int i = 0; i < 3000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		tally_leave(&tally, enter(text, 1));
	}
	assert_int_equal(tally.entries.used_count, 0);
	assert_int_equal(tally.entries.free_count, 1);
	tally_leave(&tally, NULL);
}

static void test_requests_are_limited_and_given_back(void **state)
{
	(void)state;
	struct tally_entry *e = enter("192.0.2.1", 0);

	assert_true(tally_request_begin(e, 2));
	assert_true(tally_request_begin(e, 2));
	assert_false(tally_request_begin(e, 2));
	assert_false(tally_request_begin(e, 2));
	tally_request_end(e);
	assert_true(tally_request_begin(e, 2));
	assert_int_equal(e->requests, 2);
	tally_leave(&tally, e);
}

/* Comes and goes; counts in *arg how often it found more than ROOM inside. */
static void *come_and_go(void *arg)
{
	struct address a = { .ip = { 0x20, 1, 0xd, 0xb8 } };
	static atomic_uint inside;
	unsigned *too_many = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct tally_entry *e;

		if (tally_enter(&tally, &a, ROOM, &e) != TALLY_COUNTED)
			continue;
		*too_many += atomic_fetch_add(&inside, 1) >= ROOM;
		atomic_fetch_sub(&inside, 1);
		tally_leave(&tally, e);
	}
	return NULL;
}

static void test_threads_together_never_exceed_the_limit(void **state)
{
	pthread_t threads[THREADS];
	unsigned too_many[THREADS] = { 0 };

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &too_many[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(too_many[i], 0);
	}
	assert_int_equal(tally.entries.used_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_limit_holds_and_a_place_comes_free),
		TEST(test_zero_counts_without_a_limit),
		TEST(test_who_counts_as_one),
		TEST(test_entry_goes_with_its_last_client),
		TEST(test_requests_are_limited_and_given_back),
		TEST(test_threads_together_never_exceed_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
