/*
 * The operator's log, read back from a socket that keeps each write apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int reader, own_stderr;
static char line[8192];

/* Standard error becomes a socket until capture_end(), so nothing may fail in between. */
static void capture_begin(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	reader = pair[0];
	own_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
}

/* Reads what one write(2) brought into `line`; returns how many more writes there were. */
static int capture_end(void)
{
	char more[16];
	int extra = 0;

	dup2(own_stderr, STDERR_FILENO);
	close(own_stderr);
	ssize_t n = recv(reader, line, sizeof(line) - 1, 0);
	line[n > 0 ? n : 0] = '\0';
	while (recv(reader, more, sizeof(more), 0) > 0)
		extra++;
	close(reader);
	return extra;
}

/* What follows the time; fails unless the line begins with one. */
static const char *after_time(void)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ ";

	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != shape[i])
			fail_msg("no time like %s at the front of: %s", shape, line);
	return line + sizeof(shape) - 1;
}

static int no_journal(void **state)
{
	(void)state;
	log_threshold = LOG_LEVEL_INFO;
	return unsetenv("JOURNAL_STREAM");
}

static void test_line_has_time_level_and_message(void **state)
{
	static const struct {
		enum log_level level;
		const char *name;
	} rows[] = {
		{ LOG_LEVEL_ERROR, "error" }, { LOG_LEVEL_WARN, "warn" },   { LOG_LEVEL_INFO, "info" },
		{ LOG_LEVEL_DEBUG, "debug" }, { LOG_LEVEL_TRACE, "trace" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char want[64];

		capture_begin();
		log_write(rows[i].level, "C%d %s: closed", 42, "example.org");
		assert_int_equal(capture_end(), 0);
		snprintf(want, sizeof(want), "%s C42 example.org: closed\n", rows[i].name);
		assert_string_equal(after_time(), want);
	}
}

static void test_journal_gets_priorities_instead_of_times(void **state)
{
	static const char *const lines[] = {
		[LOG_LEVEL_ERROR] = "<3>odd\n", [LOG_LEVEL_WARN] = "<4>odd\n",  [LOG_LEVEL_INFO] = "<6>odd\n",
		[LOG_LEVEL_DEBUG] = "<7>odd\n", [LOG_LEVEL_TRACE] = "<7>odd\n",
	};
	struct stat st;
	char stream[64];

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		capture_begin();
		fstat(STDERR_FILENO, &st);
		snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
		setenv("JOURNAL_STREAM", stream, 1);
		log_write((enum log_level)i, "odd");
		assert_int_equal(capture_end(), 0);
		assert_string_equal(line, lines[i]);
	}
}

static void test_journal_of_another_stream_changes_nothing(void **state)
{
	static const char *const streams[] = { "1:1", "", "x", "1" };

	(void)state;
	for (size_t i = 0; i < COUNT(streams); i++) {
		setenv("JOURNAL_STREAM", streams[i], 1);
		capture_begin();
		log_write(LOG_LEVEL_WARN, "odd");
		assert_int_equal(capture_end(), 0);
		assert_string_equal(after_time(), "warn odd\n");
	}
}

static void test_bytes_that_could_forge_a_line_are_escaped(void **state)
{
	static const struct {
		const char *name, *input, *written;
	} rows[] = {
		{ "newline", "a\nb", "a\\x0ab" },
		{ "return", "a\rb", "a\\x0db" },
		{ "tab", "a\tb", "a\\x09b" },
		{ "terminal escape", "\x1b[2J", "\\x1b[2J" },
		{ "delete", "\x7f", "\\x7f" },
		{ "high bytes", "\xc2\x9b\xff", "\\xc2\\x9b\\xff" },
		{ "backslash", "\\x0a", "\\x5cx0a" },
		{ "all that is printable", " !\"#%'()*+,-./09:;<=>?@AZ[]^_`az{|}~", " !\"#%'()*+,-./09:;<=>?@AZ[]^_`az{|}~" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char want[128];

		capture_begin();
		log_write(LOG_LEVEL_INFO, "%s", rows[i].input);
		assert_int_equal(capture_end(), 0);
		snprintf(want, sizeof(want), "info %s\n", rows[i].written);
		if (strcmp(after_time(), want) != 0)
			fail_msg("%s: gave %s, expected %s", rows[i].name, after_time(), want);
	}
}

static void test_long_messages_end_in_an_ellipsis(void **state)
{
	static const struct {
		char fill;
		size_t n;
		bool cut;
	} rows[] = {
		{ 'a', 1900, false }, { 'a', 2047, true }, { 'a', 2048, true }, { 'a', 7000, true },
		{ '\n', 480, false }, { '\n', 520, true }, { '\n', 7000, true },
	};
	static char text[8000];
	static const char end[] = "\u2026\n";

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(text, rows[i].fill, rows[i].n);
		text[rows[i].n] = '\0';
		capture_begin();
		log_write(LOG_LEVEL_INFO, "%s", text);
		assert_int_equal(capture_end(), 0);
		size_t n = strlen(line);
		bool cut = n > sizeof(end) && strcmp(line + n - (sizeof(end) - 1), end) == 0;
		if (n > 2048 || line[n - 1] != '\n' || cut != rows[i].cut)
			fail_msg("%zu of byte %d: gave %zu bytes, cut %d, expected cut %d", rows[i].n, rows[i].fill, n,
				 cut, rows[i].cut);
	}
}

static void test_threshold_holds_back_what_is_less_urgent(void **state)
{
	(void)state;
	log_threshold = LOG_LEVEL_WARN;
	capture_begin();
	log_info("life cycle");
	log_debug("detail");
	log_trace("more detail");
	log_warn("odd");
	assert_int_equal(capture_end(), 0);
	assert_string_equal(after_time(), "warn odd\n");

	log_threshold = LOG_LEVEL_TRACE;
	capture_begin();
	log_error("act");
	log_trace("more detail");
	assert_int_equal(capture_end(), 1);
}

static void test_errno_survives_and_can_be_told(void **state)
{
	(void)state;
	capture_begin();
	errno = ENOENT;
	log_write(LOG_LEVEL_ERROR, "cannot read: %m");
	int after = errno;
	capture_end();
	assert_int_equal(after, ENOENT);
	assert_string_equal(after_time(), "error cannot read: No such file or directory\n");
}

static void test_closed_standard_error_is_survived(void **state)
{
	int saved = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	errno = 0;
	log_write(LOG_LEVEL_ERROR, "nobody hears");
	int after = errno;
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_int_equal(after, 0);
}

static void test_throttle_tells_once_in_ten_seconds_and_how_often_it_was(void **state)
{
	struct log_throttle t = { .count = 0 };
	const int64_t second_us = 1000000;
	unsigned count = 0;

	(void)state;
	assert_true(log_throttle_pass(&t, 100 * second_us, &count));
	assert_int_equal(count, 1);
	for (int i = 1; i < 100; i++)
		assert_false(log_throttle_pass(&t, 100 * second_us + i * second_us / 10, &count));
	assert_true(log_throttle_pass(&t, 110 * second_us, &count));
	assert_int_equal(count, 100);
	assert_false(log_throttle_pass(&t, 111 * second_us, &count));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_line_has_time_level_and_message, no_journal),
		cmocka_unit_test_setup(test_journal_gets_priorities_instead_of_times, no_journal),
		cmocka_unit_test_setup(test_journal_of_another_stream_changes_nothing, no_journal),
		cmocka_unit_test_setup(test_bytes_that_could_forge_a_line_are_escaped, no_journal),
		cmocka_unit_test_setup(test_long_messages_end_in_an_ellipsis, no_journal),
		cmocka_unit_test_setup(test_threshold_holds_back_what_is_less_urgent, no_journal),
		cmocka_unit_test_setup(test_errno_survives_and_can_be_told, no_journal),
		cmocka_unit_test_setup(test_closed_standard_error_is_survived, no_journal),
		cmocka_unit_test(test_throttle_tells_once_in_ten_seconds_and_how_often_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
