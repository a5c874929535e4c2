/*
 * A cache's copy beside the origin's answer: what it was worth, and by how much it was older.
 */
#include "policy_heads.h"

#include "policy/stored_copy.h"

enum { NOW_S = 1795400000 }; /* in November 2026 */

#define EARLY "Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT"
#define LATE "Last-Modified: Sun, 22 Nov 2026 10:03:20 GMT"

struct answer {
	const char *lines;
	uint64_t length; /* of the body; 0: not told */
};

static void read_answer(struct head *h, const struct answer *a)
{
	head_read_response(h, 200, a->lines);
	h->m.framing = a->length ? FRAMING_LENGTH : FRAMING_CHUNKED;
	h->m.content_length = a->length;
}

static void test_copy_is_worth_what_validators_show(void **state)
{
	static const struct {
		const char *name;
		struct answer stored, now;
		const char *worth;
		int64_t older_s;
	} rows[] = {
		{ "equal strong tags", { "ETag: \"a\"", 0 }, { "ETag: \"a\"", 0 }, "same", 0 },
		{ "other strong tags", { "ETag: \"a\"", 0 }, { "ETag: \"b\"", 0 }, "changed", 0 },
		{ "weak tags", { "ETag: W/\"a\"", 0 }, { "ETag: W/\"b\"", 0 }, NULL, 0 },
		{ "a tag on one side only", { "ETag: \"a\"", 0 }, { EARLY, 9 }, NULL, 0 },
		{ "nothing", { "", 0 }, { "", 0 }, NULL, 0 },
		{ "equal dates and lengths", { EARLY, 9 }, { EARLY, 9 }, "same", 0 },
		{ "equal dates, other lengths", { EARLY, 9 }, { EARLY, 8 }, "changed", 0 },
		{ "equal dates, no length", { EARLY, 0 }, { EARLY, 0 }, NULL, 0 },
		{ "a later date", { EARLY, 9 }, { LATE, 9 }, "changed", 200 },
		{ "a later date, no length", { EARLY, 0 }, { LATE, 9 }, "changed", 200 },
		{ "an earlier date", { LATE, 9 }, { EARLY, 9 }, "changed", 0 },
		{ "an earlier date, no length", { LATE, 0 }, { EARLY, 0 }, NULL, 0 },
		{ "a date on one side only", { EARLY, 9 }, { "", 9 }, NULL, 0 },
		{ "dates that are none", { "Last-Modified: yesterday", 9 }, { "Last-Modified: today", 9 }, "changed", 0 },
		{ "other tags and a later date", { "ETag: \"a\"\n" EARLY, 0 }, { "ETag: \"b\"\n" LATE, 0 }, "changed", 200 },
		{ "equal tags and a later date", { "ETag: \"a\"\n" EARLY, 0 }, { "ETag: \"a\"\n" LATE, 0 }, "same", 0 },
	};
	const struct verdict verdict = { .kind = VERDICT_FROM_CACHE, .age_s = -1 };
	static struct head stored, now;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stored_copy copy;

		read_answer(&stored, &rows[i].stored);
		read_answer(&now, &rows[i].now);
		stored_copy_read(&copy, &stored.m, &verdict, NOW_S);
		stored_copy_compare(&copy, &now.m, NOW_S);
		const char *worth = copy_worth_name(copy.worth);
		if ((worth && rows[i].worth ? strcmp(worth, rows[i].worth) != 0 : worth != rows[i].worth) ||
			copy.older_s != rows[i].older_s)
			fail_msg("%s: got %s, older by %lld s, expected %s, %lld s", rows[i].name, worth ? worth : "unknown",
				(long long)copy.older_s, rows[i].worth ? rows[i].worth : "unknown", (long long)rows[i].older_s);
	}
}

static void test_copy_is_known_by_its_cache_and_the_time_it_was_stored(void **state)
{
	const struct verdict verdict = { .kind = VERDICT_STALE, .age_s = 180, .layer = "varnish" };
	static struct head stored;
	struct stored_copy copy;

	(void)state;
	read_answer(&stored, &(struct answer){ .lines = EARLY });
	stored_copy_read(&copy, &stored.m, &verdict, NOW_S);
	assert_string_equal(copy.layer, "varnish");
	assert_int_equal(copy.age_s, 180);
	assert_null(copy_worth_name(copy.worth));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_is_worth_what_validators_show),
		cmocka_unit_test(test_copy_is_known_by_its_cache_and_the_time_it_was_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
