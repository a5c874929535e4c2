/*
 * First contacts: who counts as one client and one origin, how long it is remembered, that it stays bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/contacts.h"

enum { THREADS = 4 };

static struct contacts contacts;

static int set_up(void **state)
{
	(void)state;
	return contacts_init(&contacts) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	contacts_fini(&contacts);
	return 0;
}

static struct address address(const char *text, uint16_t port)
{
	struct address a;

	assert_true(address_parse_ip(span_str(text), port, &a));
	return a;
}

static bool is_first(const char *ip, const char *user, const char *agent, enum scheme scheme, const char *host,
	uint16_t port)
{
	static uint16_t client_port;
	struct address client = address(ip, ++client_port);
	struct contact about = {
		.client = &client, .user = span_str(user), .agent = span_str(agent), .scheme = scheme,
		.host = span_str(host), .port = port
	};

	return contacts_is_first(&contacts, &about, 0);
}

static void test_each_client_and_origin_is_told_once(void **state)
{
	(void)state;
	assert_true(is_first("192.0.2.1", "", "a", SCHEME_HTTPS, "x.test", 443));
	assert_false(is_first("192.0.2.1", "", "a", SCHEME_HTTPS, "x.test", 443));
	assert_false(is_first("192.0.2.1", "", "a", SCHEME_HTTPS, "X.Test", 443));
	assert_true(is_first("192.0.2.2", "", "a", SCHEME_HTTPS, "x.test", 443));
	assert_true(is_first("192.0.2.1", "anna", "a", SCHEME_HTTPS, "x.test", 443));
	assert_true(is_first("192.0.2.1", "a", "", SCHEME_HTTPS, "x.test", 443));
	assert_true(is_first("192.0.2.1", "", "b", SCHEME_HTTPS, "x.test", 443));
	assert_true(is_first("192.0.2.1", "", "a", SCHEME_HTTP, "x.test", 443));
	assert_true(is_first("192.0.2.1", "", "a", SCHEME_HTTPS, "y.test", 443));
	assert_true(is_first("192.0.2.1", "", "a", SCHEME_HTTPS, "x.test", 8443));
	assert_int_equal(contacts.count, 8);
}

/* The numbered client at the origin; no two numbers look alike. */
static bool is_first_of(unsigned number, int64_t now_us)
{
	struct address client = address("2001:db8::", 0);
	struct contact about = { .client = &client, .host = SPAN("x.test"), .port = 443 };

	memcpy(client.ip + 12, &number, sizeof(number));
	return contacts_is_first(&contacts, &about, now_us);
}

static void test_it_is_told_again_after_a_day(void **state)
{
	(void)state;
	assert_true(is_first_of(1, 0));
	assert_true(is_first_of(2, 10));
	assert_false(is_first_of(1, CONTACT_LIFE_US - 1));
	assert_true(is_first_of(1, CONTACT_LIFE_US));
	assert_false(is_first_of(2, CONTACT_LIFE_US));
	assert_true(is_first_of(3, 3 * CONTACT_LIFE_US));
	assert_int_equal(contacts.count, 1);
}

static void test_the_oldest_goes_when_it_is_full(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CONTACTS_MAX; i++)
		assert_true(is_first_of(i, i));
	assert_false(is_first_of(0, CONTACTS_MAX));
	assert_true(is_first_of(CONTACTS_MAX, CONTACTS_MAX));
	assert_int_equal(contacts.count, CONTACTS_MAX);
	assert_false(is_first_of(1, CONTACTS_MAX));
	assert_true(is_first_of(0, CONTACTS_MAX));
	assert_true(is_first_of(1, CONTACTS_MAX));
}

static void *visit_all(void *told)
{
	for (unsigned i = 0; i < CONTACTS_MAX; i++)
		*(unsigned *)told += is_first_of(i, 0);
	return NULL;
}

static void test_threads_together_tell_each_client_once(void **state)
{
	unsigned told[THREADS] = { 0 }, sum = 0;
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, visit_all, &told[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		sum += told[i];
	}
	assert_int_equal(sum, CONTACTS_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_client_and_origin_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_it_is_told_again_after_a_day, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_goes_when_it_is_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_threads_together_tell_each_client_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
