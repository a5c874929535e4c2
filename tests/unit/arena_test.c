/*
 * The arena: alignment, limit, overflow and reset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#include <stdalign.h>

enum { FIRST_BYTES = 256, LIMIT_BYTES = 64 * 1024 };

static alignas(max_align_t) char first[FIRST_BYTES];

static bool in_first(const void *p)
{
	const char *at = p;

	return at >= first && at < first + FIRST_BYTES;
}

static void test_objects_are_aligned_and_apart(void **state)
{
	struct arena a;
	char *before = NULL;

	(void)state;
	arena_init(&a, first + 1, FIRST_BYTES - 1, LIMIT_BYTES);
	for (size_t n = 1; n < 200; n++) {
		char *p = arena_alloc(&a, n);

		assert_non_null(p);
		if ((uintptr_t)p % alignof(max_align_t) != 0)
			fail_msg("%zu bytes lie at %p", n, (void *)p);
		if (before)
			for (size_t i = 0; i < n - 1; i++)
				assert_int_equal(before[i], (char)(n - 1));
		memset(p, (int)n, n);
		if (before)
			assert_int_equal(before[n - 2], (char)(n - 1));
		before = p;
	}
	arena_reset(&a, LIMIT_BYTES);
}

static void test_first_memory_is_used_up_before_malloc(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, first, FIRST_BYTES, 0);
	assert_true(in_first(arena_alloc(&a, 128)));
	assert_true(in_first(arena_alloc(&a, 128)));
	assert_null(arena_alloc(&a, 1));
	assert_null(a.more);
}

static void test_overflow_stops_at_the_limit(void **state)
{
	struct arena a;
	size_t got = 0;

	(void)state;
	arena_init(&a, first, FIRST_BYTES, LIMIT_BYTES);
	while (arena_alloc(&a, 1024))
		got += 1024;
	assert_in_range(got, LIMIT_BYTES - 1024, LIMIT_BYTES);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 64));
	arena_reset(&a, LIMIT_BYTES);
}

static void test_object_larger_than_a_block_fits_within_the_limit(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, first, FIRST_BYTES, LIMIT_BYTES);
	assert_null(arena_alloc(&a, LIMIT_BYTES + 1));
	char *p = arena_alloc(&a, LIMIT_BYTES);
	assert_non_null(p);
	memset(p, 'x', LIMIT_BYTES);
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a, LIMIT_BYTES);
}

static void test_reset_gives_everything_back(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, first, FIRST_BYTES, LIMIT_BYTES);
	for (int round = 0; round < 3; round++) {
		void *small = arena_alloc(&a, 16), *large = arena_alloc(&a, LIMIT_BYTES);

		assert_ptr_equal(small, first);
		assert_non_null(large);
		arena_reset(&a, LIMIT_BYTES);
		assert_null(a.more);
	}
	arena_reset(&a, 0);
	assert_null(arena_alloc(&a, FIRST_BYTES + 1));
}

static void test_copy_is_equal_and_independent(void **state)
{
	char text[] = "no-cache";
	struct arena a;

	(void)state;
	arena_init(&a, first, FIRST_BYTES, 0);
	struct span copy = arena_copy(&a, span_str(text));
	text[0] = 'X';
	assert_true(span_eq(copy, SPAN("no-cache")));
	assert_true(in_first(copy.p));
}

static void test_copy_without_room_is_null(void **state)
{
	static const char long_text[FIRST_BYTES + 1];
	struct arena a;

	(void)state;
	arena_init(&a, first, FIRST_BYTES, 0);
	struct span copy = arena_copy(&a, span_of(long_text, sizeof(long_text)));
	assert_null(copy.p);
	assert_int_equal(copy.n, 0);
	assert_null(arena_copy(&a, SPAN_NONE).p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects_are_aligned_and_apart),
		cmocka_unit_test(test_first_memory_is_used_up_before_malloc),
		cmocka_unit_test(test_overflow_stops_at_the_limit),
		cmocka_unit_test(test_object_larger_than_a_block_fits_within_the_limit),
		cmocka_unit_test(test_reset_gives_everything_back),
		cmocka_unit_test(test_copy_is_equal_and_independent),
		cmocka_unit_test(test_copy_without_room_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
