/*
 * What server.c, server_reload.c and server_end.c share: the process as its main thread sees it.
 */
#ifndef FRESHET_PROXY_SERVER_PARTS_H
#define FRESHET_PROXY_SERVER_PARTS_H

#include "proxy/control.h"
#include "proxy/learned.h"
#include "proxy/pieces.h"
#include "proxy/pierced_hosts.h"
#include "proxy/server.h"
#include "proxy/sockets.h"
#include "proxy/unread.h"
#include "proxy/watchdog.h"
#include "proxy/worker.h"

enum { SERVER_SIGNALS = 4 };

enum server_state {
	SERVER_RUNNING,
	SERVER_LEAVING,  /* drain-delay: serves on, but is not ready any more */
	SERVER_DRAINING,
	SERVER_STOPPING,
};

struct server {
	const struct server_options *options; /* borrowed */
	struct event_base *base;              /* owned, as are the events */
	struct event *signals[SERVER_SIGNALS];
	struct event *check;                  /* from the first signal to stop on */
	struct watchdog watchdog;
	struct snapshot *snapshot;            /* counted: the current one */
	struct sockets sockets;
	struct control control;               /* the first worker's */
	struct shared shared;
	struct learned learned;
	struct unread unread;
	struct pierced_hosts pierced_hosts;
	struct event *summary;                /* owned: time to say what piercing costs */
	uint64_t summary_told;                /* how many exchanges the last one spoke of */
	struct pieces pieces;
	struct worker *workers;               /* owned */
	unsigned worker_count, started;
	enum server_state state;
	int64_t state_ends_us;                /* when the next follows; not of SERVER_RUNNING */
};

/* -- server_reload.c -- */

unsigned server_count_workers(const struct config *c);

/* Takes over config.  NULL, with the reason logged. */
struct snapshot *server_make_snapshot(struct config *config, const struct sockets *sockets);

/* False, logged, when the access log cannot be written to; otherwise it waits for log_writer_commit(). */
bool server_prepare_log(struct server *s, const struct config *c);

/* What each worker is to accept from; NULL when memory is out.  server_tell_sockets() takes them over. */
struct worker_socket **server_make_lists(const struct server *s, const struct sockets *sockets, const struct control *control);
void server_tell_sockets(struct server *s, struct worker_socket **lists);

void server_log_control(const struct control *c);
void server_log_listening(const struct sockets *s, bool only_new); /* at a reload only what is new is worth a line */

/* Switches may want it where the configuration does not.  `context` is the server. */
void server_prepare_interception(void *context);

/* All of the new configuration, or nothing. */
void server_reload(struct server *s);

/* -- server_end.c -- */

void server_post_all(struct server *s, unsigned orders);

/* Whoever sends clients here has drain-delay to see that we are not ready, before we refuse any. */
void server_leave(struct server *s);

/* What still runs is cut off. */
void server_stop(struct server *s, const char *why);

/* On the event `check`, while it ends: the next step, when it is time. */
void server_on_check(evutil_socket_t fd, short what, void *arg);

void server_log_cut(const struct server *s);

#endif
