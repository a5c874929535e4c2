/*
 * The process: starts workers, and steers them by signals and the service manager until they have ended.
 *
 * SIGHUP reloads, all or nothing; SIGUSR1 reopens the access log; SIGTERM and SIGINT drain, a second one stops at
 * once.
 */
#ifndef FRESHET_PROXY_SERVER_H
#define FRESHET_PROXY_SERVER_H

#include "config/config.h"

struct server_options {
	const char *config_path;                   /* NULL: the default one */
	const struct config_overrides *overrides;  /* of the command line; they survive reloads */
};

/* Takes over config.  Returns the exit status: 0, or 1 when it could not start. */
int server_run(struct config *config, const struct server_options *options);

#endif
