/*
 * The slab: reuse, counts, and how much is kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slab.h"

enum { OBJECT_BYTES = 40 };

static void test_last_put_is_first_got(void **state)
{
	struct slab s;

	(void)state;
	slab_init(&s, OBJECT_BYTES, 4);
	void *a = slab_get(&s), *b = slab_get(&s);
	assert_ptr_not_equal(a, b);
	slab_put(&s, a);
	slab_put(&s, b);
	assert_ptr_equal(slab_get(&s), b);
	assert_ptr_equal(slab_get(&s), a);
	slab_put(&s, a);
	slab_put(&s, b);
	slab_fini(&s);
}

static void test_no_more_than_keep_max_are_kept(void **state)
{
	struct slab s;
	void *objects[8];

	(void)state;
	slab_init(&s, OBJECT_BYTES, 3);
	for (size_t i = 0; i < 8; i++)
		objects[i] = slab_get(&s);
	assert_int_equal(s.used_count, 8);
	for (size_t i = 0; i < 8; i++)
		slab_put(&s, objects[i]);
	assert_int_equal(s.used_count, 0);
	assert_int_equal(s.free_count, 3);
	slab_fini(&s);
	assert_int_equal(s.free_count, 0);
	assert_null(s.free);
}

static void test_objects_do_not_overlap(void **state)
{
	struct slab s;
	unsigned char *objects[5];

	(void)state;
	slab_init(&s, OBJECT_BYTES, 2);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 5; i++) {
			objects[i] = slab_get(&s);
			assert_non_null(objects[i]);
			memset(objects[i], (int)i, OBJECT_BYTES);
		}
		for (size_t i = 0; i < 5; i++)
			for (size_t at = 0; at < OBJECT_BYTES; at++)
				assert_int_equal(objects[i][at], i);
		for (size_t i = 0; i < 5; i++)
			slab_put(&s, objects[i]);
	}
	slab_fini(&s);
}

static void test_object_of_one_pointer_works(void **state)
{
	struct slab s;

	(void)state;
	slab_init(&s, sizeof(void *), 1);
	void *a = slab_get(&s);
	slab_put(&s, a);
	assert_int_equal(s.free_count, 1);
	assert_ptr_equal(slab_get(&s), a);
	assert_int_equal(s.free_count, 0);
	slab_put(&s, a);
	slab_fini(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_put_is_first_got),
		cmocka_unit_test(test_no_more_than_keep_max_are_kept),
		cmocka_unit_test(test_objects_do_not_overlap),
		cmocka_unit_test(test_object_of_one_pointer_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
