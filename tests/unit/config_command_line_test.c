/*
 * The command line: what is asked for, which options override the file, and what wrong usage is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/command_line.h"
#include "config/option.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { WORDS_MAX = 12 };

static struct command_line line;
static char error[COMMAND_ERROR_BYTES];

/* Parses words that are separated by blanks. */
static bool parse(const char *words)
{
	static char copy[256];
	char *argv[WORDS_MAX + 1], *rest = copy;
	int argc = 0;

	snprintf(copy, sizeof(copy), "freshet %s", words);
	while (argc < WORDS_MAX && (argv[argc] = strsep(&rest, " ")) != NULL)
		if (argv[argc][0])
			argc++;
	argv[argc] = NULL;
	error[0] = '\0';
	return command_line_parse(argc, argv, &line, error);
}

static void test_words_ask_for_commands(void **state)
{
	static const struct {
		const char *words;
		enum command expected;
	} rows[] = {
		{ "", COMMAND_RUN },         { "-v", COMMAND_RUN },         { "-t", COMMAND_TEST },
		{ "--test", COMMAND_TEST },  { "-T", COMMAND_DUMP },        { "-t -T", COMMAND_DUMP },
		{ "-T -t", COMMAND_DUMP },   { "env", COMMAND_ENV },        { "env -p 3128", COMMAND_ENV },
		{ "-p 3128 env", COMMAND_ENV }, { "-V", COMMAND_VERSION },  { "--version", COMMAND_VERSION },
		{ "-h", COMMAND_HELP },      { "--help -t", COMMAND_HELP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!parse(rows[i].words))
			fail_msg("\"%s\": %s", rows[i].words, error);
		if (line.command != rows[i].expected)
			fail_msg("\"%s\" gave command %d", rows[i].words, (int)line.command);
	}
}

static void test_options_of_the_file_become_overrides_in_order(void **state)
{
	(void)state;
	assert_true(parse("-c a.conf -p 3128 --mode=off --timeout-connect 7s -vv --allow=::1 -v"));
	assert_string_equal(line.config_path, "a.conf");
	assert_int_equal(line.overrides.verbose, 3);
	assert_int_equal(line.overrides.count, 4);
	assert_string_equal(line.overrides.items[0].name, "listen");
	assert_string_equal(line.overrides.items[0].value, "3128");
	assert_string_equal(line.overrides.items[1].name, "mode");
	assert_string_equal(line.overrides.items[1].value, "off");
	assert_string_equal(line.overrides.items[2].name, "timeout-connect");
	assert_string_equal(line.overrides.items[2].value, "7s");
	assert_string_equal(line.overrides.items[3].name, "allow");
}

static void test_nothing_is_left_from_an_earlier_line(void **state)
{
	(void)state;
	assert_true(parse("-T -c a.conf --mode=off -v"));
	assert_true(parse(""));
	assert_null(line.config_path);
	assert_int_equal(line.overrides.count, 0);
	assert_int_equal(line.overrides.verbose, 0);
	assert_int_equal(line.command, COMMAND_RUN);
}

static void test_port_means_loopback_only(void **state)
{
	struct config_report report = { .out_of_memory = false };

	(void)state;
	assert_true(parse("-p 3128"));
	struct config *config = config_parse_text("test.conf", SPAN("listen = {\"127.0.0.1:1\", \"[::1]:1\"}"),
						  &line.overrides, &report);
	assert_non_null(config);
	assert_int_equal(config->listen.count, 1);
	assert_int_equal(config->listen.items[0].port, 3128);
	assert_true(address_is_v4(&config->listen.items[0]) && address_is_loopback(&config->listen.items[0]));
	config_free(config);
	config_report_fini(&report);
}

static void test_intercept_without_a_value_means_yes(void **state)
{
	static const struct {
		const char *words, *value;
	} rows[] = {
		{ "--intercept", "yes" }, { "--intercept -v", "yes" }, { "--intercept=no", "no" }, { "--intercept=strict", "strict" },
		{ "--intercept no", "no" }, { "--intercept strict -v", "strict" }, { "--intercept=odd", "odd" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(parse(rows[i].words));
		assert_int_equal(line.overrides.count, 1);
		assert_string_equal(line.overrides.items[0].name, "intercept");
		assert_string_equal(line.overrides.items[0].value, rows[i].value);
		assert_int_equal(line.command, COMMAND_RUN);
	}
	assert_true(parse("--intercept env"));
	assert_int_equal(line.command, COMMAND_ENV);
}

static void test_ca_and_what_it_takes(void **state)
{
	(void)state;
	assert_true(parse("ca init --permit=a.test --permit b.test"));
	assert_int_equal(line.command, COMMAND_CA);
	assert_int_equal(line.ca.action, CA_INIT);
	assert_int_equal(line.ca.permit_count, 2);
	assert_string_equal(line.ca.permits[1], "b.test");
	assert_true(parse("ca install"));
	assert_int_equal(line.ca.action, CA_INSTALL);
	assert_null(line.ca.file);
	assert_true(parse("ca uninstall some.pem"));
	assert_int_equal(line.ca.action, CA_UNINSTALL);
	assert_string_equal(line.ca.file, "some.pem");
	assert_true(parse("ca status"));
	assert_int_equal(line.ca.action, CA_STATUS);
	assert_true(parse("--pem ca show"));
	assert_int_equal(line.ca.action, CA_SHOW);
	assert_true(line.ca.pem);
}

static void test_ctl_asks_for_the_page_that_its_words_mean(void **state)
{
	static const struct {
		const char *words, *target;
		bool changes;
	} rows[] = {
		{ "ctl show", "/switches/state", false },
		{ "ctl show a.b", "/switches/applies?url=a.b", false },
		{ "ctl mode * off", "/switches/set?setting=mode&site=%2A&value=off", true },
		{ "ctl pierce & never for 1h", "/switches/set?setting=pierce&site=%26&value=never&for=1h", true },
		{ "ctl undo a", "/switches/undo?site=a", true },
		{ "ctl undo a mode", "/switches/undo?site=a&setting=mode", true },
		{ "ctl flush dns", "/switches/flush?what=dns", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(parse(rows[i].words));
		assert_int_equal(line.command, COMMAND_CTL);
		assert_string_equal(line.ctl.target, rows[i].target);
		assert_int_equal(line.ctl.changes, rows[i].changes);
		assert_null(line.ctl.socket);
	}
	assert_true(parse("ctl --json show -s some/socket"));
	assert_true(line.ctl.json);
	assert_string_equal(line.ctl.socket, "some/socket");
}

#define CA_TAKES \
	"ca takes: init [--permit=DOMAIN ...] | install | uninstall | status | show [--pem]; all but init take a file, too"

static void test_wrong_usage_is_explained(void **state)
{
	static const struct {
		const char *words, *expected;
	} rows[] = {
		{ "--validatrs=keep", "there is no option --validatrs; did you mean --validators?" },
		{ "--versoin", "there is no option --versoin; did you mean --version?" },
		{ "--frobnicate", "there is no option --frobnicate, or it is cut short" },
		{ "--time=3s", "there is no option --time, or it is cut short" },
		{ "-x", "there is no option -x" },
		{ "-tx", "there is no option -x" },
		{ "--mode=off -xt", "there is no option -x" },
		{ "--mode", "--mode needs a value" },
		{ "-c", "-c needs a value" },
		{ "--test=yes", "--test takes no value" },
		{ "-p http", "-p: \"http\" is not a port" },
		{ "-p 65536", "-p: \"65536\" is not a port" },
		{ "start", "there is no command \"start\"; there are ca, check, ctl, env and passwd" },
		{ "passwd", "passwd takes a file and a user: freshet passwd [-D] FILE USER" },
		{ "passwd users", "passwd takes a file and a user: freshet passwd [-D] FILE USER" },
		{ "passwd users anna secret", "passwd takes a file and a user: freshet passwd [-D] FILE USER" },
		{ "-D", "-D belongs to passwd: freshet passwd -D FILE USER" },
		{ "-D env", "-D belongs to passwd: freshet passwd -D FILE USER" },
		{ "--pem=1 ca show", "--pem takes no value" },
		{ "-M", "there is no option -M" },
		{ "ca", CA_TAKES },
		{ "ca make", CA_TAKES },
		{ "ca init some.pem", CA_TAKES },
		{ "ca show a b", CA_TAKES },
		{ "ca install --permit=a.test", CA_TAKES },
		{ "ca status --pem", CA_TAKES },
		{ "--permit=a.test", CA_TAKES },
		{ "--pem env", CA_TAKES },
		{ "-s socket env", "-s belongs to ctl: freshet ctl -s SOCKET show" },
		{ "ctl mode a.test bsut", "ctl: there is no value \"bsut\"; did you mean bust?" },
		{ "ctl show --location", "there is an option of check, but ctl takes -s and --json only" },
		{ "env now", "\"now\" is one word too many" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (parse(rows[i].words))
			fail_msg("\"%s\" was accepted", rows[i].words);
		if (strcmp(error, rows[i].expected) != 0)
			fail_msg("\"%s\" gave \"%s\", expected \"%s\"", rows[i].words, error, rows[i].expected);
	}
}

static void test_too_many_options_are_refused(void **state)
{
	static char flag[] = "--mode=off", name[] = "freshet";
	char *argv[COMMAND_OVERRIDES_MAX + 3];
	int argc = COMMAND_OVERRIDES_MAX + 2;

	(void)state;
	argv[0] = name;
	for (int i = 1; i < argc; i++)
		argv[i] = flag;
	argv[argc] = NULL;
	assert_false(command_line_parse(argc, argv, &line, error));
	assert_string_equal(error, "too many options");
	argv[--argc] = NULL;
	assert_true(command_line_parse(argc, argv, &line, error));
	assert_int_equal(line.overrides.count, COMMAND_OVERRIDES_MAX);
}

static void test_help_names_every_option(void **state)
{
	char *text = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&text, &n);

	(void)state;
	assert_non_null(file);
	command_line_help(file);
	fclose(file);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		char word[64];
		bool expected = config_options[i].scope != SCOPE_SITE;

		snprintf(word, sizeof(word), "  --%s=", config_options[i].name);
		if ((strstr(text, word) != NULL) != expected)
			fail_msg("%s is %s", config_options[i].name, expected ? "missing" : "there");
	}
	assert_non_null(strstr(text, "-c FILE"));
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_ask_for_commands),
		cmocka_unit_test(test_options_of_the_file_become_overrides_in_order),
		cmocka_unit_test(test_nothing_is_left_from_an_earlier_line),
		cmocka_unit_test(test_port_means_loopback_only),
		cmocka_unit_test(test_intercept_without_a_value_means_yes),
		cmocka_unit_test(test_ca_and_what_it_takes),
		cmocka_unit_test(test_ctl_asks_for_the_page_that_its_words_mean),
		cmocka_unit_test(test_wrong_usage_is_explained),
		cmocka_unit_test(test_too_many_options_are_refused),
		cmocka_unit_test(test_help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
