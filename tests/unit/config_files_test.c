/*
 * Configuration in files: includes, patterns, and files that cannot be read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where a test's files lie, made before it and removed after it. */
static char directory[32];
static char paths[4][64];
static size_t path_count;

static struct config_report report;

static int directory_make(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/freshet-config-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int directory_remove(void **state)
{
	(void)state;
	while (path_count)
		unlink(paths[--path_count]);
	config_report_fini(&report);
	return rmdir(directory);
}

/* Writes a file; returns its path. */
static const char *add(const char *name, const char *text)
{
	char *path = paths[path_count++];
	FILE *file;

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void test_include_is_relative_to_its_file_and_takes_patterns(void **state)
{
	(void)state;
	add("b.part", "site \"b\" { mode = off }\n");
	add("a.part", "site \"a\" { mode = off } # no newline at the end");
	const char *top = add("top", "include(\"*.part\")\ninclude('none-*.part')\nmode = observe\n");
	struct config *config = config_load(top, NULL, &report);

	assert_non_null(config);
	assert_string_equal(config->path, top);
	assert_int_equal(config->site_count, 2);
	assert_string_equal(config->sites[0].pattern, "a");
	assert_string_equal(config->sites[1].pattern, "b");
	assert_int_equal(config->mode, CONFIG_MODE_OBSERVE);
	config_free(config);
}

static void test_error_in_an_included_file_names_that_file(void **state)
{
	char expected[128];

	(void)state;
	add("part", "\n# comment\nmode = bustt\n");
	const char *top = add("top", "include(\"part\")\nworkers = 0\n");
	assert_null(config_load(top, NULL, &report));
	assert_int_equal(report.errors.count, 2);
	snprintf(expected, sizeof(expected), "%s/part:3: mode: \"bustt\"", directory);
	assert_int_equal(strncmp(report.errors.items[0], expected, strlen(expected)), 0);
	snprintf(expected, sizeof(expected), "%s/top:2: workers: \"0\"", directory);
	assert_int_equal(strncmp(report.errors.items[1], expected, strlen(expected)), 0);
}

static void test_failed_includes_leave_nothing_behind(void **state)
{
	(void)state;
	add("part", "site \"a\" { mode bust }\n");
	const char *top = add("top", "include(\"part\")\n");
	for (int i = 0; i < 20; i++) {
		assert_null(config_load(top, NULL, &report));
		config_report_fini(&report);
	}
	add("part", "mode = observe\n");
	struct config *config = config_load(top, NULL, &report);
	assert_non_null(config);
	assert_int_equal(config->mode, CONFIG_MODE_OBSERVE);
	config_free(config);
}

static void test_include_of_itself_is_refused(void **state)
{
	(void)state;
	assert_null(config_load(add("top", "include(\"top\")\n"), NULL, &report));
	assert_non_null(strstr(report.errors.items[0], "too deep"));
}

static void test_unreadable_files_are_errors_and_not_the_end(void **state)
{
	(void)state;
	assert_null(config_load(directory, NULL, &report));
	assert_non_null(strstr(report.errors.items[0], "Is a directory"));
	assert_null(config_load("no-such-file.conf", NULL, &report));
	assert_non_null(strstr(report.errors.items[1], "cannot read no-such-file.conf: No such file"));
	assert_null(config_load(add("top", "\ninclude(\"/dev/null\")\n"), NULL, &report));
	assert_non_null(strstr(report.errors.items[2], "top:2: cannot read /dev/null: not a regular file"));
	assert_null(config_load(add("top", "\ninclude(\".\")\n"), NULL, &report));
	assert_non_null(strstr(report.errors.items[3], "Is a directory"));
}

#define test(function) cmocka_unit_test_setup_teardown(function, directory_make, directory_remove)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(test_include_is_relative_to_its_file_and_takes_patterns),
		test(test_error_in_an_included_file_names_that_file),
		test(test_failed_includes_leave_nothing_behind),
		test(test_include_of_itself_is_refused),
		test(test_unreadable_files_are_errors_and_not_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
