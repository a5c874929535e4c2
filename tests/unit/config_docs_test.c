/*
 * conf/freshet.conf: its commented options are exactly the options there are, with the defaults in force.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/dump.h"
#include "config/option.h"

#include <stdlib.h>

static const char sample[] = "conf/freshet.conf"; /* tests run at the top of the source tree */

static struct config_report report;

static int report_reset(void **state)
{
	(void)state;
	config_report_fini(&report);
	return 0;
}

static char *dumped(const struct config *config)
{
	char *out = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&out, &n);

	assert_non_null(file);
	config_dump(config, file);
	fclose(file);
	return out;
}

static void check_is_default(struct config *config)
{
	struct config *standard = config_parse_text("defaults", SPAN(""), NULL, &report);

	if (!config)
		fail_msg("%s", report.errors.count ? report.errors.items[0] : "cannot be loaded");
	assert_non_null(standard);
	char *got = dumped(config), *expected = dumped(standard);
	assert_string_equal(got, expected);
	assert_int_equal(report.warnings.count, 0);
	free(got);
	free(expected);
	config_free(standard);
	config_free(config);
}

static char *sample_read(void)
{
	char *text = calloc(1, 65536);
	FILE *file = fopen(sample, "r");

	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static bool begins_option(const char *line)
{
	return line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
}

/* Takes the # off the lines "#name = value". */
static void uncomment(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += line != text;
		if (begins_option(line))
			line[0] = ' ';
	}
}

static void test_sample_as_it_is_gives_the_defaults(void **state)
{
	(void)state;
	check_is_default(config_load(sample, NULL, &report));
}

static void test_sample_uncommented_gives_the_defaults(void **state)
{
	char *text = sample_read();

	(void)state;
	uncomment(text);
	check_is_default(config_parse_text(sample, span_str(text), NULL, &report));
	free(text);
}

static void test_sample_holds_every_option_once(void **state)
{
	char *text = sample_read();

	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const char *first, *indent = config_options[i].scope == SCOPE_SITE ? "     " : "";
		char line[64];

		snprintf(line, sizeof(line), "\n#%s%s = ", indent, config_options[i].name);
		first = strstr(text, line);
		if (!first || strstr(first + 1, line))
			fail_msg("%s is there %s", config_options[i].name, first ? "twice" : "not at all");
	}
	free(text);
}

/* Takes "# " off every line from the first section on. */
static void uncomment_sites(char *text)
{
	for (char *line = strstr(text, "\n# site "); line; line = strchr(line, '\n')) {
		line++;
		if (line[0] == '#')
			line[0] = ' ';
	}
}

static void test_sites_in_the_sample_are_valid(void **state)
{
	char *text = sample_read();

	(void)state;
	uncomment_sites(text);
	struct config *config = config_parse_text(sample, span_str(text), NULL, &report);
	if (!config)
		fail_msg("%s", report.errors.count ? report.errors.items[0] : "cannot be loaded");
	assert_int_equal(config->site_count, 2);
	assert_int_equal(config->sites[0].mode, CONFIG_MODE_OBSERVE);
	assert_int_equal(config->sites[1].method.count, 2);
	assert_int_equal(config->sites[1].client.count, 1);
	config_free(config);
	free(text);
}

#define test(function) cmocka_unit_test_teardown(function, report_reset)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(test_sample_as_it_is_gives_the_defaults),
		test(test_sample_uncommented_gives_the_defaults),
		test(test_sample_holds_every_option_once),
		test(test_sites_in_the_sample_are_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
