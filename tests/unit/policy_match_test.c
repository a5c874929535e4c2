/*
 * Site patterns and the choice of a rule.
 */
#include "policy_heads.h"

static const struct policy_settings fallback = { .mode = MODE_BUST };

/* The request as a client would name it: a URL, or host:port for CONNECT. */
static struct target target_of(const char *url, bool is_connect)
{
	struct target t = { .form = TARGET_ORIGIN };
	const char *why = "";

	if (!target_parse(span_str(url), is_connect, &t, &why))
		fail_msg("%s: %s", url, why);
	return t;
}

static bool pattern_hits(const char *pattern, const char *url)
{
	struct policy *p = policy_new(&fallback);
	struct policy_site site = { .pattern = span_str(pattern), .settings = { .mode = MODE_OFF } };
	bool is_connect = !strstr(url, "://");
	struct target t = target_of(url, is_connect);
	struct policy_subject subject = { .target = &t, .method = is_connect ? SPAN("CONNECT") : SPAN("GET") };
	const char *why = "";

	assert_non_null(p);
	if (!policy_add_site(p, &site, &why))
		fail_msg("%s: %s", pattern, why);
	bool hit = policy_match(p, &subject)->mode == MODE_OFF;
	policy_free(p);
	return hit;
}

static void test_pattern_matches_exactly_what_it_describes(void **state)
{
	static const struct {
		const char *pattern, *url;
		bool hit;
	} rows[] = {
		{ "example.com", "http://example.com/", true },
		{ "example.com", "http://example.com:8080/x?y", true },
		{ "example.com", "http://example.com", true },
		{ "EXAMPLE.com", "http://Example.COM/", true },
		{ "example.com", "http://www.example.com/", false },
		{ "example.com", "http://example.com.evil.test/", false },
		{ "example.com", "http://example.co/", false },
		{ "example.com", "http://example.com./", true },
		{ "example.com.", "http://example.com/", true },
		{ "example.com.:80", "http://example.com./", true },
		{ "*.example.com", "http://www.example.com/", true },
		{ "*.example.com", "http://a.b.example.com/", true },
		{ "*.example.com", "http://example.com/", false },
		{ "*.example.com", "http://notexample.com/", false },
		{ "*example.com", "http://notexample.com/", true },
		{ "www.*", "http://www.a.b/", true },
		{ "w*.*.org", "http://www.a.b.org/", true },
		{ "w*.*.org", "http://www.org/", false },
		{ "a*bbbb*a", "http://aba/", false },
		{ "a/*bbbb*a", "http://a/ba", false },
		{ "a*a", "http://a/", false },
		{ "a*a", "http://aa/", true },
		{ "*ab*ab", "http://xabab/", true },
		{ "*ab*ab", "http://xab/", false },
		{ "host?.test", "http://host1.test/", true },
		{ "host?.test", "http://host.test/", false },
		{ "*.h?st", "http://a.hist.host/", true },
		{ "*", "http://anything:1/x", true },
		{ "*", "http://[::1]/", true },
		{ "*", "example.com:443", true },
		{ "example.com:8080", "http://example.com:8080/", true },
		{ "example.com:8080", "http://example.com/", false },
		{ "example.com:80", "http://example.com/", true },
		{ "example.com:443", "https://example.com/", true },
		{ "example.com:443", "example.com:443", true },
		{ "example.com:*", "http://example.com:9/", true },
		{ "*:8080", "http://any:8080/", true },
		{ "*:8080", "http://[::1]:8080/", true },
		{ "*:8080", "http://any/", false },
		{ "example.com/api/*", "http://example.com/api/1", true },
		{ "example.com/api/*", "http://example.com/api/", true },
		{ "example.com/api/*", "http://example.com/api", false },
		{ "example.com/api/*", "http://example.com/API/1", false },
		{ "example.com/api", "http://example.com/api?x", false },
		{ "example.com/api*", "http://example.com/api?x", true },
		{ "example.com/*?v=*&x", "http://example.com/a/b?v=1&x", true },
		{ "example.com/*?v=*&x", "http://example.com/a/b?v=1&xy", false },
		{ "example.com/a?c", "http://example.com/abc", false },
		{ "example.com/a?c", "http://example.com/a?c", true },
		{ "example.com/*.js", "http://example.com/x.js/y.js", true },
		{ "example.com/*.js", "http://example.com/x.jsx", false },
		{ "example.com/", "http://example.com", true },
		{ "example.com/", "http://example.com/x", false },
		{ "example.com/?q=*", "http://example.com?q=1", true },
		{ "example.com/?q=*", "http://example.com/?q=1", true },
		{ "example.com/?q=*", "http://example.com?r=1", false },
		{ "*/health", "http://a.b:9/health", true },
		{ "*:81/health", "http://a.b/health", false },
		{ "example.com/*", "example.com:443", true },
		{ "example.com/x*", "example.com:443", false },
		{ "[::1]", "http://[::1]:8080/", true },
		{ "[::1]", "http://[0:0:0:0:0:0:0:1]/", true },
		{ "[2001:DB8::0:1]:80/x", "http://[2001:db8::1]/x", true },
		{ "[::1]:81", "http://[::1]/", false },
		{ "[::1]", "http://[::2]/", false },
		{ "[2001:db8:*]", "http://[2001:DB8:1::2]/", true },
		{ "[2001:db8:*]", "http://[2001:db9::]/", false },
		{ "[*]", "http://[::1]/", true },
		{ "[*]", "http://localhost/", false },
		{ "**", "http://[::1]/", false },
		{ "127.0.0.*", "http://127.0.0.1:99/", true },
		{ "127.0.0.*", "http://127.0.1.1/", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (pattern_hits(rows[i].pattern, rows[i].url) != rows[i].hit)
			fail_msg("\"%s\" on %s: expected %s", rows[i].pattern, rows[i].url, rows[i].hit ? "hit" : "miss");
}

static void test_impossible_pattern_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *pattern, *word; /* what the reason must speak of */
	} rows[] = {
		{ "", "host" },
		{ ".", "host" },
		{ "/path", "host" },
		{ ":80", "host" },
		{ "http://example.com/", "URL" },
		{ "https://*", "URL" },
		{ "exa mple.com", "character" },
		{ "user@example.com", "character" },
		{ "caf\xc3\xa9.test", "character" },
		{ "example.com:", "port" },
		{ "example.com:0", "port" },
		{ "example.com:65536", "port" },
		{ "example.com:80x", "port" },
		{ "example.com:-1", "port" },
		{ "2001:db8::1", "brackets" },
		{ "a:b:c", "brackets" },
		{ "[::1", "bracket" },
		{ "[]", "IPv6" },
		{ "[example.com]", "IPv6" },
		{ "[127.0.0.1]", "IPv6" },
		{ "[g*]", "IPv6" },
		{ "[::1]x", "brackets" },
		{ "[::1]:x", "port" },
		{ "example.com/a b", "blank" },
		{ "example.com/\xc3\xa9", "non-ASCII" },
		{ "example.com/a#b", "fragment" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy *p = policy_new(&fallback);
		struct policy_site site = { .pattern = span_str(rows[i].pattern) };
		const char *why = "none";

		assert_non_null(p);
		if (policy_add_site(p, &site, &why) || !strstr(why, rows[i].word))
			fail_msg("\"%s\": reason \"%s\", expected one about \"%s\"", rows[i].pattern, why, rows[i].word);
		policy_free(p);
	}
}

static void test_nul_in_a_pattern_is_refused(void **state)
{
	struct policy *p = policy_new(&fallback);
	const struct span patterns[] = { SPAN("a\0b"), SPAN("[:\0*]"), SPAN("a/\0") };
	const char *why;

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < COUNT(patterns); i++) {
		struct policy_site site = { .pattern = patterns[i] };

		assert_false(policy_add_site(p, &site, &why));
	}
	policy_free(p);
}

static void add(struct policy *p, const struct policy_site *site)
{
	const char *why = "";

	if (!policy_add_site(p, site, &why))
		fail_msg("%.*s: %s", SPAN_ARG(site->pattern), why);
}

static enum mode mode_for(const struct policy *p, const char *method, const char *url, const char *client)
{
	struct target t = target_of(url, strcmp(method, "CONNECT") == 0);
	struct address a;

	assert_true(address_parse_ip(span_str(client), 1, &a));
	struct policy_subject subject = { .target = &t, .method = span_str(method), .client = &a };
	return policy_match(p, &subject)->mode;
}

static void test_first_matching_site_wins_and_the_default_fills_in(void **state)
{
	struct policy *p = policy_new(&fallback);

	(void)state;
	assert_non_null(p);
	assert_int_equal(mode_for(p, "GET", "http://a.test/", "::1"), MODE_BUST);
	add(p, &(struct policy_site){ .pattern = SPAN("a.test/x"), .settings = { .mode = MODE_OFF } });
	add(p, &(struct policy_site){ .pattern = SPAN("a.test"), .settings = { .mode = MODE_OBSERVE } });
	add(p, &(struct policy_site){ .pattern = SPAN("*.test"), .settings = { .mode = MODE_REVALIDATE } });
	add(p, &(struct policy_site){ .pattern = SPAN("a.test/y"), .settings = { .mode = MODE_OFF } });
	assert_int_equal(mode_for(p, "GET", "http://a.test/x", "::1"), MODE_OFF);
	assert_int_equal(mode_for(p, "GET", "http://a.test/y", "::1"), MODE_OBSERVE);
	assert_int_equal(mode_for(p, "GET", "http://b.test/x", "::1"), MODE_REVALIDATE);
	assert_int_equal(mode_for(p, "GET", "http://b.other/", "::1"), MODE_BUST);
	policy_free(p);
}

static void test_methods_are_compared_letter_for_letter(void **state)
{
	const struct span methods[] = { SPAN("POST"), SPAN("PROPFIND") };
	struct policy *p = policy_new(&fallback);

	(void)state;
	assert_non_null(p);
	add(p, &(struct policy_site){
		       .pattern = SPAN("*"), .methods = methods, .method_count = 2, .settings = { .mode = MODE_OFF } });
	assert_int_equal(mode_for(p, "POST", "http://a/", "::1"), MODE_OFF);
	assert_int_equal(mode_for(p, "PROPFIND", "http://a/", "::1"), MODE_OFF);
	assert_int_equal(mode_for(p, "post", "http://a/", "::1"), MODE_BUST);
	assert_int_equal(mode_for(p, "GET", "http://a/", "::1"), MODE_BUST);
	assert_int_equal(mode_for(p, "CONNECT", "a:443", "::1"), MODE_BUST);
	policy_free(p);
}

static void test_clients_are_compared_by_network(void **state)
{
	struct network networks[2];
	struct policy *p = policy_new(&fallback);

	(void)state;
	assert_non_null(p);
	assert_true(network_parse(SPAN("10.0.0.0/8"), &networks[0]));
	assert_true(network_parse(SPAN("2001:db8::/32"), &networks[1]));
	add(p, &(struct policy_site){
		       .pattern = SPAN("*"), .clients = networks, .client_count = 2, .settings = { .mode = MODE_OFF } });
	assert_int_equal(mode_for(p, "GET", "http://a/", "10.9.8.7"), MODE_OFF);
	assert_int_equal(mode_for(p, "GET", "http://a/", "2001:db8::1"), MODE_OFF);
	assert_int_equal(mode_for(p, "GET", "http://a/", "11.0.0.1"), MODE_BUST);
	assert_int_equal(mode_for(p, "GET", "http://a/", "::1"), MODE_BUST);
	struct target t = target_of("http://a/", false);
	struct policy_subject nobody = { .target = &t, .method = SPAN("GET") };
	assert_int_equal(policy_match(p, &nobody)->mode, MODE_BUST);
	policy_free(p);
}

static void test_site_is_copied(void **state)
{
	char pattern[] = "a.test/x*", method[] = "GET";
	struct span methods[] = { span_str(method) };
	struct policy *p = policy_new(&fallback);
	struct policy_site site = {
		.pattern = span_str(pattern), .methods = methods, .method_count = 1, .settings = { .mode = MODE_OFF }
	};

	(void)state;
	assert_non_null(p);
	add(p, &site);
	memset(pattern, '-', sizeof(pattern));
	memset(method, '-', sizeof(method));
	memset(methods, 0, sizeof(methods));
	assert_int_equal(mode_for(p, "GET", "http://a.test/xy", "::1"), MODE_OFF);
	policy_free(p);
}

static void test_settings_come_back_whole(void **state)
{
	struct policy *p = policy_new(&fallback);
	struct policy_settings all = {
		.mode = MODE_REVALIDATE, .pierce = PIERCE_ALWAYS, .heal = true, .strip_validators = true,
		.temporary_redirects = true, .purge_client = true, .evict_history = true,
		.ask_networks = true
	};
	struct target t = target_of("http://a/", false);
	struct policy_subject subject = { .target = &t, .method = SPAN("GET") };

	(void)state;
	assert_non_null(p);
	add(p, &(struct policy_site){ .pattern = SPAN("a"), .settings = all });
	const struct policy_settings *got = policy_match(p, &subject);
	assert_int_equal(got->mode, MODE_REVALIDATE);
	assert_int_equal(got->pierce, PIERCE_ALWAYS);
	assert_true(got->heal && got->strip_validators && got->temporary_redirects);
	assert_true(got->purge_client && got->evict_history && got->ask_networks);
	policy_free(p);
}

static void test_thousands_of_sites_keep_their_order(void **state)
{
	struct policy *p = policy_new(&fallback);
	char name[32];

	(void)state;
	assert_non_null(p);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "h%d.test", i);
		add(p, &(struct policy_site){
			       .pattern = span_str(name), .settings = { .mode = i % 2 ? MODE_OFF : MODE_OBSERVE } });
	}
	add(p, &(struct policy_site){ .pattern = SPAN("*.test"), .settings = { .mode = MODE_REVALIDATE } });
	assert_int_equal(mode_for(p, "GET", "http://h4998.test/", "::1"), MODE_OBSERVE);
	assert_int_equal(mode_for(p, "GET", "http://h4999.test/", "::1"), MODE_OFF);
	assert_int_equal(mode_for(p, "GET", "http://h5000.test/", "::1"), MODE_REVALIDATE);
	policy_free(p);
	policy_free(NULL);
}

static void test_modes_have_the_names_of_the_option(void **state)
{
	static const struct {
		enum mode mode;
		const char *name;
	} rows[] = {
		{ MODE_OFF, "off" }, { MODE_OBSERVE, "observe" }, { MODE_REVALIDATE, "revalidate" }, { MODE_BUST, "bust" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(span_eq(mode_name(rows[i].mode), span_str(rows[i].name)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_matches_exactly_what_it_describes),
		cmocka_unit_test(test_impossible_pattern_is_refused_with_a_reason),
		cmocka_unit_test(test_nul_in_a_pattern_is_refused),
		cmocka_unit_test(test_first_matching_site_wins_and_the_default_fills_in),
		cmocka_unit_test(test_methods_are_compared_letter_for_letter),
		cmocka_unit_test(test_clients_are_compared_by_network),
		cmocka_unit_test(test_site_is_copied),
		cmocka_unit_test(test_settings_come_back_whole),
		cmocka_unit_test(test_thousands_of_sites_keep_their_order),
		cmocka_unit_test(test_modes_have_the_names_of_the_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
