/*
 * The verdict on a response: from what its caches say (layers.c), Age, Warning, Date, and its lifetime.
 *
 * A cache that says nothing can hide behind every verdict but "stale" and "from-cache".  And what a cache stored holds
 * the words of those behind it, from the day it was stored.  So a hit counts wherever it stands, while freshness is only
 * believed when every layer is understood and none hit.
 */
#include "policy/evidence.h"

#include "http/date.h"
#include "http/freshness.h"

enum { DATES_DIFFER_BY_S = 60 }; /* clocks that are not quite right, and answers that take long */

/* What the fields show, gathered before judging. */
struct findings {
	struct layers layers;
	const struct layer_words *stored; /* the one nearest to the client that answered from store; NULL none */
	bool doubtful;          /* some layer is not understood */
	bool revalidated, forwarded;
	bool warned_stale;
	struct span warner;     /* the warning's agent; points into the response */
	bool age_given;
	int64_t age_s;          /* the Age field; 0 when not given */
};

/* ---- gathering */

/* 110 "Response is Stale" and 111 "Revalidation Failed", with the warning agent's name (RFC 7234 section 5.5). */
static void read_warning(struct findings *f, struct span value)
{
	struct span warning;

	while (span_list_next(&value, &warning)) {
		if (!span_starts(warning, SPAN("110 ")) && !span_starts(warning, SPAN("111 ")))
			continue;
		struct span agent = span_from(warning, 4);
		agent = span_first(agent, span_find(agent, ' '));
		f->warned_stale = true;
		if (!f->warner.n && !span_eq(agent, SPAN("-")))
			f->warner = agent;
	}
}

static void read_age(struct findings *f, struct span value)
{
	if (!f->age_given)
		f->age_given = delta_seconds_parse(span_first(value, span_find(value, ',')), &f->age_s);
}

static void note_outcome(struct findings *f, const struct layer_words *w)
{
	switch (w->outcome) {
	case LAYER_UNKNOWN:
		f->doubtful = true;
		return;
	case LAYER_HIT:
	case LAYER_STALE:
		if (!f->stored)
			f->stored = w;
		return;
	case LAYER_REVALIDATED:
		f->revalidated = true;
		return;
	case LAYER_MISS:
	case LAYER_PASS:
		f->forwarded = true;
		return;
	}
}

static void gather(struct findings *f, const struct message *m)
{
	f->stored = NULL;
	f->doubtful = f->revalidated = f->forwarded = f->warned_stale = f->age_given = false;
	f->warner = SPAN_NONE;
	f->age_s = 0;
	layers_read(m, &f->layers);
	for (unsigned i = 0; i < f->layers.count; i++)
		note_outcome(f, &f->layers.words[i]);
	for (const struct field *age = message_field(m, HEADER_AGE); age; age = message_next(m, age))
		read_age(f, age->value);
	for (const struct field *warning = message_field(m, HEADER_WARNING); warning; warning = message_next(m, warning))
		read_warning(f, warning->value);
}

/* ---- judging */

/* Without Last-Modified: a lifetime guessed from it proves nothing. */
static void gather_facts(const struct message *m, const struct findings *f, int64_t now_s,
	struct freshness_facts *facts)
{
	freshness_facts_init(facts);
	facts->status = (int)m->status;
	facts->age_s = f->age_s;
	facts->request_time_s = facts->response_time_s = now_s;
	if (!http_date_parse(message_value(m, HEADER_DATE), now_s, &facts->date_s))
		facts->date_s = TIME_ABSENT;
	if (message_has(m, HEADER_EXPIRES) &&
		!http_date_parse(message_value(m, HEADER_EXPIRES), now_s, &facts->expires_s))
		facts->expires_s = TIME_LONG_AGO;
	for (const struct field *line = message_field(m, HEADER_CACHE_CONTROL); line; line = message_next(m, line))
		cache_control_add(&facts->cc, line->value);
}

/* Whether Cache-Control and Expires were the last word: these fields outrank them in the caches they address. */
static bool lifetime_is_known(const struct message *m, const struct freshness *fresh)
{
	return fresh->source != LIFETIME_NONE && !message_has(m, HEADER_TARGETED_CACHE_CONTROL) &&
	       !message_has(m, HEADER_SURROGATE_CONTROL) && !message_has(m, HEADER_EDGE_CONTROL) &&
	       !message_has(m, HEADER_X_ACCEL_EXPIRES);
}

/* Seconds beyond its lifetime: by the cache's own count, else by ours; 0 when not proven. */
static int64_t stale_by(const struct message *m, const struct findings *f, const struct freshness *fresh)
{
	if (f->stored && f->stored->ttl_s != LAYER_NO_TIME)
		return f->stored->ttl_s < 0 ? -f->stored->ttl_s : 0;
	return lifetime_is_known(m, fresh) ? freshness_stale_by(fresh) : 0;
}

/* Cut where it is long; the name is the peer's choice, so only what needs no quoting gets through. */
static void copy_name(struct span name, char *out, size_t size)
{
	size_t n = name.n < size - 1 ? name.n : size - 1;

	for (size_t i = 0; i < n; i++) {
		char c = name.p[i];

		out[i] = c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != ',' ? c : '?';
	}
	out[n] = '\0';
}

static struct span name_of_stored(const struct findings *f)
{
	if (f->stored && f->stored->name.n)
		return f->stored->name;
	return f->warner;
}

static void judge_stored(const struct message *m, const struct findings *f, int64_t now_s, struct verdict *out)
{
	struct freshness_facts facts;

	gather_facts(m, f, now_s, &facts);
	struct freshness fresh = freshness_at(&facts, now_s);
	int64_t beyond_s = stale_by(m, f, &fresh);
	bool stale = beyond_s > 0 || f->warned_stale || (f->stored && f->stored->outcome == LAYER_STALE);

	copy_name(name_of_stored(f), out->layer, sizeof(out->layer));
	out->kind = stale ? VERDICT_STALE : VERDICT_FROM_CACHE;
	/* A Date of just now tells no age: nginx renews it in stored answers. */
	if (f->age_given || fresh.age_s > 0)
		out->age_s = fresh.age_s;
	else if (f->stored && f->stored->age_s >= 0)
		out->age_s = f->stored->age_s;
	if (stale)
		out->stale_by_s = beyond_s > 0 ? beyond_s : -1;
}

/* A date that lies back although everybody says to have asked: somebody who stays silent has stored it. */
static bool date_is_recent(const struct message *m, int64_t now_s)
{
	int64_t date_s;

	return !http_date_parse(message_value(m, HEADER_DATE), now_s, &date_s) || date_s >= now_s - DATES_DIFFER_BY_S;
}

static void judge_forwarded(const struct message *m, const struct findings *f, int64_t now_s, struct verdict *out)
{
	if (f->doubtful || f->layers.overflow)
		return;
	if (f->revalidated)
		out->kind = VERDICT_REVALIDATED;
	else if (f->forwarded && date_is_recent(m, now_s))
		out->kind = VERDICT_FRESH;
}

/* The pseudonym in the only member of Via (RFC 9110 section 7.6.3), else the empty span. */
static struct span only_intermediary(const struct message *m)
{
	struct span member, another, found = SPAN_NONE;

	for (const struct field *via = message_field(m, HEADER_VIA); via; via = message_next(m, via)) {
		struct span rest = via->value;

		if (!span_list_next(&rest, &member))
			continue;
		if (found.n || span_list_next(&rest, &another))
			return SPAN_NONE;
		member = span_trim(span_from(member, span_find(member, ' ')));
		found = span_first(member, span_find(member, ' '));
	}
	return found;
}

/* An age was counted by some cache.  Where nobody says so and one intermediary gives its name, it was probably that. */
static void infer_layer(struct findings *f, const struct message *m)
{
	struct span name = f->age_s > 0 && !f->layers.count ? only_intermediary(m) : SPAN_NONE;

	if (!name.n)
		return;
	f->layers.words[0] = (struct layer_words){
		.name = name, .outcome = LAYER_HIT, .confidence = LAYER_INFERRED, .ttl_s = LAYER_NO_TIME,
		.age_s = f->age_s
	};
	f->layers.count = 1;
	f->stored = &f->layers.words[0];
}

static void copy_layers(const struct findings *f, struct verdict *out)
{
	const struct layers *l = &f->layers;

	out->layer_count = (uint8_t)(l->count < VERDICT_LAYERS_MAX ? l->count : VERDICT_LAYERS_MAX);
	for (unsigned i = 0; i < out->layer_count; i++) {
		struct verdict_layer *to = &out->layers[i];
		bool decides = &l->words[i] == f->stored;
		int64_t age_s = decides ? out->age_s : l->words[i].age_s;

		to->outcome = (uint8_t)l->words[i].outcome;
		to->confidence = (uint8_t)l->words[i].confidence;
		to->age_s = age_s < 0 ? -1 : (int32_t)(age_s < INT32_MAX ? age_s : INT32_MAX);
		copy_name(l->words[i].name, to->name, sizeof(to->name));
	}
}

/* Not the layers: only the first layer_count are ever read. */
static void verdict_clear(struct verdict *v)
{
	v->kind = VERDICT_UNKNOWN;
	v->age_s = -1;
	v->stale_by_s = 0;
	v->layer[0] = '\0';
	v->layer_count = 0;
}

static __attribute__((noinline)) void judge(const struct message *m, int64_t now_s, struct verdict *out)
{
	struct findings f;

	gather(&f, m);
	infer_layer(&f, m);
	if (f.stored || f.age_s > 0 || f.warned_stale)
		judge_stored(m, &f, now_s, out);
	else
		judge_forwarded(m, &f, now_s, out);
	copy_layers(&f, out);
}

void evidence_judge(const struct message *response, int64_t now_s, struct verdict *out)
{
	verdict_clear(out);
	if (layers_any(response) || message_has(response, HEADER_AGE) || message_has(response, HEADER_WARNING))
		judge(response, now_s, out);
}

/* ---- writing */

/* Plain copies: snprintf() took a fifth of what an answer from a cache costs. */
static char *put(char *at, const char *text)
{
	size_t n = strlen(text);

	memcpy(at, text, n);
	return at + n;
}

static size_t finish(char *at, const char *out)
{
	*at = '\0';
	return (size_t)(at - out);
}

/* "stale(edge, 30 s)", and less where less is known. */
static size_t format_stored(const char *kind, const char *layer, int64_t seconds, char out[VERDICT_TEXT_MAX])
{
	char *at = put(out, kind);

	if (seconds < 0 && !layer[0])
		return finish(at, out);
	at = put(put(at, "("), layer);
	if (seconds >= 0) {
		if (layer[0])
			at = put(at, ", ");
		at += span_put_u64(at, (uint64_t)seconds);
		at = put(at, " s");
	}
	return finish(put(at, ")"), out);
}

static size_t format_word(const char *word, char out[VERDICT_TEXT_MAX])
{
	return finish(put(out, word), out);
}

size_t verdict_format(const struct verdict *v, char out[VERDICT_TEXT_MAX])
{
	switch (v->kind) {
	case VERDICT_NONE:
		break;
	case VERDICT_UNKNOWN:
		return format_word("unknown", out);
	case VERDICT_FRESH:
		return format_word("fresh", out);
	case VERDICT_REVALIDATED:
		return format_word("revalidated", out);
	case VERDICT_FROM_CACHE:
		return format_stored("from-cache", v->layer, v->age_s, out);
	case VERDICT_STALE:
		return format_stored("stale", v->layer, v->stale_by_s, out);
	}
	return format_word("", out);
}

static const char *outcome_name(enum layer_outcome outcome)
{
	switch (outcome) {
	case LAYER_UNKNOWN:
		return "unknown";
	case LAYER_HIT:
		return "hit";
	case LAYER_STALE:
		return "stale";
	case LAYER_REVALIDATED:
		return "revalidated";
	case LAYER_MISS:
		return "miss";
	case LAYER_PASS:
		return "pass";
	}
	return "";
}

size_t verdict_layer_format(const struct verdict_layer *l, char out[VERDICT_LAYER_TEXT_MAX])
{
	const char *name = l->name[0] ? l->name : "-", *doubt = l->confidence == LAYER_STATED ? "" : "?";
	char *at = put(put(put(out, name), ":"), outcome_name((enum layer_outcome)l->outcome));

	if (l->age_s >= 0) {
		at = put(at, ":");
		at += span_put_u64(at, (uint64_t)l->age_s);
		at = put(at, "s");
	}
	return finish(put(at, doubt), out);
}
