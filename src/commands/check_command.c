/*
 * `freshet check`: URLs, places, rounds, reports.  What is asked is probe/question.c, what it proves inspect/probe.c.
 */
#include "commands/check_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "http/url_join.h"
#include "probe/visit.h"
#include "proxy/route.h"

enum { STATUS_FAILED = 2, REDIRECTS_MAX = 10, URL_BYTES_MAX = 64 * 1024 };

/* The whole run. */
struct check {
	const struct check_request *request;
	const struct config *config;
	struct fetcher fetcher;
	struct routes *routes;         /* owned */
	struct tls_contexts *contexts; /* owned */
	char *report;             /* owned: PROBE_REPORT_BYTES */
	bool colored;
	int status;
	struct probe_visit visits[CHECK_PLACES_MAX];
	unsigned visit_count;
};

static void complain(struct check *c, struct span url, const char *why)
{
	fprintf(stderr, "freshet check: ");
	for (size_t i = 0; i < url.n && i < 400; i++)
		fputc((unsigned char)url.p[i] > 0x20 && (unsigned char)url.p[i] < 0x7f ? url.p[i] : '?', stderr);
	fprintf(stderr, ": %s\n", why);
	c->status = probe_graver_status(c->status, STATUS_FAILED);
}

/* -- places -- */

static void add_visit(struct check *c, struct span host, uint16_t port)
{
	if (c->visit_count == CHECK_PLACES_MAX)
		return;
	c->visits[c->visit_count++] = (struct probe_visit){ .host = host, .port = port };
}

static bool place_concerns(const struct check_place *p, const struct target *t)
{
	return (!p->host.n || span_ieq(p->host, t->host)) && (!p->port || p->port == t->port);
}

static void add_given_places(struct check *c, const struct probe_subject *s)
{
	for (size_t i = 0; i < c->request->place_count; i++) {
		const struct check_place *p = &c->request->places[i];

		if (place_concerns(p, &s->target))
			add_visit(c, p->to_host.n ? p->to_host : s->target.host, p->to_port ? p->to_port : s->target.port);
	}
}

/* A question to the resolver, and its answer once it is there. */
struct lookup {
	struct resolve resolve;
	struct resolved answer;
	bool is_over;
};

static void on_resolved(struct resolve *r, const struct resolved *answer)
{
	struct lookup *l = LIST_OF(r, struct lookup, resolve);

	l->answer = *answer;
	l->is_over = true;
}

static void add_all_addresses(struct check *c, const struct probe_subject *s, struct arena *arena)
{
	struct lookup l = { .resolve = { .port = s->target.port, .done = on_resolved } };
	struct fetcher *f = &c->fetcher;
	char text[ADDRESS_TEXT_MAX];

	l.is_over = resolver_ask(f->resolver, &l.resolve, s->target.host, &l.answer);
	while (!l.is_over && loop_pass(&f->loop))
		;
	for (unsigned i = 0; l.is_over && l.answer.status == RESOLVE_OK && i < l.answer.count; i++)
		add_visit(c, arena_copy(arena, span_of(text, address_format_ip(&l.answer.address[i], text))), s->target.port);
}

static void find_places(struct check *c, const struct probe_subject *s, struct arena *arena)
{
	c->visit_count = 0;
	add_given_places(c, s);
	if (c->request->all_addresses)
		add_all_addresses(c, s, arena);
	if (!c->visit_count)
		add_visit(c, s->target.host, s->target.port);
}

static bool is_sent_elsewhere(const struct check *c, const struct probe_subject *s)
{
	return (c->request->place_count || c->request->all_addresses) &&
	       routes_for(c->routes, &s->target) != ROUTE_DIRECT;
}

/* -- one URL -- */

static void print_report(struct check *c, const struct probe_report *r)
{
	struct line out = line_of(c->report, PROBE_REPORT_BYTES);
	bool is_whole = true;

	if (c->request->json)
		is_whole = probe_report_json(r, &out);
	else
		probe_report_text(r, c->colored, &out);
	if (!is_whole || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
		complain(c, r->url, "the report cannot be written");
	c->status = probe_graver_status(c->status, probe_report_exit_status(r));
}

static struct fetch_way way_to(const struct check *c, const struct probe_subject *s)
{
	return (struct fetch_way){
		.parent = routes_for(c->routes, &s->target) == ROUTE_DIRECT ? NULL : routes_parent(c->routes),
		.contexts = c->contexts,
		.is_unverified = !c->config->tls_verify,
		.is_legacy = c->config->tls_legacy,
	};
}

static void visit_all(struct check *c, const struct probe_subject *s, uint64_t round)
{
	struct probe_place places[CHECK_PLACES_MAX];
	struct fetch_way way = way_to(c, s);
	struct probe_report report = {
		.url = s->url,
		.round = c->request->rounds > 1 ? round : 0,
		.places = places,
		.place_count = c->visit_count,
	};

	for (unsigned i = 0; i < c->visit_count; i++) {
		probe_visit_make(&c->visits[i], &c->fetcher, s, &way);
		places[i] = c->visits[i].found;
	}
	report.places_differ = probe_places_differ(places, c->visit_count);
	print_report(c, &report);
}

/* Where the answer leads, to be checked too; empty for nowhere.  In the arena. */
static struct span next_of(const struct check *c, const struct probe_subject *s, struct arena *arena)
{
	const struct sight *plain = &c->visits[0].found.probe.sights[PROBE_PLAIN];
	bool leads = plain->state == SIGHT_MADE && plain->status >= 300 && plain->status < 400 && plain->location.n;

	return c->request->follow && leads ? url_join(&s->target, s->path, plain->location, arena) : SPAN_NONE;
}

static struct span check_subject(struct check *c, const struct probe_subject *s, uint64_t round, struct arena *arena)
{
	find_places(c, s, arena);
	visit_all(c, s, round);
	struct span next = next_of(c, s, arena);
	for (unsigned i = 0; i < c->visit_count; i++)
		probe_visit_fini(&c->visits[i]);
	return next;
}

static bool is_same_site(const struct target *a, const struct target *b)
{
	return a->scheme == b->scheme && a->port == b->port && span_ieq(a->host, b->host);
}

/* Checks a URL and, if that is wanted, where it leads. */
static void check_url(struct check *c, struct span url, uint64_t round)
{
	static char no_room[1];
	struct probe_subject s;
	struct target first;
	struct arena arena;
	const char *why;

	arena_init(&arena, no_room, 0, (REDIRECTS_MAX + 1) * 4 * URL_BYTES_MAX);
	for (unsigned hop = 0; url.n && hop <= REDIRECTS_MAX; hop++) {
		if (!probe_subject_read(&s, url, c->config, &arena, &why)) {
			complain(c, url, why);
			break;
		}
		s.fields = c->request->fields;
		s.field_count = c->request->field_count;
		if (is_sent_elsewhere(c, &s)) {
			complain(c, url, "--connect-to and --all-addresses ask addresses directly, and there is a parent proxy");
			break;
		}
		if (!hop)
			first = s.target;
		s.is_elsewhere = !is_same_site(&first, &s.target);
		url = check_subject(c, &s, round, &arena);
		if (url.n && hop == REDIRECTS_MAX)
			complain(c, url, "more redirects than are followed");
	}
	arena_reset(&arena, 0);
}

/* -- all of them -- */

static void wait_between_rounds(const struct check_request *r)
{
	struct timespec t = {
		.tv_sec = (time_t)(r->interval_ms / 1000),
		.tv_nsec = (long)(r->interval_ms % 1000) * 1000000,
	};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static void check_all(struct check *c)
{
	for (uint64_t round = 1; round <= c->request->rounds; round++) {
		if (round > 1)
			wait_between_rounds(c->request);
		for (size_t i = 0; i < c->request->url_count; i++)
			check_url(c, span_str(c->request->urls[i]), round);
	}
}

static bool wants_colors(const struct check_request *r)
{
	const char *no_color = getenv("NO_COLOR");

	switch (r->color) {
	case CHECK_COLOR_ALWAYS:
		return true;
	case CHECK_COLOR_NEVER:
		return false;
	case CHECK_COLOR_AUTO:
		break;
	}
	return isatty(STDOUT_FILENO) && (!no_color || !no_color[0]);
}

/* All that is needed for asking.  False with *why when the configuration does not permit it, or memory is out. */
static bool prepare(struct check *c, const char **why)
{
	*why = "memory is out";
	c->report = malloc(PROBE_REPORT_BYTES);
	if (!c->report || !fetcher_init(&c->fetcher, c->config, (int64_t)c->request->timeout_ms))
		return false;
	c->routes = routes_new(c->config, why);
	if (c->routes)
		c->contexts = tls_contexts_new(c->config->trust, why);
	return c->contexts != NULL;
}

int check_command(const struct check_request *request, const struct config *config)
{
	static struct check c; /* large */
	const char *why;

	c.request = request;
	c.config = config;
	c.colored = wants_colors(request);
	if (!prepare(&c, &why)) {
		fprintf(stderr, "freshet check: %s\n", why);
		c.status = STATUS_FAILED;
	} else {
		check_all(&c);
	}
	fetcher_fini(&c.fetcher);
	tls_contexts_free(c.contexts);
	routes_free(c.routes);
	free(c.report);
	return c.status;
}
