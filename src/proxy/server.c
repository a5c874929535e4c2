/*
 * The process.  Everything here runs on the main thread, which serves no client.
 */
#include "proxy/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/control.h"
#include "proxy/descriptors.h"
#include "proxy/learned.h"
#include "proxy/log_writer.h"
#include "proxy/pieces.h"
#include "proxy/pierce_summary.h"
#include "proxy/pierced_hosts.h"
#include "proxy/running.h"
#include "proxy/sockets.h"
#include "proxy/unread.h"
#include "proxy/watchdog.h"
#include "proxy/worker.h"

enum {
	SIGNALS = 5,
	CHECK_MS = 100,          /* how often a server that ends looks how far it is */
	STOP_MS = 3000,          /* after which a worker that was told to stop at once hangs */
};

enum server_state {
	SERVER_RUNNING,
	SERVER_LEAVING,  /* drain-delay: serves on, but is not ready any more */
	SERVER_DRAINING,
	SERVER_STOPPING,
};

struct server {
	const struct server_options *options; /* borrowed */
	struct event_base *base;              /* owned, as are the events */
	struct event *signals[SIGNALS];
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

/* -- starting -- */

static unsigned count_workers(const struct config *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (c->workers)
		return c->workers;
	return cores < 1 ? 1 : cores > 64 ? 64 : (unsigned)cores;
}

static size_t listening_addresses(const struct sockets *s, struct address *out)
{
	for (size_t i = 0; i < s->count; i++)
		out[i] = s->groups[i].bound;
	return s->count;
}

/* Takes over config.  NULL, with the reason logged. */
static struct snapshot *make_snapshot(struct config *config, const struct sockets *sockets)
{
	struct address *listening = calloc(sockets->count + 1, sizeof(*listening));
	const char *why = "memory is out";
	struct snapshot *s = NULL;

	if (listening)
		s = snapshot_new(config, listening, listening_addresses(sockets, listening), &why);
	else
		config_free(config);
	if (!s)
		log_error("configuration: %s", why);
	free(listening);
	return s;
}

static enum access_log_format log_format(const struct config *c)
{
	switch (c->access_log_format) {
	case CONFIG_LOG_TEXT:
		return ACCESS_LOG_TEXT;
	case CONFIG_LOG_JSON:
		break;
	}
	return ACCESS_LOG_JSON;
}

static bool prepare_log(struct server *s, const struct config *c)
{
	char why[256];

	if (log_writer_prepare(s->shared.log_writer, c->access_log, log_format(c), why, sizeof(why)))
		return true;
	log_error("access-log: %s", why);
	return false;
}

static void free_lists(const struct server *s, struct worker_socket **lists)
{
	for (unsigned i = 0; lists && i < s->worker_count; i++)
		free(lists[i]);
	free(lists);
}

static size_t count_sockets(const struct sockets *sockets, const struct control *control, unsigned worker)
{
	return sockets->count + (worker == 0 && control->fd >= 0);
}

/* What each worker is to accept from; NULL when memory is out. */
static struct worker_socket **make_lists(const struct server *s, const struct sockets *sockets, const struct control *control)
{
	struct worker_socket **lists = calloc(s->worker_count, sizeof(*lists));

	for (unsigned i = 0; lists && i < s->worker_count; i++) {
		size_t count = count_sockets(sockets, control, i);

		lists[i] = worker_sockets_new(&s->workers[i], count);
		if (!lists[i]) {
			free_lists(s, lists);
			return NULL;
		}
		sockets_of_worker(sockets, i, lists[i]);
		if (count > sockets->count)
			lists[i][sockets->count] = (struct worker_socket){ .fd = control->fd, .is_control = true };
	}
	return lists;
}

/* Takes over the lists. */
static void tell_sockets(struct server *s, struct worker_socket **lists)
{
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_post(&s->workers[i], WORKER_LISTEN, NULL, lists[i], count_sockets(&s->sockets, &s->control, i));
	free(lists);
}

static void log_control(const struct control *c)
{
	if (c->fd >= 0)
		log_info("control socket %s", c->path);
}

/* At a reload only what is new is worth a line. */
static void log_listening(const struct sockets *s, bool only_new)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < s->count; i++) {
		if (only_new && s->groups[i].kept)
			continue;
		address_format(&s->groups[i].bound, text);
		log_info("listening on %s", text);
	}
}

static bool start_workers(struct server *s)
{
	s->workers = calloc(s->worker_count, sizeof(*s->workers));
	s->shared.workers = s->workers;
	s->shared.worker_count = s->worker_count;
	if (!s->workers)
		return false;
	for (; s->started < s->worker_count; s->started++) {
		struct worker *w = &s->workers[s->started];

		if (!worker_init(w, s->started, &s->shared, s->snapshot) || !worker_start(w)) {
			worker_join(w);
			history_free(w->history);
			running_free(w->running);
			return false;
		}
	}
	struct worker_socket **lists = make_lists(s, &s->sockets, &s->control);
	if (!lists)
		return false;
	tell_sockets(s, lists);
	return true;
}

/* -- reload -- */

static void log_report(const struct config_report *report)
{
	if (report->out_of_memory)
		log_error("configuration: memory is out");
	for (size_t i = 0; i < report->errors.count; i++)
		log_error("%s", report->errors.items[i]);
	for (size_t i = 0; i < report->warnings.count; i++)
		log_warn("%s", report->warnings.items[i]);
}

static void free_views(const struct server *s, struct snapshot_view **views)
{
	for (unsigned i = 0; views && i < s->worker_count; i++)
		snapshot_view_put(views[i]);
	free(views);
}

/* One view for each worker; NULL, logged, when memory is out. */
static struct snapshot_view **make_views(const struct server *s, struct snapshot *snapshot)
{
	struct snapshot_view **views = calloc(s->worker_count, sizeof(*views));
	bool whole = views != NULL;

	for (unsigned i = 0; whole && i < s->worker_count; i++) {
		views[i] = snapshot_view_new(snapshot);
		whole = views[i] != NULL;
	}
	if (whole)
		return views;
	log_error("configuration: memory is out");
	free_views(s, views);
	return NULL;
}

/* What a reload puts in place. */
struct prepared {
	struct sockets sockets;
	struct control control;
	struct snapshot *snapshot;
	struct snapshot_view **views; /* for each worker */
	struct worker_socket **lists; /* the same */
};

/* A plan that comes to nothing. */
static void discard_control(const struct control *next, const struct control *current)
{
	control_remove(next, current);
	if (next->fd >= 0 && next->fd != current->fd)
		close(next->fd);
}

/* A new configuration with all that it needs, or nothing. */
static bool prepare_reload(struct server *s, struct prepared *p)
{
	struct config_report report = { .out_of_memory = false };
	struct config *c = config_load(s->options->config_path, s->options->overrides, &report);
	char why[SOCKETS_WHY_BYTES];

	log_report(&report);
	config_report_fini(&report);
	if (!c)
		return false;
	if (count_workers(c) != s->worker_count)
		log_warn("workers cannot be changed by a reload: still %u", s->worker_count);
	if (!sockets_plan(&p->sockets, &s->sockets, c, s->worker_count, why)) {
		log_error("%s", why);
		config_free(c);
		return false;
	}
	if (!control_plan(&p->control, &s->control, c, why)) {
		log_error("%s", why);
		sockets_discard(&p->sockets);
		config_free(c);
		return false;
	}
	if (!prepare_log(s, c)) {
		discard_control(&p->control, &s->control);
		sockets_discard(&p->sockets);
		config_free(c);
		return false;
	}
	p->snapshot = make_snapshot(c, &p->sockets);
	p->views = p->snapshot ? make_views(s, p->snapshot) : NULL;
	p->lists = p->views ? make_lists(s, &p->sockets, &p->control) : NULL;
	if (p->lists)
		return true;
	if (p->views)
		log_error("listening addresses: memory is out");
	free_views(s, p->views);
	snapshot_put(p->snapshot);
	log_writer_cancel(s->shared.log_writer);
	discard_control(&p->control, &s->control);
	sockets_discard(&p->sockets);
	return false;
}

/* Switches may want it where the configuration does not. */
static void prepare_interception(void *context)
{
	struct server *s = context;
	struct overrides *o = switches_list(&s->shared.switches);
	const char *why;

	if (overrides_intercept(o) && !snapshot_prepare_interception(s->snapshot, &why))
		log_warn("switches: intercept has no effect: %s", why);
	overrides_put(o);
}

static void commit_reload(struct server *s, struct prepared *p)
{
	log_writer_commit(s->shared.log_writer);
	log_listening(&p->sockets, true);
	sockets_fini(&s->sockets);
	s->sockets = p->sockets;
	if (p->control.fd != s->control.fd)
		log_control(&p->control);
	control_remove(&s->control, &p->control);
	s->control = p->control;
	snapshot_put(s->snapshot);
	s->snapshot = p->snapshot;
	prepare_interception(s);
	log_threshold = p->snapshot->config->log_level;
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_post(&s->workers[i], WORKER_RELOAD, p->views[i], NULL, 0);
	learned_forget_hosts(&s->learned);
	free(p->views);
	tell_sockets(s, p->lists);
}

static void reload(struct server *s)
{
	struct prepared p;

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_us());
	if (prepare_reload(s, &p)) {
		commit_reload(s, &p);
		log_info("reloaded %s", p.snapshot->config->path ? p.snapshot->config->path : "the defaults");
		sd_notify(0, "READY=1\nSTATUS=serving");
		return;
	}
	const char *path = s->snapshot->config->path;
	log_error("reload failed, everything stays as it was: %s", path ? path : "the defaults");
	sd_notify(0, "READY=1\nSTATUS=serving; the last reload failed");
}

/* -- ending -- */

static bool workers_done(const struct server *s)
{
	for (unsigned i = 0; i < s->worker_count; i++)
		if (!worker_is_done(&s->workers[i]))
			return false;
	return true;
}

static void post_all(struct server *s, unsigned orders)
{
	for (unsigned i = 0; i < s->started; i++)
		worker_post(&s->workers[i], orders, NULL, NULL, 0);
}

static void enter_state(struct server *s, enum server_state state, int64_t for_ms)
{
	s->state = state;
	s->state_ends_us = clock_us() + for_ms * 1000;
}

static void stop(struct server *s, const char *why)
{
	if (s->state == SERVER_STOPPING)
		return;
	log_info("stopping at once: %s", why);
	enter_state(s, SERVER_STOPPING, STOP_MS);
	post_all(s, WORKER_STOP);
}

static void drain(struct server *s)
{
	int64_t drain_ms = s->snapshot->config->timeout_drain_ms;

	log_info("stopping: finishing what runs, for %" PRId64 " s at most", drain_ms / 1000);
	enter_state(s, SERVER_DRAINING, drain_ms);
	post_all(s, WORKER_DRAIN);
}

/* Whoever sends clients here has drain-delay to see that we are not ready, before we refuse any. */
static void leave(struct server *s)
{
	const struct config *c = s->snapshot->config;
	struct timeval interval = { .tv_usec = CHECK_MS * 1000 };

	sd_notifyf(0, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%" PRId64,
		(c->drain_delay_ms + c->timeout_drain_ms) * 1000 + 5000000);
	event_add(s->check, &interval);
	if (!c->drain_delay_ms) {
		drain(s);
		return;
	}
	log_info("leaving: not ready any more, serving on for %" PRId64 " ms", c->drain_delay_ms);
	enter_state(s, SERVER_LEAVING, c->drain_delay_ms);
	post_all(s, WORKER_LEAVE);
}

/* Nothing can be freed under a thread that hangs. */
static void give_up(void)
{
	log_error("a worker hangs and does not stop: leaving it");
	_exit(1);
}

static void on_check(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (workers_done(s)) {
		event_base_loopbreak(s->base);
		return;
	}
	if (clock_us() < s->state_ends_us)
		return;
	switch (s->state) {
	case SERVER_RUNNING:
		break;
	case SERVER_LEAVING:
		drain(s);
		break;
	case SERVER_DRAINING:
		stop(s, "timeout-drain has passed");
		break;
	case SERVER_STOPPING:
		give_up();
		break;
	}
}

static void log_cut(const struct server *s)
{
	unsigned exchanges = 0, tunnels = 0;

	for (unsigned i = 0; i < s->started; i++) {
		exchanges += s->workers[i].cut_exchanges;
		tunnels += s->workers[i].cut_tunnels;
	}
	if (exchanges || tunnels)
		log_warn("cut off while they ran: %u exchanges, %u tunnels", exchanges, tunnels);
}

/* -- signals and the service manager -- */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct server *s = arg;

	(void)what;
	if (number == SIGHUP && s->state == SERVER_RUNNING)
		reload(s);
	else if (number == SIGUSR1)
		log_writer_reopen(s->shared.log_writer);
	else if (number == SIGTERM || number == SIGINT) {
		if (s->state == SERVER_RUNNING)
			leave(s);
		else
			stop(s, "a second signal");
	}
}

static void mask_signals(int how)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGUSR1);
	pthread_sigmask(how, &held, NULL);
}

void server_hold_signals(void)
{
	mask_signals(SIG_BLOCK);
}

static bool watch_signals(struct server *s)
{
	static const int numbers[SIGNALS - 1] = { SIGHUP, SIGUSR1, SIGTERM, SIGINT };
	const struct timeval interval = { .tv_sec = 1 };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* standard error may be a file that has become too long */
	for (size_t i = 0; i < SIGNALS - 1; i++) {
		s->signals[i] = evsignal_new(s->base, numbers[i], on_signal, s);
		if (!s->signals[i] || event_add(s->signals[i], NULL) < 0)
			return false;
	}
	mask_signals(SIG_UNBLOCK);
	s->check = event_new(s->base, -1, EV_PERSIST, on_check, s);
	/* Armed once, so that ending needs no memory. */
	return s->check && event_add(s->check, &interval) == 0 && event_del(s->check) == 0;
}

static void on_summary(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	pierce_summary_log(&s->pierced_hosts, &s->summary_told);
}

static bool watch_costs(struct server *s)
{
	const struct timeval interval = { .tv_sec = PIERCE_SUMMARY_EVERY_S };

	s->summary = event_new(s->base, -1, EV_PERSIST, on_summary, s);
	return s->summary && event_add(s->summary, &interval) == 0;
}

/* -- life -- */

static uint64_t random_number(void)
{
	uint64_t n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = (uint64_t)clock_wall_us() ^ (uint64_t)getpid();
	return n;
}

static bool server_init(struct server *s, struct config *config)
{
	char why[SOCKETS_WHY_BYTES];
	struct sockets inherited;

	s->shared.instance = random_number();
	s->shared.started_us = clock_wall_us();
	tally_init(&s->shared.tally, s->shared.instance);
	bool random = login_shared_init(&s->shared.login);
	random &= contacts_init(&s->shared.contacts);
	bool switches = switches_init(&s->shared.switches);
	s->worker_count = count_workers(config);
	log_threshold = config->log_level;
	s->shared.clients_most = descriptors_raise(config, s->worker_count);
	s->shared.log_writer = log_writer_new(s->worker_count);
	s->base = event_base_new();
	if (!random || !switches || !s->shared.log_writer || !s->base || !prepare_log(s, config)) {
		config_free(config);
		return false;
	}
	log_writer_commit(s->shared.log_writer);
	if (!sockets_inherit(&inherited, s->worker_count, why) ||
		!sockets_plan(&s->sockets, &inherited, config, s->worker_count, why)) {
		log_error("%s", why);
		config_free(config);
		return false;
	}
	sockets_fini(&inherited);
	if (!control_plan(&s->control, &s->control, config, why)) {
		log_error("%s", why);
		config_free(config);
		return false;
	}
	s->snapshot = make_snapshot(config, &s->sockets);
	if (s->snapshot) {
		log_listening(&s->sockets, false);
		log_control(&s->control);
	}
	return s->snapshot && watch_signals(s) && watch_costs(s) &&
	       switches_watch(&s->shared.switches, s->base, prepare_interception, s) && start_workers(s) &&
	       watchdog_start(&s->watchdog, s->base, s->workers, s->worker_count);
}

static void server_fini(struct server *s)
{
	for (unsigned i = 0; i < s->started; i++)
		worker_join(&s->workers[i]);
	for (unsigned i = 0; i < s->started; i++) {
		history_free(s->workers[i].history);
		running_free(s->workers[i].running);
	}
	probes_fini(&s->shared.probes);
	sampling_fini(&s->shared.sampling);
	log_cut(s);
	tally_fini(&s->shared.tally);
	login_shared_fini(&s->shared.login);
	contacts_fini(&s->shared.contacts);
	switches_fini(&s->shared.switches);
	log_writer_free(s->shared.log_writer);
	for (size_t i = 0; i < SIGNALS; i++)
		if (s->signals[i])
			event_free(s->signals[i]);
	if (s->check)
		event_free(s->check);
	if (s->summary)
		event_free(s->summary);
	watchdog_fini(&s->watchdog);
	control_remove(&s->control, NULL);
	sockets_fini(&s->sockets);
	snapshot_put(s->snapshot);
	if (s->base)
		event_base_free(s->base);
	pierce_summary_log(&s->pierced_hosts, &s->summary_told);
	learned_fini(&s->learned);
	unread_fini(&s->unread);
	pierced_hosts_fini(&s->pierced_hosts);
	pieces_fini(&s->pieces);
	free(s->workers);
}

/* What outlives connections and reloads. */
static void memory_init(struct server *s)
{
	learned_init(&s->learned);
	unread_init(&s->unread);
	probes_init(&s->shared.probes);
	sampling_init(&s->shared.sampling);
	pierced_hosts_init(&s->pierced_hosts, random_number(), random_number());
	pieces_init(&s->pieces, random_number());
	s->shared.learned = &s->learned;
	s->shared.unread = &s->unread;
	s->shared.pierced_hosts = &s->pierced_hosts;
	s->shared.pieces = &s->pieces;
}

int server_run(struct config *config, const struct server_options *options)
{
	struct server s = { .options = options, .control = { .fd = -1 } };

	memory_init(&s);
	bool ok = server_init(&s, config);

	if (ok) {
		sd_notify(0, "READY=1\nSTATUS=serving");
		event_base_dispatch(s.base);
	} else {
		log_error("could not start");
		post_all(&s, WORKER_STOP);
	}
	server_fini(&s);
	if (ok)
		log_info("stopped");
	return ok ? 0 : 1;
}
