/*
 * The process.  Everything here runs on the main thread, which serves no client.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/descriptors.h"
#include "proxy/log_writer.h"
#include "proxy/pierce_summary.h"
#include "proxy/running.h"
#include "proxy/server_parts.h"

/* -- signals and the service manager -- */

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct server *s = arg;

	(void)what;
	if (number == SIGHUP && s->state == SERVER_RUNNING)
		server_reload(s);
	else if (number == SIGUSR1)
		log_writer_reopen(s->shared.log_writer);
	else if (number == SIGTERM || number == SIGINT) {
		if (s->state == SERVER_RUNNING)
			server_leave(s);
		else
			server_stop(s, "a second signal");
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
	static const int numbers[SERVER_SIGNALS] = { SIGHUP, SIGUSR1, SIGTERM, SIGINT };
	const struct timeval interval = { .tv_sec = 1 };

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* standard error may be a file that has become too long */
	for (size_t i = 0; i < SERVER_SIGNALS; i++) {
		s->signals[i] = evsignal_new(s->base, numbers[i], on_signal, s);
		if (!s->signals[i] || event_add(s->signals[i], NULL) < 0)
			return false;
	}
	mask_signals(SIG_UNBLOCK);
	s->check = event_new(s->base, -1, EV_PERSIST, server_on_check, s);
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
	struct worker_socket **lists = server_make_lists(s, &s->sockets, &s->control);
	if (!lists)
		return false;
	server_tell_sockets(s, lists);
	return true;
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
	s->worker_count = server_count_workers(config);
	atomic_store_explicit(&log_threshold, (int)config->log_level, memory_order_relaxed);
	s->shared.clients_most = descriptors_raise(config, s->worker_count);
	s->shared.log_writer = log_writer_new(s->worker_count);
	s->base = event_base_new();
	if (!random || !switches || !s->shared.log_writer || !s->base || !server_prepare_log(s, config)) {
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
	s->snapshot = server_make_snapshot(config, &s->sockets);
	return s->snapshot && watch_signals(s) && watch_costs(s) &&
	       switches_watch(&s->shared.switches, s->base, server_prepare_interception, s) && start_workers(s) &&
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
	server_log_cut(s);
	tally_fini(&s->shared.tally);
	login_shared_fini(&s->shared.login);
	contacts_fini(&s->shared.contacts);
	switches_fini(&s->shared.switches);
	log_writer_free(s->shared.log_writer);
	for (size_t i = 0; i < SERVER_SIGNALS; i++)
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
		server_log_listening(&s.sockets, false);
		server_log_control(&s.control);
		sd_notify(0, "READY=1\nSTATUS=serving");
		event_base_dispatch(s.base);
	} else {
		log_error("could not start");
		server_post_all(&s, WORKER_STOP);
	}
	server_fini(&s);
	if (ok)
		log_info("stopped");
	return ok ? 0 : 1;
}
