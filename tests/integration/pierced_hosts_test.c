/*
 * What piercing remembers, of hosts and of downloads by ranges: until when, and how much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "shifted_clock.h"

#include "proxy/pieces.h"
#include "proxy/pierce_summary.h"

#define SECONDS(n) ((int64_t)(n) * 1000000)

static struct pierced_hosts hosts;
static struct pieces pieces;

static int set_up(void **state)
{
	(void)state;
	pierced_hosts_init(&hosts, 5, 0x123456789abcdef);
	pieces_init(&pieces, 7);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pierced_hosts_fini(&hosts);
	pieces_fini(&pieces);
	return 0;
}

static const struct pierced_host plain = { .name = { "Example.test", 12 }, .port = 80, .scheme = SCHEME_HTTP };

static void learn(const struct pierced_host *host, enum rung rung, int64_t for_us)
{
	struct climb_lesson lesson = { .worked = (uint8_t)rung };

	pierced_hosts_learn(&hosts, host, &lesson, for_us);
}

static unsigned known(struct pierced_host host)
{
	return pierced_hosts_find(&hosts, &host).worked;
}

static void test_lesson_is_about_scheme_host_port_and_folder(void **state)
{
	struct pierced_host host = plain;

	(void)state;
	learn(&plain, RUNG_QUERY, SECONDS(60));
	host.name = SPAN("eXAMPLE.TEST");
	assert_int_equal(known(host), RUNG_QUERY);
	host.port = 8080;
	assert_int_equal(known(host), RUNG_ORIGINAL);
	host.port = 80;
	host.scheme = SCHEME_HTTPS;
	assert_int_equal(known(host), RUNG_ORIGINAL);
	host.scheme = SCHEME_HTTP;
	host.name = SPAN("example.tes");
	assert_int_equal(known(host), RUNG_ORIGINAL);
	host = plain;
	host.folder = 1;
	assert_int_equal(known(host), RUNG_ORIGINAL);
}

static void test_later_lesson_replaces_the_former(void **state)
{
	(void)state;
	learn(&plain, RUNG_PATH, SECONDS(60));
	learn(&plain, RUNG_VARY, SECONDS(60));
	assert_int_equal(known(plain), RUNG_VARY);
	assert_int_equal(hosts.count, 1);
}

static void test_lesson_expires(void **state)
{
	(void)state;
	learn(&plain, RUNG_PATH, SECONDS(60));
	monotonic_ahead_s += 59;
	assert_int_equal(known(plain), RUNG_PATH);
	monotonic_ahead_s += 2;
	assert_int_equal(known(plain), RUNG_ORIGINAL);
}

static void test_number_of_hosts_is_bounded_and_the_longest_unchanged_goes(void **state)
{
	char name[32];
	struct pierced_host host = plain;

	(void)state;
	learn(&plain, RUNG_PATH, SECONDS(60));
	for (int i = 0; i < PIERCED_HOSTS_MAX; i++) {
		host.name = span_of(name, (size_t)snprintf(name, sizeof(name), "%d.test", i));
		learn(&host, RUNG_QUERY, SECONDS(60));
	}
	assert_int_equal(hosts.count, PIERCED_HOSTS_MAX);
	assert_int_equal(known(plain), RUNG_ORIGINAL);
	host.name = SPAN("0.test");
	assert_int_equal(known(host), RUNG_QUERY);
}

static void test_host_with_a_name_that_no_host_has_is_not_remembered(void **state)
{
	char name[PIERCED_HOST_NAME_MAX + 1];
	struct pierced_host host = plain;

	(void)state;
	memset(name, 'a', sizeof(name));
	host.name = span_of(name, sizeof(name));
	learn(&host, RUNG_PATH, SECONDS(60));
	assert_int_equal(known(host), RUNG_ORIGINAL);
	assert_int_equal(hosts.count, 0);
}

static uint64_t token(const char *client, const char *url, bool first, uint64_t fresh)
{
	struct address a;

	assert_true(address_parse_ip(span_str(client), 0, &a));
	return pieces_token(&pieces, &a, span_str(url), first, fresh);
}

static void test_pieces_of_a_download_share_a_token(void **state)
{
	(void)state;
	assert_int_equal(token("192.0.2.1", "http://h/a", false, 100), 100);
	assert_int_equal(token("192.0.2.1", "http://h/a", false, 101), 100);
	assert_int_equal(token("192.0.2.1", "http://h/b", false, 102), 102);
	assert_int_equal(token("192.0.2.2", "http://h/a", false, 103), 103);
	assert_int_equal(token("192.0.2.1", "http://h/a", false, 104), 100);
}

static void test_first_piece_begins_anew_unless_the_download_is_running(void **state)
{
	(void)state;
	token("192.0.2.1", "http://h/a", true, 100);
	assert_int_equal(token("192.0.2.1", "http://h/a", true, 101), 100);
	monotonic_ahead_s += 6;
	assert_int_equal(token("192.0.2.1", "http://h/a", false, 102), 100);
	monotonic_ahead_s += 6;
	assert_int_equal(token("192.0.2.1", "http://h/a", true, 103), 103);
	assert_int_equal(token("192.0.2.1", "http://h/a", false, 104), 103);
}

static void test_download_that_was_left_alone_begins_anew(void **state)
{
	(void)state;
	token("192.0.2.1", "http://h/a", false, 100);
	monotonic_ahead_s += 601;
	assert_int_equal(token("192.0.2.1", "http://h/a", false, 101), 101);
}

static void test_the_latest_of_very_many_downloads_are_kept(void **state)
{
	enum { DOWNLOADS = 3 * PIECES_SETS * PIECES_WAYS };
	char url[32];

	(void)state;
	for (int i = 0; i < DOWNLOADS; i++) {
		snprintf(url, sizeof(url), "http://h/%d", i);
		assert_int_equal(token("192.0.2.1", url, false, 1000 + (uint64_t)i), 1000 + i);
		assert_int_equal(token("192.0.2.1", url, false, 1), 1000 + i);
	}
}

static void test_tokens_count_on_for_a_host_and_tell_hosts_nothing_of_each_other(void **state)
{
	struct pierced_host other = { .name = SPAN("other.test"), .port = 80, .scheme = SCHEME_HTTP };
	uint64_t first = pierced_hosts_token(&hosts, &plain), elsewhere = pierced_hosts_token(&hosts, &other);

	(void)state;
	assert_int_equal(pierced_hosts_token(&hosts, &plain), first + 2);
	assert_int_equal(pierced_hosts_token(&hosts, &other), elsewhere + 2);
	uint64_t apart = first < elsewhere ? elsewhere - first : first - elsewhere;
	assert_true(apart > UINT32_MAX);
}

static void spend(const char *name, unsigned times, struct pierced_cost cost)
{
	struct pierced_host host = { .name = span_str(name), .port = 443, .scheme = SCHEME_HTTPS };

	while (times--)
		pierced_hosts_spend(&hosts, &host, &cost);
}

static void test_bills_are_of_the_most_expensive_hosts(void **state)
{
	struct pierced_cost cost = { .exchanges = 1, .repeats = 2, .bytes = 10, .compared = 1, .same = 1 }, total;
	struct pierced_bill bills[2];

	(void)state;
	learn(&plain, RUNG_PATH, SECONDS(60));
	assert_int_equal(pierced_hosts_bills(&hosts, &total, bills, 2), 0);
	spend("a.test", 2, cost);
	assert_int_equal(pierced_hosts_bills(&hosts, &total, bills, 2), 1);
	spend("b.test", 5, cost);
	spend("c.test", 1, cost);
	spend("d.test", 3, cost);
	assert_int_equal(pierced_hosts_bills(&hosts, &total, bills, 2), 2);
	assert_string_equal(bills[0].name, "b.test");
	assert_int_equal(bills[0].cost.repeats, 10);
	assert_int_equal(bills[0].port, 443);
	assert_string_equal(bills[1].name, "d.test");
	assert_int_equal(total.exchanges, 11);
	assert_int_equal(total.bytes, 110);
}

static void test_folders_of_a_host_are_billed_together(void **state)
{
	struct pierced_cost cost = { .exchanges = 1 }, total;
	struct pierced_host folder = plain;
	struct pierced_bill bills[2];

	(void)state;
	for (folder.folder = 0; folder.folder < 3; folder.folder++)
		pierced_hosts_spend(&hosts, &folder, &cost);
	assert_int_equal(pierced_hosts_bills(&hosts, &total, bills, 2), 1);
	assert_int_equal(bills[0].cost.exchanges, 3);
}

static void test_costs_outlive_lessons(void **state)
{
	struct pierced_cost cost = { .exchanges = 1 }, total;
	struct pierced_bill bill;

	(void)state;
	learn(&plain, RUNG_PATH, SECONDS(60));
	pierced_hosts_spend(&hosts, &plain, &cost);
	monotonic_ahead_s += 61;
	assert_int_equal(pierced_hosts_bills(&hosts, &total, &bill, 1), 1);
	assert_int_equal(bill.cost.exchanges, 1);
}

/* What the summary puts into the log. */
static const char *summary(uint64_t *told)
{
	static char text[4096];
	FILE *file = tmpfile();
	int err = dup(STDERR_FILENO);

	assert_non_null(file);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	pierce_summary_log(&hosts, told);
	assert_true(dup2(err, STDERR_FILENO) >= 0);
	close(err);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void test_summary_names_hosts_where_piercing_is_for_nothing(void **state)
{
	uint64_t told = 0;

	(void)state;
	assert_string_equal(summary(&told), "");
	spend("idle.test", 50, (struct pierced_cost){ .exchanges = 1, .repeats = 1, .bytes = 9, .compared = 1, .same = 1 });
	spend("busy.test", 50, (struct pierced_cost){ .exchanges = 1, .repeats = 1, .bytes = 9, .compared = 1 });
	spend("dark.test", 50, (struct pierced_cost){ .exchanges = 1, .repeats = 1, .bytes = 9 });
	const char *text = summary(&told);
	assert_non_null(strstr(text, "pierce: asked again for 150 requests, 150 times, and gave up 1350 bytes of answers; "
				     "50 of 100 stored copies were as new as the server's"));
	assert_non_null(strstr(text, "pierce: https://idle.test:443: asked again for 50 requests, and 50 of 50 stored "
				     "copies were as new as the server's: consider pierce = never there"));
	assert_null(strstr(text, "busy.test"));
	assert_null(strstr(text, "dark.test"));
	assert_string_equal(summary(&told), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_lesson_is_about_scheme_host_port_and_folder),
		TEST(test_later_lesson_replaces_the_former),
		TEST(test_lesson_expires),
		TEST(test_number_of_hosts_is_bounded_and_the_longest_unchanged_goes),
		TEST(test_host_with_a_name_that_no_host_has_is_not_remembered),
		TEST(test_tokens_count_on_for_a_host_and_tell_hosts_nothing_of_each_other),
		TEST(test_bills_are_of_the_most_expensive_hosts),
		TEST(test_folders_of_a_host_are_billed_together),
		TEST(test_costs_outlive_lessons),
		TEST(test_summary_names_hosts_where_piercing_is_for_nothing),
		TEST(test_pieces_of_a_download_share_a_token),
		TEST(test_first_piece_begins_anew_unless_the_download_is_running),
		TEST(test_download_that_was_left_alone_begins_anew),
		TEST(test_the_latest_of_very_many_downloads_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
