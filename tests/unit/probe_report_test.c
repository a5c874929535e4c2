/*
 * What a probe found, as text and as JSON.
 */
#include "inspect/probe_report.h"

#include "../json_check.h"
#include "policy_heads.h"

#define NOW_S INT64_C(784111777)

static char text[PROBE_REPORT_BYTES];

/* A place where the plain answer has this head, and the origin's differs in its body. */
static struct probe_place *stale_place(const char *lines)
{
	static struct head head;
	static struct probe_place p;
	struct caching_circumstances about = { .request_time_s = NOW_S, .response_time_s = NOW_S };

	p = (struct probe_place){ .name = SPAN("192.0.2.1:80"), .probe = { .has_query = true } };
	head_read_response(&head, 200, lines);
	caching_read(&head.m, &about, &p.caching);
	notes_take(&p.caching, &p.notes);
	for (enum probe_ask a = probe_next(&p.probe); a != PROBE_ASKS; a = probe_next(&p.probe)) {
		struct sight *s = &p.probe.sights[a];

		sight_read(s, &head.m, NOW_S);
		s->state = SIGHT_MADE;
		s->length = 3;
		s->hash[0] = 1;
		if (a == PROBE_CHANGED || a == PROBE_CHANGED_AGAIN) {
			s->hash[0] = 2;
			s->verdict = (struct verdict){ .kind = VERDICT_FRESH, .age_s = -1 };
		}
	}
	probe_conclude(&p.probe, &p.conclusion);
	return &p;
}

static struct probe_report report_on(const struct probe_place *p)
{
	return (struct probe_report){ .url = SPAN("http://site.test/a"), .places = p, .place_count = 1 };
}

static const char *as_text(const struct probe_place *p, bool colored)
{
	struct probe_report r = report_on(p);
	struct line l = line_of(text, sizeof(text) - 1);

	probe_report_text(&r, colored, &l);
	text[l.n] = '\0';
	return text;
}

static void test_text_shows_verdict_proof_and_what_may_be_kept(void **state)
{
	static const char expected[] =
		"http://site.test/a at 192.0.2.1:80\n"
		"STALE: cloudflare answered with an old copy, 1 min 30 s old, by Age.\n"
		"  A reload that asks for a fresh answer does not get it; a changed address does (pierce).\n"
		"\n"
		"                  as a browser asks                   with a parameter added, twice\n"
		"  status          200                                 200\n"
		"  ETag            \"1\"                                 \"1\"\n"
		"  length          3                                   3\n"
		"  SHA-256         0100000000000000                  * 0200000000000000\n"
		"  caches say      stale(cloudflare, 30 s)             fresh\n"
		"  on the way      cloudflare:hit:90s\n"
		"\n"
		"  a browser       may keep it (RFC 9111 3); good for 1 min (max-age, RFC 9111 5.2.2.1), never longer\n"
		"  a shared cache  may keep it (RFC 9111 3); good for 1 min (max-age, RFC 9111 5.2.2.1), never longer\n"
		"  its age         1 min 30 s\n"
		"\n"
		"  - Cache-Control: must-revalidate: never used beyond its lifetime, even when the origin is down [RFC 9111 5.2.2.2]\n"
		"  ! Age: it came 30 s beyond its lifetime [RFC 9111 4.2]\n"
		"  ? Date: missing: ages can only be guessed [RFC 9110 6.6.1]\n"
		"\n";
	struct probe_place *p = stale_place("Age: 90\nCache-Control: max-age=60, must-revalidate\nETag: \"1\"\nCF-Cache-Status: HIT");

	(void)state;
	assert_text("report", as_text(p, false), expected);
}

static void test_colors_add_nothing_but_colors(void **state)
{
	static char plain[PROBE_REPORT_BYTES];
	const struct probe_place *p = stale_place("ETag: \"1\"\nVary: *\nCache-Control: max-age=x");
	size_t n = 0;

	(void)state;
	memcpy(plain, as_text(p, false), strlen(text) + 1);
	as_text(p, true);
	assert_non_null(strchr(text, '\x1b'));
	for (const char *c = text; *c; c++) {
		if (*c == '\x1b')
			c = strchr(c, 'm');
		else
			text[n++] = *c;
	}
	text[n] = '\0';
	assert_text("without colors", text, plain);
}

static void test_hostile_heads_give_plain_text_and_strict_json(void **state)
{
	static const char lines[] = "ETag: \x1b[2J\x07\xe2\x80\xae\nVary: \"\\\x9b\nLocation: \x80\xff\nContent-Type: a\tb\n"
				    "Last-Modified: \xc2\x9b\nX-Cache: HIT from \x1b]0;x\x07\nCache-Control: \x01=\x02";
	const struct probe_place *p = stale_place(lines);
	struct probe_report r = report_on(p);
	struct line l = line_of(text, sizeof(text) - 1);

	(void)state;
	for (const char *c = as_text(p, false); *c; c++)
		if ((*c < ' ' || *c > '~') && *c != '\n')
			fail_msg("byte %d gets through", *c);
	assert_true(probe_report_json(&r, &l));
	assert_true(l.p[l.n - 1] == '\n' && json_check(span_of(l.p, l.n - 1)));
}

static void test_failure_is_told_without_an_answer(void **state)
{
	struct probe_place p = { .name = SPAN("site.test:80"), .failure = "no such host" };
	struct probe_report r = report_on(&p);
	struct line l = line_of(text, sizeof(text) - 1);

	(void)state;
	p.probe.sights[PROBE_PLAIN].state = SIGHT_FAILED;
	probe_conclude(&p.probe, &p.conclusion);
	assert_text("report", as_text(&p, false), "http://site.test/a at site.test:80\nFAILED: no such host.\n\n");
	assert_true(probe_report_json(&r, &l));
	text[l.n] = '\0';
	assert_text("report", text, "{\"schema\":1,\"url\":\"http://site.test/a\",\"round\":1,\"exit\":2,\"places_differ\":false,"
		"\"places\":[{\"address\":\"site.test:80\",\"verdict\":\"failed\",\"reason\":\"no such host\","
		"\"answers\":[{\"asked\":\"plain\",\"answered\":false}]}]}\n");
}

static void test_report_that_does_not_fit_is_no_json(void **state)
{
	struct probe_report r = report_on(stale_place("ETag: \"1\""));
	struct line l = line_of(text, 200);

	(void)state;
	assert_false(probe_report_json(&r, &l));
}

static void test_largest_heads_fit(void **state)
{
	static char lines[70000];
	struct probe_place places[16];
	struct probe_report r = { .url = SPAN("http://site.test/a"), .places = places, .place_count = COUNT(places) };
	struct line l = line_of(text, sizeof(text));

	(void)state;
	memset(lines, 1, sizeof(lines) - 1); /* the dearest: six bytes in JSON for each */
	memcpy(lines, "ETag: ", 6);
	memcpy(lines + 30000, "\nLast-Modified: ", 16);
	for (size_t i = 0; i < COUNT(places); i++)
		places[i] = *stale_place(lines);
	assert_true(probe_report_json(&r, &l));
}

static void test_gravest_status_counts(void **state)
{
	static const struct {
		int a, b, worst;
	} rows[] = { { 0, 0, 0 }, { 0, 3, 3 }, { 3, 2, 2 }, { 2, 1, 1 }, { 1, 3, 1 }, { 1, 0, 1 }, { 2, 0, 2 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(probe_graver_status(rows[i].a, rows[i].b), rows[i].worst);
		assert_int_equal(probe_graver_status(rows[i].b, rows[i].a), rows[i].worst);
	}
}

static void test_places_that_show_different_things_differ(void **state)
{
	struct probe_place places[3] = { { .conclusion = { .verdict = PROBE_FRESH } }, { .conclusion = { .verdict = PROBE_DYNAMIC } },
					 { .conclusion = { .verdict = PROBE_STALE } } };

	(void)state;
	for (int i = 0; i < 3; i++)
		places[i].probe.sights[PROBE_PLAIN] = (struct sight){ .state = SIGHT_MADE, .status = 200, .length = 1 };
	places[1].probe.sights[PROBE_PLAIN].length = 2; /* dynamic: no matter */
	assert_false(probe_places_differ(places, 3));
	places[2].probe.sights[PROBE_PLAIN].length = 2;
	assert_true(probe_places_differ(places, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_shows_verdict_proof_and_what_may_be_kept),
		cmocka_unit_test(test_colors_add_nothing_but_colors),
		cmocka_unit_test(test_hostile_heads_give_plain_text_and_strict_json),
		cmocka_unit_test(test_failure_is_told_without_an_answer),
		cmocka_unit_test(test_report_that_does_not_fit_is_no_json),
		cmocka_unit_test(test_largest_heads_fit),
		cmocka_unit_test(test_gravest_status_counts),
		cmocka_unit_test(test_places_that_show_different_things_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
