/*
 * Requests written differently for caches: which changes a request bears, how they look, and how they are taken back.
 */
#include "policy_heads.h"

#include "policy/pierce.h"
#include "policy/unpierce.h"

static const struct span parameter = { "_freshet", 8 };

static char memory[64 * 1024];

static struct arena *arena(void)
{
	static struct arena a;

	arena_init(&a, memory, sizeof(memory), 0);
	return &a;
}

/* Names of the rungs, separated by blanks. */
static const char *names_of(unsigned rungs, char out[HEAD_TEXT_MAX])
{
	size_t n = 0;

	out[0] = '\0';
	for (enum rung r = RUNG_ORIGINAL; r < RUNG_COUNT; r++)
		if (rungs & RUNG_BIT(r))
			n += (size_t)snprintf(out + n, HEAD_TEXT_MAX - n, "%s%s", n ? " " : "",
				r == RUNG_ORIGINAL ? "original" : rung_name(r));
	return out;
}

static void test_only_requests_that_caches_answer_are_of_interest(void **state)
{
	static const struct {
		const char *method, *lines;
		enum framing framing;
		bool concerns;
	} rows[] = {
		{ "GET", "", FRAMING_NONE, true },
		{ "HEAD", "Accept: text/html", FRAMING_NONE, true },
		{ "GET", "Range: bytes=0-9", FRAMING_NONE, true },
		{ "GET", "", FRAMING_LENGTH, false },
		{ "GET", "", FRAMING_CHUNKED, false },
		{ "GET", "Accept: text/event-stream", FRAMING_NONE, false },
		{ "GET", "accept: Text/Event-Stream, */*", FRAMING_NONE, false },
		{ "GET", "Accept: application/json, text/event-stream;q=0.5", FRAMING_NONE, false },
		{ "GET", "Accept: text/event-strea", FRAMING_NONE, true },
		{ "POST", "", FRAMING_NONE, false },
		{ "PUT", "", FRAMING_NONE, false },
		{ "DELETE", "", FRAMING_NONE, false },
		{ "PATCH", "", FRAMING_NONE, false },
		{ "OPTIONS", "", FRAMING_NONE, false },
		{ "QUERY", "", FRAMING_LENGTH, false },
		{ "PROPFIND", "", FRAMING_NONE, false },
	};
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		head_read_request(&h, rows[i].method, "/", rows[i].lines);
		h.m.framing = rows[i].framing;
		if (pierce_concerns(&h.m) != rows[i].concerns)
			fail_msg("%s %s: expected %d", rows[i].method, rows[i].lines, rows[i].concerns);
	}
	head_read_request(&h, "GET", "/", "");
	h.m.websocket = true;
	assert_false(pierce_concerns(&h.m));
}

static void test_rungs_that_a_request_bears(void **state)
{
	static const struct {
		const char *name, *path, *lines;
		struct pierce_facts facts;
		const char *rungs;
	} rows[] = {
		{ "long name of a file, silent cache", "/assets/application-of-today.js", "", { .is_checked = false },
			"path query" },
		{ "the same with a query", "/assets/application-of-today.js?v=1", "", { .is_checked = false },
			"path query" },
		{ "short name of a file, silent cache", "/app.js", "", { .is_checked = false }, "query" },
		{ "name of a file with evidence", "/index.html", "", { .is_checked = true }, "path query empty" },
		{ "few letters", "/a.js", "", { .is_checked = true }, "query empty" },
		{ "no letters", "/", "", { .is_checked = true }, "query empty" },
		{ "letters in the query only", "/?some=long&query=string.of/letters", "", { .is_checked = true },
			"query empty" },
		{ "a route, not known what is right", "/articles/latest", "", { .is_checked = true }, "query empty" },
		{ "a route, the original known", "/articles/latest", "", { .is_checked = true, .original_known = true },
			"path query empty" },
		{ "dot at the end", "/articles/latest.", "", { .is_checked = true }, "query empty" },
		{ "dot in a folder", "/v1.0/articles", "", { .is_checked = true }, "query empty" },
		{ "escaped letters of the client's own", "/ind%65x.html", "", { .is_checked = true }, "query empty" },
		{ "other escapes", "/index%20of%2Fall.html", "", { .is_checked = true }, "path query empty" },
		{ "letters behind a semicolon", "/a;jsessionid=abcdefghij.x", "", { .is_checked = true }, "query empty" },
		{ "credentials", "/index.html", "Authorization: Bearer x", { .is_checked = true }, "path" },
		{ "varying by User-Agent", "/", "User-Agent: a/1", { .agent_varies = true }, "vary query" },
		{ "varying by User-Agent without one", "/", "", { .agent_varies = true }, "query" },
		{ "signed User-Agent", "/", "User-Agent: a/1", { .agent_varies = true, .agent_signed = true }, "query" },
	};
	static struct head h;
	char out[HEAD_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct pierce_facts facts = rows[i].facts;

		head_read_request(&h, "GET", rows[i].path, rows[i].lines);
		facts.request = &h.m;
		facts.path = h.m.target;
		assert_text(rows[i].name, names_of(pierce_rungs(&facts), out), rows[i].rungs);
	}
}

static const char *changed(const char *path, enum rung rung, uint64_t token, struct arena *a)
{
	static char out[HEAD_TEXT_MAX];
	struct span got = pierce_path(span_str(path), rung, parameter, token, a);

	snprintf(out, sizeof(out), "%.*s", SPAN_ARG(got));
	return out;
}

static void test_changed_paths(void **state)
{
	static const struct {
		enum rung rung;
		uint64_t token;
		const char *path, *changed;
	} rows[] = {
		{ RUNG_ORIGINAL, 7, "/a?b", "/a?b" },
		{ RUNG_VARY, 7, "/a?b", "/a?b" },
		{ RUNG_PATH, 0, "/abc", "/%61bc" },
		{ RUNG_PATH, 1, "/abc", "/a%62c" },
		{ RUNG_PATH, 6, "/abc", "/%61%62%63" },
		{ RUNG_PATH, 7, "/abc", "/%61bc" },
		{ RUNG_PATH, 0, "/m/7?m", "/%6D/7?m" },
		{ RUNG_PATH, 1, "/m/7?m", "/%6d/7?m" },
		{ RUNG_PATH, 2, "/m/7?m", "/m/%37?m" },
		{ RUNG_PATH, 6, "/-._~!$&'()*+,=:@%2F%2f;x=y/b", NULL },
		{ RUNG_PATH, 0, "/-._~!$&'()*+,=:@%2F%2f;x=y/b", "/-._~!$&'()*+,=:@%2F%2f;x=y/%62" },
		{ RUNG_QUERY, 0, "/a", "/a?_freshet=0000000000000000" },
		{ RUNG_QUERY, 0, "/a?", "/a?&_freshet=0000000000000000" },
		{ RUNG_QUERY, 0, "/a?b=c&d", "/a?b=c&d&_freshet=0000000000000000" },
		{ RUNG_EMPTY, 0, "/a", "/a?&" },
		{ RUNG_EMPTY, 2, "/a", "/a?&&&" },
		{ RUNG_EMPTY, 0, "/a?b", "/a?b&&" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].changed)
			assert_text(rows[i].path, changed(rows[i].path, rows[i].rung, rows[i].token, arena()), rows[i].changed);
}

static bool is_upper_or_plain_twin(const char *path, struct span got)
{
	size_t at = 0;

	for (size_t i = 0; i < got.n; at++) {
		int high = got.p[i] == '%' ? ascii_hex(got.p[i + 1]) : -1;

		if (high < 0) {
			if (got.p[i++] != path[at])
				return false;
			continue;
		}
		if ((high << 4 | ascii_hex(got.p[i + 2])) != path[at])
			return false;
		i += 3;
	}
	return path[at] == '\0';
}

static void test_no_two_tokens_in_a_row_write_a_path_alike(void **state)
{
	enum { TOKENS = 127 };
	const char *path = "/q/abcdef";
	struct span seen[TOKENS];
	struct arena *a = arena();

	(void)state;
	for (uint64_t i = 0; i < TOKENS; i++) {
		seen[i] = pierce_path(span_str(path), RUNG_PATH, parameter, 1000 + i, a);
		assert_true(is_upper_or_plain_twin(path, seen[i]));
		assert_false(span_eq(seen[i], span_str(path)));
		for (uint64_t j = 0; j < i; j++)
			assert_false(span_eq(seen[i], seen[j]));
	}
}

static void test_no_two_tokens_write_a_parameter_alike(void **state)
{
	enum { TOKENS = 200 };
	struct span seen[TOKENS];
	struct arena *a = arena();

	(void)state;
	for (uint64_t i = 0; i < TOKENS; i++) {
		seen[i] = pierce_path(SPAN("/"), RUNG_QUERY, parameter, UINT64_MAX - TOKENS / 2 + i, a);
		for (uint64_t j = 0; j < i; j++)
			assert_false(span_eq(seen[i], seen[j]));
	}
}

static void test_agent_gets_one_product_more(void **state)
{
	struct arena *a = arena();
	struct span first = pierce_agent(SPAN("curl/8"), 1, a), second = pierce_agent(SPAN("curl/8"), 2, a);

	(void)state;
	assert_true(span_starts(first, SPAN("curl/8 freshet/")));
	assert_int_equal(first.n, sizeof("curl/8 freshet/") - 1 + PIERCE_TOKEN_LEN);
	assert_false(span_eq(first, second));
}

static void test_varying_is_read_from_any_line(void **state)
{
	static struct head h;

	(void)state;
	head_read_response(&h, 200, "Vary: Accept\nVary: accept-encoding, USER-AGENT");
	assert_true(pierce_varies(&h.m));
	head_read_response(&h, 200, "Vary: Accept, X-User-Agent");
	assert_false(pierce_varies(&h.m));
}

static void test_without_room_there_is_no_change(void **state)
{
	struct arena none;
	char few[8];

	(void)state;
	arena_init(&none, few, sizeof(few), 0);
	for (enum rung r = RUNG_PATH; r < RUNG_COUNT; r++)
		if (r != RUNG_VARY)
			assert_int_equal(pierce_path(SPAN("/index.html"), r, parameter, 1, &none).n, 0);
	assert_int_equal(pierce_agent(SPAN("curl/8"), 1, &none).n, 0);
}

/* ---- taking back */

static void check_back(const struct unpierce *u, const char *text, const char *expected)
{
	struct span got = unpierce(u, span_str(text), arena());
	char out[HEAD_TEXT_MAX];

	snprintf(out, sizeof(out), "%.*s", SPAN_ARG(got));
	assert_text(text, out, expected);
}

#define TOKEN "00112233aabbccdd"

static void test_parameter_is_taken_out_wherever_it_stands(void **state)
{
	static const char *rows[][2] = {
		{ "/a?_freshet=" TOKEN, "/a" },
		{ "/a?_freshet=" TOKEN "&b=1", "/a?b=1" },
		{ "/a?b=1&_freshet=" TOKEN, "/a?b=1" },
		{ "/a?b=1&_freshet=" TOKEN "&c", "/a?b=1&c" },
		{ "/a?&_freshet=" TOKEN, "/a?" },
		{ "/a?_freshet=" TOKEN "#top", "/a#top" },
		{ "https://h/a/?_freshet=" TOKEN, "https://h/a/" },
		{ "?_freshet=" TOKEN, "" },
		{ "/a?_freshet=" TOKEN "&_freshet=" TOKEN, "/a" },
		{ "/in?next=%2Fa%3F_freshet%3D" TOKEN, "/in?next=%2Fa" },
		{ "/in?next=%2Fa%3f_freshet%3d" TOKEN "%26b%3D1&c", "/in?next=%2Fa%3fb%3D1&c" },
		{ "/in?next=%2Fa%253F_freshet%253D" TOKEN, "/in?next=%2Fa" },
		{ "</s.css?_freshet=" TOKEN ">; rel=preload, </t.js?x&_freshet=" TOKEN ">",
			"</s.css>; rel=preload, </t.js?x>" },
		{ "5; url=/a?_freshet=" TOKEN, "5; url=/a" },
		{ "/a?_freshet=mine", "/a?_freshet=mine" },
		{ "/a?_freshet=" TOKEN "0", "/a?_freshet=" TOKEN "0" },
		{ "/a?_freshet=00112233AABBCCDD", "/a?_freshet=00112233AABBCCDD" },
		{ "/a?x_freshet=" TOKEN, "/a?x_freshet=" TOKEN },
		{ "/_freshet=" TOKEN, "/_freshet=" TOKEN },
		{ "/a?_freshet", "/a?_freshet" },
		{ "/%61?b", "/%61?b" },
		{ "", "" },
	};
	struct unpierce u = { .parameter = parameter };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_back(&u, rows[i][0], rows[i][1]);
}

static void test_letters_are_taken_back_wherever_they_stand(void **state)
{
	static const char *rows[][2] = {
		{ "/n%65ws%20/a", "/news%20/a" },
		{ "/n%65ws%20/a/", "/news%20/a/" },
		{ "http://h/n%65ws%20/a?q=%65", "http://h/news%20/a?q=%65" },
		{ "n%65xt", "next" },
		{ "/N%45WS?x=/n%65ws%20/a", "/NEWS?x=/news%20/a" },
		{ "/in?next=%2Fn%2565ws%2520%2Fa&x", "/in?next=%2Fnews%2520%2Fa&x" },
		{ "/other%2F%25", "/other%2F%25" },
		{ "</n%65w.css>; title=\"%41\", <?%41>", "</new.css>; title=\"A\", <?%41>" },
		{ "/%", "/%" },
		{ "/%6", "/%6" },
		{ "/%zz", "/%zz" },
	};
	struct unpierce u = { .parameter = parameter, .sent = SPAN("/n%65ws%20/a?q"), .original = SPAN("/news%20/a?q") };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_back(&u, rows[i][0], rows[i][1]);
}

static void test_empty_parameters_are_taken_back(void **state)
{
	struct unpierce u = { .parameter = parameter, .sent = SPAN("/a?&&&"), .original = SPAN("/a") };

	(void)state;
	check_back(&u, "http://h/a?&&&", "http://h/a");
	check_back(&u, "http://h/b?&&&", "http://h/b?&&&");
}

static void test_every_change_can_be_taken_back(void **state)
{
	static const char *paths[] = { "/a", "/index.html", "/a?", "/a?b=c", "/a%20b/c.d;e=f/g?h=%41", "/a?&" };

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++)
		for (enum rung r = RUNG_PATH; r < RUNG_COUNT; r++)
			for (uint64_t token = 0; token < 50; token++) {
				struct arena *a = arena();
				struct span path = span_str(paths[i]);
				struct unpierce u = { parameter, pierce_path(path, r, parameter, token, a), path };
				if (!span_eq(unpierce(&u, u.sent, a), path))
					fail_msg("%.*s is not taken back to %s", SPAN_ARG(u.sent), paths[i]);
			}
}

static void test_without_room_nothing_is_taken_back(void **state)
{
	struct unpierce u = { .parameter = parameter };
	struct span text = SPAN("/a?_freshet=" TOKEN);
	struct arena none;
	char few[8];

	(void)state;
	arena_init(&none, few, sizeof(few), 0);
	assert_true(span_eq(unpierce(&u, text, &none), text));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_requests_that_caches_answer_are_of_interest),
		cmocka_unit_test(test_rungs_that_a_request_bears),
		cmocka_unit_test(test_changed_paths),
		cmocka_unit_test(test_no_two_tokens_in_a_row_write_a_path_alike),
		cmocka_unit_test(test_no_two_tokens_write_a_parameter_alike),
		cmocka_unit_test(test_agent_gets_one_product_more),
		cmocka_unit_test(test_varying_is_read_from_any_line),
		cmocka_unit_test(test_without_room_there_is_no_change),
		cmocka_unit_test(test_parameter_is_taken_out_wherever_it_stands),
		cmocka_unit_test(test_letters_are_taken_back_wherever_they_stand),
		cmocka_unit_test(test_empty_parameters_are_taken_back),
		cmocka_unit_test(test_every_change_can_be_taken_back),
		cmocka_unit_test(test_without_room_nothing_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
