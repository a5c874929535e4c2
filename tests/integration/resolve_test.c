/*
 * The resolver on a real loop, against a name server on loopback.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "dns_server.h"
#include "net/resolve.h"

enum { SECOND_US = 1000000, PATIENCE_US = 5 * SECOND_US };

static const struct dns_name names[] = {
	{ .name = "four.test", .a = { "192.0.2.1" }, .ttl_s = 60 },
	{ .name = "slow.test", .a = { "192.0.2.1" }, .ttl_s = 60, .delay_ms = 150 },
	{ .name = "brief.test", .a = { "192.0.2.1" }, .ttl_s = 0 },
	{ .name = "eternal.test", .a = { "192.0.2.1" }, .ttl_s = 1000000 },
	{ .name = "overflowing.test", .a = { "192.0.2.1" }, .ttl_s = INT32_MAX },
	{ .name = "negative.test", .a = { "192.0.2.1" }, .ttl_s = -1 }, /* RFC 2181 section 8: as zero */
	{ .name = "alias.test", .alias = "target.test", .a = { "192.0.2.1" }, .ttl_s = 3000, .alias_ttl_s = 20 },
	{ .name = "both.test", .a = { "192.0.2.1", "192.0.2.2", "192.0.2.3" }, .aaaa = { "2001:db8::1", "2001:db8::2" },
	  .ttl_s = 60 },
	{ .name = "many.test", .ttl_s = 60, .truncate = true,
	  .a = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7",
		 "192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14",
		 "192.0.2.15", "192.0.2.16", "192.0.2.17", "192.0.2.18" } },
	{ .name = "lame6.test", .a = { "192.0.2.1" }, .ttl_s = 1, .drop_aaaa = true },
	{ .name = "empty.test", .ttl_s = 60 },
	{ .name = "broken.test", .rcode = 2 },
	{ .name = "silent.test", .drop = true },
	{ .name = NULL },
};

static int port;
static struct loop loop;
static struct resolver *resolver;

/* An asker that keeps what it was told. */
struct asker {
	struct resolve resolve;
	int told;
	struct resolved answer;
	struct asker *cancels;   /* when told */
	const char *asks;        /* when told, once */
	bool flushes;            /* when told */
};

static void on_done(struct resolve *r, const struct resolved *answer)
{
	struct asker *a = LIST_OF(r, struct asker, resolve);
	const char *name = a->asks;

	a->told++;
	a->answer = *answer;
	if (a->cancels)
		resolver_cancel(&a->cancels->resolve);
	if (a->flushes)
		resolver_flush(resolver);
	a->asks = NULL;
	if (name && resolver_ask(resolver, &a->resolve, span_str(name), &a->answer))
		a->told++;
}

/* Asks; true when the answer came at once. */
static bool ask(struct asker *a, const char *name)
{
	a->resolve.done = on_done;
	a->resolve.port = 80;
	return resolver_ask(resolver, &a->resolve, span_str(name), &a->answer);
}

/* Runs the loop until `a` was told so many times, or patience ends. */
static void wait_for(const struct asker *a, int told)
{
	int64_t until_us = clock_us() + PATIENCE_US;

	while (a->told < told && clock_us() < until_us)
		assert_true(loop_pass(&loop));
	assert_int_equal(a->told, told);
}

static void ask_and_wait(struct asker *a, const char *name)
{
	if (!ask(a, name))
		wait_for(a, a->told + 1);
}

static void assert_address(const struct resolved *r, unsigned i, const char *expected)
{
	char text[ADDRESS_TEXT_MAX];

	assert_true(i < r->count);
	address_format(&r->address[i], text);
	assert_string_equal(text, expected);
}

static int asked(const char *name)
{
	return dns_server_asked(name, false);
}

static void start(const char *server, unsigned cache_max)
{
	const struct resolver_options o = { .server = server, .cache_max = cache_max };

	assert_true(loop_init(&loop));
	resolver = resolver_new(&loop, &o);
	assert_non_null(resolver);
}

static void start_small(unsigned cache_max)
{
	char server[32];

	snprintf(server, sizeof(server), "127.0.0.1:%d", port);
	start(server, cache_max);
}

static int setup(void **state)
{
	(void)state;
	start_small(100);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	resolver_free(resolver);
	loop_fini(&loop);
	return 0;
}

static void test_literal_is_answered_at_once(void **state)
{
	struct asker a = { .told = 0 };

	(void)state;
	assert_true(ask(&a, "127.0.0.1"));
	assert_int_equal(a.answer.status, RESOLVE_OK);
	assert_int_equal(a.answer.count, 1);
	assert_address(&a.answer, 0, "127.0.0.1:80");
	assert_true(ask(&a, "2001:db8::1"));
	assert_address(&a.answer, 0, "[2001:db8::1]:80");
}

static void test_equal_questions_are_asked_once(void **state)
{
	struct asker a[10] = { { .told = 0 } };
	int before = asked("slow.test");

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(ask(&a[i], i % 2 ? "slow.test" : "SLOW.Test."));
	for (int i = 0; i < 10; i++)
		wait_for(&a[i], 1);
	for (int i = 0; i < 10; i++)
		assert_address(&a[i].answer, 0, "192.0.2.1:80");
	assert_int_equal(asked("slow.test") - before, 2); /* A and AAAA */
}

static void test_answer_serves_for_its_ttl(void **state)
{
	static const struct {
		const char *name;
		int64_t lasts_s; /* and no longer than one more */
	} rows[] = {
		{ "four.test", 60 },
		{ "brief.test", 1 },
		{ "eternal.test", 3600 },
		{ "overflowing.test", 3600 },
		{ "negative.test", 1 },
		{ "alias.test", 20 },
		{ "missing.test", 5 },
		{ "empty.test", 5 },
		{ "broken.test", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker a = { .told = 0 };

		print_message("%s\n", rows[i].name);
		ask_and_wait(&a, rows[i].name);
		int64_t answered_us = loop.now_us;
		loop.now_us = answered_us + (rows[i].lasts_s - 1) * SECOND_US + SECOND_US / 2;
		assert_true(ask(&a, rows[i].name));
		loop.now_us = answered_us + (rows[i].lasts_s + 1) * SECOND_US;
		assert_false(ask(&a, rows[i].name));
		wait_for(&a, 2);
	}
}

static void test_families_are_interleaved_ipv6_first(void **state)
{
	struct asker a = { .told = 0 };

	(void)state;
	ask_and_wait(&a, "both.test");
	assert_int_equal(a.answer.count, 5);
	assert_address(&a.answer, 0, "[2001:db8::1]:80");
	assert_address(&a.answer, 1, "192.0.2.1:80");
	assert_address(&a.answer, 2, "[2001:db8::2]:80");
	assert_address(&a.answer, 3, "192.0.2.2:80");
	assert_address(&a.answer, 4, "192.0.2.3:80");
}

static void test_truncated_answer_is_fetched_by_tcp(void **state)
{
	struct asker a = { .told = 0 };

	(void)state;
	ask_and_wait(&a, "many.test");
	assert_int_equal(a.answer.status, RESOLVE_OK);
	assert_int_equal(a.answer.count, RESOLVED_MAX);
	assert_true(dns_server_asked("many.test", true) > 0);
}

static void test_failures_are_told_apart(void **state)
{
	static const struct {
		const char *name;
		enum resolve_status status;
	} rows[] = {
		{ "missing.test", RESOLVE_NOT_FOUND },
		{ "empty.test", RESOLVE_NOT_FOUND },
		{ "broken.test", RESOLVE_FAILED },
		{ "hidden.onion", RESOLVE_NOT_FOUND },
		{ "", RESOLVE_NOT_FOUND },
		{ ".", RESOLVE_NOT_FOUND },
		{ "a..b", RESOLVE_NOT_FOUND },
		{ "back\\slash", RESOLVE_NOT_FOUND },
		{ "a b", RESOLVE_NOT_FOUND },
		{ "caf\xc3\xa9.test", RESOLVE_NOT_FOUND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct asker a = { .told = 0 };

		print_message("\"%s\"\n", rows[i].name);
		ask_and_wait(&a, rows[i].name);
		assert_int_equal(a.answer.status, rows[i].status);
		assert_non_null(a.answer.reason);
		assert_int_equal(a.answer.count, 0);
	}
	assert_int_equal(asked("hidden.onion"), 0);
}

static void test_names_may_have_253_bytes(void **state)
{
	char name[255];
	struct asker a = { .told = 0 };

	(void)state;
	for (int i = 0; i < 254; i++)
		name[i] = i % 60 == 59 ? '.' : 'a';
	name[254] = '\0';
	assert_true(ask(&a, name));
	assert_int_equal(a.answer.status, RESOLVE_NOT_FOUND);
	name[253] = '\0';
	assert_false(ask(&a, name));
	wait_for(&a, 1);
	assert_int_equal(asked(name), 2);
}

static void test_lost_ipv6_answer_costs_little(void **state)
{
	struct asker a = { .told = 0 };

	(void)state;
	int64_t before_us = clock_us();
	ask_and_wait(&a, "lame6.test");
	assert_true(clock_us() - before_us < SECOND_US);
	assert_int_equal(a.answer.status, RESOLVE_OK);
	assert_address(&a.answer, 0, "192.0.2.1:80");
	loop.now_us += 3 * SECOND_US; /* over the TTL, AAAA still being waited for */
	assert_true(ask(&a, "lame6.test"));
	assert_address(&a.answer, 0, "192.0.2.1:80");
}

static void test_localhost_is_loopback_without_asking(void **state)
{
	struct asker a = { .told = 0 }, b = { .told = 0 };

	(void)state;
	ask_and_wait(&a, "localhost");
	assert_int_equal(a.answer.status, RESOLVE_OK);
	for (unsigned i = 0; i < a.answer.count; i++)
		assert_true(address_is_loopback(&a.answer.address[i]));
	ask_and_wait(&b, "app.localhost");
	assert_int_equal(b.answer.count, 2);
	assert_address(&b.answer, 0, "[::1]:80");
	assert_address(&b.answer, 1, "127.0.0.1:80");
	assert_int_equal(asked("localhost") + asked("app.localhost"), 0);
}

static void test_cancelled_asker_is_not_told(void **state)
{
	struct asker a = { .told = 0 }, b = { .told = 0 };

	(void)state;
	assert_false(ask(&a, "slow.test"));
	assert_false(ask(&b, "slow.test"));
	resolver_cancel(&a.resolve);
	resolver_cancel(&a.resolve);
	wait_for(&b, 1);
	assert_int_equal(a.told, 0);
}

static void test_asker_may_cancel_ask_and_flush_when_told(void **state)
{
	struct asker b = { .told = 0 };
	struct asker a = { .cancels = &b, .asks = "four.test", .flushes = true };
	struct asker c = { .asks = "slow.test" };

	(void)state;
	assert_false(ask(&a, "slow.test"));
	assert_false(ask(&b, "slow.test"));
	assert_false(ask(&c, "slow.test"));
	wait_for(&a, 2);
	wait_for(&c, 2);
	assert_int_equal(b.told, 0);
	assert_int_equal(c.answer.status, RESOLVE_OK);
}

static void test_flush_forgets(void **state)
{
	struct asker a = { .told = 0 };
	int before = asked("four.test");

	(void)state;
	ask_and_wait(&a, "four.test");
	assert_true(ask(&a, "four.test"));
	resolver_flush(resolver);
	assert_false(ask(&a, "four.test"));
	wait_for(&a, 2);
	assert_int_equal(asked("four.test") - before, 4);
}

static void test_flush_keeps_questions_going(void **state)
{
	struct asker a = { .told = 0 };

	(void)state;
	assert_false(ask(&a, "slow.test"));
	resolver_flush(resolver);
	resolver_flush(resolver);
	wait_for(&a, 1);
	assert_int_equal(a.answer.status, RESOLVE_OK);
}

static void test_cache_drops_the_least_recently_used(void **state)
{
	struct asker a = { .told = 0 };

	(void)state;
	teardown(NULL);
	start_small(3);
	ask_and_wait(&a, "four.test");
	ask_and_wait(&a, "both.test");
	ask_and_wait(&a, "eternal.test");
	assert_true(ask(&a, "four.test"));
	ask_and_wait(&a, "alias.test");
	assert_true(ask(&a, "four.test"));
	assert_true(ask(&a, "eternal.test"));
	assert_false(ask(&a, "both.test"));
	resolver_cancel(&a.resolve);
}

static void test_too_many_questions_at_once_are_refused(void **state)
{
	struct asker a = { .told = 0 }, b = { .told = 0 }, c = { .told = 0 };

	(void)state;
	teardown(NULL);
	start_small(2);
	assert_false(ask(&a, "slow.test"));
	assert_false(ask(&b, "silent.test"));
	assert_true(ask(&c, "four.test"));
	assert_int_equal(c.answer.status, RESOLVE_NO_RESOURCES);
	wait_for(&a, 1);
	ask_and_wait(&c, "four.test");
	assert_int_equal(c.answer.status, RESOLVE_OK);
	resolver_cancel(&b.resolve);
}

static void test_resolver_goes_with_questions_under_way(void **state)
{
	struct asker a = { .told = 0 };

	(void)state;
	assert_false(ask(&a, "silent.test"));
	assert_false(ask(&a, "app.localhost")); /* known, not told yet */
	resolver_cancel(&a.resolve);
	teardown(NULL);
	start_small(2);
	assert_int_equal(a.told, 0);
}

static void test_wrong_server_is_an_error(void **state)
{
	const struct resolver_options o = { .server = "not an address", .cache_max = 10 };

	(void)state;
	assert_null(resolver_new(&loop, &o));
}

static void test_system_resolver_reads_hosts(void **state)
{
	struct asker a[20] = { { .told = 0 } };

	(void)state;
	teardown(NULL);
	start("system", 10);
	for (int i = 0; i < 20; i++)
		assert_false(ask(&a[i], "localhost"));
	for (int i = 0; i < 20; i++)
		wait_for(&a[i], 1);
	assert_int_equal(a[19].answer.status, RESOLVE_OK);
	assert_true(address_is_loopback(&a[19].answer.address[0]));
	assert_true(ask(&a[0], "localhost"));
}

static void test_system_resolver_goes_with_questions_under_way(void **state)
{
	struct asker a = { .told = 0 };
	char name[32];

	(void)state;
	teardown(NULL);
	start("system", 100);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%d.localhost", i);
		assert_false(ask(&a, name));
		resolver_cancel(&a.resolve);
	}
	teardown(NULL);
	start_small(2);
	assert_int_equal(a.told, 0);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CLAIM(test_literal_is_answered_at_once),
		CLAIM(test_equal_questions_are_asked_once),
		CLAIM(test_answer_serves_for_its_ttl),
		CLAIM(test_families_are_interleaved_ipv6_first),
		CLAIM(test_truncated_answer_is_fetched_by_tcp),
		CLAIM(test_failures_are_told_apart),
		CLAIM(test_names_may_have_253_bytes),
		CLAIM(test_lost_ipv6_answer_costs_little),
		CLAIM(test_localhost_is_loopback_without_asking),
		CLAIM(test_cancelled_asker_is_not_told),
		CLAIM(test_asker_may_cancel_ask_and_flush_when_told),
		CLAIM(test_flush_forgets),
		CLAIM(test_flush_keeps_questions_going),
		CLAIM(test_cache_drops_the_least_recently_used),
		CLAIM(test_too_many_questions_at_once_are_refused),
		CLAIM(test_resolver_goes_with_questions_under_way),
		CLAIM(test_wrong_server_is_an_error),
		CLAIM(test_system_resolver_reads_hosts),
		CLAIM(test_system_resolver_goes_with_questions_under_way),
	};

	port = dns_server_start(names);
	return port > 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
