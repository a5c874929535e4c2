/*
 * The process: what it serves by, made from a configuration at its start, and made anew by a reload.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy/log_writer.h"
#include "proxy/server_parts.h"

/* -- from a configuration -- */

unsigned server_count_workers(const struct config *c)
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

struct snapshot *server_make_snapshot(struct config *config, const struct sockets *sockets)
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

bool server_prepare_log(struct server *s, const struct config *c)
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

struct worker_socket **server_make_lists(const struct server *s, const struct sockets *sockets, const struct control *control)
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

void server_tell_sockets(struct server *s, struct worker_socket **lists)
{
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_post(&s->workers[i], WORKER_LISTEN, NULL, lists[i], count_sockets(&s->sockets, &s->control, i));
	free(lists);
}

void server_log_control(const struct control *c)
{
	if (c->fd >= 0)
		log_info("control socket %s", c->path);
}

void server_log_listening(const struct sockets *s, bool only_new)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < s->count; i++) {
		if (only_new && s->groups[i].kept)
			continue;
		address_format(&s->groups[i].bound, text);
		log_info("listening on %s", text);
	}
}

/* -- anew -- */

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
	if (server_count_workers(c) != s->worker_count)
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
	if (!server_prepare_log(s, c)) {
		discard_control(&p->control, &s->control);
		sockets_discard(&p->sockets);
		config_free(c);
		return false;
	}
	p->snapshot = server_make_snapshot(c, &p->sockets);
	p->views = p->snapshot ? make_views(s, p->snapshot) : NULL;
	p->lists = p->views ? server_make_lists(s, &p->sockets, &p->control) : NULL;
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

void server_prepare_interception(void *context)
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
	server_log_listening(&p->sockets, true);
	sockets_fini(&s->sockets);
	s->sockets = p->sockets;
	if (p->control.fd != s->control.fd)
		server_log_control(&p->control);
	control_remove(&s->control, &p->control);
	s->control = p->control;
	snapshot_put(s->snapshot);
	s->snapshot = p->snapshot;
	server_prepare_interception(s);
	atomic_store_explicit(&log_threshold, (int)p->snapshot->config->log_level, memory_order_relaxed);
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_post(&s->workers[i], WORKER_RELOAD, p->views[i], NULL, 0);
	learned_forget_hosts(&s->learned);
	free(p->views);
	server_tell_sockets(s, p->lists);
}

void server_reload(struct server *s)
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
