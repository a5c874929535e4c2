/*
 * `freshet -T` and `freshet env`: what they print can be used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/dump.h"
#include "config/env.h"
#include "config/option.h"

#include <stdlib.h>

static struct config *load(const char *text)
{
	struct config_report report = { .out_of_memory = false };
	struct config *config = config_parse_text("test.conf", span_str(text), NULL, &report);

	if (!config)
		fail_msg("%s: %s", text, report.errors.count ? report.errors.items[0] : "failed");
	config_report_fini(&report);
	return config;
}

/* What printing the configuration of this text gives.  To be freed. */
static char *dumped(const char *text)
{
	struct config *config = load(text);
	char *out = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&out, &n);

	assert_non_null(file);
	config_dump(config, file);
	fclose(file);
	config_free(config);
	return out;
}

static void check_round_trip(const char *text)
{
	char *once = dumped(text), *twice = dumped(once);

	if (strcmp(once, twice) != 0)
		fail_msg("%s\nprinted:\n%s\nprinted again:\n%s", text, once, twice);
	free(once);
	free(twice);
}

static void test_printed_configuration_reads_back_the_same(void **state)
{
	(void)state;
	check_round_trip("");
	check_round_trip("listen = {\"[::1]:1\", \"[fe80::1%3]:2\", 3} workers = 7 "
			 "allow = {\"0.0.0.0/0\", \"::/0\", \"10.1.2.3/9\", \"2001:db8::1\", "
			 "\"::ffff:192.0.2.0/120\"} connect-ports = {\"1-65535\", 5}");
	check_round_trip("mode = off heal = yes timeout-connect = 1500ms timeout-drain = 0 max-head = 5000 "
			 "via = \"\" parent = \"socks5://[::1]:1080\" resolver = \"[::1]:53\" no-parent = {\"a\", 'b'}");
	check_round_trip("resolver = system parent = \"http://a.example:8080\" access-log-format = json");
}

static void test_printed_strings_survive_quotes_and_escapes(void **state)
{
	static const char nasty[] = "a\"b\\c\nd\te${HOME}f'g#h*\x7f\xc3\xbc";
	char text[256];
	char *printed;

	(void)state;
	snprintf(text, sizeof(text), "access-log = \"a\\\"b\\\\c\\nd\\te\\${HOME}f'g#h*\\x7f\xc3\xbc\"\n"
		 "site \"x\\\"y\" { }");
	printed = dumped(text);
	struct config *config = load(printed);
	assert_string_equal(config->access_log, nasty);
	assert_string_equal(config->sites[0].pattern, "x\"y");
	config_free(config);
	free(printed);
	check_round_trip(text);
}

static void test_printed_sites_show_what_is_in_force(void **state)
{
	static const char text[] = "validators = strip\n"
				   "site \"a\" { mode = observe probe = 0.25% method = {\"GET\"} }\n"
				   "site \"a\" { client = {\"10.0.0.0/8\"} }\n";
	char *printed = dumped(text);

	(void)state;
	assert_non_null(strstr(printed, "site \"a\" {\n\tmode = observe\n\tpierce = auto\n"
				        "\tprobe = 0.25%\n\tprobe-cookies = no\n\theal = no\n"
				        "\tvalidators = strip\n\tredirects = keep\n\tservice-workers = bust\n\tpurge-client = never\n"
				        "\tback-forward = keep\n\tevidence = read\n\tintercept = no\n"
				        "\ttls-verify = yes\n\ttls-legacy = no\n"
				        "\tmethod = {\"GET\"}\n}\n"));
	assert_non_null(strstr(printed, "\tmode = bust\n"));
	assert_non_null(strstr(printed, "\tclient = {\"10.0.0.0/8\"}\n}\n"));
	free(printed);
	check_round_trip(text);
}

static void test_every_option_is_printed(void **state)
{
	char *printed = dumped("site \"a\" { method = {\"GET\"} client = {\"::1\"} }");

	(void)state;
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n%s%s = ", config_options[i].scope == SCOPE_SITE ? "\t" : "",
			 config_options[i].name);
		if (!strstr(printed, line) && strncmp(printed, line + 1, strlen(line) - 1) != 0)
			fail_msg("%s is missing", config_options[i].name);
	}
	free(printed);
}

static void test_password_of_the_parent_is_not_printed(void **state)
{
	char *printed = dumped("parent = \"http://us%40er:sesame@host:3128\"");

	(void)state;
	assert_non_null(strstr(printed, "parent = \"http://us%40er:***@host:3128\"\n"));
	assert_null(strstr(printed, "sesame"));
	free(printed);
	printed = dumped("parent = \"http://user@host:3128\"");
	assert_non_null(strstr(printed, "parent = \"http://user@host:3128\"\n"));
	free(printed);
}

static void check_env(const char *text, const char *expected)
{
	struct config *config = load(text);
	char out[512] = "";
	FILE *file = fmemopen(out, sizeof(out), "w");

	assert_non_null(file);
	assert_true(env_print(config, file) == (expected[0] != '\0'));
	fclose(file);
	assert_string_equal(out, expected);
	config_free(config);
}

static void test_env_names_the_first_address_that_can_be_reached(void **state)
{
	(void)state;
	check_env("", "export http_proxy=http://127.0.0.1:8080\n"
		      "export https_proxy=http://127.0.0.1:8080\n"
		      "export no_proxy=localhost,127.0.0.1,::1\n");
	check_env("listen = {\"127.0.0.1:0\", \"[::1]:3128\"}", "export http_proxy=http://[::1]:3128\n"
								  "export https_proxy=http://[::1]:3128\n"
								  "export no_proxy=localhost,127.0.0.1,::1\n");
	check_env("listen = \"0.0.0.0:1\" allow-any-client = yes", "export http_proxy=http://127.0.0.1:1\n"
								     "export https_proxy=http://127.0.0.1:1\n"
								     "export no_proxy=localhost,127.0.0.1,::1\n");
	check_env("listen = \"[::]:1\" allow-any-client = yes", "export http_proxy=http://[::1]:1\n"
								  "export https_proxy=http://[::1]:1\n"
								  "export no_proxy=localhost,127.0.0.1,::1\n");
	check_env("listen = {\"127.0.0.1:0\"}", "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printed_configuration_reads_back_the_same),
		cmocka_unit_test(test_printed_strings_survive_quotes_and_escapes),
		cmocka_unit_test(test_printed_sites_show_what_is_in_force),
		cmocka_unit_test(test_every_option_is_printed),
		cmocka_unit_test(test_password_of_the_parent_is_not_printed),
		cmocka_unit_test(test_env_names_the_first_address_that_can_be_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
