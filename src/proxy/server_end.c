/*
 * The process: its end, in steps that each have their time.
 */
#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/server_parts.h"

enum {
	CHECK_MS = 100, /* how often it is looked how far everybody is */
	STOP_MS = 3000, /* after which a worker that was told to stop at once hangs */
};

static bool workers_done(const struct server *s)
{
	for (unsigned i = 0; i < s->worker_count; i++)
		if (!worker_is_done(&s->workers[i]))
			return false;
	return true;
}

void server_post_all(struct server *s, unsigned orders)
{
	for (unsigned i = 0; i < s->started; i++)
		worker_post(&s->workers[i], orders, NULL, NULL, 0);
}

static void enter_state(struct server *s, enum server_state state, int64_t for_ms)
{
	s->state = state;
	s->state_ends_us = clock_us() + for_ms * 1000;
}

void server_stop(struct server *s, const char *why)
{
	if (s->state == SERVER_STOPPING)
		return;
	log_info("stopping at once: %s", why);
	enter_state(s, SERVER_STOPPING, STOP_MS);
	server_post_all(s, WORKER_STOP);
}

static void drain(struct server *s)
{
	int64_t drain_ms = s->snapshot->config->timeout_drain_ms;

	log_info("stopping: finishing what runs, for %" PRId64 " s at most", drain_ms / 1000);
	enter_state(s, SERVER_DRAINING, drain_ms);
	server_post_all(s, WORKER_DRAIN);
}

void server_leave(struct server *s)
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
	server_post_all(s, WORKER_LEAVE);
}

/* Nothing can be freed under a thread that hangs. */
static void give_up(void)
{
	log_error("a worker hangs and does not stop: leaving it");
	_exit(1);
}

void server_on_check(evutil_socket_t fd, short what, void *arg)
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
		server_stop(s, "timeout-drain has passed");
		break;
	case SERVER_STOPPING:
		give_up();
		break;
	}
}

void server_log_cut(const struct server *s)
{
	unsigned exchanges = 0, tunnels = 0;

	for (unsigned i = 0; i < s->started; i++) {
		exchanges += s->workers[i].cut_exchanges;
		tunnels += s->workers[i].cut_tunnels;
	}
	if (exchanges || tunnels)
		log_warn("cut off while they ran: %u exchanges, %u tunnels", exchanges, tunnels);
}
