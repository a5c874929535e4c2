/*
 * What each mode does to responses: the response table, row by row.
 */
#include "policy_heads.h"

static const struct policy_settings bust = { .mode = MODE_BUST };
static const struct policy_settings strip = { .mode = MODE_BUST, .strip_validators = true };
static const struct policy_settings temporary = { .mode = MODE_BUST, .temporary_redirects = true };
static const struct policy_settings revalidate = { .mode = MODE_REVALIDATE, .strip_validators = true };
static const struct policy_settings observe = {
	.mode = MODE_OBSERVE, .strip_validators = true, .temporary_redirects = true
};
static const struct policy_settings off = {
	.mode = MODE_OFF, .strip_validators = true, .temporary_redirects = true
};

#define NOW_S 1795348800 /* DATE_NOW */
#define DATE_NOW "Sun, 22 Nov 2026 12:00:00 GMT"
#define DATE_THEN "Thu, 01 Jan 2026 00:00:00 GMT"

struct row {
	const char *name, *sent, *expected;
};

static struct head asked, answered;
static char room[4096];

static const char *exchange(const struct policy_settings *settings, const char *method, const char *request,
	unsigned status, const char *response, char out[HEAD_TEXT_MAX])
{
	struct arena arena;
	struct policy_state state;

	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&asked, method, "/", request);
	policy_request(&state, settings, &asked.m, &arena);
	head_read_response(&answered, status, response);
	policy_response(&state, &asked.m, &answered.m, &arena, NOW_S);
	return head_write(&answered.m, out);
}

static void check(const struct policy_settings *settings, const char *request, unsigned status, const struct row *rows,
	size_t count)
{
	char out[HEAD_TEXT_MAX];

	for (size_t i = 0; i < count; i++)
		assert_text(rows[i].name, exchange(settings, "GET", request, status, rows[i].sent, out),
			rows[i].expected);
}

#define KEPT                                                                                                       \
	"Vary: Accept, Cookie\nDate: " DATE_NOW "\nSet-Cookie: a=1; Expires=" DATE_THEN "\nset-cookie: b=2\n"      \
	"ETag: W/\"a\"\nLast-Modified: " DATE_THEN "\nClear-Site-Data: \"cache\"\nX-Cache: HIT from x\n"           \
	"Location: /\nStrict-Transport-Security: max-age=1\nX-Cache-Controller: 1\nVia: 1.1 x"
#define NO_LONGER_ONLY_HERE                                                                                        \
	"Age: 9\nWarning: 110 - \"x\"\nCDN-Cache-Control: max-age=9\nCloudflare-CDN-Cache-Control: public\n"       \
	"x-own-cache-control: a\nSurrogate-Control: max-age=1\nEdge-Control: cache-maxage=1d\nX-Accel-Expires: 9\n" \
	"Use-As-Dictionary: match=\"/*\"\nNo-Vary-Search: params\nCache-Groups: \"a\"\nAlt-Svc: h3=\":443\"\nAge: 8"

static void test_busted_answer_may_not_be_kept(void **unused)
{
	static const struct row rows[] = {
		{ "nothing there", "", TRIPLE "\n" BYPASS },
		{ "seed", "Cache-Control: private, max-age=3600, must-revalidate\nExpires: " DATE_THEN,
			"Cache-Control: no-cache, no-store, must-revalidate\nExpires: 0\nPragma: no-cache\n" BYPASS },
		{ "scattered lines",
			"Pragma: x\nCACHE-CONTROL: a\nX: 1\ncache-control: b\nExpires: 0\nExpires: 1",
			"Pragma: no-cache\nCACHE-CONTROL: no-cache, no-store, must-revalidate\nX: 1\n"
			"Expires: 0\n" BYPASS },
		{ "what lets copies live", NO_LONGER_ONLY_HERE, TRIPLE "\n" BYPASS },
		{ "everything else", KEPT, KEPT "\n" TRIPLE "\n" BYPASS },
		{ "preflight lifetime", "Access-Control-Max-Age: 600\nAccess-Control-Allow-Origin: *",
			"Access-Control-Max-Age: 0\nAccess-Control-Allow-Origin: *\n" TRIPLE "\n" BYPASS },
		{ "received Cache-Status stays first", "Cache-Status: a; hit\nCache-Status: b; fwd=miss",
			"Cache-Status: a; hit\nCache-Status: b; fwd=miss\n" TRIPLE "\n" BYPASS },
	};
	static const unsigned statuses[] = { 200, 203, 204, 206, 301, 304, 404, 410, 416, 500, 503 };

	(void)unused;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		check(&bust, "", statuses[i], rows, COUNT(rows));
		assert_int_equal(answered.m.status, statuses[i]);
	}
}

static void test_answer_to_other_methods_may_stay_in_the_history(void **unused)
{
	static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND" };
	char out[HEAD_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(methods); i++)
		assert_text(methods[i], exchange(&bust, methods[i], "", 200, "Cache-Control: max-age=9\nAge: 1", out),
			"Cache-Control: no-cache, must-revalidate\nPragma: no-cache\nExpires: 0\n" BYPASS);
}

static void test_answers_to_head_and_query_are_treated_as_to_get(void **unused)
{
	char out[HEAD_TEXT_MAX];

	(void)unused;
	assert_text("HEAD", exchange(&bust, "HEAD", "", 200, "", out), TRIPLE "\n" BYPASS);
	assert_text("QUERY", exchange(&bust, "QUERY", "", 200, "", out), TRIPLE "\n" BYPASS);
}

static void test_preflights_are_not_remembered_whether_they_say_so_or_not(void **unused)
{
	static const struct {
		const char *name, *method, *request, *sent, *expected;
	} rows[] = {
		{ "silent", "OPTIONS", "Access-Control-Request-Method: PUT", "", "0" },
		{ "for a day", "OPTIONS", "Access-Control-Request-Method: PUT", "Access-Control-Max-Age: 86400", "0" },
		{ "no preflight", "OPTIONS", "Origin: http://a.test", "", "none" },
		{ "the request itself", "PUT", "Access-Control-Request-Method: PUT", "", "none" },
	};
	static const struct policy_settings *const both[] = { &bust, &revalidate };
	char out[HEAD_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		const char *name = rows[i / 2].name;

		exchange(both[i % 2], rows[i / 2].method, rows[i / 2].request, 204, rows[i / 2].sent, out);
		const char *at = strstr(out, "Access-Control-Max-Age: ");
		if (!at)
			at = "Access-Control-Max-Age: none";
		at = strchr(at, ' ') + 1;
		if (strncmp(at, rows[i / 2].expected, strlen(rows[i / 2].expected)) != 0)
			fail_msg("%s: %s instead of %s", name, at, rows[i / 2].expected);
	}
}

static void test_revalidate_lets_the_client_keep_and_makes_it_ask(void **unused)
{
	static const struct row rows[] = {
		{ "nothing there", "", "Cache-Control: no-cache\nPragma: no-cache\nExpires: 0\n" BYPASS },
		{ "what lets copies live",
			NO_LONGER_ONLY_HERE, "Cache-Control: no-cache\nPragma: no-cache\nExpires: 0\n" BYPASS },
		{ "everything else",
			KEPT, KEPT "\nCache-Control: no-cache\nPragma: no-cache\nExpires: 0\n" BYPASS },
	};

	(void)unused;
	check(&revalidate, "If-Modified-Since: " DATE_THEN, 200, rows, COUNT(rows));
	check(&revalidate, "If-None-Match: \"a\"", 304, rows, COUNT(rows));
}

static void test_passive_modes_leave_the_answer_alone(void **unused)
{
	char out[HEAD_TEXT_MAX];

	(void)unused;
	assert_text("off", exchange(&off, "GET", "If-Modified-Since: x", 301, KEPT "\n" NO_LONGER_ONLY_HERE, out),
		KEPT "\n" NO_LONGER_ONLY_HERE);
	assert_int_equal(answered.m.status, 301);
	assert_text("observe", exchange(&observe, "GET", "If-Modified-Since: x", 308, KEPT "\n" NO_LONGER_ONLY_HERE, out),
		KEPT "\n" NO_LONGER_ONLY_HERE);
	assert_int_equal(answered.m.status, 308);
}

static void test_interim_answers_are_left_alone(void **unused)
{
	static const unsigned statuses[] = { 100, 101, 102, 103 };
	char out[HEAD_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(statuses); i++)
		assert_text("interim", exchange(&bust, "GET", "", statuses[i], "Link: </a>\nAge: 1", out),
			"Link: </a>\nAge: 1");
}

static void test_answer_without_a_decided_request_is_left_alone(void **unused)
{
	struct arena arena;
	struct policy_state state = { 0 };
	char out[HEAD_TEXT_MAX];

	(void)unused;
	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&asked, "GET", "/", "");
	head_read_response(&answered, 200, "Age: 1");
	policy_response(&state, &asked.m, &answered.m, &arena, NOW_S);
	assert_text("undecided", head_write(&answered.m, out), "Age: 1");
}

static void test_last_modified_is_renewed_for_clients_that_compare_dates(void **unused)
{
	static const struct row rows[] = {
		{ "becomes the Date", "Last-Modified: " DATE_THEN "\nDate: Sat, 21 Nov 2026 00:00:00 GMT",
			"Last-Modified: Sat, 21 Nov 2026 00:00:00 GMT\n"
			"Date: Sat, 21 Nov 2026 00:00:00 GMT\n" TRIPLE "\n" BYPASS },
		{ "or now without a Date",
			"Last-Modified: " DATE_THEN, "Last-Modified: " DATE_NOW "\n" TRIPLE "\n" BYPASS },
		{ "or now with junk for a Date", "Date: today\nLast-Modified: " DATE_THEN,
			"Date: today\nLast-Modified: " DATE_NOW "\n" TRIPLE "\n" BYPASS },
		{ "is not invented", "Date: " DATE_NOW, "Date: " DATE_NOW "\n" TRIPLE "\n" BYPASS },
	};
	char out[HEAD_TEXT_MAX];

	(void)unused;
	check(&bust, "If-Modified-Since: " DATE_THEN, 200, rows, COUNT(rows));
	assert_text("not for entity tags",
		exchange(&bust, "GET", "If-None-Match: \"a\"", 200, "Last-Modified: " DATE_THEN, out),
		"Last-Modified: " DATE_THEN "\n" TRIPLE "\n" BYPASS);
}

static void test_last_modified_goes_where_there_is_no_room_for_another(void **unused)
{
	char tiny[1], out[HEAD_TEXT_MAX];
	struct arena arena;
	struct policy_state state;

	(void)unused;
	arena_init(&arena, tiny, sizeof(tiny), 0);
	head_read_request(&asked, "GET", "/", "If-Modified-Since: " DATE_THEN);
	policy_request(&state, &bust, &asked.m, &arena);
	head_read_response(&answered, 200, "Last-Modified: " DATE_THEN);
	policy_response(&state, &asked.m, &answered.m, &arena, NOW_S);
	assert_text("full arena", head_write(&answered.m, out), TRIPLE "\n" BYPASS);
}

static void test_renewed_date_outlives_the_response_head(void **unused)
{
	char head[] = "Last-Modified: " DATE_THEN "\nDate: " DATE_NOW, out[HEAD_TEXT_MAX];

	(void)unused;
	exchange(&bust, "GET", "If-Modified-Since: x", 200, head, out);
	const struct edit *e = message_edit(&answered.m, HEADER_LAST_MODIFIED);
	assert_non_null(e);
	assert_false(e->value.p >= head && e->value.p < head + sizeof(head));
}

static void test_strip_removes_both_validators(void **unused)
{
	static const struct row rows[] = {
		{ "both", "ETag: \"a\"\nX: 1\nLast-Modified: " DATE_THEN, "X: 1\n" TRIPLE "\n" BYPASS },
	};

	(void)unused;
	check(&strip, "", 200, rows, COUNT(rows));
	check(&strip, "If-Modified-Since: " DATE_THEN, 200, rows, COUNT(rows));
}

static void test_permanent_redirects_become_temporary_where_asked(void **unused)
{
	static const struct {
		unsigned sent, seen;
		const char *reason;
	} rows[] = {
		{ 301, 302, "Found" }, { 308, 307, "Temporary Redirect" }, { 302, 302, "As sent" },
		{ 307, 307, "As sent" }, { 303, 303, "As sent" }, { 300, 300, "As sent" }, { 200, 200, "As sent" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena;
		struct policy_state state;

		arena_init(&arena, room, sizeof(room), 0);
		head_read_request(&asked, "GET", "/", "");
		policy_request(&state, &temporary, &asked.m, &arena);
		head_read_response(&answered, rows[i].sent, "Location: /there");
		answered.m.reason = SPAN("As sent");
		policy_response(&state, &asked.m, &answered.m, &arena, NOW_S);
		if (answered.m.status != rows[i].seen || !span_eq(answered.m.reason, span_str(rows[i].reason)))
			fail_msg("%u became %u %.*s", rows[i].sent, answered.m.status, SPAN_ARG(answered.m.reason));
		assert_null(message_edit(&answered.m, HEADER_LOCATION));
	}
}

static void test_signed_request_fields_do_not_bind_the_response(void **unused)
{
	char out[HEAD_TEXT_MAX];

	(void)unused;
	assert_text("signed request",
		exchange(&bust, "GET", "Signature-Input: s=(\"cache-control\" \"age\")\nCache-Control: a", 200,
			"Cache-Control: max-age=9\nAge: 3", out),
		TRIPLE "\n" BYPASS);
}

static void test_fullest_answer_fits_the_room_for_edits(void **unused)
{
	char out[HEAD_TEXT_MAX];

	(void)unused;
	exchange(&strip, "GET", "If-Modified-Since: x", 200,
		KEPT "\n" NO_LONGER_ONLY_HERE "\nAccess-Control-Max-Age: 1", out);
	assert_in_range(answered.m.edit_count, 17, MESSAGE_EDITS_MAX - 8);
}

static void test_cache_status_tells_how_caches_were_pierced(void **state)
{
	static const struct verdict cached = { .kind = VERDICT_FROM_CACHE, .layer = "edge", .age_s = 9 };
	static const struct verdict fresh = { .kind = VERDICT_FRESH };
	static const struct {
		const char *name;
		const struct verdict *verdict;
		enum rung rung;
		bool unpierced;
		const char *expected;
	} rows[] = {
		{ "nobody looked", NULL, RUNG_ORIGINAL, false, BYPASS },
		{ "fresh", &fresh, RUNG_ORIGINAL, false, BYPASS },
		{ "a cache answered", &cached, RUNG_ORIGINAL, false,
			"Cache-Status: freshet; fwd=bypass; detail=\"from-cache(edge, 9 s)\"" },
		{ "pierced", &fresh, RUNG_PATH, false, "Cache-Status: freshet; fwd=bypass; detail=\"pierced=path\"" },
		{ "in vain", &cached, RUNG_ORIGINAL, true,
			"Cache-Status: freshet; fwd=bypass; detail=\"from-cache(edge, 9 s), could-not-be-pierced\"" },
		{ "a later piece of a file, from the copy of the first", &cached, RUNG_QUERY, false,
			"Cache-Status: freshet; fwd=bypass; detail=\"pierced=query, from-cache(edge, 9 s)\"" },
		{ "nothing to be done", &fresh, RUNG_ORIGINAL, true,
			"Cache-Status: freshet; fwd=bypass; detail=\"could-not-be-pierced\"" },
	};
	struct arena arena;
	char out[HEAD_TEXT_MAX], expected[HEAD_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy_state done;

		arena_init(&arena, room, sizeof(room), 0);
		head_read_request(&asked, "GET", "/", "");
		policy_request(&done, &bust, &asked.m, &arena);
		done.verdict = rows[i].verdict;
		done.rung = rows[i].rung;
		done.unpierced = rows[i].unpierced;
		head_read_response(&answered, 200, "");
		policy_response(&done, &asked.m, &answered.m, &arena, NOW_S);
		snprintf(expected, sizeof(expected), "%s\n%s", TRIPLE, rows[i].expected);
		assert_text(rows[i].name, head_write(&answered.m, out), expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busted_answer_may_not_be_kept),
		cmocka_unit_test(test_answer_to_other_methods_may_stay_in_the_history),
		cmocka_unit_test(test_answers_to_head_and_query_are_treated_as_to_get),
		cmocka_unit_test(test_preflights_are_not_remembered_whether_they_say_so_or_not),
		cmocka_unit_test(test_revalidate_lets_the_client_keep_and_makes_it_ask),
		cmocka_unit_test(test_passive_modes_leave_the_answer_alone),
		cmocka_unit_test(test_interim_answers_are_left_alone),
		cmocka_unit_test(test_answer_without_a_decided_request_is_left_alone),
		cmocka_unit_test(test_last_modified_is_renewed_for_clients_that_compare_dates),
		cmocka_unit_test(test_last_modified_goes_where_there_is_no_room_for_another),
		cmocka_unit_test(test_renewed_date_outlives_the_response_head),
		cmocka_unit_test(test_strip_removes_both_validators),
		cmocka_unit_test(test_permanent_redirects_become_temporary_where_asked),
		cmocka_unit_test(test_signed_request_fields_do_not_bind_the_response),
		cmocka_unit_test(test_fullest_answer_fits_the_room_for_edits),
		cmocka_unit_test(test_cache_status_tells_how_caches_were_pierced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
