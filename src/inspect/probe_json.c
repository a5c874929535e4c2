/*
 * A probe's report for programs: what is here is promised in freshet(8).
 */
#include "inspect/json.h"
#include "inspect/probe_report.h"

enum { SCHEMA = 1, VALUE_MAX = 256 };

static void put_text(struct json *j, struct span key, struct span value)
{
	if (!value.n)
		return;
	json_key(j, key);
	json_string(j, value);
}

/* What a peer said, cut where it is long, so that reports are bounded. */
static void put_value(struct json *j, struct span key, struct span value)
{
	put_text(j, key, span_first(value, VALUE_MAX));
}

static void put_number(struct json *j, struct span key, int64_t n)
{
	if (n < 0)
		return;
	json_key(j, key);
	json_u64(j, (uint64_t)n);
}

static void put_flag(struct json *j, struct span key, bool b)
{
	json_key(j, key);
	json_bool(j, b);
}

/* "key-ignored": names with dashes. */
static void put_name(struct json *j, struct span key, const char *name)
{
	char text[32];
	size_t n = 0;

	for (; name[n] && n < sizeof(text); n++)
		text[n] = name[n] == ' ' ? '-' : name[n];
	put_text(j, key, span_of(text, n));
}

/* -- answers -- */

static void put_hash(struct json *j, const unsigned char *hash)
{
	char text[2 * SIGHT_HASH_BYTES];

	for (unsigned i = 0; i < SIGHT_HASH_BYTES; i++) {
		text[2 * i] = "0123456789abcdef"[hash[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
	}
	put_text(j, SPAN("sha256"), span_of(text, sizeof(text)));
}

static void put_verdict(struct json *j, const struct verdict *v)
{
	char text[VERDICT_TEXT_MAX], layer[VERDICT_LAYER_TEXT_MAX];

	put_text(j, SPAN("caches"), span_of(text, verdict_format(v, text)));
	if (!v->layer_count)
		return;
	json_key(j, SPAN("layers"));
	json_open(j, '[');
	for (unsigned i = 0; i < v->layer_count; i++)
		json_string(j, span_of(layer, verdict_layer_format(&v->layers[i], layer)));
	json_close(j, ']');
}

static void put_answer(struct json *j, enum probe_ask asked, const struct sight *s)
{
	json_open(j, '{');
	put_name(j, SPAN("asked"), probe_ask_name(asked));
	put_flag(j, SPAN("answered"), s->state == SIGHT_MADE);
	if (s->state == SIGHT_MADE) {
		put_number(j, SPAN("status"), s->status);
		put_value(j, SPAN("location"), s->location);
		put_value(j, SPAN("etag"), s->etag);
		put_value(j, SPAN("last_modified"), s->last_modified);
		put_value(j, SPAN("date"), s->date);
		put_value(j, SPAN("content_type"), s->content_type);
		put_value(j, SPAN("content_encoding"), s->coding);
		put_number(j, SPAN("length"), (int64_t)s->length);
		put_hash(j, s->hash);
		put_verdict(j, &s->verdict);
	}
	json_close(j, '}');
}

static void put_answers(struct json *j, const struct probe *p)
{
	json_key(j, SPAN("answers"));
	json_open(j, '[');
	for (enum probe_ask a = PROBE_PLAIN; a < PROBE_ASKS; a++)
		if (p->sights[a].state != SIGHT_UNASKED)
			put_answer(j, a, &p->sights[a]);
	json_close(j, ']');
}

/* -- the conclusion -- */

static void put_differences(struct json *j, unsigned differs)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ DIFFERS_STATUS, "status" }, { DIFFERS_BODY, "sha256" }, { DIFFERS_LENGTH, "length" }, { DIFFERS_ETAG, "etag" },
		{ DIFFERS_LAST_MODIFIED, "last_modified" }, { DIFFERS_CONTENT_TYPE, "content_type" },
		{ DIFFERS_CODING, "content_encoding" }, { DIFFERS_LOCATION, "location" },
	};

	json_key(j, SPAN("differs"));
	json_open(j, '[');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (differs & names[i].bit)
			json_string(j, span_str(names[i].name));
	json_close(j, ']');
}

static void put_conclusion(struct json *j, const struct probe_place *place)
{
	const struct probe_conclusion *c = &place->conclusion;

	put_name(j, SPAN("verdict"), probe_verdict_name(c->verdict));
	if (c->verdict == PROBE_FAILED) {
		put_text(j, SPAN("reason"), span_str(place->failure));
		return;
	}
	if (c->reason)
		put_text(j, SPAN("reason"), span_str(c->reason));
	if (c->witness != PROBE_PLAIN) {
		put_name(j, SPAN("witness"), probe_ask_name(c->witness));
		put_differences(j, c->differs);
	}
	if (c->verdict == PROBE_DYNAMIC)
		put_flag(j, SPAN("perhaps_stored"), c->open);
	if (c->verdict != PROBE_STALE)
		return;
	put_text(j, SPAN("layer"), span_str(place->probe.sights[PROBE_PLAIN].verdict.layer));
	if (c->measure != MEASURE_NONE) {
		put_number(j, SPAN("by_s"), c->by_s);
		put_name(j, SPAN("by"), probe_measure_name(c->measure));
	}
	put_flag(j, SPAN("triple_reaches"), c->triple_reaches);
}

/* -- what may be done with it -- */

static void put_keeping(struct json *j, struct span who, const struct keeping *k)
{
	bool is_allowed = storing_is_allowed(k->storing);

	json_key(j, who);
	json_open(j, '{');
	put_flag(j, SPAN("may_store"), is_allowed);
	put_name(j, SPAN("because"), storing_name(k->storing));
	if (is_allowed) {
		put_flag(j, SPAN("asks_always"), k->asks_always);
		put_flag(j, SPAN("never_longer"), k->strict);
		put_number(j, SPAN("lifetime_s"), k->fresh.lifetime_s);
		put_name(j, SPAN("lifetime_from"), lifetime_source_name(k->fresh.source));
		put_number(j, SPAN("stale_while_revalidate_s"), k->while_revalidating_s);
		put_number(j, SPAN("stale_if_error_s"), k->if_error_s);
	}
	json_close(j, '}');
}

static void put_note(struct json *j, const struct note *n)
{
	char text[1024];
	struct line id = line_of(text, sizeof(text));

	json_open(j, '{');
	note_write_id(&id, n->id);
	put_text(j, SPAN("id"), span_of(text, id.n));
	put_name(j, SPAN("level"), note_level_name(note_level(n->id)));
	put_text(j, SPAN("field"), span_str(note_field(n->id)));
	put_text(j, SPAN("where"), span_str(note_where(n->id)));
	struct line words = line_of(text, sizeof(text));
	note_write(&words, n);
	put_text(j, SPAN("text"), span_of(text, words.n));
	json_close(j, '}');
}

static void put_caching(struct json *j, const struct probe_place *place)
{
	json_key(j, SPAN("caching"));
	json_open(j, '{');
	put_number(j, SPAN("age_s"), place->caching.shared.fresh.age_s);
	put_keeping(j, SPAN("browser"), &place->caching.browser);
	put_keeping(j, SPAN("shared"), &place->caching.shared);
	json_close(j, '}');
	json_key(j, SPAN("notes"));
	json_open(j, '[');
	for (unsigned i = 0; i < place->notes.count; i++)
		put_note(j, &place->notes.items[i]);
	json_close(j, ']');
}

/* -- all of it -- */

static void put_place(struct json *j, const struct probe_place *place)
{
	json_open(j, '{');
	put_text(j, SPAN("address"), place->name);
	put_conclusion(j, place);
	put_answers(j, &place->probe);
	if (place->probe.sights[PROBE_PLAIN].state == SIGHT_MADE)
		put_caching(j, place);
	json_close(j, '}');
}

bool probe_report_json(const struct probe_report *r, struct line *out)
{
	struct json j = { .line = *out };

	json_open(&j, '{');
	put_number(&j, SPAN("schema"), SCHEMA);
	put_text(&j, SPAN("url"), r->url);
	put_number(&j, SPAN("round"), (int64_t)(r->round ? r->round : 1));
	put_number(&j, SPAN("exit"), probe_report_exit_status(r));
	put_flag(&j, SPAN("places_differ"), r->places_differ);
	json_key(&j, SPAN("places"));
	json_open(&j, '[');
	for (unsigned i = 0; i < r->place_count; i++)
		put_place(&j, &r->places[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	line_put_char(&j.line, '\n');
	*out = j.line;
	return !out->cut;
}
