/*
 * The intrusive list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	char name;
	struct list link;
};

static struct item a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };

static int setup(void **state)
{
	static struct list head;

	list_init(&head);
	list_init(&a.link);
	list_init(&b.link);
	list_init(&c.link);
	*state = &head;
	return 0;
}

/* Fails unless the list reads as `names` forwards, and as their reverse backwards. */
static void check_names(const struct list *head, const char *names)
{
	char forwards[8] = "", backwards[8] = "";
	size_t n = 0;

	for (struct list *l = head->next; l != head && n < 7; l = l->next)
		forwards[n++] = LIST_OF(l, struct item, link)->name;
	for (struct list *l = head->prev; l != head && n > 0; l = l->prev)
		backwards[--n] = LIST_OF(l, struct item, link)->name;
	assert_string_equal(forwards, names);
	assert_string_equal(backwards, names);
}

static void test_push_adds_at_the_end_and_push_front_before_all(void **state)
{
	struct list *head = *state;

	assert_true(list_empty(head));
	list_push(head, &b.link);
	list_push(head, &c.link);
	list_push_front(head, &a.link);
	assert_false(list_empty(head));
	check_names(head, "abc");
}

static void test_insert_before_goes_between(void **state)
{
	struct list *head = *state;

	list_push(head, &a.link);
	list_push(head, &c.link);
	list_insert_before(&c.link, &b.link);
	check_names(head, "abc");
}

static void test_removing_twice_is_harmless(void **state)
{
	struct list *head = *state;

	list_push(head, &a.link);
	list_push(head, &b.link);
	list_push(head, &c.link);
	list_remove(&b.link);
	check_names(head, "ac");
	assert_true(list_empty(&b.link));
	list_remove(&b.link);
	check_names(head, "ac");
}

static void test_shift_empties_from_the_front(void **state)
{
	struct list *head = *state;

	list_push(head, &a.link);
	list_push(head, &b.link);
	assert_ptr_equal(list_shift(head), &a.link);
	assert_true(list_empty(&a.link));
	assert_ptr_equal(list_shift(head), &b.link);
	assert_null(list_shift(head));
	assert_true(list_empty(head));
}

static void test_link_leads_back_to_its_object(void **state)
{
	(void)state;
	assert_ptr_equal(LIST_OF(&b.link, struct item, link), &b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_push_adds_at_the_end_and_push_front_before_all, setup),
		cmocka_unit_test_setup(test_insert_before_goes_between, setup),
		cmocka_unit_test_setup(test_removing_twice_is_harmless, setup),
		cmocka_unit_test_setup(test_shift_empties_from_the_front, setup),
		cmocka_unit_test(test_link_leads_back_to_its_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
