/*
 * The access log's thread with real files, pipes and a syslog of our own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/log_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syslog.h>
#include <unistd.h>

#include "base/clock.h"

enum { PATH_BYTES = 256, TEXT_BYTES = 4 << 20, PATIENCE_MS = 5000, STOP_AT_MOST_MS = 3500 };

static char directory[PATH_BYTES], text[TEXT_BYTES];
static int real_stdout, real_stderr;
static struct log_writer *writer;

/* ---- syslog of our own: these come before the C library's */

static pthread_mutex_t messages_lock = PTHREAD_MUTEX_INITIALIZER;
static char messages[8][256];
static int message_priorities[8];
static unsigned message_count;

__attribute__((format(printf, 2, 0)))
static void keep_message(int priority, const char *format, va_list args)
{
	pthread_mutex_lock(&messages_lock);
	if (message_count < 8) {
		vsnprintf(messages[message_count], sizeof(messages[0]), format, args);
		message_priorities[message_count++] = priority;
	}
	pthread_mutex_unlock(&messages_lock);
}

void (syslog)(int priority, const char *format, ...) /* in brackets: clang may have it as a macro */
{
	va_list args;

	va_start(args, format);
	keep_message(priority, format, args);
	va_end(args);
}

/* What a fortified build calls. */
void __syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	keep_message(priority, format, args);
	va_end(args);
}

static unsigned messages_kept(void)
{
	pthread_mutex_lock(&messages_lock);
	unsigned count = message_count;
	pthread_mutex_unlock(&messages_lock);
	return count;
}

/* ---- helpers */

static const char *path_of(const char *name)
{
	static char paths[4][PATH_BYTES];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_BYTES, "%.200s/%.40s", directory, name);
	return path;
}

static void redirect(int fd, const char *name)
{
	int to = open(path_of(name), O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(to >= 0);
	assert_int_equal(dup2(to, fd), fd);
	close(to);
}

static int set_up(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(directory, sizeof(directory), "%s/freshet-log-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	signal(SIGPIPE, SIG_IGN);
	real_stdout = dup(STDOUT_FILENO);
	real_stderr = dup(STDERR_FILENO);
	redirect(STDERR_FILENO, "stderr");
	headers_init();
	writer = log_writer_new(2);
	return writer ? 0 : -1;
}

static void configure(const char *target, enum access_log_format format)
{
	char why[256] = "";

	if (!log_writer_prepare(writer, target, format, why, sizeof(why)))
		fail_msg("%s: %s", target, why);
	log_writer_commit(writer);
}

/* What a worker does at the end of an exchange; false when the record was lost. */
static bool record_one(unsigned worker, unsigned id)
{
	struct ring *ring = log_writer_ring(writer, worker);

	assert_non_null(ring);
	struct record *r = ring_reserve(ring);
	if (r) {
		memset(r, 0, offsetof(struct record, method));
		r->exchange_id = id;
		r->method_len = 3;
		memcpy(r->method, "GET", 3);
		r->url_len = (uint16_t)snprintf(r->url, sizeof(r->url), "http://w%u/", worker);
		ring_commit(ring);
	}
	if (ring_should_wake(ring))
		log_writer_wake(writer);
	return r != NULL;
}

static void record_many(unsigned worker, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_true(record_one(worker, first + i));
}

/* The file as text; empty when there is none. */
static const char *read_file(const char *name)
{
	int fd = open(path_of(name), O_RDONLY);
	size_t n = 0;
	ssize_t got;

	while (fd >= 0 && n < sizeof(text) - 1 && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	if (fd >= 0)
		close(fd);
	text[n] = '\0';
	return text;
}

static int tear_down(void **state)
{
	struct dirent *entry;

	(void)state;
	log_writer_free(writer);
	writer = NULL;
	fflush(stdout);
	dup2(real_stdout, STDOUT_FILENO);
	dup2(real_stderr, STDERR_FILENO);
	fputs(read_file("stderr"), stderr); /* with what cmocka said of a failure */
	close(real_stdout);
	close(real_stderr);
	DIR *d = opendir(directory);
	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			unlink(path_of(entry->d_name));
	if (d)
		closedir(d);
	return rmdir(directory);
}

static unsigned count_of(const char *in, const char *part)
{
	unsigned count = 0;

	for (; (in = strstr(in, part)); in += strlen(part))
		count++;
	return count;
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* Waits until the file holds a part so often. */
static void wait_for(const char *name, const char *part, unsigned count)
{
	int64_t end_us = clock_us() + PATIENCE_MS * 1000;

	for (; count_of(read_file(name), part) < count; pause_ms(2))
		if (clock_us() > end_us)
			fail_msg("no %u times \"%s\" in %s:\n%.500s", count, part, name, text);
}

static unsigned threads(void)
{
	unsigned count = 0;
	DIR *d = opendir("/proc/self/task");

	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d));)
		count += entry->d_name[0] != '.';
	closedir(d);
	return count;
}

/* The sum of the numbers before a phrase in what was logged. */
static unsigned long told(const char *phrase)
{
	unsigned long sum = 0;

	for (const char *at = read_file("stderr"); (at = strstr(at, phrase)); at++) {
		const char *digits = at;

		while (digits > text && digits[-1] >= '0' && digits[-1] <= '9')
			digits--;
		sum += strtoul(digits, NULL, 10);
	}
	return sum;
}

/* Reads a pipe to its end or until it is quiet; returns the number of lines. */
static unsigned drain_pipe(int fd, int quiet_ms)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	unsigned lines = 0;
	char bytes[4096];
	ssize_t n;

	while (poll(&readable, 1, quiet_ms) > 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += bytes[i] == '\n';
	return lines;
}

static int open_pipe(const char *name)
{
	assert_int_equal(mkfifo(path_of(name), 0600), 0);
	int fd = open(path_of(name), O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	return fd;
}

/* ---- tests */

static void test_lines_reach_the_file_in_order_per_worker(void **state)
{
	unsigned next[2] = { 0, 0 };

	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	for (unsigned i = 0; i < 300; i++) {
		record_many(0, i, 1);
		record_many(1, i, 1);
	}
	wait_for("log", "\n", 600);
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		char *id = strstr(line, " id=");
		unsigned worker = count_of(line, "http://w1/") > count_of(end, "http://w1/");

		assert_non_null(id);
		assert_int_equal(strtoul(id + 4, NULL, 10), next[worker]);
		next[worker]++;
	}
	assert_int_equal(next[0], 300);
	assert_int_equal(next[1], 300);
}

static void test_a_record_after_long_silence_is_written(void **state)
{
	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	for (unsigned i = 0; i < 5; i++) {
		record_many(i % 2, i, 1);
		wait_for("log", "\n", i + 1);
		pause_ms(60); /* it naps, then sleeps */
	}
}

static void test_a_busy_writer_is_not_woken(void **state)
{
	struct ring *ring;
	unsigned woken = 0;

	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	ring = log_writer_ring(writer, 0);
	for (unsigned i = 0; i < 200; i++) {
		assert_non_null(ring_reserve(ring));
		memset(ring_reserve(ring), 0, offsetof(struct record, method));
		ring_reserve(ring)->url_len = 0;
		ring_reserve(ring)->method_len = 0;
		ring_commit(ring);
		if (ring_should_wake(ring)) {
			woken++;
			log_writer_wake(writer);
		}
		pause_ms(1); /* long enough for it to be done with the record */
	}
	wait_for("log", "\n", 200);
	assert_true(woken <= 100);
}

static void test_what_was_recorded_before_the_end_is_written(void **state)
{
	(void)state;
	configure(path_of("log"), ACCESS_LOG_JSON);
	record_many(0, 0, 1000);
	log_writer_free(writer);
	writer = NULL;
	assert_int_equal(count_of(read_file("log"), "\n"), 1000);
	assert_int_equal(count_of(text, "\"freshet.id\":999}"), 1);
}

static void test_log_that_is_off_has_no_thread_and_no_rings(void **state)
{
	unsigned before = threads();

	(void)state;
	assert_null(log_writer_ring(writer, 0));
	configure("off", ACCESS_LOG_TEXT);
	assert_int_equal(threads(), before);
	assert_null(log_writer_ring(writer, 1));

	configure(path_of("log"), ACCESS_LOG_TEXT);
	assert_int_equal(threads(), before + 1);
	record_many(1, 0, 1);
	wait_for("log", "\n", 1);
	configure("off", ACCESS_LOG_TEXT);
	assert_null(log_writer_ring(writer, 1));
}

static void test_standard_output_is_a_target(void **state)
{
	(void)state;
	fflush(stdout);
	redirect(STDOUT_FILENO, "stdout");
	configure("-", ACCESS_LOG_TEXT);
	record_many(0, 0, 3);
	wait_for("stdout", "GET http://w0/", 3);
}

static void test_file_is_made_for_owner_and_group_only_and_appended_to(void **state)
{
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	umask(mask);
	record_many(0, 0, 1);
	wait_for("log", "\n", 1);
	assert_int_equal(stat(path_of("log"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	configure(path_of("log"), ACCESS_LOG_TEXT);
	record_many(0, 1, 1);
	wait_for("log", "\n", 2);
}

static void test_reopen_follows_a_rotated_file(void **state)
{
	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	record_many(0, 0, 10);
	wait_for("log", "\n", 10);
	assert_int_equal(rename(path_of("log"), path_of("log.1")), 0);
	record_many(0, 10, 5);
	log_writer_reopen(writer);
	wait_for("log.1", "\n", 15);
	for (int64_t end_us = clock_us() + PATIENCE_MS * 1000; access(path_of("log"), F_OK) != 0; pause_ms(2))
		assert_true(clock_us() < end_us);
	record_many(0, 15, 7);
	wait_for("log", "\n", 7);
	assert_int_equal(count_of(text, " id=15\n"), 1);
	assert_int_equal(count_of(read_file("log.1"), "\n"), 15);
}

static void test_reopen_that_fails_keeps_the_old_file_and_says_so(void **state)
{
	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	record_many(0, 0, 1);
	wait_for("log", "\n", 1);
	assert_int_equal(rename(path_of("log"), path_of("log.1")), 0);
	assert_int_equal(mkdir(path_of("log"), 0700), 0);
	log_writer_reopen(writer);
	wait_for("stderr", "not reopened: Is a directory", 1);
	record_many(0, 1, 1);
	wait_for("log.1", "\n", 2);
	assert_int_equal(rmdir(path_of("log")), 0);
}

static void test_change_takes_path_and_format_at_once(void **state)
{
	(void)state;
	configure(path_of("a"), ACCESS_LOG_TEXT);
	record_many(0, 0, 1);
	wait_for("a", "\n", 1);
	record_many(0, 1, 499);
	configure(path_of("b"), ACCESS_LOG_JSON);
	wait_for("a", "\n", 500);
	record_many(0, 500, 1);
	wait_for("b", "\n", 1);
	assert_int_equal(count_of(read_file("a"), "{"), 0);
	assert_int_equal(count_of(text, "\n"), 500);
	assert_int_equal(count_of(read_file("b"), "\"freshet.id\":500}\n"), 1);
}

static void test_change_that_fails_leaves_the_log_as_it_was(void **state)
{
	char why[256] = "";

	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	assert_false(log_writer_prepare(writer, path_of("no/such"), ACCESS_LOG_JSON, why, sizeof(why)));
	assert_non_null(strstr(why, "no/such: No such file or directory"));
	record_many(0, 0, 1);
	wait_for("log", " id=0\n", 1);

	assert_true(log_writer_prepare(writer, path_of("other"), ACCESS_LOG_JSON, why, sizeof(why)));
	log_writer_cancel(writer);
	record_many(0, 1, 1);
	wait_for("log", " id=1\n", 1);
	assert_string_equal(read_file("other"), "");
}

static void test_pipe_that_nobody_reads_is_refused(void **state)
{
	char why[256] = "";

	(void)state;
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_false(log_writer_prepare(writer, path_of("pipe"), ACCESS_LOG_TEXT, why, sizeof(why)));
	assert_non_null(strstr(why, "pipe: "));
	assert_null(log_writer_ring(writer, 0));
}

static void test_full_disk_is_told_once_and_never_stops_the_worker(void **state)
{
	(void)state;
	configure("/dev/full", ACCESS_LOG_TEXT);
	for (unsigned i = 0; i < 10; i++) {
		record_many(0, i * 100, 100);
		pause_ms(15);
	}
	wait_for("stderr", "access log /dev/full: No space left on device", 1);
	configure(path_of("log"), ACCESS_LOG_TEXT);
	wait_for("stderr", "access log /dev/full: 1000 lines were lost", 1);
	assert_int_equal(count_of(text, "No space left on device"), 1);
	record_many(0, 1000, 1);
	wait_for("log", " id=1000\n", 1);
}

static void test_pipe_that_is_read_again_is_written_again_and_says_so(void **state)
{
	int fd = open_pipe("pipe");

	(void)state;
	configure(path_of("pipe"), ACCESS_LOG_TEXT);
	record_many(0, 0, 1);
	assert_int_equal(drain_pipe(fd, 200), 1);
	close(fd);
	record_many(0, 1, 5);
	wait_for("stderr", "Broken pipe", 1);
	fd = open(path_of("pipe"), O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	record_many(0, 6, 2);
	wait_for("stderr", "written again, ", 1);
	unsigned lines = drain_pipe(fd, 200);
	assert_true(lines >= 2);
	assert_int_equal(lines + told(" lines were lost"), 7);
	assert_int_equal(count_of(text, "Broken pipe"), 1);
	close(fd);
}

static void test_line_cut_by_a_full_disk_does_not_spoil_the_next(void **state)
{
	struct rlimit before, small = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };

	(void)state;
	configure(path_of("log"), ACCESS_LOG_TEXT);
	record_many(0, 0, 1);
	wait_for("log", " id=0\n", 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0); /* one line fits, the second is cut */
	record_many(0, 1, 1);
	pause_ms(100);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	record_many(0, 2, 1);
	wait_for("log", " id=2\n", 1);
	assert_int_equal(count_of(text, " id=1\n"), 0);
	assert_non_null(strstr(text, "\n1970-01-01T00:00:00.000Z - GET http://w0/ - 0B 0.000ms off http/1.0 id=2\n"));
	wait_for("stderr", "access log", 2);
	assert_int_equal(count_of(text, "File too large; "), 1);
	assert_int_equal(count_of(text, "written again, 1 lines were lost"), 1);
}

static void test_stuck_reader_costs_lines_that_are_counted_but_no_time(void **state)
{
	enum { RECORDS = 20000 };
	int fd = open_pipe("pipe");
	unsigned lost = 0, lines;

	(void)state;
	configure(path_of("pipe"), ACCESS_LOG_JSON);
	int64_t start_us = clock_us();
	for (unsigned i = 0; i < RECORDS; i++)
		lost += !record_one(i % 2, i);
	assert_true(clock_us() - start_us < 2000000);
	assert_true(lost > RECORDS / 2);

	lines = drain_pipe(fd, 300);
	log_writer_free(writer);
	writer = NULL;
	lines += drain_pipe(fd, 300);
	close(fd);
	assert_int_equal(lines + lost, RECORDS);
	assert_int_equal(told(" access log lines were lost"), lost);
	assert_true(count_of(read_file("stderr"), " access log lines were lost") <= 3);
}

static void test_stuck_reader_does_not_hang_the_end(void **state)
{
	static struct log_writer *left; /* its thread still uses it */
	int fd = open_pipe("pipe");
	unsigned lost = 0;

	(void)state;
	configure(path_of("pipe"), ACCESS_LOG_JSON);
	for (unsigned i = 0; i < 5000; i++)
		lost += !record_one(0, i);
	assert_true(lost > 0);
	left = writer;
	writer = NULL;
	int64_t start_us = clock_us();
	log_writer_free(left);
	assert_in_range(clock_us() - start_us, 1900000, STOP_AT_MOST_MS * 1000);
	wait_for("stderr", "whoever reads it is stuck", 1);

	unsigned before = threads();
	while (threads() == before && drain_pipe(fd, 100) > 0)
		;
	close(fd);
}

static void test_syslog_gets_one_message_per_record(void **state)
{
	(void)state;
	message_count = 0;
	configure("syslog", ACCESS_LOG_TEXT);
	record_many(0, 0, 2);
	for (int64_t end_us = clock_us() + PATIENCE_MS * 1000; messages_kept() < 2; pause_ms(2))
		assert_true(clock_us() < end_us);
	for (unsigned i = 0; i < 2; i++) {
		char end[16];

		snprintf(end, sizeof(end), " id=%u", i);
		assert_int_equal(message_priorities[i], LOG_DAEMON | LOG_INFO);
		assert_non_null(strstr(messages[i], "GET http://w0/"));
		assert_string_equal(messages[i] + strlen(messages[i]) - strlen(end), end);
	}
	assert_int_equal(messages_kept(), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_lines_reach_the_file_in_order_per_worker),
		TEST(test_a_record_after_long_silence_is_written),
		TEST(test_a_busy_writer_is_not_woken),
		TEST(test_what_was_recorded_before_the_end_is_written),
		TEST(test_log_that_is_off_has_no_thread_and_no_rings),
		TEST(test_standard_output_is_a_target),
		TEST(test_file_is_made_for_owner_and_group_only_and_appended_to),
		TEST(test_reopen_follows_a_rotated_file),
		TEST(test_reopen_that_fails_keeps_the_old_file_and_says_so),
		TEST(test_change_takes_path_and_format_at_once),
		TEST(test_change_that_fails_leaves_the_log_as_it_was),
		TEST(test_pipe_that_nobody_reads_is_refused),
		TEST(test_full_disk_is_told_once_and_never_stops_the_worker),
		TEST(test_pipe_that_is_read_again_is_written_again_and_says_so),
		TEST(test_line_cut_by_a_full_disk_does_not_spoil_the_next),
		TEST(test_stuck_reader_costs_lines_that_are_counted_but_no_time),
		TEST(test_stuck_reader_does_not_hang_the_end),
		TEST(test_syslog_gets_one_message_per_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
