/*
 * Up and down the ladder: for a row of answers, how the request was made, and what is remembered of the host.
 */
#include "policy_heads.h"

#include "policy/climb.h"

enum {
	P = RUNG_BIT(RUNG_PATH), V = RUNG_BIT(RUNG_VARY), Q = RUNG_BIT(RUNG_QUERY), E = RUNG_BIT(RUNG_EMPTY),
};

struct row {
	const char *name;
	unsigned rungs;
	bool always;
	struct climb_lesson lesson;
	const char *answers; /* statuses; c: from a cache, l: redirects to the original, s: a stream, x: none, t: other type */
	const char *asked;   /* rungs, and "?" where the answer may be old */
	struct climb_lesson learned;
};

static const char *name_of(enum rung rung)
{
	return rung == RUNG_ORIGINAL ? "original" : rung_name(rung);
}

static bool has(struct span word, char mark)
{
	return span_find(word, mark) < word.n;
}

static bool take(struct climb *c, struct span word, unsigned rungs)
{
	uint64_t status = 0;
	struct climb_answer a = {
		.type = has(word, 't') ? 2 : 1, .rungs = rungs, .cached = has(word, 'c'), .looping = has(word, 'l'),
		.stream = has(word, 's'),
	};

	if (has(word, 'x'))
		return climb_take_nothing(c);
	assert_true(span_u64(span_first(word, 3), 599, &status));
	a.status = (unsigned)status;
	return climb_take(c, &a);
}

static void run(const struct row *row)
{
	struct span rest = span_str(row->answers);
	struct climb c;
	char out[HEAD_TEXT_MAX];
	int n;

	climb_begin(&c, &row->lesson, row->always, row->rungs);
	n = snprintf(out, sizeof(out), "%s", name_of(c.at));
	for (bool again = true; again; rest = span_from(rest, span_find(rest, ' ') + 1)) {
		if (!rest.n)
			fail_msg("%s: asked more often than expected: %s", row->name, out);
		again = take(&c, span_first(rest, span_find(rest, ' ')), row->rungs);
		if (again)
			n += snprintf(out + n, sizeof(out) - (size_t)n, " %s", name_of(c.at));
	}
	snprintf(out + n, sizeof(out) - (size_t)n, "%s", c.unpierced ? "?" : "");
	assert_text(row->name, out, row->asked);
	if (rest.n)
		fail_msg("%s: asked less often than expected: %s", row->name, out);
	if (c.lesson.worked != row->learned.worked || c.lesson.refused != row->learned.refused ||
		c.lesson.futile != row->learned.futile)
		fail_msg("%s: learned worked=%u refused=%x futile=%d", row->name, c.lesson.worked, c.lesson.refused,
			c.lesson.futile);
}

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run(&rows[i]);
}

static void test_without_evidence_nothing_is_repeated(void **state)
{
	static const struct row rows[] = {
		{ "fresh", P | Q, .answers = "200", .asked = "original" },
		{ "not there", P | Q, .answers = "404", .asked = "original" },
		{ "a redirect to itself", P | Q, .answers = "302l", .asked = "original" },
		{ "failing", P | Q, .answers = "503", .asked = "original" },
		{ "a stream from a cache", P | Q, .answers = "200cs", .asked = "original" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_evidence_leads_up_to_the_first_rung_that_helps(void **state)
{
	static const struct row rows[] = {
		{ "keyed by the raw path", P | V | Q | E, .answers = "200c 200", .asked = "original path",
			.learned = { .worked = RUNG_PATH } },
		{ "keyed by the decoded path and Vary", P | V | Q | E, .answers = "200c 200c 200",
			.asked = "original path vary", .learned = { .worked = RUNG_VARY } },
		{ "keyed by the query", P | V | Q | E, .answers = "200c 200c 200c 200",
			.asked = "original path vary query", .learned = { .worked = RUNG_QUERY } },
		{ "no rung but the query applies", Q | E, .answers = "200c 200", .asked = "original query",
			.learned = { .worked = RUNG_QUERY } },
		{ "a gateway failed behind the cache", P | Q, .answers = "200c 503", .asked = "original path" },
		{ "a stored 404 of a page that is there again", P | Q | E, .answers = "404c 200", .asked = "original path",
			.learned = { .worked = RUNG_PATH } },
		{ "a stored 404 where the page is still missing", P | Q | E, .answers = "404c 404 404 404",
			.asked = "original path query empty" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_where_nothing_helps_it_is_said_and_not_tried_again(void **state)
{
	static const struct row rows[] = {
		{ "a key that nothing changes", P | Q | E, .answers = "200c 200c 200c", .asked = "original path query?",
			.learned = { .futile = true } },
		{ "known to be futile", P | Q | E, .lesson = { .futile = true }, .answers = "200c", .asked = "original?",
			.learned = { .futile = true } },
		{ "futile, although always", P | Q | E, .always = true, .lesson = { .futile = true }, .answers = "200c",
			.asked = "path?", .learned = { .futile = true } },
		{ "no rung applies", 0, .answers = "200c", .asked = "original?" },
		{ "the path only, and in vain: others may get further", P, .answers = "200c 200c", .asked = "original path?" },
		{ "one that worked is not given up for a single page", P | Q, .lesson = { .worked = RUNG_PATH },
			.answers = "200c 200c", .asked = "path query?", .learned = { .worked = RUNG_PATH } },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_what_worked_before_comes_first(void **state)
{
	static const struct row rows[] = {
		{ "the path", P | V | Q, .lesson = { .worked = RUNG_PATH }, .answers = "200", .asked = "path",
			.learned = { .worked = RUNG_PATH } },
		{ "the query, although the path would do", P | V | Q, .lesson = { .worked = RUNG_QUERY }, .answers = "200",
			.asked = "query", .learned = { .worked = RUNG_QUERY } },
		{ "the path, which this one has not", Q, .lesson = { .worked = RUNG_PATH }, .answers = "200",
			.asked = "query", .learned = { .worked = RUNG_PATH } },
		{ "the query, not for this one", P, .lesson = { .worked = RUNG_QUERY }, .answers = "200c 200",
			.asked = "original path", .learned = { .worked = RUNG_PATH } },
		{ "it works no longer", P | Q, .lesson = { .worked = RUNG_PATH }, .answers = "200c 200",
			.asked = "path query", .learned = { .worked = RUNG_QUERY } },
		{ "always begins at the bottom", P | Q, .always = true, .answers = "200", .asked = "path",
			.learned = { .worked = RUNG_PATH } },
		{ "always, where nothing applies until the original is known", 0, .always = true, .answers = "200",
			.asked = "original?" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_offended_server_gets_the_original(void **state)
{
	static const struct row rows[] = {
		{ "paths not decoded", P | Q, .answers = "200c 404 200", .asked = "original path query",
			.learned = { .worked = RUNG_QUERY, .refused = P } },
		{ "nothing but the original", P | Q | E, .answers = "200c 404 400 404 200c",
			.asked = "original path query empty original?", .learned = { .refused = P | Q | E } },
		{ "the same from then on", P | Q | E, .lesson = { .refused = P | Q | E }, .answers = "200c",
			.asked = "original?", .learned = { .refused = P | Q | E } },
		{ "strange parameters", Q | E, .answers = "200c 400 200", .asked = "original query empty",
			.learned = { .worked = RUNG_EMPTY, .refused = Q } },
		{ "a canonical address", P | Q, .answers = "200c 301l 200", .asked = "original path query",
			.learned = { .worked = RUNG_QUERY, .refused = P } },
		{ "another route by the raw path", P | Q, .answers = "200c 200t 200", .asked = "original path query",
			.learned = { .worked = RUNG_QUERY, .refused = P } },
		{ "another type by the query is news", Q, .answers = "200c 200t", .asked = "original query",
			.learned = { .worked = RUNG_QUERY } },
		{ "closing without an answer", P | Q, .answers = "200c x 200c", .asked = "original path original",
			.learned = { .refused = P } },
		{ "always, at once", P | Q, .always = true, .answers = "404 200 200", .asked = "path original query",
			.learned = { .worked = RUNG_QUERY, .refused = P } },
		{ "always, nothing but the original", P | Q, .always = true, .answers = "404 200 404 200",
			.asked = "path original query original?", .learned = { .refused = P | Q } },
		{ "always, closing without an answer", Q, .always = true, .answers = "x 200", .asked = "query original?",
			.learned = { .refused = Q } },
		{ "what worked elsewhere, of a stored page", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "400 200c",
			.asked = "query original?", .learned = { .refused = Q } },
		{ "paths that were decoded elsewhere, of a stored page", P | Q, .lesson = { .worked = RUNG_PATH },
			.answers = "404 200c 200", .asked = "path original query",
			.learned = { .worked = RUNG_QUERY, .refused = P } },
		{ "any change, of a stored page", P | Q | E, .lesson = { .worked = RUNG_PATH },
			.answers = "404 200c 400 400 200c", .asked = "path original query empty original?",
			.learned = { .refused = P | Q | E } },
		{ "what worked is now refused", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "403 200",
			.asked = "query original", .learned = { .refused = Q } },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_missing_page_is_no_offence(void **state)
{
	static const struct row rows[] = {
		{ "missing, with a rung that works", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "404 404",
			.asked = "query original", .learned = { .worked = RUNG_QUERY } },
		{ "missing, and the 404 is stored", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "404 404c",
			.asked = "query original", .learned = { .worked = RUNG_QUERY } },
		{ "gone, and the page is stored", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "404 200c 404",
			.asked = "query original query", .learned = { .worked = RUNG_QUERY } },
		{ "gone by two different changes, and the page is stored", P | Q, .lesson = { .worked = RUNG_PATH },
			.answers = "404 200c 410", .asked = "path original query", .learned = { .worked = RUNG_PATH } },
		{ "missing, always", P | Q, .always = true, .answers = "404 404", .asked = "path original" },
		{ "conditions that fail", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "412", .asked = "query",
			.learned = { .worked = RUNG_QUERY } },
		{ "a range beyond the new end", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "416", .asked = "query",
			.learned = { .worked = RUNG_QUERY } },
		{ "too many requests", Q, .lesson = { .worked = RUNG_QUERY }, .answers = "429", .asked = "query",
			.learned = { .worked = RUNG_QUERY } },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_number_of_requests_is_bounded_whatever_comes(void **state)
{
	static const char *words[] = { "200", "200c", "404", "404c", "301l", "200t", "500", "x" };
	enum { WORDS = COUNT(words), MASKS = 16, LENGTH = CLIMB_REPEATS_MAX + 1 };

	(void)state;
	for (unsigned mask = 0; mask < MASKS; mask++)
		for (unsigned script = 0; script < 1 << 18; script += 7) {
			struct climb_lesson lesson = { .worked = (uint8_t)(script % 5), .refused = 0 };
			struct climb c;
			unsigned count = 1, rest = script;

			climb_begin(&c, &lesson, mask & 1, mask << 1);
			while (take(&c, span_str(words[rest % WORDS]), mask << 1)) {
				rest /= WORDS;
				if (++count > LENGTH)
					fail_msg("script %o with rungs %x asked %u times", script, mask << 1, count);
			}
		}
}

static void test_later_piece_of_a_file_may_come_from_the_copy_of_the_first(void **state)
{
	struct climb_lesson lesson = { .worked = RUNG_QUERY };
	struct climb_answer a = { .status = 206, .cached = true, .rungs = P | Q };
	struct climb c;

	(void)state;
	climb_begin(&c, &lesson, false, P | Q);
	c.same_piece = true;
	assert_false(climb_take(&c, &a));
	assert_false(c.unpierced);
}

static void test_it_is_told_what_came_of_each_rung(void **state)
{
	static const struct {
		const char *answers;
		enum climb_outcome path, query, empty;
	} rows[] = {
		{ "200", CLIMB_UNTRIED, CLIMB_UNTRIED, CLIMB_UNTRIED },
		{ "200c 200", CLIMB_PASSED, CLIMB_UNTRIED, CLIMB_UNTRIED },
		{ "200c 200c 200", CLIMB_CACHED, CLIMB_PASSED, CLIMB_UNTRIED },
		{ "200c 403 200", CLIMB_REFUSED, CLIMB_PASSED, CLIMB_UNTRIED },
		{ "200c 403 403 200", CLIMB_REFUSED, CLIMB_REFUSED, CLIMB_PASSED },
		{ "200c 200c 200c", CLIMB_CACHED, CLIMB_CACHED, CLIMB_UNTRIED },
		{ "200c x 200", CLIMB_REFUSED, CLIMB_UNTRIED, CLIMB_UNTRIED },
	};
	struct climb c;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span rest = span_str(rows[i].answers);

		climb_begin(&c, &(struct climb_lesson){ .futile = false }, false, P | Q | E);
		while (take(&c, span_first(rest, span_find(rest, ' ')), P | Q | E))
			rest = span_from(rest, span_find(rest, ' ') + 1);
		enum rung delivered = c.unpierced ? RUNG_ORIGINAL : c.at;
		if (climb_outcome(&c, RUNG_PATH, delivered) != rows[i].path ||
			climb_outcome(&c, RUNG_QUERY, delivered) != rows[i].query ||
			climb_outcome(&c, RUNG_EMPTY, delivered) != rows[i].empty)
			fail_msg("%s: %u, %u, %u", rows[i].answers, climb_outcome(&c, RUNG_PATH, delivered),
				climb_outcome(&c, RUNG_QUERY, delivered), climb_outcome(&c, RUNG_EMPTY, delivered));
	}
	climb_begin(&c, &(struct climb_lesson){ .worked = RUNG_QUERY }, false, P | Q);
	assert_int_equal(climb_outcome(&c, RUNG_QUERY, RUNG_ORIGINAL), CLIMB_UNANSWERED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_evidence_nothing_is_repeated),
		cmocka_unit_test(test_evidence_leads_up_to_the_first_rung_that_helps),
		cmocka_unit_test(test_where_nothing_helps_it_is_said_and_not_tried_again),
		cmocka_unit_test(test_what_worked_before_comes_first),
		cmocka_unit_test(test_offended_server_gets_the_original),
		cmocka_unit_test(test_missing_page_is_no_offence),
		cmocka_unit_test(test_number_of_requests_is_bounded_whatever_comes),
		cmocka_unit_test(test_later_piece_of_a_file_may_come_from_the_copy_of_the_first),
		cmocka_unit_test(test_it_is_told_what_came_of_each_rung),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
