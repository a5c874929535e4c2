/*
 * The command line as data.
 *
 * Pure: reads no file and prints nothing unasked.  Every option of the file that stands outside of site
 * sections is a long option as well.
 */
#ifndef FRESHET_CONFIG_COMMAND_LINE_H
#define FRESHET_CONFIG_COMMAND_LINE_H

#include <stdio.h>

#include "config/check_request.h"
#include "config/config.h"
#include "config/ctl_request.h"
#include "config/passwd.h"

enum command {
	COMMAND_RUN,     /* serve */
	COMMAND_TEST,    /* -t: check the configuration */
	COMMAND_DUMP,    /* -T: check and print it */
	COMMAND_ENV,     /* env: print the proxy environment */
	COMMAND_PASSWD,  /* passwd: change the file of users */
	COMMAND_CA,      /* ca: the certificate authority */
	COMMAND_CHECK,   /* check: does a cache answer with something old? */
	COMMAND_CTL,     /* ctl: switches of the running proxy */
	COMMAND_VERSION, /* -V */
	COMMAND_HELP,    /* -h */
};

enum { COMMAND_OVERRIDES_MAX = 256, COMMAND_ERROR_BYTES = 256, COMMAND_PERMITS_MAX = 32 };

enum ca_action { CA_INIT, CA_INSTALL, CA_UNINSTALL, CA_STATUS, CA_SHOW };

/* `freshet ca`.  Points into argv. */
struct ca_request {
	enum ca_action action;
	const char *file; /* whose certificate, instead of the configured; NULL when not given */
	bool pem;         /* --pem */
	const char *permits[COMMAND_PERMITS_MAX]; /* --permit */
	size_t permit_count;
};

/* Points into argv.  Stays where it was filled: `overrides` points at `items`. */
struct command_line {
	enum command command;
	const char *config_path; /* -c; NULL when not given */
	struct passwd_request passwd; /* with COMMAND_PASSWD; .remove is -D */
	struct ca_request ca;         /* with COMMAND_CA */
	struct check_request check;   /* with COMMAND_CHECK */
	struct ctl_request ctl;       /* with COMMAND_CTL */
	struct config_overrides overrides;
	struct config_override items[COMMAND_OVERRIDES_MAX];
};

/* False for wrong usage, described in error.  Reorders argv, as getopt_long() does. */
bool command_line_parse(int argc, char **argv, struct command_line *out,
			char error[COMMAND_ERROR_BYTES]) MUST_CHECK;

void command_line_help(FILE *out);

#endif
