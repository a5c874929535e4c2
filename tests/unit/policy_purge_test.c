/*
 * Whose cache is emptied: which requests and answers count, and what becomes of the origin's own order.
 */
#include "policy_heads.h"

#include "policy/purge.h"

#define BROWSER "Sec-Fetch-Mode: navigate\nSec-Fetch-Site: none"

static const struct policy_settings bust = { .mode = MODE_BUST, .purge_client = true };
static const struct policy_settings revalidate = { .mode = MODE_REVALIDATE, .purge_client = true };
static const struct policy_settings observe = { .mode = MODE_OBSERVE, .purge_client = true };
static const struct policy_settings off = { .mode = MODE_OFF, .purge_client = true };
static const struct policy_settings never = { .mode = MODE_BUST };

static struct head asked, answered;

static bool counts(const struct policy_settings *settings, const char *method, const char *request, unsigned status)
{
	struct policy_state state = { .settings = settings };

	head_read_request(&asked, method, "/", request);
	head_read_response(&answered, status, "");
	return purge_can(&state, &asked.m, &answered.m);
}

static void test_only_requests_of_browsers_that_heed_it_count(void **unused)
{
	static const struct {
		const char *name, *request;
		bool expected;
	} rows[] = {
		{ "page", BROWSER, true },
		{ "image or script", "Sec-Fetch-Mode: no-cors\nSec-Fetch-Site: cross-site", true },
		{ "the page's own fetch", "Sec-Fetch-Mode: cors\nSec-Fetch-Site: same-origin", true },
		{ "font from elsewhere, without credentials", "Sec-Fetch-Mode: cors\nSec-Fetch-Site: cross-site", false },
		{ "fetch to elsewhere, with credentials",
			"Sec-Fetch-Mode: cors\nSec-Fetch-Site: same-site\nCookie: a=1", true },
		{ "curl, or an address without trust", "User-Agent: x\nCookie: a=1", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (counts(&bust, "GET", rows[i].request, 200) != rows[i].expected)
			fail_msg("%s: expected %d", rows[i].name, rows[i].expected);
}

static void test_only_answers_that_browsers_look_at_count(void **unused)
{
	static const struct {
		unsigned status;
		bool expected;
	} rows[] = {
		{ 103, false }, { 200, true }, { 204, true }, { 206, true }, { 302, true }, { 304, false },
		{ 401, false }, { 404, true }, { 500, true },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (counts(&bust, "GET", BROWSER, rows[i].status) != rows[i].expected)
			fail_msg("%u: expected %d", rows[i].status, rows[i].expected);
	assert_true(counts(&bust, "POST", BROWSER, 200));
	assert_false(counts(&bust, "HEAD", BROWSER, 200));
}

static void test_modes_that_change_nothing_purge_nothing(void **unused)
{
	(void)unused;
	assert_true(counts(&revalidate, "GET", BROWSER, 200));
	assert_false(counts(&observe, "GET", BROWSER, 200));
	assert_false(counts(&off, "GET", BROWSER, 200));
	assert_false(counts(&never, "GET", BROWSER, 200));
}

/* Clear-Site-Data as the client gets it, lines joined by " | ". */
static const char *told(const char *own, bool first, char out[HEAD_TEXT_MAX])
{
	static char room[4096];
	struct policy_state state;
	struct arena arena;
	char text[HEAD_TEXT_MAX], *rest = text, *line;

	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&asked, "GET", "/", BROWSER);
	policy_request(&state, &bust, &asked.m, &arena);
	head_read_response(&answered, 200, own);
	state.first_contact = first;
	policy_response(&state, &asked.m, &answered.m, &arena, 0);
	head_write(&answered.m, text);
	out[0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncasecmp(line, "Clear-Site-Data: ", 17) != 0)
			continue;
		if (out[0])
			strcat(out, " | ");
		strcat(out, line + 17);
	}
	return out;
}

static void test_origins_own_order_is_kept_and_completed(void **unused)
{
	static const struct {
		const char *name, *own;
		bool first;
		const char *expected;
	} rows[] = {
		{ "none", "", true, "\"cache\"" },
		{ "not the first time", "", false, "" },
		{ "other data", "Clear-Site-Data: \"cookies\", \"storage\"", true, "\"cookies\", \"storage\" | \"cache\"" },
		{ "the same", "Clear-Site-Data: \"cache\"", true, "\"cache\"" },
		{ "the same among others", "Clear-Site-Data: \"cookies\"\nclear-site-data: \"x\" , \"cache\"", true,
			"\"cookies\" | \"x\" , \"cache\"" },
		{ "everything", "Clear-Site-Data: \"*\"", true, "\"*\"" },
		{ "its own, later", "Clear-Site-Data: \"cookies\"", false, "\"cookies\"" },
	};
	char out[HEAD_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(told(rows[i].own, rows[i].first, out), rows[i].expected) != 0)
			fail_msg("%s: %s instead of %s", rows[i].name, out, rows[i].expected);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_requests_of_browsers_that_heed_it_count),
		cmocka_unit_test(test_only_answers_that_browsers_look_at_count),
		cmocka_unit_test(test_modes_that_change_nothing_purge_nothing),
		cmocka_unit_test(test_origins_own_order_is_kept_and_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
