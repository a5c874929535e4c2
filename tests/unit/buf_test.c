/*
 * Buffers: order, memory held, growth and the upper bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

static char big[BUF_LARGE_BYTES + 1];

static int setup(void **state)
{
	static struct buf_pool pool;

	buf_pool_init(&pool);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	*state = &pool;
	return 0;
}

static int teardown(void **state)
{
	struct buf_pool *pool = *state;
	bool all_back = pool->small.used_count == 0 && pool->large.used_count == 0;

	buf_pool_fini(pool);
	return all_back ? 0 : -1;
}

static void test_bytes_leave_in_the_order_they_came(void **state)
{
	struct buf_pool *pool = *state;
	struct buf b = { 0 };

	assert_true(buf_append(pool, &b, SPAN("GET / ")));
	assert_true(buf_append(pool, &b, SPAN("HTTP/1.1")));
	assert_true(span_eq(buf_span(&b), SPAN("GET / HTTP/1.1")));
	buf_consume(pool, &b, 4);
	assert_true(span_eq(buf_span(&b), SPAN("/ HTTP/1.1")));
	assert_int_equal(buf_len(&b), 10);
	buf_consume(pool, &b, 10);
	assert_int_equal(buf_len(&b), 0);
}

static void test_empty_buffer_holds_no_memory(void **state)
{
	struct buf_pool *pool = *state;
	struct buf b = { 0 };

	assert_int_equal(buf_span(&b).n, 0);
	assert_true(buf_append(pool, &b, SPAN_NONE));
	assert_null(b.data);
	assert_true(buf_append(pool, &b, SPAN("abc")));
	assert_int_equal(pool->small.used_count, 1);
	buf_consume(pool, &b, 3);
	assert_null(b.data);
	assert_int_equal(pool->small.used_count, 0);
	assert_true(buf_append(pool, &b, SPAN("abc")));
	buf_clear(pool, &b);
	assert_null(b.data);
	buf_clear(pool, &b);
	assert_int_equal(pool->small.used_count, 0);
}

static void test_room_that_stays_unused_goes_back(void **state)
{
	struct buf_pool *pool = *state;
	struct buf b = { 0 };

	assert_non_null(buf_room(pool, &b, 100));
	assert_int_equal(buf_len(&b), 0);
	buf_consume(pool, &b, 0);
	assert_null(b.data);
	assert_int_equal(pool->small.used_count, 0);
}

static void test_small_block_grows_to_large_and_keeps_the_bytes(void **state)
{
	struct buf_pool *pool = *state;
	struct buf b = { 0 };

	assert_true(buf_append(pool, &b, span_of(big, BUF_SMALL_BYTES)));
	assert_int_equal(b.size, BUF_SMALL_BYTES);
	buf_consume(pool, &b, 10);
	assert_true(buf_append(pool, &b, span_of(big + BUF_SMALL_BYTES, 1000)));
	assert_int_equal(b.size, BUF_LARGE_BYTES);
	assert_int_equal(pool->small.used_count, 0);
	assert_true(span_eq(buf_span(&b), span_of(big + 10, BUF_SMALL_BYTES + 990)));
	buf_clear(pool, &b);
}

static void test_room_at_the_front_is_reused(void **state)
{
	struct buf_pool *pool = *state;
	struct buf b = { 0 };

	assert_true(buf_append(pool, &b, span_of(big, BUF_SMALL_BYTES)));
	buf_consume(pool, &b, 3000);
	assert_true(buf_append(pool, &b, span_of(big + BUF_SMALL_BYTES, 3000)));
	assert_int_equal(b.size, BUF_SMALL_BYTES);
	assert_true(span_eq(buf_span(&b), span_of(big + 3000, BUF_SMALL_BYTES)));
	buf_clear(pool, &b);
}

static void test_nothing_is_added_beyond_the_bound(void **state)
{
	struct buf_pool *pool = *state;
	struct buf b = { 0 };

	assert_false(buf_append(pool, &b, span_of(big, BUF_LARGE_BYTES + 1)));
	assert_null(b.data);
	assert_true(buf_append(pool, &b, span_of(big, BUF_LARGE_BYTES)));
	assert_false(buf_append(pool, &b, SPAN("x")));
	assert_null(buf_room(pool, &b, SIZE_MAX));
	assert_true(span_eq(buf_span(&b), span_of(big, BUF_LARGE_BYTES)));
	buf_consume(pool, &b, 1);
	assert_true(buf_append(pool, &b, SPAN("x")));
	assert_int_equal(buf_len(&b), BUF_LARGE_BYTES);
	buf_clear(pool, &b);
}

static void test_written_room_counts_as_held(void **state)
{
	struct buf_pool *pool = *state;
	struct buf b = { 0 };
	char *at = buf_room(pool, &b, 1000);

	assert_non_null(at);
	memcpy(at, "hello", 5);
	buf_added(&b, 5);
	assert_true(span_eq(buf_span(&b), SPAN("hello")));
	at = buf_room(pool, &b, 1000);
	assert_non_null(at);
	memcpy(at, "!", 1);
	buf_added(&b, 1);
	assert_true(span_eq(buf_span(&b), SPAN("hello!")));
	buf_clear(pool, &b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_leave_in_the_order_they_came, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_buffer_holds_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room_that_stays_unused_goes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_small_block_grows_to_large_and_keeps_the_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room_at_the_front_is_reused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_added_beyond_the_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(test_written_room_counts_as_held, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
