/*
 * Loading the configuration: values, sites, the command line over the file, errors with their place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct config_report report;

static int report_reset(void **state)
{
	(void)state;
	config_report_fini(&report);
	unsetenv("FRESHET_TEST");
	return 0;
}

static struct config *load(const char *text)
{
	return config_parse_text("test.conf", span_str(text), NULL, &report);
}

/* Loads what must be right. */
static struct config *load_good(const char *text)
{
	struct config *config = load(text);

	if (!config)
		fail_msg("\"%s\" failed: %s", text,
			 report.errors.count ? report.errors.items[0] : "without a word");
	return config;
}

static struct address ip(const char *text)
{
	struct address a;

	if (!address_parse_ip(span_str(text), 0, &a))
		fail_msg("%s is no address", text);
	return a;
}

static bool allowed(const struct config *config, const char *client)
{
	struct address a = ip(client);

	return config_client_allowed(config, &a);
}

static bool counted(const char *text, const char *client)
{
	struct config *config = load_good(text);
	struct address a = ip(client);
	bool result = config_client_counted(config, &a);

	config_free(config);
	return result;
}

static void test_clients_are_counted_by_address_unless_exempt_or_unlimited(void **state)
{
	(void)state;
	assert_true(counted("", "192.0.2.1") && counted("", "2001:db8::1"));
	assert_false(counted("", "127.0.0.9") || counted("", "::1"));
	assert_true(counted("limit-exempt = {}\n", "127.0.0.9"));
	assert_false(counted("limit-exempt = {\"10.0.0.0/8\"}\n", "10.1.1.1"));
	assert_true(counted("max-clients-per-address = 0\n", "192.0.2.1"));
	assert_false(counted("max-clients-per-address = 0\nmax-requests-per-address = 0\n", "192.0.2.1"));
}

static void test_defaults_are_safe(void **state)
{
	struct config *config = load_good("");
	char listen[ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(config->listen.count, 1);
	address_format(&config->listen.items[0], listen);
	assert_string_equal(listen, "127.0.0.1:8080");
	assert_int_equal(config->workers, 0);
	assert_int_equal(config->mode, CONFIG_MODE_BUST);
	assert_int_equal(config->pierce, CONFIG_PIERCE_AUTO);
	assert_false(config->heal || config->intercept || config->allow_any_client);
	assert_string_equal(config->via, "freshet");
	assert_string_equal(config->access_log, "-");
	assert_int_equal(config->log_level, LOG_LEVEL_INFO);
	assert_int_equal(config->timeout_connect_ms, 10000);
	assert_int_equal(config->timeout_tunnel_ms, 3600000);
	assert_int_equal(config->max_head, 65536);
	assert_int_equal(config->max_clients, 10000);
	assert_int_equal(config->pool_lifetime_ms, 600000);
	assert_int_equal(config->parent.kind, CONFIG_PARENT_NONE);
	assert_int_equal(config->resolver.kind, CONFIG_RESOLVER_SYSTEM_FILE);
	assert_int_equal(config->site_count, 0);
	assert_true(allowed(config, "127.0.0.1") && allowed(config, "127.8.8.8") && allowed(config, "::1"));
	assert_false(allowed(config, "192.0.2.1") || allowed(config, "::2"));
	assert_true(config_ports_have(&config->connect_ports, 443));
	assert_true(config_ports_have(&config->connect_ports, 80));
	assert_false(config_ports_have(&config->connect_ports, 22));
	assert_int_equal(report.warnings.count, 0);
	config_free(config);
}

static void test_values_of_every_type_are_read(void **state)
{
	struct config *config = load_good("listen = {\"127.0.0.1:3128\", '[::1]:0'}   # comment, in a list too\n"
					  "workers = 4 mode = off\n"
					  "connect-ports = {443, # one\n \"8000-8999\"}\n"
					  "deny = {\"127.0.0.9\"}\n"
					  "heal = on\n"
					  "via = \"\"\n"
					  "timeout-body = 500ms\n"
					  "max-target = 4k\n"
					  "log-level = trace\n"
					  "parent = \"http://us%40er:p%20w@[::1]:3128\"\n"
					  "no-parent = {\"localhost\", \"*.internal\"}\n"
					  "resolver = \"127.0.0.1:5353\"\n");

	(void)state;
	assert_int_equal(config->listen.count, 2);
	assert_int_equal(config->listen.items[1].port, 0);
	assert_int_equal(config->workers, 4);
	assert_int_equal(config->mode, CONFIG_MODE_OFF);
	assert_int_equal(config->connect_ports.count, 2);
	assert_true(config_ports_have(&config->connect_ports, 8500));
	assert_false(config_ports_have(&config->connect_ports, 80));
	assert_false(allowed(config, "127.0.0.9"));
	assert_true(config->heal);
	assert_string_equal(config->via, "");
	assert_int_equal(config->timeout_body_ms, 500);
	assert_int_equal(config->max_target, 4096);
	assert_int_equal(config->log_level, LOG_LEVEL_TRACE);
	assert_int_equal(config->parent.kind, CONFIG_PARENT_HTTP);
	assert_string_equal(config->parent.host, "::1");
	assert_int_equal(config->parent.port, 3128);
	assert_string_equal(config->parent.user, "us@er");
	assert_string_equal(config->parent.password, "p w");
	assert_int_equal(config->no_parent.count, 2);
	assert_string_equal(config->no_parent.items[1], "*.internal");
	assert_int_equal(config->resolver.address.port, 5353);
	config_free(config);
}

static void test_plus_adds_to_the_default_of_a_list(void **state)
{
	struct config *config = load_good("connect-ports += {8443}\nallow += {\"10.0.0.0/8\"}\n");

	(void)state;
	assert_int_equal(config->connect_ports.count, 3);
	assert_true(allowed(config, "10.1.1.1") && allowed(config, "127.0.0.1"));
	config_free(config);
}

static void test_empty_list_replaces_the_default(void **state)
{
	struct config *config = load_good("connect-ports = {}\n");

	(void)state;
	assert_int_equal(config->connect_ports.count, 0);
	config_free(config);
}

static void test_site_inherits_what_it_does_not_set(void **state)
{
	struct config *config = load_good("site \"*.example.com\" { mode = observe }\n"
					  "mode = revalidate\n"
					  "validators = strip\n"
					  "site \"example.org:8080/a*\" {\n"
					  "	heal = yes\n"
					  "	method = {\"GET\", \"HEAD\"}\n"
					  "	client = {\"10.0.0.0/8\"}\n"
					  "}\n");

	(void)state;
	assert_int_equal(config->site_count, 2);
	assert_string_equal(config->sites[0].pattern, "*.example.com");
	assert_string_equal(config->sites[0].where, "test.conf:1");
	assert_int_equal(config->sites[0].mode, CONFIG_MODE_OBSERVE);
	assert_int_equal(config->sites[0].validators, CONFIG_VALIDATORS_STRIP);
	assert_false(config->sites[0].heal);
	assert_int_equal(config->sites[0].method.count, 0);
	assert_string_equal(config->sites[1].where, "test.conf:4");
	assert_int_equal(config->sites[1].mode, CONFIG_MODE_REVALIDATE);
	assert_true(config->sites[1].heal);
	assert_int_equal(config->sites[1].method.count, 2);
	assert_string_equal(config->sites[1].method.items[1], "HEAD");
	assert_int_equal(config->sites[1].client.count, 1);
	config_free(config);
}

static void test_sites_with_the_same_pattern_are_both_kept_in_order(void **state)
{
	struct config *config = load_good("site \"a\" { method = {\"PUT\"} mode = off }\n"
					  "site \"b\" { mode = bust }\n"
					  "site \"a\" { mode = observe }\n");

	(void)state;
	assert_int_equal(config->site_count, 3);
	assert_int_equal(config->sites[0].mode, CONFIG_MODE_OFF);
	assert_string_equal(config->sites[1].pattern, "b");
	assert_int_equal(config->sites[2].mode, CONFIG_MODE_OBSERVE);
	config_free(config);
}

static void test_environment_variables_are_replaced(void **state)
{
	setenv("FRESHET_TEST", "10.9.0.0/16", 1);
	struct config *config = load_good("allow = {\"${FRESHET_TEST}\", ${FRESHET_TEST}, "
					  "\"${FRESHET_NONE:-::1}\"}\n");

	(void)state;
	assert_int_equal(config->allow.count, 3);
	assert_true(allowed(config, "10.9.1.1"));
	assert_true(allowed(config, "::1"));
	assert_int_equal(report.warnings.count, 0);
	config_free(config);
}

static void test_dollar_sign_is_no_variable_when_escaped(void **state)
{
	struct config *config = load_good("access-log = \"\\${HOME}\"\n");

	(void)state;
	assert_string_equal(config->access_log, "${HOME}");
	config_free(config);
}

static void test_wrong_text_is_refused_with_its_place_and_word(void **state)
{
	static const struct {
		const char *text, *expected; /* how the first error begins */
	} rows[] = {
		{ "mode = bust\nmoode = off\n", "test.conf:2: there is no option \"moode\"; did you mean \"mode\"?" },
		{ "frobnicate = 1", "test.conf:1: there is no option \"frobnicate\"" },
		{ "# a\n# b\n/* c\n */ mode = bustt\n",
		  "test.conf:4: mode: \"bustt\" is none of the words known here, off|observe|revalidate|bust; "
		  "did you mean \"bust\"?" },
		{ "pierce-parameter = \"a&b\"",
		  "test.conf:1: pierce-parameter: \"a&b\" is not made of letters, digits and -._~" },
		{ "pierce-parameter = \"\"", "test.conf:1: pierce-parameter: \"\" is not" },
		{ "workers = 99", "test.conf:1: workers: \"99\" is out of range, which is 1 to 64" },
		{ "workers = many", "test.conf:1: workers: \"many\" is not a whole number" },
		{ "timeout-body = soon", "test.conf:1: timeout-body: \"soon\" is not a time" },
		{ "max-head = 64parsecs", "test.conf:1: max-head: \"64parsecs\" is not a size" },
		{ "heal = perhaps", "test.conf:1: heal: \"perhaps\" is neither yes nor no" },
		{ "listen = {\"127.0.0.1:99999\"}", "test.conf:1: listen: \"127.0.0.1:99999\" is not an address" },
		{ "listen = {\"localhost:80\"}", "test.conf:1: listen: \"localhost:80\" is not an address" },
		{ "listen = {\"unix:/run/x\"}", "test.conf:1: listen: \"unix:/run/x\" asks for a unix socket" },
		{ "listen = {}", "test.conf: listen: there is no address" },
		{ "listen = {\n\"127.0.0.1:80\",\n\"127.0.0.1:80\"}",
		  "test.conf:3: listen: \"127.0.0.1:80\" is there twice" },
		{ "listen = \"0.0.0.0:80\"", "test.conf:1: listen: \"0.0.0.0:80\" can be reached from other machines" },
		{ "listen = \"[::]:80\"", "test.conf:1: listen: \"[::]:80\" can be reached from other machines" },
		{ "allow = {\"10.0.0.0/33\"}", "test.conf:1: allow: \"10.0.0.0/33\" is not a network" },
		{ "deny = {\"example.com\"}", "test.conf:1: deny: \"example.com\" is not a network" },
		{ "connect-ports = {0}", "test.conf:1: connect-ports: \"0\" is neither" },
		{ "via = \"a b\"", "test.conf:1: via: \"a b\" has characters" },
		{ "intercept = maybe", "test.conf:1: intercept: " },
		{ "ca-cert = \"/a.pem\"", "test.conf:1: ca-cert and ca-key belong together" },
		{ "\nca-key = \"/a.pem\"", "test.conf:2: ca-cert and ca-key belong together" },
		{ "access-log = \"\"", "test.conf:1: access-log: the name is empty" },
		{ "site \"\" { }", "test.conf:1: a site section needs a pattern" },
		{ "site { }", "test.conf:1: missing title for section 'site'" },
		{ "\n\nsite \"a\" {\n\tvalidatorz = strip\n}",
		  "test.conf:4: there is no option \"validatorz\"; did you mean \"validators\"?" },
		{ "site \"a\" { workers = 3 }", "test.conf:1: \"workers\" stands outside of site sections only" },
		{ "site \"a\" { site \"b\" { } }", "test.conf:1: \"site\" stands outside of site sections only" },
		{ "method = {\"GET\"}", "test.conf:1: \"method\" stands inside site sections only" },
		{ "site \"a\" { method = {\"\"} }", "test.conf:1: method: \"\" is empty" },
		{ "site \"a\" {\nmode = off\n", "test.conf:1: the brace that opens here is not closed" },
		{ "\n}", "test.conf:2: unexpected closing brace" },
		{ "}{ =", "test.conf:1: the brace that opens here is not closed" },
		{ "mode bust", "test.conf:1: missing equal sign after option 'mode'" },
		{ "mode =", "test.conf:1: premature end of file" },
		{ "mode += bust", "test.conf:1: attempt to append to non-list option 'mode'" },
		{ "\n\"\" = 1", "test.conf:2: syntax error" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = load(rows[i].text);

		if (config || report.errors.count == 0)
			fail_msg("\"%s\" was accepted", rows[i].text);
		if (strncmp(report.errors.items[0], rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("\"%s\" gave \"%s\", expected \"%s\"", rows[i].text, report.errors.items[0],
				 rows[i].expected);
		config_report_fini(&report);
	}
}

static void test_text_that_the_library_misreads_is_refused(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "\nsite *.example.com { }", "test.conf:2: a word with * must stand in quotes" },
		{ "site example.com/a* { }", "test.conf:1: a word with * must stand in quotes" },
		{ "via = a+b", "test.conf:1: a word with + must stand in quotes" },
		{ "mode = off\n/* no end\n\n", "test.conf:2: the comment that begins here has no end" },
		{ "\nvia = \"no end\n\n", "test.conf:2: the string that begins here has no closing quote" },
		{ "via = 'no end", "test.conf:1: the string that begins here has no closing quote" },
		{ "via = \"${HOME\"", "test.conf:1: after ${ there is no }" },
		{ "via = \"${HOME\" # }", "test.conf:1: after ${ there is no }" },
		{ "include(\"a\" \"b\")", "test.conf:1: write include(\"file\")" },
		{ "include(\"a\", \"b\")", "test.conf:1: write include(\"file\")" },
		{ "include()", "test.conf:1: write include(\"file\")" },
		{ "include(\"a\"", "test.conf:1: write include(\"file\")" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_null(load(rows[i].text));
		if (strncmp(report.errors.items[0], rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("\"%s\" gave \"%s\"", rows[i].text, report.errors.items[0]);
		config_report_fini(&report);
	}
	assert_null(config_parse_text("test.conf", SPAN("mode = off\n\0mode = on\n"), NULL, &report));
	assert_string_equal(report.errors.items[0], "test.conf:2: there is a NUL byte: this is no text file");
}

static void test_all_wrong_values_are_reported_at_once(void **state)
{
	(void)state;
	assert_null(load("mode = bustt\nworkers = 0\nsite \"a\" {\n  pierce = sometimes\n}\ntimeout-queue = 3\n"));
	assert_int_equal(report.errors.count, 4);
	assert_int_equal(strncmp(report.errors.items[2], "test.conf:4: pierce", 19), 0);
	assert_int_equal(strncmp(report.errors.items[3], "test.conf:6: timeout-queue", 26), 0);
}

static void test_message_holds_no_control_characters_and_no_password(void **state)
{
	(void)state;
	assert_null(load("mode = \"a\033[2Jb\nc\"\nparent = \"http://u:secret@host\"\n"));
	assert_int_equal(report.errors.count, 2);
	assert_non_null(strstr(report.errors.items[0], "\"a?[2Jb?c\""));
	assert_null(strstr(report.errors.items[1], "secret"));
}

static void test_doubtful_values_are_warned_about(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "listen = \"0.0.0.0:80\"\nallow-any-client = yes",
		  "test.conf:2: allow-any-client: every client" },
		{ "allow = {}", "test.conf: allow: the list is empty" },
		{ "pool-idle = 3000", "test.conf:1: pool-idle: more than pool-max (1024)" },
		{ "max-head = 4k\nmax-target = 8k", "test.conf:2: max-target: a target is part of the head" },
		{ "no-parent = {\"a\"}", "test.conf:1: no-parent has no meaning without parent" },
		{ "site \"a\" { method = {\"get\"} }", "test.conf:1: method: \"get\" is in small letters" },
		{ "\nvia = \"${FRESHET_TEST}\"", "test.conf:2: the environment variable FRESHET_TEST is not set" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config *config = load_good(rows[i].text);

		if (report.warnings.count != 1)
			fail_msg("\"%s\" gave %zu warnings", rows[i].text, report.warnings.count);
		if (strncmp(report.warnings.items[0], rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("\"%s\" gave \"%s\"", rows[i].text, report.warnings.items[0]);
		config_free(config);
		config_report_fini(&report);
	}
}

static void test_limits_hidden_by_default_are_not_warned_about(void **state)
{
	struct config *config = load_good("max-head = 4k pool-max = 2");

	(void)state;
	assert_int_equal(report.warnings.count, 0);
	config_free(config);
}

static void test_listening_beyond_loopback_needs_a_word_about_clients(void **state)
{
	struct config *config = load_good("listen = \"0.0.0.0:80\" allow = {\"10.0.0.0/8\"}");

	(void)state;
	assert_true(allowed(config, "10.0.0.1"));
	assert_false(allowed(config, "11.0.0.1"));
	config_free(config);
	config = load_good("listen = \"0.0.0.0:80\" allow-any-client = yes deny = {\"192.0.2.0/24\"}");
	assert_true(allowed(config, "11.0.0.1"));
	assert_false(allowed(config, "192.0.2.7"));
	config_free(config);
}

static void test_command_line_is_stronger_than_the_file(void **state)
{
	static const struct config_override items[] = {
		{ "mode", "off" },        { "listen", "9999" },       { "timeout-connect", "7s" },
		{ "allow", "10.0.0.0/8, ::1" }, { "allow", "11.0.0.0/8" }, { "connect-ports", "" },
	};
	struct config_overrides all = { items, COUNT(items), 1 };
	struct span text = SPAN("mode = observe log-level = warn site \"a\" {}");
	struct config *config = config_parse_text("test.conf", text, &all, &report);

	(void)state;
	assert_non_null(config);
	assert_int_equal(config->mode, CONFIG_MODE_OFF);
	assert_int_equal(config->sites[0].mode, CONFIG_MODE_OFF);
	assert_int_equal(config->listen.count, 1);
	assert_int_equal(config->listen.items[0].port, 9999);
	assert_true(address_is_loopback(&config->listen.items[0]));
	assert_int_equal(config->timeout_connect_ms, 7000);
	assert_int_equal(config->allow.count, 3);
	assert_int_equal(config->connect_ports.count, 0);
	assert_int_equal(config->log_level, LOG_LEVEL_INFO);
	config_free(config);
}

static void test_allow_on_the_command_line_counts_as_given(void **state)
{
	static const struct config_override items[] = { { "allow", "10.0.0.0/8" } };
	struct config_overrides all = { items, COUNT(items), 0 };
	struct config *config = config_parse_text("test.conf", SPAN("listen = \"0.0.0.0:80\""), &all, &report);

	(void)state;
	assert_non_null(config);
	config_free(config);
}

static void test_wrong_command_line_value_is_refused(void **state)
{
	static const struct config_override items[] = {
		{ "mode", "bustt" }, { "method", "GET" }, { "nothing", "1" },
	};
	struct config_overrides all = { items, COUNT(items), 0 };

	(void)state;
	assert_null(config_parse_text("test.conf", SPAN(""), &all, &report));
	assert_int_equal(report.errors.count, 3);
	assert_int_equal(strncmp(report.errors.items[0], "command line: mode: \"bustt\"", 27), 0);
}

static void test_verbosity_ends_at_trace(void **state)
{
	struct config_overrides all = { NULL, 0, 40 };
	struct config *config = config_parse_text("test.conf", SPAN(""), &all, &report);

	(void)state;
	assert_int_equal(config->log_level, LOG_LEVEL_TRACE);
	config_free(config);
}

static void test_wrong_file_does_not_spoil_the_next(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_null(load("site \"a\" {\n mode = off\n frobnicate = \"x\" }"));
		config_report_fini(&report);
		assert_null(load("via = \"\\400\""));
		config_report_fini(&report);
		struct config *config = load_good("mode = observe");
		assert_int_equal(config->site_count, 0);
		assert_int_equal(config->mode, CONFIG_MODE_OBSERVE);
		config_free(config);
	}
}

#define test(function) cmocka_unit_test_teardown(function, report_reset)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(test_defaults_are_safe),
		test(test_clients_are_counted_by_address_unless_exempt_or_unlimited),
		test(test_values_of_every_type_are_read),
		test(test_plus_adds_to_the_default_of_a_list),
		test(test_empty_list_replaces_the_default),
		test(test_site_inherits_what_it_does_not_set),
		test(test_sites_with_the_same_pattern_are_both_kept_in_order),
		test(test_environment_variables_are_replaced),
		test(test_dollar_sign_is_no_variable_when_escaped),
		test(test_wrong_text_is_refused_with_its_place_and_word),
		test(test_text_that_the_library_misreads_is_refused),
		test(test_all_wrong_values_are_reported_at_once),
		test(test_message_holds_no_control_characters_and_no_password),
		test(test_doubtful_values_are_warned_about),
		test(test_limits_hidden_by_default_are_not_warned_about),
		test(test_listening_beyond_loopback_needs_a_word_about_clients),
		test(test_command_line_is_stronger_than_the_file),
		test(test_allow_on_the_command_line_counts_as_given),
		test(test_wrong_command_line_value_is_refused),
		test(test_verbosity_ends_at_trace),
		test(test_wrong_file_does_not_spoil_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
