/*
 * What is done about service workers: which requests it concerns, by mode, option and method.
 */
#include "policy_heads.h"

#include "policy/service_worker.h"

#define SCRIPT "Service-Worker: script"
#define IMPORT "Sec-Fetch-Dest: serviceworker"

static const enum service_workers choices[] = { SERVICE_WORKERS_BUST, SERVICE_WORKERS_KILL };

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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_of_a_worker_is_known_by_its_field),
		cmocka_unit_test(test_imports_of_a_worker_are_busted_and_nothing_more),
		cmocka_unit_test(test_modes_that_touch_nothing_leave_workers_alone),
		cmocka_unit_test(test_revalidate_busts_worker_scripts_unless_told_otherwise),
		cmocka_unit_test(test_killing_is_decided_before_the_origin_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
