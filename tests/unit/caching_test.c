/*
 * What a browser and a shared cache may do with a response: RFC 9111 sections 3 to 5 in rows.
 */
#include "inspect/caching.h"

#include "policy_heads.h"

#define NOW_S INT64_C(784111777)
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\n" /* NOW_S */

static struct head head;

static struct caching read_as(unsigned status, const char *lines, bool authorized)
{
	struct caching_circumstances about = { .authorized = authorized, .request_time_s = NOW_S, .response_time_s = NOW_S };
	struct caching c;

	head_read_response(&head, status, lines);
	caching_read(&head.m, &about, &c);
	return c;
}

static void test_storing_is_decided_by_the_first_rule_that_applies(void **state)
{
	static const struct {
		const char *name;
		unsigned status;
		bool authorized;
		const char *lines;
		enum storing browser, shared;
	} rows[] = {
		{ "a bare 200", 200, false, "", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "a bare 204", 204, false, "", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "a bare 301", 301, false, "", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "a bare 302", 302, false, "", STORING_STATUS, STORING_STATUS },
		{ "a bare 307", 307, false, "", STORING_STATUS, STORING_STATUS },
		{ "a bare 404", 404, false, "", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "a bare 410", 410, false, "", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "a bare 500", 500, false, "", STORING_STATUS, STORING_STATUS },
		{ "a bare 501", 501, false, "", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "302 with max-age", 302, false, "Cache-Control: max-age=9", STORING_ALLOWED, STORING_ALLOWED },
		{ "302 with Expires", 302, false, "Expires: 0", STORING_ALLOWED, STORING_ALLOWED },
		{ "302 with public", 302, false, "Cache-Control: public", STORING_ALLOWED, STORING_ALLOWED },
		{ "302 with private", 302, false, "Cache-Control: private", STORING_ALLOWED, STORING_PRIVATE },
		{ "302 with s-maxage is for shared caches only", 302, false, "Cache-Control: s-maxage=9", STORING_STATUS,
		  STORING_ALLOWED },
		{ "no-store", 200, false, "Cache-Control: no-store", STORING_NO_STORE, STORING_NO_STORE },
		{ "no-store beats max-age", 200, false, "Cache-Control: max-age=9, no-store", STORING_NO_STORE, STORING_NO_STORE },
		{ "no-store beats public", 200, false, "Cache-Control: public, no-store", STORING_NO_STORE, STORING_NO_STORE },
		{ "no-store in another line", 200, false, "Cache-Control: max-age=9\nCache-Control: NO-STORE", STORING_NO_STORE,
		  STORING_NO_STORE },
		{ "must-understand lifts no-store", 200, false, "Cache-Control: must-understand, no-store, max-age=9",
		  STORING_ALLOWED, STORING_ALLOWED },
		{ "no-cache is no ban", 200, false, "Cache-Control: no-cache", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "private", 200, false, "Cache-Control: private, max-age=9", STORING_ALLOWED, STORING_PRIVATE },
		{ "private beats public", 200, false, "Cache-Control: private, public", STORING_ALLOWED, STORING_PRIVATE },
		{ "private with fields leaves the rest", 200, false, "Cache-Control: private=\"set-cookie\", max-age=9",
		  STORING_ALLOWED, STORING_ALLOWED },
		{ "Pragma means nothing", 200, false, "Pragma: no-cache", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "Authorization", 200, true, "Cache-Control: max-age=9", STORING_ALLOWED, STORING_AUTHORIZED },
		{ "Authorization and public", 200, true, "Cache-Control: public", STORING_ALLOWED, STORING_ALLOWED },
		{ "Authorization and s-maxage", 200, true, "Cache-Control: s-maxage=9", STORING_BY_STATUS, STORING_ALLOWED },
		{ "Authorization and must-revalidate", 200, true, "Cache-Control: must-revalidate, max-age=9", STORING_ALLOWED,
		  STORING_ALLOWED },
		{ "Authorization and nothing", 200, true, "", STORING_BY_STATUS, STORING_AUTHORIZED },
		{ "206 that nobody asked for", 206, false, "Cache-Control: max-age=9", STORING_PARTIAL, STORING_PARTIAL },
		{ "Set-Cookie is no ban", 200, false, "Set-Cookie: a=b", STORING_BY_STATUS, STORING_BY_STATUS },
		{ "Vary: * is no ban", 200, false, "Vary: *", STORING_BY_STATUS, STORING_BY_STATUS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct caching c = read_as(rows[i].status, rows[i].lines, rows[i].authorized);

		if (c.browser.storing != rows[i].browser || c.shared.storing != rows[i].shared)
			fail_msg("%s: %s and %s, expected %s and %s", rows[i].name, storing_name(c.browser.storing),
				storing_name(c.shared.storing), storing_name(rows[i].browser), storing_name(rows[i].shared));
	}
}

static void test_lifetimes_differ_between_browsers_and_shared_caches(void **state)
{
	static const struct {
		const char *name, *lines;
		int64_t browser_s, shared_s;
		enum lifetime_source browser, shared;
	} rows[] = {
		{ "nothing", DATE, 0, 0, LIFETIME_NONE, LIFETIME_NONE },
		{ "max-age", DATE "Cache-Control: max-age=60", 60, 60, LIFETIME_MAX_AGE, LIFETIME_MAX_AGE },
		{ "s-maxage", DATE "Cache-Control: s-maxage=5, max-age=60", 60, 5, LIFETIME_MAX_AGE, LIFETIME_S_MAXAGE },
		{ "s-maxage alone", DATE "Cache-Control: s-maxage=5", 0, 5, LIFETIME_NONE, LIFETIME_S_MAXAGE },
		{ "s-maxage and Expires", DATE "Cache-Control: s-maxage=5\nExpires: Sun, 06 Nov 1994 08:50:37 GMT", 60, 5,
		  LIFETIME_EXPIRES, LIFETIME_S_MAXAGE },
		{ "Expires", DATE "Expires: Sun, 06 Nov 1994 08:50:37 GMT", 60, 60, LIFETIME_EXPIRES, LIFETIME_EXPIRES },
		{ "Expires in the form of RFC 850", DATE "Expires: Sunday, 06-Nov-94 08:50:37 GMT", 60, 60, LIFETIME_EXPIRES,
		  LIFETIME_EXPIRES },
		{ "Expires: 0", DATE "Expires: 0", 0, 0, LIFETIME_EXPIRES, LIFETIME_EXPIRES },
		{ "Expires: -1 and max-age", DATE "Expires: -1\nCache-Control: max-age=7", 7, 7, LIFETIME_MAX_AGE,
		  LIFETIME_MAX_AGE },
		{ "a tenth of ten minutes", DATE "Last-Modified: Sun, 06 Nov 1994 08:39:37 GMT", 60, 60, LIFETIME_HEURISTIC,
		  LIFETIME_HEURISTIC },
		{ "invalid Last-Modified", DATE "Last-Modified: yesterday", 0, 0, LIFETIME_NONE, LIFETIME_NONE },
		{ "quoted max-age", DATE "Cache-Control: max-age=\"60\"", 60, 60, LIFETIME_MAX_AGE, LIFETIME_MAX_AGE },
		{ "two of them: the smaller", DATE "Cache-Control: max-age=60, max-age=30", 30, 30, LIFETIME_MAX_AGE,
		  LIFETIME_MAX_AGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct caching c = read_as(200, rows[i].lines, false);

		if (c.browser.fresh.lifetime_s != rows[i].browser_s || c.shared.fresh.lifetime_s != rows[i].shared_s ||
			c.browser.fresh.source != rows[i].browser || c.shared.fresh.source != rows[i].shared)
			fail_msg("%s: %jd s by %s and %jd s by %s", rows[i].name, (intmax_t)c.browser.fresh.lifetime_s,
				lifetime_source_name(c.browser.fresh.source), (intmax_t)c.shared.fresh.lifetime_s,
				lifetime_source_name(c.shared.fresh.source));
	}
}

static void test_use_beyond_the_lifetime_is_allowed_and_forbidden_by_directives(void **state)
{
	static const struct {
		const char *name, *directives;
		bool asks_always, browser_strict, shared_strict;
		int64_t browser_s, shared_s; /* stale-while-revalidate */
	} rows[] = {
		{ "nothing said", "max-age=1", false, false, false, -1, -1 },
		{ "no-cache", "no-cache", true, false, false, -1, -1 },
		{ "no-cache with fields", "no-cache=\"set-cookie\"", false, false, false, -1, -1 },
		{ "must-revalidate", "must-revalidate", false, true, true, -1, -1 },
		{ "proxy-revalidate", "proxy-revalidate", false, false, true, -1, -1 },
		{ "s-maxage", "s-maxage=1", false, false, true, -1, -1 },
		{ "while revalidating", "max-age=1, stale-while-revalidate=30", false, false, false, 30, 30 },
		{ "not with must-revalidate", "must-revalidate, stale-while-revalidate=30", false, true, true, -1, -1 },
		{ "not in shared caches with s-maxage", "s-maxage=1, stale-while-revalidate=30", false, false, true, 30, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char lines[128];

		snprintf(lines, sizeof(lines), "Cache-Control: %s", rows[i].directives);
		struct caching c = read_as(200, lines, false);
		if (c.shared.asks_always != rows[i].asks_always || c.browser.strict != rows[i].browser_strict ||
			c.shared.strict != rows[i].shared_strict || c.browser.while_revalidating_s != rows[i].browser_s ||
			c.shared.while_revalidating_s != rows[i].shared_s)
			fail_msg("%s: %d %d %d %jd %jd", rows[i].name, c.shared.asks_always, c.browser.strict, c.shared.strict,
				(intmax_t)c.browser.while_revalidating_s, (intmax_t)c.shared.while_revalidating_s);
	}
}

static void test_vary_any_means_asking_always(void **state)
{
	(void)state;
	assert_true(read_as(200, "Vary: accept-encoding, *", false).browser.asks_always);
	assert_false(read_as(200, "Vary: accept-encoding", false).browser.asks_always);
}

static void test_entity_tags_are_quoted_and_without_blanks(void **state)
{
	static const struct {
		const char *tag;
		bool valid, weak;
	} rows[] = {
		{ "\"\"", true, false }, { "\"abc\"", true, false }, { "W/\"abc\"", true, true }, { "abc", false, false },
		{ "w/\"abc\"", false, false }, { "\"a\"b\"", false, false }, { "\"a b\"", false, false }, { "\"", false, false },
		{ "W/", false, true }, { "'abc'", false, false }, { "\"a,b\"", true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char lines[64];

		snprintf(lines, sizeof(lines), "ETag: %s", rows[i].tag);
		struct caching c = read_as(200, lines, false);
		if (c.etag_is_valid != rows[i].valid || c.etag_is_weak != rows[i].weak)
			fail_msg("%s: valid %d, weak %d", rows[i].tag, c.etag_is_valid, c.etag_is_weak);
	}
}

static void test_age_is_that_of_the_field_and_the_date(void **state)
{
	(void)state;
	assert_int_equal(read_as(200, DATE "Age: 30", false).shared.fresh.age_s, 30);
	assert_int_equal(read_as(200, "Date: Sun, 06 Nov 1994 08:48:37 GMT\nAge: 30", false).shared.fresh.age_s, 60);
	assert_int_equal(read_as(200, DATE "Age: x", false).shared.fresh.age_s, 0);
	assert_false(read_as(200, DATE "Age: x", false).age_is_valid);
}

static void test_many_directives_are_read_in_bounded_time(void **state)
{
	static char lines[60000];
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(lines, sizeof(lines), "Cache-Control: ");
	while (n + 16 < sizeof(lines))
		n += (size_t)snprintf(lines + n, sizeof(lines) - n, "max-age=%zu,", n);
	struct caching c = read_as(200, lines, false);
	assert_true(span_eq(c.odd.doubled, SPAN("max-age")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_storing_is_decided_by_the_first_rule_that_applies),
		cmocka_unit_test(test_lifetimes_differ_between_browsers_and_shared_caches),
		cmocka_unit_test(test_use_beyond_the_lifetime_is_allowed_and_forbidden_by_directives),
		cmocka_unit_test(test_vary_any_means_asking_always),
		cmocka_unit_test(test_entity_tags_are_quoted_and_without_blanks),
		cmocka_unit_test(test_age_is_that_of_the_field_and_the_date),
		cmocka_unit_test(test_many_directives_are_read_in_bounded_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
