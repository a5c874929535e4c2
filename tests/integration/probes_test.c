/*
 * Probes beside the workers: how many at a time and in a minute, how long reports are kept, that the end waits for none.
 *
 * Asked is a port where nobody listens, for answers at once, or one where nobody ever accepts, for none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy/probes.h"
#include "proxy/sampling.h"

static struct snapshot *snapshot;
static struct probes probes;
static struct sampling sampling;
static char report[PROBES_REPORT_BYTES];
static int silent_fd;
static char silent_url[64], refused_url[64];

/* A port of ours, where nobody listens yet. */
static int bind_any(char url[64])
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	snprintf(url, 64, "http://127.0.0.1:%u/", ntohs(sa.sin_port));
	return fd;
}

static int set_up_all(void **state)
{
	struct config_report problems = { .out_of_memory = false };
	const char *why;

	(void)state;
	struct config *config = config_parse_text("none", SPAN(""), NULL, &problems);
	assert_non_null(config);
	config_report_fini(&problems);
	snapshot = snapshot_new(config, NULL, 0, &why);
	assert_non_null(snapshot);
	silent_fd = bind_any(silent_url);
	assert_int_equal(listen(silent_fd, 64), 0);
	(void)bind_any(refused_url); /* and stays bound, so that nobody else listens there */
	return 0;
}

static int tear_down_all(void **state)
{
	(void)state;
	snapshot_put(snapshot);
	return close(silent_fd);
}

static int set_up(void **state)
{
	(void)state;
	probes_init(&probes);
	sampling_init(&sampling);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	probes_fini(&probes);
	sampling_fini(&sampling);
	return 0;
}

static uint64_t add(const char *url, struct sampling *told)
{
	static const struct policy_settings settings;
	const struct probe_wish wish = {
		.url = span_str(url), .snapshot = snapshot, .settings = &settings, .sampling = told,
	};

	return probes_add(&probes, &wish);
}

static enum probe_progress look(uint64_t id)
{
	size_t n = 0;
	enum probe_progress progress = probes_look(&probes, id, report, &n);

	report[n < sizeof(report) ? n : sizeof(report) - 1] = '\0';
	return progress;
}

static void wait_for(uint64_t id, enum probe_progress progress)
{
	const struct timespec moment = { .tv_nsec = 5 * 1000 * 1000 };

	for (int i = 0; i < 2000 && look(id) != progress; i++)
		nanosleep(&moment, NULL);
	assert_int_equal(look(id), progress);
}

static uint64_t add_and_wait(const char *url)
{
	uint64_t id = add(url, NULL);

	if (id)
		wait_for(id, PROBE_DONE);
	return id;
}

static void test_report_is_kept_under_its_number(void **state)
{
	uint64_t first = add_and_wait(refused_url), second = add_and_wait(refused_url);

	(void)state;
	assert_true(first && second && first != second);
	assert_int_equal(look(first), PROBE_DONE);
	assert_non_null(strstr(report, "connection refused"));
	assert_int_equal(look(second + 1), PROBE_FORGOTTEN);
}

static void test_oldest_report_makes_room(void **state)
{
	uint64_t first = add_and_wait(refused_url), last = first;

	(void)state;
	while (last < first + PROBES_REMEMBERED_MAX) {
		assert_int_equal(look(first), PROBE_DONE);
		probes.rate.taken = 0;
		last = add_and_wait(refused_url);
	}
	assert_int_equal(look(first), PROBE_FORGOTTEN);
	assert_int_equal(look(first + 1), PROBE_DONE);
}

static void test_person_may_ask_for_so_many_a_minute_and_samples_do_not_count(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROBES_PER_MINUTE; i++)
		assert_true(add_and_wait(refused_url) != 0);
	assert_true(add(refused_url, NULL) == 0);
	assert_true(add(refused_url, &sampling) != 0);
}

/* Both threads ask whom they get no answer from. */
static void occupy_threads(void)
{
	uint64_t ids[PROBES_THREADS];

	for (unsigned i = 0; i < PROBES_THREADS; i++) {
		ids[i] = add(silent_url, NULL);
		assert_true(ids[i] != 0);
	}
	for (unsigned i = 0; i < PROBES_THREADS; i++)
		wait_for(ids[i], PROBE_RUNS);
}

static void test_few_wait_and_samples_leave_room_for_people(void **state)
{
	(void)state;
	occupy_threads();
	for (unsigned i = 0; i < PROBES_SAMPLES_WAITING_MAX; i++)
		assert_true(add(refused_url, &sampling) != 0);
	assert_true(add(refused_url, &sampling) == 0);
	for (unsigned i = PROBES_SAMPLES_WAITING_MAX; i < PROBES_WAITING_MAX; i++)
		assert_int_equal(look(add(refused_url, NULL)), PROBE_WAITS);
	assert_true(add(refused_url, NULL) == 0);
}

static void test_end_waits_for_nobody(void **state)
{
	(void)state;
	occupy_threads();
	assert_true(add(refused_url, NULL) != 0);
	int64_t began_us = clock_us();
	probes_fini(&probes);
	assert_true(clock_us() - began_us < 3 * 1000 * 1000);
	probes_init(&probes);
}

static void test_what_samples_found_is_told_and_no_report_is_kept(void **state)
{
	const struct timespec moment = { .tv_nsec = 5 * 1000 * 1000 };
	uint64_t id = add(refused_url, &sampling);

	(void)state;
	assert_true(id != 0);
	for (int i = 0; i < 2000 && look(id) != PROBE_FORGOTTEN; i++)
		nanosleep(&moment, NULL);
	assert_int_equal(look(id), PROBE_FORGOTTEN);
	assert_int_equal(atomic_load(&sampling.outcomes[PROBE_FAILED]), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_report_is_kept_under_its_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_oldest_report_makes_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_person_may_ask_for_so_many_a_minute_and_samples_do_not_count, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_few_wait_and_samples_leave_room_for_people, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end_waits_for_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_samples_found_is_told_and_no_report_is_kept, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
