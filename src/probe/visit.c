/*
 * A probe led at one place.
 */
#include "probe/visit.h"

#include <stdio.h>

#include "base/clock.h"

enum { ARENA_BYTES_MAX = 2 * 1024 * 1024 }; /* nine heads of 64 KiB each, with their fields */

/* -- one question -- */

static void make_question(const struct probe_visit *v, const struct probe_subject *s, const struct fetch_way *way,
	const struct probe_question *asked, struct fetch_question *out)
{
	*out = (struct fetch_question){
		.request = &asked->message,
		.target = s->target,
		.path = asked->path,
		.host = v->host,
		.port = v->port,
		.way = way,
	};
}

/* Who answered is asked on: the next address of the same name may be another server. */
static void stay_with(struct probe_visit *v, const struct fetch_way *way, const struct fetch_answer *answer)
{
	char text[ADDRESS_TEXT_MAX];

	if (!answer->address.port || way->parent)
		return;
	v->found.name = span_of(v->name, address_format(&answer->address, v->name));
	v->host = arena_copy(&v->arena, span_of(text, address_format_ip(&answer->address, text)));
}

static void look_at(struct probe_visit *v, const struct fetch_answer *answer, bool authorized)
{
	struct caching_circumstances about = {
		.authorized = authorized,
		.request_time_s = answer->asked_s,
		.response_time_s = answer->answered_s,
	};

	caching_read(&answer->response, &about, &v->found.caching);
}

static void keep_sight(struct probe_visit *v, enum probe_ask ask, const struct probe_question *asked,
	const struct probe_subject *s, const struct fetch_answer *answer)
{
	struct sight *to = &v->found.probe.sights[ask];

	to->state = answer->is_whole ? SIGHT_MADE : SIGHT_FAILED;
	if (!answer->is_whole)
		return;
	sight_read(to, &answer->response, answer->answered_s);
	to->location = probe_question_unchanged(asked, s, to->location, &v->arena);
	to->length = answer->body_bytes;
	memcpy(to->hash, answer->hash, sizeof(to->hash));
}

static void ask(struct probe_visit *v, struct fetcher *f, const struct probe_subject *s, const struct fetch_way *way,
	enum probe_ask what)
{
	const struct sight *plain = &v->found.probe.sights[PROBE_PLAIN];
	struct probe_question asked;
	struct fetch_question question;
	struct fetch_answer answer;

	if (!probe_question_make(&asked, s, what, (uint64_t)clock_wall_us(), plain, &v->arena)) {
		v->found.probe.sights[what].state = SIGHT_FAILED;
		snprintf(v->failure, sizeof(v->failure), "memory is out");
		return;
	}
	make_question(v, s, way, &asked, &question);
	fetch(f, &question, &v->arena, &answer);
	keep_sight(v, what, &asked, s, &answer);
	if (what != PROBE_PLAIN)
		return;
	stay_with(v, way, &answer);
	snprintf(v->failure, sizeof(v->failure), "%s", answer.why);
	if (answer.is_whole)
		look_at(v, &answer, message_has(&asked.message, HEADER_AUTHORIZATION));
}

/* -- what came of it -- */

static enum revalidation revalidation_of(const struct probe *p, enum probe_ask ask)
{
	const struct sight *s = &p->sights[ask];

	if (s->state != SIGHT_MADE)
		return REVALIDATION_UNTRIED;
	if (s->status == 304)
		return REVALIDATION_CONFIRMED;
	if (s->status != p->sights[PROBE_PLAIN].status)
		return REVALIDATION_BROKEN;
	return sight_same(s, &p->sights[PROBE_PLAIN]) ? REVALIDATION_IGNORED : REVALIDATION_CHANGED;
}

static void name_place(struct probe_visit *v)
{
	bool is_ipv6 = span_find(v->host, ':') < v->host.n;

	snprintf(v->name, sizeof(v->name), is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", SPAN_ARG(span_first(v->host, 255)),
		(unsigned)v->port);
	v->found.name = span_str(v->name);
}

void probe_visit_make(struct probe_visit *v, struct fetcher *f, const struct probe_subject *s,
	const struct fetch_way *way)
{
	static char no_room[1]; /* the arena has no memory of its own: all of it is from malloc */
	struct probe *p = &v->found.probe;

	arena_init(&v->arena, no_room, 0, ARENA_BYTES_MAX);
	name_place(v);
	probe_question_allows(s, p);
	for (enum probe_ask a = probe_next(p); a != PROBE_ASKS; a = probe_next(p))
		ask(v, f, s, way, a);
	probe_conclude(p, &v->found.conclusion);
	v->found.failure = v->failure;
	if (p->sights[PROBE_PLAIN].state != SIGHT_MADE)
		return;
	v->found.caching.by_etag = revalidation_of(p, PROBE_IF_NONE_MATCH);
	v->found.caching.by_date = revalidation_of(p, PROBE_IF_MODIFIED_SINCE);
	notes_take(&v->found.caching, &v->found.notes);
}

void probe_visit_fini(struct probe_visit *v)
{
	if (v->arena.first)
		arena_reset(&v->arena, 0);
}
