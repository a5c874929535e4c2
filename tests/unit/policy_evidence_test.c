/*
 * Verdicts: what the caches in between prove, and how it is put in words.
 */
#include "policy_heads.h"

#include "policy/evidence.h"

#define NOW_S 1795348800 /* DATE_NOW */
#define DATE_NOW "Date: Sun, 22 Nov 2026 12:00:00 GMT"
#define DATE_BEFORE "Date: Sun, 22 Nov 2026 11:58:20 GMT" /* 100 s */

struct row {
	const char *lines, *verdict;
};

static struct verdict judge(const char *lines)
{
	static struct head h;
	struct verdict v;

	head_read_response(&h, 200, lines);
	memset(&v, 0x55, sizeof(v));
	evidence_judge(&h.m, NOW_S, &v);
	return v;
}

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct verdict v = judge(rows[i].lines);
		char text[VERDICT_TEXT_MAX];

		size_t len = verdict_format(&v, text);

		assert_text(rows[i].lines, text, rows[i].verdict);
		assert_int_equal(len, strlen(text));
	}
}

static void test_silence_proves_nothing(void **state)
{
	static const struct row rows[] = {
		{ "", "unknown" },
		{ "Cache-Control: max-age=9\n" DATE_BEFORE "\nETag: \"a\"", "unknown" },
		{ "Age: 0", "unknown" },
		{ "Age: old", "unknown" },
		{ "X-Cache: synth", "unknown" },
		{ "X-Cache-Lookup: HIT from squid1:3128", "unknown" },
		{ "X-Cache-Hits: 0", "unknown" },
		{ "Via: 1.1 varnish\nAge: 0", "unknown" },
		{ "Server-Timing: db;dur=53, cdn-cache", "unknown" },
		{ "Warning: 199 a \"x\"", "unknown" },
		{ "Cache-Status:", "unknown" },
		{ "Cache-Status: edge", "unknown" },
		{ "Cache-Status: edge; detail=hit", "unknown" },
		{ "Cache-Status: \"edge; hit; x\"", "unknown" },
		{ "Cache-Status: freshet; fwd=bypass; detail=fields", "unknown" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_forwarded_requests_are_fresh_answers(void **state)
{
	static const struct row rows[] = {
		{ "Cache-Status: edge; fwd=miss", "fresh" },
		{ "Cache-Status: edge;fwd=uri-miss;stored", "fresh" },
		{ "Cache-Status: a; fwd=bypass, freshet; fwd=bypass", "fresh" },
		{ "Cache-Status: a; fwd=miss\nAge: 0", "fresh" },
		{ "Cache-Status: a; fwd=stale; fwd-status=304; ttl=60", "revalidated" },
		{ "Cache-Status: a; fwd=miss\nCache-Status: b; fwd=stale; fwd-status=304", "revalidated" },
		{ "Cache-Status: a; fwd=stale; fwd-status=200", "fresh" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_stored_answers_are_named_after_their_cache(void **state)
{
	static const struct row rows[] = {
		{ "Age: 12\n" DATE_NOW, "from-cache(12 s)" },
		{ "Age: 12, 3", "from-cache(12 s)" },
		{ "Age: 12\nAge: 3", "from-cache(12 s)" },
		{ "Cache-Status: edge; hit\nAge: 12\n" DATE_NOW "\nCache-Control: max-age=60",
			"from-cache(edge, 12 s)" },
		{ "Cache-Status: edge; hit", "from-cache(edge)" },
		{ "Cache-Status: hit; hit=?0", "unknown" },
		{ "Cache-Status: \"Big, Edge\" ; hit;ttl=3\n" DATE_BEFORE, "from-cache(Big??Edge, 100 s)" },
		{ "Cache-Status: shield; hit, edge; fwd=miss\nAge: 3", "from-cache(shield, 3 s)" },
		{ "Cache-Status: shield; hit\nCache-Status: edge; hit\nAge: 3", "from-cache(edge, 3 s)" },
		{ "Cache-Status: edge; fwd=miss\nAge: 3", "from-cache(3 s)" },
		{ "X-Cache: HIT from squid1\nX-Cache-Lookup: HIT from squid1:3128", "from-cache(squid1)" },
		{ "X-Cache: HIT from a, MISS from b", "from-cache(a)" },
		{ "X-Cache: Hit from cloudfront\nAge: 7", "from-cache(cloudfront, 7 s)" },
		{ "X-Cache: HIT from a\nCache-Status: b; hit", "from-cache(b)" },
		{ "Age: 12\nCache-Control: max-age=12", "from-cache(12 s)" },
		{ "Cache-Status: a-name-that-is-far-longer-than-fits; hit",
			"from-cache(a-name-that-is-far-long)" },
		{ "Cache-Status: \"\"; hit", "from-cache" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_freshness_is_only_claimed_when_every_layer_was_understood_and_none_hit(void **state)
{
	static const struct row rows[] = {
		{ "Cache-Status: a; fwd=miss, b", "unknown" },
		{ "Cache-Status: a; fwd=miss\nX-Cache: LambdaGeneratedResponse from cloudfront", "unknown" },
		{ "Cache-Status: a; fwd=stale; fwd-status=304\nCF-Cache-Status: NONE/UNKNOWN", "unknown" },
		{ "CF-Cache-Status: MISS\nX-Drupal-Cache: HIT", "from-cache(drupal)" },
		{ "CF-Cache-Status: HIT\nX-Drupal-Cache: MISS", "from-cache(cloudflare)" },
		{ "CF-Cache-Status: REVALIDATED\nX-Cache: HIT", "from-cache(x-cache)" },
		{ "CF-Cache-Status: DYNAMIC\nX-Cache: MISS", "fresh" },
		{ "CF-Cache-Status: MISS\nAge: 7", "from-cache(7 s)" },
		{ "CF-Cache-Status: MISS\nWarning: 110 - \"x\"", "stale" },
		{ "X-Cache: MISS\n" DATE_NOW, "fresh" },
		{ "X-Cache: MISS\n" DATE_BEFORE, "unknown" },
		{ "CF-Cache-Status: REVALIDATED\n" DATE_BEFORE, "revalidated" },
		{ "Cache-Status: a; hit; fwd=stale", "stale(a)" },
		{ "Cache-Status: a; hit; fwd=miss", "from-cache(a)" },
		{ "Cache-Status: a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,"
		  "a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,a;fwd=miss,"
		  "a;fwd=miss,a;fwd=miss",
			"unknown" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_only_announced_intermediary_is_held_to_have_counted_the_age(void **state)
{
	static const struct row rows[] = {
		{ "Via: 1.1 google\nAge: 86", "from-cache(google, 86 s)" },
		{ "Via: HTTP/1.1 cache.example (Software/1.0)\nAge: 86", "from-cache(cache.example, 86 s)" },
		{ "Via: 1.1 a, 1.1 b\nAge: 86", "from-cache(86 s)" },
		{ "Via: 1.1 a\nVia: 1.1 b\nAge: 86", "from-cache(86 s)" },
		{ "Via: 1.1 a\nAge: 86\nX-Cache: MISS", "from-cache(86 s)" },
		{ "Via:\nAge: 86", "from-cache(86 s)" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_lifetime_that_is_over_is_stale_by_the_difference(void **state)
{
	static const struct row rows[] = {
		{ "Age: 90\n" DATE_NOW "\nCache-Control: max-age=60", "stale(30 s)" },
		{ "Age: 90\nCache-Control: max-age=600, s-maxage=50", "stale(40 s)" },
		{ "Age: 5\n" DATE_BEFORE "\nCache-Control: max-age=60", "stale(40 s)" },
		{ "Age: 9\nExpires: 0", "stale(9 s)" },
		{ "Age: 9\n" DATE_NOW "\nExpires: Sun, 22 Nov 2026 12:00:04 GMT", "stale(5 s)" },
		{ "Cache-Status: edge; hit; ttl=-30", "stale(edge, 30 s)" },
		{ "Cache-Status: edge; hit; ttl=30\nAge: 90\nCache-Control: max-age=60",
			"from-cache(edge, 90 s)" },
		{ "Cache-Status: edge; hit; ttl=x\nAge: 90\nCache-Control: max-age=60", "stale(edge, 30 s)" },
		{ "Cache-Status: edge; hit; ttl=-99999999999999999999", "stale(edge, 2147483648 s)" },
		{ "Age: 99999999999999999999\nCache-Control: max-age=0", "stale(2147483648 s)" },
		{ "X-Cache: HIT from sq\nAge: 61\nCache-Control: max-age=60", "stale(sq, 1 s)" },
		{ "Warning: 110 sq \"Response is Stale\"", "stale(sq)" },
		{ "Warning: 110 - \"x\"", "stale" },
		{ "Warning: 111 sq \"Revalidation Failed\"\nAge: 90\nCache-Control: max-age=60",
			"stale(sq, 30 s)" },
		{ "Warning: 110 sq \"x\"\nCache-Status: edge; hit", "stale(edge)" },
		{ "CF-Cache-Status: UPDATING\nAge: 90\nCache-Control: max-age=60", "stale(cloudflare, 30 s)" },
		{ "X-Vercel-Cache: STALE", "stale(vercel)" },
		{ "Fastly-Debug-TTL: (H cache-lcy1128-LCY -12.5 60.000 72)", "stale(cache-lcy1128-LCY, 12 s)" },
		{ "Warning: 113 a \"x\", 110 b \"y\"", "stale(b)" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_lifetime_given_elsewhere_or_guessed_proves_no_staleness(void **state)
{
	static const struct row rows[] = {
		{ "Age: 90\nCache-Control: max-age=60\nCDN-Cache-Control: max-age=600", "from-cache(90 s)" },
		{ "Age: 90\nCache-Control: max-age=60\nSurrogate-Control: max-age=600", "from-cache(90 s)" },
		{ "Age: 90\nCache-Control: max-age=60\nX-Accel-Expires: 600", "from-cache(90 s)" },
		{ "Age: 90\n" DATE_NOW "\nLast-Modified: Sun, 22 Nov 2026 11:59:00 GMT", "from-cache(90 s)" },
		{ "Age: 90", "from-cache(90 s)" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_verdict_carries_its_figures(void **state)
{
	struct verdict v = judge("Cache-Status: edge; hit\nAge: 90\n" DATE_NOW "\nCache-Control: max-age=60");

	(void)state;
	assert_int_equal(v.kind, VERDICT_STALE);
	assert_int_equal(v.age_s, 90);
	assert_int_equal(v.stale_by_s, 30);
	assert_string_equal(v.layer, "edge");
	v = judge("");
	assert_int_equal(v.kind, VERDICT_UNKNOWN);
	assert_int_equal(v.age_s, -1);
	assert_string_equal(v.layer, "");
}

static void test_longest_verdict_fits(void **state)
{
	struct verdict v = {
		.kind = VERDICT_STALE, .stale_by_s = INT64_MAX, .age_s = INT64_MAX, .layer = "01234567890123456789012"
	};
	char text[VERDICT_TEXT_MAX];

	(void)state;
	size_t len = verdict_format(&v, text);
	assert_string_equal(text, "stale(01234567890123456789012, 9223372036854775807 s)");
	assert_int_equal(len, strlen(text));
	v.kind = VERDICT_NONE;
	assert_int_equal(verdict_format(&v, text), 0);
	assert_string_equal(text, "");
}

static void test_layer_holds_visible_ascii_only(void **state)
{
	struct verdict v = judge("X-Cache: HIT from a\x1b[2J\xc3\xa9\x7f b");

	(void)state;
	assert_string_equal(v.layer, "a?[2J???");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silence_proves_nothing),
		cmocka_unit_test(test_forwarded_requests_are_fresh_answers),
		cmocka_unit_test(test_stored_answers_are_named_after_their_cache),
		cmocka_unit_test(test_freshness_is_only_claimed_when_every_layer_was_understood_and_none_hit),
		cmocka_unit_test(test_only_announced_intermediary_is_held_to_have_counted_the_age),
		cmocka_unit_test(test_lifetime_that_is_over_is_stale_by_the_difference),
		cmocka_unit_test(test_lifetime_given_elsewhere_or_guessed_proves_no_staleness),
		cmocka_unit_test(test_verdict_carries_its_figures),
		cmocka_unit_test(test_longest_verdict_fits),
		cmocka_unit_test(test_layer_holds_visible_ascii_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
