/*
 * The cookie against the history: who gets it, with which attributes, and that it is taken off requests.
 */
#include "policy_heads.h"

#include "policy/history.h"

static const struct policy_settings evict = { .mode = MODE_BUST, .evict_history = true };
static const struct policy_settings revalidate = { .mode = MODE_REVALIDATE, .evict_history = true };
static const struct policy_settings observe = { .mode = MODE_OBSERVE, .evict_history = true };
static const struct policy_settings keep = { .mode = MODE_BUST };

#define HTTP "freshet-history=ab12; Path=/; Max-Age=1; HttpOnly; SameSite=Strict"

static struct head asked, answered;
static char room[8192];

/* The line of that name in a head, without the name; the last if there are more. */
static const char *value_in(const char *head, const char *name)
{
	static char value[HEAD_TEXT_MAX];
	const char *found = NULL;
	size_t n = strlen(name);

	for (const char *line = head; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, name, n) == 0)
			found = line + n;
	if (!found)
		return "none";
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(found, "\n"), found);
	return value;
}

static const char *cookie_sent_on(const struct policy_settings *settings, const char *request)
{
	char out[HEAD_TEXT_MAX];
	struct policy_state state;
	struct arena arena;

	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&asked, "GET", "http://a.test/", request);
	policy_request(&state, settings, &asked.m, &arena);
	return value_in(head_write(&asked.m, out), "Cookie: ");
}

static const char *cookie_set(const struct policy_settings *settings, const char *target, const char *request,
	const char *response)
{
	char out[HEAD_TEXT_MAX];
	struct policy_state state;
	struct arena arena;

	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&asked, "GET", target, request);
	policy_request(&state, settings, &asked.m, &arena);
	head_read_response(&answered, 200, response);
	state.stamp = 0xab12;
	policy_response(&state, &asked.m, &answered.m, &arena, 0);
	return value_in(head_write(&answered.m, out), "Set-Cookie: ");
}

static void test_cookie_never_reaches_the_origin(void **unused)
{
	static const struct {
		const char *name, *sent, *expected;
	} rows[] = {
		{ "none", "Cookie: a=1; b=2", "a=1; b=2" },
		{ "alone", "Cookie: freshet-history=1", "none" },
		{ "first", "Cookie: freshet-history=1; a=1;b=2", "a=1; b=2" },
		{ "in the middle", "Cookie: a=1; __Host-freshet-history=1; b=2", "a=1; b=2" },
		{ "last", "Cookie: a=1; b=\"2, 3\"; freshet-history=1", "a=1; b=\"2, 3\"" },
		{ "odd blanks", "Cookie: a=1 ;\tfreshet-history = 1;;b=2;", "a=1; b=2" },
		{ "twice", "Cookie: freshet-history=1; a=1; __Host-freshet-history=2", "a=1" },
		{ "in one of several lines", "Cookie: a=1\nCookie: freshet-history=1; b=2", "a=1; b=2" },
		{ "without a value", "Cookie: freshet-history; a=1", "a=1" },
		{ "longer names of the site's", "Cookie: freshet-history2=1; my-freshet-history=2",
			"freshet-history2=1; my-freshet-history=2" },
		{ "the name as a value", "Cookie: a=freshet-history; b=freshet-history=1",
			"a=freshet-history; b=freshet-history=1" },
		{ "other case", "Cookie: Freshet-History=1", "Freshet-History=1" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_text(rows[i].name, cookie_sent_on(&evict, rows[i].sent), rows[i].expected);
		assert_text(rows[i].name, cookie_sent_on(&revalidate, rows[i].sent), rows[i].expected);
	}
}

static void test_cookies_are_left_as_they_are_without_the_option(void **unused)
{
	(void)unused;
	assert_string_equal(cookie_sent_on(&keep, "Cookie: freshet-history=1;a=1"), "freshet-history=1;a=1");
	assert_string_equal(cookie_sent_on(&observe, "Cookie: freshet-history=1;a=1"), "freshet-history=1;a=1");
}

static void test_signed_cookies_are_left_as_they_are(void **unused)
{
	(void)unused;
	assert_string_equal(cookie_sent_on(&evict, "Signature-Input: s=(\"cookie\")\nCookie: freshet-history=1;a=1"),
		"freshet-history=1;a=1");
}

static void test_pages_and_what_they_load_from_their_origin_get_the_cookie(void **unused)
{
	static const struct {
		const char *name, *request, *expected;
	} rows[] = {
		{ "page", "Sec-Fetch-Dest: document\nSec-Fetch-Site: cross-site", HTTP },
		{ "frame of another site", "Sec-Fetch-Dest: iframe\nSec-Fetch-Site: cross-site", "none" },
		{ "own style sheet", "Sec-Fetch-Dest: style\nSec-Fetch-Site: same-origin", HTTP },
		{ "style sheet for another site", "Sec-Fetch-Dest: style\nSec-Fetch-Site: same-site", "none" },
		{ "nobody says", "Accept: */*", HTTP },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_text(rows[i].name, cookie_set(&evict, "http://a.test/", rows[i].request, ""), rows[i].expected);
}

static void test_cookie_is_set_beside_the_sites_own(void **unused)
{
	char out[HEAD_TEXT_MAX];

	(void)unused;
	cookie_set(&evict, "http://a.test/", "", "Set-Cookie: a=1\nSet-Cookie: freshet-history=mine");
	head_write(&answered.m, out);
	assert_non_null(strstr(out, "Set-Cookie: a=1\nSet-Cookie: freshet-history=mine\n"));
	assert_non_null(strstr(out, "\nSet-Cookie: " HTTP "\n"));
}

static void test_cookie_by_https_is_the_hosts_own(void **unused)
{
	(void)unused;
	assert_string_equal(cookie_set(&evict, "https://a.test/", "", ""), "__Host-" HTTP "; Secure");
}

/* Without no-store Chromium keeps the page whatever becomes of cookies. */
static void test_only_busted_answers_set_the_cookie(void **unused)
{
	(void)unused;
	assert_string_equal(cookie_set(&keep, "http://a.test/", "", ""), "none");
	assert_string_equal(cookie_set(&revalidate, "http://a.test/", "", ""), "none");
	assert_string_equal(cookie_set(&observe, "http://a.test/", "", ""), "none");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookie_never_reaches_the_origin),
		cmocka_unit_test(test_cookies_are_left_as_they_are_without_the_option),
		cmocka_unit_test(test_signed_cookies_are_left_as_they_are),
		cmocka_unit_test(test_pages_and_what_they_load_from_their_origin_get_the_cookie),
		cmocka_unit_test(test_cookie_is_set_beside_the_sites_own),
		cmocka_unit_test(test_cookie_by_https_is_the_hosts_own),
		cmocka_unit_test(test_only_busted_answers_set_the_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
