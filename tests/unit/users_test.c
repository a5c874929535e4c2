/*
 * The file of users: lines that are taken, mistakes with their place, finding users.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH "$2b$05$BwkZQVo3NqbhzFWO.xuRxOz8SONAge8O9YQlK.vlcMgX1zCl788b6"
#define OTHER "$5$IDV4dBHUGae/Ww9Z$6C3MKFgx0opMsrbL9gbgG91d/bCnMy7EVvXQ2sEA5NB"

static struct config_report report;

static int report_reset(void **state)
{
	(void)state;
	config_report_fini(&report);
	return 0;
}

static void test_users_are_found_by_their_whole_name(void **state)
{
	static const char text[] = "# people\n\nzoe:" HASH "\r\nanna:" OTHER "\nan:" HASH "\n  \nJ\xc3\xbcrgen M.:" HASH;
	struct users *u = users_parse("users", span_str(text), &report);

	(void)state;
	assert_non_null(u);
	assert_int_equal(u->count, 4);
	assert_string_equal(users_find(u, SPAN("anna"))->hash, OTHER);
	assert_string_equal(users_find(u, SPAN("zoe"))->hash, HASH);
	assert_string_equal(users_find(u, SPAN("an"))->name, "an");
	assert_non_null(users_find(u, SPAN("J\xc3\xbcrgen M.")));
	assert_null(users_find(u, SPAN("ann")));
	assert_null(users_find(u, SPAN("annaa")));
	assert_null(users_find(u, SPAN("Anna")));
	assert_null(users_find(u, SPAN("")));
	assert_null(users_find(u, SPAN("anna\0")));
	users_free(u);
}

static void test_file_without_users_knows_nobody(void **state)
{
	struct users *u = users_parse("users", SPAN("# none\n"), &report);

	(void)state;
	assert_non_null(u);
	assert_null(users_find(u, SPAN("anna")));
	users_free(u);
}

static void test_mistakes_are_told_with_their_line(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{ "anna", "users:1: a line is" },
		{ "\n#\nanna:secret\n", "users:3: this is no password hash; passwords are never kept as plain text" },
		{ "anna:" HASH "\nbob:$1$A756ISTH$k099OG/AOPprsC9j237SV0", "users:2: the password's hash is of a method that is weak" },
		{ "anna:" HASH "x", "users:1: the password's hash is cut short" },
		{ "anna:", "users:1: this is no password hash" },
		{ ":" HASH, "users:1: a user's name has" },
		{ " anna:" HASH, "users:1: a user's name neither" },
		{ "an\tna:" HASH, "users:1: a user's name holds no" },
		{ "anna:" HASH "\nanna:" OTHER, "users: the user \"anna\" is there twice" },
		{ "12345678901234567890123456789012345678901234567890123456789012345:" HASH, "users:1: a user's name has" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (users_parse("users", span_str(rows[i].text), &report))
			fail_msg("\"%s\" was taken", rows[i].text);
		if (report.errors.count != 1 || !strstr(report.errors.items[0], rows[i].told))
			fail_msg("\"%s\": told \"%s\"", rows[i].text, report.errors.count ? report.errors.items[0] : "nothing");
		if (strstr(report.errors.items[0], "secret"))
			fail_msg("the message repeats a password");
		config_report_fini(&report);
	}
}

static void test_every_mistake_is_told_at_once(void **state)
{
	(void)state;
	assert_null(users_parse("users", SPAN("a:b\nc\nd:" HASH "\ne:*"), &report));
	assert_int_equal(report.errors.count, 3);
}

static void test_others_must_not_read_the_file_nor_a_group_change_it(void **state)
{
	static const struct {
		mode_t mode;
		bool taken;
	} rows[] = { { 0600, true }, { 0640, true }, { 0400, true }, { 0644, false }, { 0660, false }, { 0602, false }, { 0601, false } };
	char path[] = "/tmp/freshet-users-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "anna:" HASH "\n", sizeof("anna:" HASH "\n") - 1), sizeof("anna:" HASH "\n") - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(fchmod(fd, rows[i].mode), 0);
		struct users *u = users_load(path, "conf:7", &report);
		if ((u != NULL) != rows[i].taken)
			fail_msg("mode %04o: %s", (unsigned)rows[i].mode, u ? "taken" : "refused");
		if (!u && !strstr(report.errors.items[0], "conf:7: proxy-users: "))
			fail_msg("told \"%s\"", report.errors.items[0]);
		users_free(u);
		config_report_fini(&report);
	}
	close(fd);
	unlink(path);
	assert_null(users_load(path, "conf:7", &report));
	assert_non_null(strstr(report.errors.items[0], "No such file"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_users_are_found_by_their_whole_name, report_reset),
		cmocka_unit_test_setup(test_file_without_users_knows_nobody, report_reset),
		cmocka_unit_test_setup(test_mistakes_are_told_with_their_line, report_reset),
		cmocka_unit_test_setup(test_every_mistake_is_told_at_once, report_reset),
		cmocka_unit_test_setup(test_others_must_not_read_the_file_nor_a_group_change_it, report_reset),
	};

	return cmocka_run_group_tests(tests, report_reset, report_reset);
}
