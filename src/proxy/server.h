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

/*
 * Until server_run() is ready for them, SIGHUP and SIGUSR1 wait instead of ending the process.  To be called before the
 * configuration is read: what changes in it afterwards is then noticed.
 */
void server_hold_signals(void);

/* Takes over config.  Returns the exit status: 0, or 1 when it could not start. */
int server_run(struct config *config, const struct server_options *options);

#endif
