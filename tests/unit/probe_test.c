/*
 * The A/B probe: which questions it asks of whom, and what it concludes.
 *
 * A site is a row: what each question is answered with.  The probe is led through it as its caller would.
 */
#include "inspect/probe.h"

#include "http/freshness.h"
#include "policy_heads.h"

enum { T = 100000 };

/*
 * One answer: a letter for what it shows (upper case: an error, '>' a redirect, '-' none came), and what is said of it.
 */
struct reply {
	char shows;
	const char *etag;
	int64_t last_modified_s; /* 0 absent */
	enum verdict_kind kind;
	int64_t age_s;
	const char *coding;
};

struct site {
	const char *name;
	bool sealed, pathless, no_file;
	struct reply replies[PROBE_ASKS];
	enum probe_verdict verdict;
	enum probe_ask witness;
	const char *asked; /* initials of the questions, in order */
};

static const char initials[PROBE_ASKS] = { 'A', 'Q', 'q', 'P', 'p', 'a', 'T', 'E', 'M' };

static struct sight sight_of(const struct reply *r)
{
	struct sight s = { .state = r->shows == '-' ? SIGHT_FAILED : SIGHT_MADE, .length = 1, .date_s = TIME_ABSENT };

	s.status = r->shows == '>' ? 302 : r->shows >= 'A' && r->shows <= 'Z' ? 404 : 200;
	s.location = r->shows == '>' ? span_str(r->etag) : SPAN_NONE;
	s.hash[0] = (unsigned char)r->shows;
	s.etag = r->etag && r->shows != '>' ? span_str(r->etag) : SPAN_NONE;
	s.last_modified_s = r->last_modified_s ? r->last_modified_s : TIME_ABSENT;
	s.last_modified = r->last_modified_s ? span_of((const char *)&r->last_modified_s, sizeof(r->last_modified_s)) : SPAN_NONE;
	s.coding = r->coding ? span_str(r->coding) : SPAN_NONE;
	s.verdict.kind = r->kind;
	s.verdict.age_s = r->age_s ? r->age_s : -1;
	return s;
}

/* Asks until nothing is left to ask; `asked` gets the initials. */
static void lead(struct probe *p, const struct site *site, char asked[PROBE_ASKS + 1])
{
	size_t n = 0;

	*p = (struct probe){
		.has_query = !site->sealed, .has_path = !site->sealed && !site->pathless, .names_file = !site->no_file
	};
	for (enum probe_ask a = probe_next(p); a != PROBE_ASKS; a = probe_next(p)) {
		assert_true(n < PROBE_ASKS);
		asked[n++] = initials[a];
		p->sights[a] = sight_of(&site->replies[a]);
	}
	asked[n] = '\0';
}

#define REPLY(s, ...) { .shows = s, ##__VA_ARGS__ }
#define PLAIN(s, ...) [PROBE_PLAIN] = REPLY(s, ##__VA_ARGS__), [PROBE_PLAIN_AGAIN] = REPLY(s, ##__VA_ARGS__)
#define QUERY(s, ...) [PROBE_CHANGED] = REPLY(s, ##__VA_ARGS__), [PROBE_CHANGED_AGAIN] = REPLY(s, ##__VA_ARGS__)
#define PATHS(s, ...) [PROBE_PATH] = REPLY(s, ##__VA_ARGS__), [PROBE_PATH_AGAIN] = REPLY(s, ##__VA_ARGS__)
#define TRIPLE_(s, ...) [PROBE_TRIPLE] = REPLY(s, ##__VA_ARGS__)

static const struct site sites[] = {
	{ "nothing in between", .replies = { PLAIN('a'), QUERY('a') }, .verdict = PROBE_FRESH,
	  .witness = PROBE_CHANGED, .asked = "AQq" },
	{ "validators are tried", .replies = { PLAIN('a', "\"1\"", T), QUERY('a', "\"1\"", T) },
	  .verdict = PROBE_FRESH, .witness = PROBE_CHANGED, .asked = "AQqEM" },
	{ "a stored copy that still holds", .replies = { PLAIN('a', .kind = VERDICT_FROM_CACHE, .age_s = 9),
	  QUERY('a') }, .verdict = PROBE_FRESH, .witness = PROBE_CHANGED, .asked = "AQq" },
	{ "a copy beyond its lifetime that still holds", .replies = { PLAIN('a', .kind = VERDICT_STALE),
	  QUERY('a') }, .verdict = PROBE_FRESH, .witness = PROBE_CHANGED, .asked = "AQq" },
	{ "a silent cache, stale", .replies = { PLAIN('a'), QUERY('b'), PATHS('b'), TRIPLE_('a') },
	  .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "a cache that heeds the triple, stale", .replies = { PLAIN('a'), QUERY('b'), PATHS('b'),
	  TRIPLE_('b') }, .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "stale, and its address is the root", .pathless = true, .replies = { PLAIN('a'), QUERY('b'),
	  TRIPLE_('a') }, .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqaT" },
	{ "a stored 404 of what is there by now", .replies = { PLAIN('A'), QUERY('b'), PATHS('b'),
	  TRIPLE_('A') }, .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "a 404 that is one", .replies = { PLAIN('A'), QUERY('A') }, .verdict = PROBE_FRESH,
	  .witness = PROBE_CHANGED, .asked = "AQq" },
	{ "a redirect that still holds", .replies = { PLAIN('>', "/b"), QUERY('>', "/b") },
	  .verdict = PROBE_FRESH, .witness = PROBE_CHANGED, .asked = "AQq" },
	{ "a redirect that leads elsewhere by now", .replies = { PLAIN('>', "/b"), QUERY('>', "/c"), PATHS('>',
	  "/c"), TRIPLE_('>', "/b") }, .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "a redirect that is none any more", .replies = { PLAIN('>', "/b"), QUERY('c'), PATHS('c'),
	  TRIPLE_('>', "/b") }, .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },

	{ "something else each time", .replies = { [PROBE_PLAIN] = { .shows = 'a' },
	  [PROBE_CHANGED] = { .shows = 'b' }, [PROBE_CHANGED_AGAIN] = { .shows = 'c' },
	  [PROBE_PATH] = { .shows = 'd' }, [PROBE_PATH_AGAIN] = { .shows = 'e' },
	  [PROBE_PLAIN_AGAIN] = { .shows = 'f' }, TRIPLE_('g') }, .verdict = PROBE_DYNAMIC,
	  .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "something else each time, behind a silent cache", .replies = { PLAIN('a'),
	  [PROBE_CHANGED] = { .shows = 'b' }, [PROBE_CHANGED_AGAIN] = { .shows = 'c' },
	  [PROBE_PATH] = { .shows = 'd' }, [PROBE_PATH_AGAIN] = { .shows = 'e' }, TRIPLE_('a') },
	  .verdict = PROBE_DYNAMIC, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "something else each time, beyond its lifetime", .replies = { PLAIN('a', .kind = VERDICT_STALE),
	  [PROBE_CHANGED] = { .shows = 'b' }, [PROBE_CHANGED_AGAIN] = { .shows = 'c' },
	  [PROBE_PATH] = { .shows = 'd' }, [PROBE_PATH_AGAIN] = { .shows = 'e' }, TRIPLE_('a') },
	  .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "something else each time, with an older tag", .replies = { PLAIN('a', "\"1\""),
	  [PROBE_CHANGED] = { .shows = 'b', "\"2\"" }, [PROBE_CHANGED_AGAIN] = { .shows = 'c', "\"2\"" },
	  [PROBE_PATH] = { .shows = 'd' }, [PROBE_PATH_AGAIN] = { .shows = 'e' }, TRIPLE_('a') },
	  .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaTE" },
	{ "something else each time, with the same tag", .replies = { PLAIN('a', "\"1\""),
	  [PROBE_CHANGED] = { .shows = 'b', "\"1\"" }, [PROBE_CHANGED_AGAIN] = { .shows = 'c', "\"1\"" },
	  [PROBE_PATH] = { .shows = 'd' }, [PROBE_PATH_AGAIN] = { .shows = 'e' }, TRIPLE_('a') },
	  .verdict = PROBE_DYNAMIC, .witness = PROBE_CHANGED, .asked = "AQqPpaTE" },
	{ "a page that shows its address", .replies = { PLAIN('a'), [PROBE_CHANGED] = { .shows = 'b' },
	  [PROBE_CHANGED_AGAIN] = { .shows = 'c' }, PATHS('a'), TRIPLE_('a') }, .verdict = PROBE_DYNAMIC,
	  .witness = PROBE_CHANGED, .asked = "AQqPpaT" },

	{ "a cache that overlooks parameters and says so", .replies = { PLAIN('a', .kind = VERDICT_FROM_CACHE,
	  .age_s = 9), QUERY('a', .kind = VERDICT_FROM_CACHE, .age_s = 9), PATHS('a') }, .verdict = PROBE_FRESH,
	  .witness = PROBE_PATH, .asked = "AQqPp" },
	{ "the same, stale", .replies = { PLAIN('a', .kind = VERDICT_FROM_CACHE, .age_s = 9), QUERY('a',
	  .kind = VERDICT_FROM_CACHE, .age_s = 9), PATHS('b'), TRIPLE_('a') }, .verdict = PROBE_STALE,
	  .witness = PROBE_PATH, .asked = "AQqPpaT" },
	{ "the same, where the site may route by the path's spelling", .no_file = true, .replies = { PLAIN('a',
	  .kind = VERDICT_FROM_CACHE, .age_s = 9), QUERY('a', .kind = VERDICT_FROM_CACHE, .age_s = 9),
	  PATHS('b'), TRIPLE_('a') }, .verdict = PROBE_UNCERTAIN, .witness = PROBE_PATH, .asked = "AQqPpaT" },
	{ "the same, with dates", .no_file = true, .replies = { PLAIN('a', NULL, T, VERDICT_FROM_CACHE, 9),
	  QUERY('a', NULL, T, VERDICT_FROM_CACHE, 9), PATHS('b', NULL, T + 60), TRIPLE_('a', NULL, T) },
	  .verdict = PROBE_STALE, .witness = PROBE_PATH, .asked = "AQqPpaTM" },
	{ "a cache that overlooks everything", .replies = { PLAIN('a', .kind = VERDICT_FROM_CACHE, .age_s = 9),
	  QUERY('a', .kind = VERDICT_FROM_CACHE, .age_s = 9), PATHS('a', .kind = VERDICT_FROM_CACHE,
	  .age_s = 9), TRIPLE_('a', .kind = VERDICT_FROM_CACHE, .age_s = 9) }, .verdict = PROBE_KEY_IGNORED,
	  .witness = PROBE_TRIPLE, .asked = "AQqPpaT" },
	{ "a cache that overlooks everything but the triple, stale", .replies = { PLAIN('a',
	  .kind = VERDICT_FROM_CACHE, .age_s = 9), QUERY('a', .kind = VERDICT_FROM_CACHE, .age_s = 9),
	  PATHS('a', .kind = VERDICT_FROM_CACHE, .age_s = 9), TRIPLE_('b') }, .verdict = PROBE_STALE,
	  .witness = PROBE_TRIPLE, .asked = "AQqPpaT" },
	{ "a cache that overlooks everything but the triple, fresh", .replies = { PLAIN('a',
	  .kind = VERDICT_FROM_CACHE, .age_s = 9), QUERY('a', .kind = VERDICT_FROM_CACHE, .age_s = 9),
	  PATHS('a', .kind = VERDICT_FROM_CACHE, .age_s = 9), TRIPLE_('a', .kind = VERDICT_FRESH) },
	  .verdict = PROBE_FRESH, .witness = PROBE_TRIPLE, .asked = "AQqPpaT" },

	{ "a site that refuses parameters", .replies = { PLAIN('a'), QUERY('B'), PATHS('a') },
	  .verdict = PROBE_FRESH, .witness = PROBE_PATH, .asked = "AQqPp" },
	{ "a site that redirects parameters away, stale", .replies = { PLAIN('a'), QUERY('>', "/a"), PATHS('b'),
	  TRIPLE_('a') }, .verdict = PROBE_STALE, .witness = PROBE_PATH, .asked = "AQqPpaT" },
	{ "a site that refuses every change", .replies = { PLAIN('a'), QUERY('B'), PATHS('B'), TRIPLE_('a') },
	  .verdict = PROBE_UNCERTAIN, .witness = PROBE_TRIPLE, .asked = "AQqPpaT" },
	{ "a site that refuses every change, stale", .replies = { PLAIN('a'), QUERY('B'), PATHS('B'),
	  TRIPLE_('b') }, .verdict = PROBE_STALE, .witness = PROBE_TRIPLE, .asked = "AQqPpaT" },
	{ "a site that heeds any parameter", .replies = { PLAIN('a'), QUERY('b'), PATHS('a'), TRIPLE_('a') },
	  .verdict = PROBE_UNCERTAIN, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "a cache that overlooks the path's spelling and says that it answered", .replies = { PLAIN('a',
	  .kind = VERDICT_FROM_CACHE, .age_s = 9), QUERY('b'), PATHS('a', .kind = VERDICT_FROM_CACHE,
	  .age_s = 9), TRIPLE_('a') }, .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "a cache that overlooks the path's spelling in silence, with dates", .replies = { PLAIN('a', NULL, T),
	  QUERY('b', NULL, T + 60), PATHS('a', NULL, T), TRIPLE_('a', NULL, T) }, .verdict = PROBE_STALE,
	  .witness = PROBE_CHANGED, .asked = "AQqPpaTM" },

	{ "a signed address", .sealed = true, .replies = { PLAIN('a'), TRIPLE_('a') },
	  .verdict = PROBE_UNCERTAIN, .witness = PROBE_TRIPLE, .asked = "AaT" },
	{ "a signed address, and caches that say they asked", .sealed = true, .replies = { PLAIN('a'),
	  TRIPLE_('a', .kind = VERDICT_FRESH) }, .verdict = PROBE_FRESH, .witness = PROBE_TRIPLE,
	  .asked = "AaT" },
	{ "a signed address, stale", .sealed = true, .replies = { PLAIN('a'), TRIPLE_('b') },
	  .verdict = PROBE_STALE, .witness = PROBE_TRIPLE, .asked = "AaT" },

	{ "a copy that was stored for who takes no compression", .replies = { PLAIN('a', "\"1\""),
	  QUERY('z', "W/\"1\"", .coding = "gzip"), PATHS('z', "W/\"1\"", .coding = "gzip"),
	  TRIPLE_('z', "W/\"1\"", .coding = "gzip") }, .verdict = PROBE_UNCERTAIN, .witness = PROBE_CHANGED,
	  .asked = "AQqPpaTE" },
	{ "the same, stale by its date", .replies = { PLAIN('a', NULL, T), QUERY('z', NULL, T + 60, .coding = "gzip"),
	  PATHS('z', NULL, T + 60, .coding = "gzip"), TRIPLE_('a', NULL, T) }, .verdict = PROBE_STALE,
	  .witness = PROBE_CHANGED, .asked = "AQqPpaTM" },
	{ "compressed in another way, with the same date", .replies = { PLAIN('y', NULL, T, .coding = "gzip"),
	  QUERY('z', NULL, T, .coding = "gzip"), PATHS('z', NULL, T, .coding = "gzip"),
	  TRIPLE_('y', NULL, T, .coding = "gzip") }, .verdict = PROBE_UNCERTAIN, .witness = PROBE_CHANGED,
	  .asked = "AQqPpaTM" },
	{ "compressed, with another tag", .replies = { PLAIN('y', "\"1\"", .coding = "br"), QUERY('z', "\"2\"",
	  .coding = "br"), PATHS('z', "\"2\"", .coding = "br"), TRIPLE_('y', "\"1\"", .coding = "br") },
	  .verdict = PROBE_STALE, .witness = PROBE_CHANGED, .asked = "AQqPpaTE" },
	{ "compressed, something else each time, with the tag of the same uncompressed", .replies = { PLAIN('a', "\"1\""),
	  [PROBE_CHANGED] = { .shows = 'y', "W/\"1\"", .coding = "gzip" },
	  [PROBE_CHANGED_AGAIN] = { .shows = 'z', "W/\"1\"", .coding = "gzip" }, TRIPLE_('a', "\"1\"") },
	  .pathless = true, .verdict = PROBE_DYNAMIC, .witness = PROBE_CHANGED, .asked = "AQqaTE" },

	{ "it changed meanwhile", .replies = { [PROBE_PLAIN] = { .shows = 'a' },
	  [PROBE_PLAIN_AGAIN] = { .shows = 'b' }, QUERY('b'), PATHS('b'), TRIPLE_('b') },
	  .verdict = PROBE_UNCERTAIN, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "servers that disagree", .replies = { [PROBE_PLAIN] = { .shows = 'a' },
	  [PROBE_PLAIN_AGAIN] = { .shows = 'c' }, QUERY('b'), PATHS('b'), TRIPLE_('b') },
	  .verdict = PROBE_UNCERTAIN, .witness = PROBE_CHANGED, .asked = "AQqPpaT" },
	{ "it breaks down meanwhile", .replies = { [PROBE_PLAIN] = { .shows = 'a' },
	  [PROBE_PLAIN_AGAIN] = { .shows = '-' }, QUERY('-'), PATHS('-'), TRIPLE_('-') },
	  .verdict = PROBE_UNCERTAIN, .witness = PROBE_PLAIN, .asked = "AQqPpaT" },
	{ "it cannot be reached", .replies = { PLAIN('-') }, .verdict = PROBE_FAILED, .witness = PROBE_CHANGED,
	  .asked = "A" },
};

static void test_each_kind_of_site_gets_its_verdict_by_the_fewest_questions(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sites); i++) {
		struct probe p;
		struct probe_conclusion out;
		char asked[PROBE_ASKS + 1];

		lead(&p, &sites[i], asked);
		probe_conclude(&p, &out);
		if (out.verdict != sites[i].verdict || out.witness != sites[i].witness || strcmp(asked, sites[i].asked) != 0)
			fail_msg("%s: %s by \"%s\" after %s (%s), expected %s by \"%s\" after %s", sites[i].name,
				probe_verdict_name(out.verdict), probe_ask_name(out.witness), asked, out.reason ? out.reason : "",
				probe_verdict_name(sites[i].verdict), probe_ask_name(sites[i].witness), sites[i].asked);
	}
}

static const struct site *find(const char *name)
{
	for (size_t i = 0; i < COUNT(sites); i++)
		if (strcmp(sites[i].name, name) == 0)
			return &sites[i];
	fail_msg("no site is called \"%s\"", name);
	return NULL;
}

static struct probe_conclusion conclusion_on(const char *name)
{
	struct probe p;
	struct probe_conclusion out;
	char asked[PROBE_ASKS + 1];

	lead(&p, find(name), asked);
	probe_conclude(&p, &out);
	return out;
}

static void test_staleness_is_measured_by_what_tells_most(void **state)
{
	struct probe_conclusion by_date = conclusion_on("the same, with dates"), by_age = conclusion_on("the same, stale");

	(void)state;
	assert_int_equal(by_date.measure, MEASURE_LAST_MODIFIED);
	assert_int_equal(by_date.by_s, 60);
	assert_int_equal(by_age.measure, MEASURE_AGE);
	assert_int_equal(by_age.by_s, 9);
	assert_int_equal(conclusion_on("a silent cache, stale").measure, MEASURE_NONE);
}

static void test_it_is_told_whether_the_triple_would_help(void **state)
{
	(void)state;
	assert_false(conclusion_on("a silent cache, stale").triple_reaches);
	assert_true(conclusion_on("a cache that heeds the triple, stale").triple_reaches);
}

static void test_dynamic_answers_stay_open_where_one_may_be_stored(void **state)
{
	(void)state;
	assert_false(conclusion_on("something else each time").open);
	assert_false(conclusion_on("something else each time, with the same tag").open);
	assert_true(conclusion_on("something else each time, behind a silent cache").open);
	assert_true(conclusion_on("a page that shows its address").open);
}

static void test_all_that_is_not_proven_has_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sites); i++) {
		struct probe_conclusion out = conclusion_on(sites[i].name);
		bool wants = out.verdict == PROBE_DYNAMIC || out.verdict == PROBE_UNCERTAIN || out.verdict == PROBE_KEY_IGNORED;

		if (wants != (out.reason != NULL))
			fail_msg("%s: %s", sites[i].name, out.reason ? out.reason : "no reason");
	}
}

static void test_differences_are_told_one_by_one(void **state)
{
	struct head h;
	struct sight a = { .state = SIGHT_MADE }, b = { .state = SIGHT_MADE };

	(void)state;
	head_read_response(&h, 200, "ETag: \"1\"\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\nContent-Type: text/html");
	sight_read(&a, &h.m, 784111777);
	b = a;
	assert_int_equal(sight_differences(&a, &b), 0);
	assert_int_equal(a.last_modified_s, 784111777);
	b.etag = SPAN("\"2\"");
	b.length = 1;
	assert_int_equal(sight_differences(&a, &b), DIFFERS_ETAG | DIFFERS_LENGTH);
	b.status = 404;
	b.hash[31] = 1;
	b.content_type = b.last_modified = SPAN_NONE;
	b.location = SPAN("/");
	b.coding = SPAN("gzip");
	assert_int_equal(sight_differences(&a, &b), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_of_site_gets_its_verdict_by_the_fewest_questions),
		cmocka_unit_test(test_staleness_is_measured_by_what_tells_most),
		cmocka_unit_test(test_it_is_told_whether_the_triple_would_help),
		cmocka_unit_test(test_dynamic_answers_stay_open_where_one_may_be_stored),
		cmocka_unit_test(test_all_that_is_not_proven_has_its_reason),
		cmocka_unit_test(test_differences_are_told_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
