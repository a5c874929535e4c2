/*
 * What is said about a response: each line of notes.def, when it is said and when not.
 */
#include "inspect/notes.h"

#include "policy_heads.h"

#define NOW_S INT64_C(784111777)
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\n" /* NOW_S */
#define GOOD DATE "ETag: \"v1\"\nCache-Control: "

static struct head head;
static struct caching caching;
static struct notes notes;

static void take(unsigned status, const char *lines, bool authorized)
{
	struct caching_circumstances about = { .authorized = authorized, .request_time_s = NOW_S, .response_time_s = NOW_S };

	head_read_response(&head, status, lines);
	caching_read(&head.m, &about, &caching);
	notes_take(&caching, &notes);
}

/* The ids of what is said, separated by blanks. */
static const char *said(void)
{
	static char text[4096];
	struct line l = line_of(text, sizeof(text) - 1);

	for (unsigned i = 0; i < notes.count; i++) {
		if (i)
			line_put_char(&l, ' ');
		note_write_id(&l, notes.items[i].id);
	}
	text[l.n] = '\0';
	return text;
}

static void test_each_head_brings_its_notes_and_no_others(void **state)
{
	static const struct {
		unsigned status;
		const char *lines, *expected;
	} rows[] = {
		{ 200, GOOD "max-age=60", "" },
		{ 200, GOOD "no-store", "no-store" },
		{ 200, GOOD "no-store, max-age=60", "no-store lifetime-unused" },
		{ 200, GOOD "no-store, must-understand, max-age=60", "must-understand" },
		{ 200, GOOD "private, max-age=60", "private" },
		{ 200, GOOD "private=\"x-user\", max-age=60", "private-fields" },
		{ 200, GOOD "no-cache", "no-cache" },
		{ 200, GOOD "no-cache=\"x-user\", max-age=60", "no-cache-fields" },
		{ 200, GOOD "s-maxage=60", "s-maxage" },
		{ 200, GOOD "private, s-maxage=60", "private s-maxage-private" },
		{ 200, GOOD "max-age=60, public, private", "private public-and-private" },
		{ 200, GOOD "public, no-store", "no-store public-and-no-store" },
		{ 200, GOOD "max-age=60, must-revalidate", "must-revalidate" },
		{ 200, GOOD "max-age=60, proxy-revalidate", "proxy-revalidate" },
		{ 200, GOOD "max-age=60, stale-while-revalidate=30", "stale-while-revalidate" },
		{ 200, GOOD "max-age=60, stale-if-error=30", "stale-if-error" },
		{ 200, GOOD "max-age=60, stale-if-error=30, must-revalidate", "must-revalidate stale-forbidden" },
		{ 200, GOOD "max-age=31536000, immutable", "immutable" },
		{ 200, GOOD "immutable, no-cache", "no-cache immutable immutable-unused" },
		{ 200, GOOD "max-age=63072000", "max-age-endless" },
		{ 200, GOOD "max-age=60, maxage=30", "directive-unknown" },
		{ 200, GOOD "max-age=1h", "directive-malformed" },
		{ 200, GOOD "max-age", "directive-malformed" },
		{ 200, GOOD "max-age=60, max-age=30", "directive-twice" },
		{ 200, GOOD "max-age=60\nCache-Control: max-age=30", "directive-twice" },
		{ 200, GOOD "max-age=60, max-age=60", "" },
		{ 200, GOOD "max-age=60, only-if-cached", "directive-of-requests" },
		{ 200, GOOD "max-age=60, pre-check=0, post-check=0", "directive-legacy" },
		{ 200, DATE "ETag: \"v1\"", "no-lifetime" },
		{ 200, DATE "Last-Modified: Sun, 06 Nov 1994 08:39:37 GMT", "heuristic" },
		{ 200, DATE "Cache-Control: max-age=60", "no-validator" },
		{ 200, DATE "ETag: v1\nCache-Control: max-age=60", "etag-invalid" },
		{ 200, DATE "ETag: W/\"v1\"\nCache-Control: max-age=60", "etag-weak" },
		{ 200, DATE "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\nCache-Control: max-age=60", "last-modified-recent" },
		{ 200, GOOD "max-age=60\nLast-Modified: Sun, 06 Nov 1994 09:49:37 GMT", "last-modified-ahead" },
		{ 200, GOOD "max-age=60\nLast-Modified: soon", "last-modified-invalid" },
		{ 200, GOOD "max-age=60\nExpires: Sun, 06 Nov 1994 08:59:37 GMT", "expires-overruled" },
		{ 200, GOOD "max-age=60\nExpires: Sun, 06 Nov 1994 08:50:37 GMT", "" },
		{ 200, GOOD "max-age=60\nExpires: 0", "expires-invalid" },
		{ 200, GOOD "max-age=60\nAge: 90", "stale-on-arrival" },
		{ 200, GOOD "max-age=60\nAge: 59", "" },
		{ 200, GOOD "max-age=60\nAge: old", "age-invalid" },
		{ 200, "ETag: \"v1\"\nCache-Control: max-age=60", "date-missing" },
		{ 200, "Date: now\nETag: \"v1\"\nCache-Control: max-age=60", "date-invalid" },
		{ 200, "Date: Sun, 06 Nov 1994 09:49:37 GMT\nETag: \"v1\"\nCache-Control: max-age=60", "date-ahead" },
		{ 200, "Date: Sun, 06 Nov 1994 08:39:37 GMT\nETag: \"v1\"\nCache-Control: max-age=3600", "date-behind" },
		{ 200, GOOD "max-age=60\nVary: *", "vary-any" },
		{ 200, GOOD "max-age=60\nVary: Accept-Encoding", "vary" },
		{ 200, GOOD "max-age=60\nVary: Cookie", "vary-cookie vary" },
		{ 200, GOOD "max-age=60\nVary: User-Agent", "vary-user-agent vary" },
		{ 200, GOOD "no-store\nVary: Cookie", "no-store vary" },
		{ 200, GOOD "max-age=60\nContent-Encoding: gzip", "vary-missing" },
		{ 200, GOOD "max-age=60\nContent-Encoding: gzip\nVary: accept-encoding", "vary" },
		{ 200, GOOD "max-age=60\nSet-Cookie: a=b", "cookie-shared" },
		{ 200, GOOD "private\nSet-Cookie: a=b", "private no-lifetime" },
		{ 200, GOOD "no-cache\nSet-Cookie: a=b", "no-cache" },
		{ 200, GOOD "max-age=60\nPragma: no-cache", "pragma" },
		{ 200, DATE "ETag: \"v1\"\nPragma: no-cache", "no-lifetime pragma pragma-alone" },
		{ 200, GOOD "max-age=60\nWarning: 110 - \"Response is Stale\"", "warning" },
		{ 200, GOOD "max-age=60\nCDN-Cache-Control: max-age=600", "targeted" },
		{ 200, GOOD "max-age=60\nSurrogate-Control: max-age=600", "surrogate" },
		{ 200, GOOD "max-age=60\nX-Accel-Expires: 600", "accel-expires" },
		{ 206, GOOD "max-age=60", "partial" },
		{ 302, DATE "Location: /", "nothing-allows" },
		{ 301, GOOD "max-age=60\nLocation: /", "redirect-kept" },
		{ 404, GOOD "max-age=60", "error-kept" },
		{ 503, DATE, "nothing-allows" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		take(rows[i].status, rows[i].lines, false);
		assert_text(rows[i].lines, said(), rows[i].expected);
	}
}

static void test_authorization_keeps_shared_caches_away(void **state)
{
	(void)state;
	take(200, GOOD "max-age=60", true);
	assert_string_equal(said(), "authorized");
	take(200, GOOD "max-age=60, public", true);
	assert_string_equal(said(), "");
}

static void test_what_conditional_requests_came_to_is_told(void **state)
{
	static const struct {
		enum revalidation by_etag, by_date;
		const char *expected;
	} rows[] = {
		{ REVALIDATION_UNTRIED, REVALIDATION_UNTRIED, "" },
		{ REVALIDATION_CONFIRMED, REVALIDATION_CONFIRMED, "confirmed-by-etag confirmed-by-date" },
		{ REVALIDATION_IGNORED, REVALIDATION_IGNORED, "etag-ignored date-ignored" },
		{ REVALIDATION_BROKEN, REVALIDATION_BROKEN, "etag-breaks date-breaks" },
		{ REVALIDATION_CHANGED, REVALIDATION_CHANGED, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		take(200, GOOD "max-age=60", false);
		caching.by_etag = rows[i].by_etag;
		caching.by_date = rows[i].by_date;
		notes_take(&caching, &notes);
		assert_string_equal(said(), rows[i].expected);
	}
}

static const char *text_of(unsigned i)
{
	static char text[1024];
	struct line l = line_of(text, sizeof(text) - 1);

	note_write(&l, &notes.items[i]);
	text[l.n] = '\0';
	return text;
}

static void test_notes_name_what_they_are_about(void **state)
{
	(void)state;
	take(200, GOOD "max-age=60\nAge: 3720", false);
	assert_string_equal(text_of(0), "it came 1 h 1 min beyond its lifetime");
	take(200, GOOD "max-age=1h", false);
	assert_string_equal(text_of(0), "not a number of seconds, so it counts as expired: max-age=1h");
}

static void test_nothing_that_a_terminal_obeys_gets_into_a_note(void **state)
{
	(void)state;
	take(200, GOOD "max-age=60\nVary: a\x1b[2J\x07\x9b" "1m\xc2\x9b", false);
	assert_string_equal(text_of(0), "one copy for each combination of: a\\x1b[2J\\x07\\x9b1m\\xc2\\x9b");
}

static void test_long_values_are_cut(void **state)
{
	char lines[1200] = GOOD "max-age=60\nVary: ";

	(void)state;
	memset(lines + strlen(lines), 'a', 1000);
	take(200, lines, false);
	assert_true(strlen(text_of(0)) < 200);
	assert_string_equal(text_of(0) + strlen(text_of(0)) - 4, "a...");
}

static void test_durations_have_two_units(void **state)
{
	static const struct {
		int64_t s;
		const char *expected;
	} rows[] = {
		{ 0, "0 s" }, { 59, "59 s" }, { 60, "1 min" }, { 61, "1 min 1 s" }, { 3600, "1 h" }, { 3601, "1 h" },
		{ 3660, "1 h 1 min" }, { 86399, "23 h 59 min" }, { 86400, "1 d" }, { 90000, "1 d 1 h" }, { 31536000, "365 d" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[32];
		struct line l = line_of(text, sizeof(text) - 1);

		line_put_duration(&l, rows[i].s);
		text[l.n] = '\0';
		assert_string_equal(text, rows[i].expected);
	}
}

static void test_every_note_has_words_and_a_name(void **state)
{
	(void)state;
	for (unsigned id = 0; id < NOTE_COUNT; id++) {
		char name[64];
		struct line l = line_of(name, sizeof(name));

		note_write_id(&l, (enum note_id)id);
		assert_false(l.cut || !l.n);
		assert_non_null(note_field((enum note_id)id));
		assert_non_null(note_where((enum note_id)id));
		assert_true(strlen(note_level_name(note_level((enum note_id)id))) > 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_head_brings_its_notes_and_no_others),
		cmocka_unit_test(test_authorization_keeps_shared_caches_away),
		cmocka_unit_test(test_what_conditional_requests_came_to_is_told),
		cmocka_unit_test(test_notes_name_what_they_are_about),
		cmocka_unit_test(test_nothing_that_a_terminal_obeys_gets_into_a_note),
		cmocka_unit_test(test_long_values_are_cut),
		cmocka_unit_test(test_durations_have_two_units),
		cmocka_unit_test(test_every_note_has_words_and_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
