/*
 * Hosts that were not looked into: what is added up, who is forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/unread.h"

#include <stdio.h>

static struct unread table;
static struct unread_host hosts[UNREAD_MAX];
static uint64_t forgotten;

static int set_up(void **state)
{
	(void)state;
	unread_init(&table);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unread_fini(&table);
	return 0;
}

static size_t list(void)
{
	return unread_list(&table, hosts, &forgotten);
}

static void assert_host(size_t place, const char *name)
{
	assert_int_equal(hosts[place].host_len, strlen(name));
	assert_memory_equal(hosts[place].host, name, strlen(name));
}

static void test_tunnels_and_bytes_of_a_host_add_up_whatever_its_case(void **state)
{
	(void)state;
	unread_begin(&table, SPAN("Example.org"), 443, "first");
	unread_begin(&table, SPAN("example.ORG"), 443, "second");
	unread_end(&table, SPAN("example.org"), 443, 30);
	unread_end(&table, SPAN("example.org"), 443, 12);
	assert_int_equal(list(), 1);
	assert_host(0, "example.org");
	assert_int_equal(hosts[0].tunnels, 2);
	assert_int_equal(hosts[0].bytes, 42);
	assert_string_equal(hosts[0].reason, "second");
}

static void test_ports_are_told_apart_and_the_latest_stands_first(void **state)
{
	(void)state;
	unread_begin(&table, SPAN("a"), 443, "r");
	unread_begin(&table, SPAN("b"), 443, "r");
	unread_begin(&table, SPAN("a"), 8443, "r");
	unread_end(&table, SPAN("a"), 443, 1);
	assert_int_equal(list(), 3);
	assert_int_equal(hosts[0].port, 443);
	assert_host(0, "a");
	assert_int_equal(hosts[1].port, 8443);
	assert_host(2, "b");
}

static void test_what_was_read_after_all_is_left_out(void **state)
{
	(void)state;
	unread_begin(&table, SPAN("a"), 443, "r");
	unread_forget(&table, SPAN("A"), 443);
	unread_end(&table, SPAN("a"), 443, 1);
	assert_int_equal(list(), 0);
	assert_int_equal(forgotten, 0);
}

static void test_number_is_bounded_and_who_was_quiet_for_longest_goes_first(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < UNREAD_MAX + 2; i++) {
		int n = snprintf(name, sizeof(name), "h%d", i);
		unread_begin(&table, span_of(name, (size_t)n), 443, "r");
		unread_begin(&table, SPAN("busy"), 443, "r");
	}
	assert_int_equal(list(), UNREAD_MAX);
	assert_int_equal(forgotten, 3);
	assert_host(0, "busy");
	assert_host(UNREAD_MAX - 1, "h3");
}

static void test_names_that_cannot_be_are_left_out(void **state)
{
	static char name[UNREAD_HOST_MAX + 1];

	(void)state;
	memset(name, 'a', sizeof(name));
	unread_begin(&table, span_of(name, sizeof(name)), 443, "r");
	unread_begin(&table, span_of(name, sizeof(name) - 1), 443, "r");
	assert_int_equal(list(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tunnels_and_bytes_of_a_host_add_up_whatever_its_case, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ports_are_told_apart_and_the_latest_stands_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_was_read_after_all_is_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_number_is_bounded_and_who_was_quiet_for_longest_goes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_that_cannot_be_are_left_out, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
