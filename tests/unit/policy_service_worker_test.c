/*
 * What is done about service workers: which requests it concerns, by mode, option and method.
 */
#include "policy_heads.h"

#include "policy/service_worker.h"

#define SCRIPT "Service-Worker: script"
#define IMPORT "Sec-Fetch-Dest: serviceworker"

static const enum service_workers choices[] = { SERVICE_WORKERS_BUST, SERVICE_WORKERS_WRAP, SERVICE_WORKERS_KILL };

static struct head asked, answered;
static char room[4096];

static enum service_workers planned(enum mode mode, enum service_workers choice, const char *method, const char *lines)
{
	struct policy_settings settings = { .mode = mode, .service_workers = choice };

	head_read_request(&asked, method, "/worker.js", lines);
	return service_worker_plan(&settings, &asked.m);
}

static void test_script_of_a_worker_is_known_by_its_field(void **unused)
{
	static const char *const others[] = {
		"", "Service-Worker: preload", "Service-Worker: script, script", "Service-Worker-Allowed: script",
		"Sec-Fetch-Dest: script", "Sec-Fetch-Dest: worker", "Referer: http://a/worker.js",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(choices); i++) {
		assert_int_equal(planned(MODE_BUST, choices[i], "GET", SCRIPT), choices[i]);
		assert_int_equal(planned(MODE_BUST, choices[i], "HEAD", "service-worker: Script\n" IMPORT), choices[i]);
		assert_int_equal(planned(MODE_BUST, choices[i], "POST", SCRIPT), SERVICE_WORKERS_PASS);
		for (size_t j = 0; j < COUNT(others); j++)
			assert_int_equal(planned(MODE_BUST, choices[i], "GET", others[j]), SERVICE_WORKERS_PASS);
	}
	assert_int_equal(planned(MODE_BUST, SERVICE_WORKERS_PASS, "GET", SCRIPT), SERVICE_WORKERS_PASS);
}

static void test_imports_of_a_worker_are_busted_and_nothing_more(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(choices); i++)
		assert_int_equal(planned(MODE_REVALIDATE, choices[i], "GET", IMPORT), SERVICE_WORKERS_BUST);
	assert_int_equal(planned(MODE_REVALIDATE, SERVICE_WORKERS_PASS, "GET", IMPORT), SERVICE_WORKERS_PASS);
}

static void test_modes_that_touch_nothing_leave_workers_alone(void **unused)
{
	struct policy_settings settings = { .mode = MODE_OFF, .service_workers = SERVICE_WORKERS_KILL };
	struct policy_state state;

	(void)unused;
	for (size_t i = 0; i < COUNT(choices); i++) {
		assert_int_equal(planned(MODE_OFF, choices[i], "GET", SCRIPT), SERVICE_WORKERS_PASS);
		assert_int_equal(planned(MODE_OBSERVE, choices[i], "GET", SCRIPT), SERVICE_WORKERS_PASS);
		assert_int_equal(planned(MODE_REVALIDATE, choices[i], "GET", SCRIPT), choices[i]);
	}
	assert_false(policy_kills_worker(&state, &settings, &asked.m));
}

/* Request and answer as they go out. */
static void exchange(const struct policy_settings *settings, const char *request, const char *response,
	char sent[HEAD_TEXT_MAX], char got[HEAD_TEXT_MAX])
{
	struct arena arena;
	struct policy_state state;

	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&asked, "GET", "/worker.js", request);
	policy_request(&state, settings, &asked.m, &arena);
	head_write(&asked.m, sent);
	head_read_response(&answered, 200, response);
	policy_response(&state, &asked.m, &answered.m, &arena, 0);
	head_write(&answered.m, got);
}

static void test_revalidate_busts_worker_scripts_unless_told_otherwise(void **unused)
{
	struct policy_settings settings = { .mode = MODE_REVALIDATE, .service_workers = SERVICE_WORKERS_BUST };
	char sent[HEAD_TEXT_MAX], got[HEAD_TEXT_MAX];

	(void)unused;
	exchange(&settings, SCRIPT "\nIf-None-Match: \"a\"", "", sent, got);
	assert_text("request", sent, SCRIPT "\n" TRIPLE);
	assert_text("answer", got, TRIPLE "\n" BYPASS);
	exchange(&settings, "If-None-Match: \"a\"", "", sent, got);
	assert_text("another file", sent, "If-None-Match: \"a\"\nCache-Control: no-cache\nPragma: no-cache");
	settings.service_workers = SERVICE_WORKERS_PASS;
	exchange(&settings, SCRIPT "\nIf-None-Match: \"a\"", "", sent, got);
	assert_text("as any other file", sent,
		SCRIPT "\nIf-None-Match: \"a\"\nCache-Control: no-cache\nPragma: no-cache");
}

static void test_killing_is_decided_before_the_origin_is_asked(void **unused)
{
	struct policy_settings settings = { .mode = MODE_REVALIDATE, .service_workers = SERVICE_WORKERS_KILL };
	struct policy_state state = { .settings = NULL };

	(void)unused;
	head_read_request(&asked, "GET", "/worker.js", SCRIPT);
	assert_true(policy_kills_worker(&state, &settings, &asked.m));
	assert_string_equal(state.service_worker_note, "killed");
	assert_ptr_equal(state.settings, &settings);
	assert_true(state.busted);
	head_read_request(&asked, "GET", "/import.js", IMPORT);
	assert_false(policy_kills_worker(&state, &settings, &asked.m));
}

static const char *unfit(unsigned status, const char *request, const char *response)
{
	head_read_request(&asked, "GET", "/worker.js", request);
	head_read_response(&answered, status, response);
	answered.m.framing = FRAMING_CHUNKED;
	return service_worker_unfit(&asked.m, &answered.m);
}

#define JAVASCRIPT "Content-Type: text/javascript"

static void test_scripts_that_can_be_wrapped(void **unused)
{
	static const char *const fit[] = {
		JAVASCRIPT, "Content-Type: Application/JavaScript; charset=utf-8", "Content-Type: text/x-javascript ;q",
		"Content-Type: application/x-ecmascript\nContent-Encoding: identity",
		JAVASCRIPT "\nCache-Control: private, max-age=9\nVary: Accept-Encoding",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(fit); i++)
		assert_null(unfit(200, SCRIPT, fit[i]));
}

static void test_scripts_that_cannot_be_wrapped(void **unused)
{
	static const struct {
		const char *expected;
		unsigned status;
		const char *request, *response;
	} rows[] = {
		{ "not wrapped: the status is not 200", 404, SCRIPT, JAVASCRIPT },
		{ "not wrapped: the status is not 200", 203, SCRIPT, JAVASCRIPT },
		{ "not wrapped: the status is not 200", 304, SCRIPT, "" },
		{ "not wrapped: a part was asked for", 206, SCRIPT "\nRange: bytes=0-9", JAVASCRIPT },
		{ "not wrapped: a part was asked for", 200, SCRIPT "\nRange: bytes=0-9", JAVASCRIPT },
		{ "not wrapped: the type is not JavaScript", 200, SCRIPT, "" },
		{ "not wrapped: the type is not JavaScript", 200, SCRIPT, "Content-Type: text/html" },
		{ "not wrapped: the type is not JavaScript", 200, SCRIPT, "Content-Type: text/javascript2" },
		{ "not wrapped: content-encoding", 200, SCRIPT, JAVASCRIPT "\nContent-Encoding: br" },
		{ "not wrapped: content-encoding", 200, SCRIPT, JAVASCRIPT "\nContent-Encoding: identity, gzip" },
		{ "not wrapped: no-transform", 200, SCRIPT, JAVASCRIPT "\nCache-Control: public, No-Transform" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_text(rows[i].response, unfit(rows[i].status, rows[i].request, rows[i].response), rows[i].expected);
	assert_null(unfit(200, SCRIPT, JAVASCRIPT));
	answered.m.framing = FRAMING_LENGTH;
	assert_string_equal(service_worker_unfit(&asked.m, &answered.m), "not wrapped: the script is empty");
}

static void test_wrapped_script_keeps_no_strong_validator(void **unused)
{
	static const struct {
		const char *sent, *expected;
	} rows[] = {
		{ "ETag: \"a\"", "ETag: W/\"a\"" },
		{ "ETag: W/\"a\"", "ETag: W/\"a\"" },
		{ "Digest: a\nRepr-Digest: a\nContent-Digest: a\nContent-MD5: a\nLast-Modified: x", "Last-Modified: x" },
	};
	struct policy_settings settings = { .mode = MODE_BUST, .service_workers = SERVICE_WORKERS_WRAP };
	char sent[HEAD_TEXT_MAX], got[HEAD_TEXT_MAX], response[256], expected[256];

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(response, sizeof(response), JAVASCRIPT "\n%s", rows[i].sent);
		snprintf(expected, sizeof(expected), JAVASCRIPT "\n%s\n" TRIPLE "\n" BYPASS, rows[i].expected);
		exchange(&settings, SCRIPT "\nAccept-Encoding: gzip, dcb", response, sent, got);
		assert_text("request", sent, SCRIPT "\nAccept-Encoding: identity\n" TRIPLE);
		assert_text(rows[i].sent, got, expected);
	}
	exchange(&settings, IMPORT "\nAccept-Encoding: gzip", response, sent, got);
	assert_text("import", sent, IMPORT "\nAccept-Encoding: gzip\n" TRIPLE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_of_a_worker_is_known_by_its_field),
		cmocka_unit_test(test_imports_of_a_worker_are_busted_and_nothing_more),
		cmocka_unit_test(test_modes_that_touch_nothing_leave_workers_alone),
		cmocka_unit_test(test_revalidate_busts_worker_scripts_unless_told_otherwise),
		cmocka_unit_test(test_scripts_that_can_be_wrapped),
		cmocka_unit_test(test_scripts_that_cannot_be_wrapped),
		cmocka_unit_test(test_wrapped_script_keeps_no_strong_validator),
		cmocka_unit_test(test_killing_is_decided_before_the_origin_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
