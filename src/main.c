/*
 * freshet: a forward HTTP proxy that makes every cache between a client and an origin ask the origin.
 *
 * Reads the command line and the configuration and does what they say.  Serving is proxy/server.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "commands/ca_command.h"
#include "commands/check_command.h"
#include "commands/ctl_command.h"
#include "config/command_line.h"
#include "config/dump.h"
#include "config/env.h"
#include "http/h1.h"
#include "http/headers.h"
#include "proxy/server.h"
#include "proxy/snapshot.h"

#ifndef FRESHET_VERSION
#define FRESHET_VERSION "unversioned"
#endif

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int print_env(const struct config *config)
{
	if (env_print(config, stdout))
		return EXIT_OK;
	fputs("freshet: no address with a fixed port is configured\n", stderr);
	return EXIT_FAILED;
}

static int test(struct config *config)
{
	const char *why;

	if (!snapshot_check(config, &why)) {
		fprintf(stderr, "%s\n", why);
		return EXIT_FAILED;
	}
	printf("%s: the configuration is good\n", config->path ? config->path : "defaults");
	return EXIT_OK;
}

/* What is asked of a configuration without serving it.  Frees it. */
static int inspect(const struct command_line *line, struct config *config)
{
	int status = EXIT_OK;

	if (line->command == COMMAND_DUMP)
		config_dump(config, stdout);
	if (line->command == COMMAND_ENV)
		status = print_env(config);
	if (line->command == COMMAND_CA)
		status = ca_command(&line->ca, config) ? EXIT_OK : EXIT_FAILED;
	if (line->command == COMMAND_CHECK)
		status = check_command(&line->check, config);
	if (line->command == COMMAND_CTL)
		status = ctl_command(&line->ctl, config);
	if (line->command == COMMAND_TEST)
		status = test(config);
	config_free(config);
	return status;
}

static void print_lines(const struct config_strings *lines, const char *kind)
{
	for (size_t i = 0; i < lines->count; i++)
		fprintf(stderr, "%s%s\n", kind, lines->items[i]);
}

/* The configuration, or NULL with the reasons on standard error. */
static struct config *load(const struct command_line *line)
{
	struct config_report report = { .out_of_memory = false };
	struct config *config = config_load(line->config_path, &line->overrides, &report);

	print_lines(&report.errors, "");
	print_lines(&report.warnings, "warning: ");
	if (report.out_of_memory)
		fputs("freshet: memory is out\n", stderr);
	config_report_fini(&report);
	return config;
}

static int run(const struct command_line *line)
{
	struct server_options options = { .config_path = line->config_path, .overrides = &line->overrides };
	struct config *config;

	if (line->command == COMMAND_RUN)
		server_hold_signals();
	headers_init();
	if (!h1_self_test()) {
		fputs("freshet: the HTTP parser was built without its strict mode; refusing to serve\n", stderr);
		return EXIT_FAILED;
	}
	config = load(line);
	if (!config)
		return line->command == COMMAND_CHECK ? EXIT_USAGE : EXIT_FAILED; /* a check's 1 means stale */
	if (line->command != COMMAND_RUN)
		return inspect(line, config);
	return server_run(config, &options);
}

/* Started without them, the next socket would get their numbers, and log lines as bytes. */
static void fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static struct command_line line; /* large, and points into itself */
	char error[COMMAND_ERROR_BYTES];

	fill_standard_descriptors();
	if (!command_line_parse(argc, argv, &line, error)) {
		fprintf(stderr, "freshet: %s\nTry 'freshet -h'.\n", error);
		return EXIT_USAGE;
	}
	switch (line.command) {
	case COMMAND_VERSION:
		puts("freshet " FRESHET_VERSION);
		return EXIT_OK;
	case COMMAND_HELP:
		command_line_help(stdout);
		return EXIT_OK;
	case COMMAND_PASSWD:
		return passwd_run(&line.passwd) ? EXIT_OK : EXIT_FAILED;
	case COMMAND_RUN:
	case COMMAND_TEST:
	case COMMAND_DUMP:
	case COMMAND_ENV:
	case COMMAND_CA:
	case COMMAND_CHECK:
	case COMMAND_CTL:
		break;
	}
	return run(&line);
}
