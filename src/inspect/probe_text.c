/*
 * A probe's report for people.
 */
#include "inspect/probe_report.h"

enum { COLUMN = 34, LABEL = 18, VALUE_MAX = 120, URL_MAX = 400, HASH_SHOWN = 8 };

/* Where text is put, and whether colours are. */
struct page {
	struct line *line;
	bool colored;
};

#define RED "\x1b[1;31m"
#define GREEN "\x1b[32m"
#define YELLOW "\x1b[33m"
#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"
#define OFF "\x1b[0m"

static void put(struct page *p, const char *text)
{
	line_put(p->line, span_str(text));
}

static void color(struct page *p, const char *code)
{
	if (p->colored)
		put(p, code);
}

static void put_colored(struct page *p, const char *code, const char *text)
{
	color(p, code);
	put(p, text);
	color(p, OFF);
}

/* At least one blank, then up to a column that is counted from `start`. */
static void pad(struct page *p, size_t start, size_t column)
{
	do
		line_put_char(p->line, ' ');
	while (!p->line->cut && p->line->n < start + column);
}

static void put_label(struct page *p, const char *label)
{
	size_t start = p->line->n;

	put(p, "  ");
	put(p, label);
	pad(p, start, LABEL);
}

/* -- the verdict -- */

static const char *verdict_color(const struct probe_conclusion *c)
{
	static const char *const colors[] = { GREEN, RED, RED, YELLOW };

	return colors[probe_exit_status(c)];
}

static const char *measure_words(enum probe_measure m)
{
	switch (m) {
	case MEASURE_NONE:
		break;
	case MEASURE_LAST_MODIFIED:
		return " older than the origin's, by Last-Modified";
	case MEASURE_DATE:
		return " older than the origin's answer, by Date";
	case MEASURE_AGE:
		return " old, by Age";
	case MEASURE_LIFETIME:
		return " beyond its lifetime";
	}
	return "";
}

static void put_stale(struct page *p, const struct probe_place *place)
{
	const struct probe_conclusion *c = &place->conclusion;
	const char *layer = place->probe.sights[PROBE_PLAIN].verdict.layer;

	put(p, layer[0] ? layer : "a cache that does not say so");
	put(p, " answered with an old copy");
	if (c->measure != MEASURE_NONE) {
		put(p, ", ");
		line_put_duration(p->line, c->by_s);
		put(p, measure_words(c->measure));
	}
	put(p, ".\n  ");
	put(p, c->triple_reaches ? "A reload that asks for a fresh answer gets it, and so does freshet (mode = bust).\n" :
				   "A reload that asks for a fresh answer does not get it; a changed address does (pierce).\n");
}

static void put_fresh(struct page *p, const struct probe_place *place)
{
	const struct verdict *v = &place->probe.sights[PROBE_PLAIN].verdict;

	if (v->kind == VERDICT_FROM_CACHE || v->kind == VERDICT_STALE) {
		put(p, v->layer[0] ? v->layer : "a cache");
		put(p, " answered with a copy, and the origin still says the same");
		put(p, v->kind == VERDICT_STALE ? ", although its lifetime is over.\n" : ".\n");
	} else {
		put(p, "what came is what the origin says.\n");
	}
}

static void put_verdict(struct page *p, const struct probe_place *place)
{
	const struct probe_conclusion *c = &place->conclusion;

	color(p, verdict_color(c));
	for (const char *name = probe_verdict_name(c->verdict); *name; name++)
		line_put_char(p->line, *name >= 'a' && *name <= 'z' ? (char)(*name & ~0x20) : *name);
	color(p, OFF);
	put(p, ": ");
	if (c->verdict == PROBE_STALE)
		put_stale(p, place);
	else if (c->verdict == PROBE_FRESH)
		put_fresh(p, place);
	else
		line_put_safe(p->line, span_str(c->verdict == PROBE_FAILED ? place->failure : c->reason), URL_MAX);
	if (c->verdict != PROBE_STALE && c->verdict != PROBE_FRESH)
		put(p, ".\n");
}

/* -- the two answers side by side -- */

static const char *witness_words(enum probe_ask witness)
{
	switch (witness) {
	case PROBE_CHANGED:
	case PROBE_CHANGED_AGAIN:
		return "with a parameter added, twice";
	case PROBE_PATH:
	case PROBE_PATH_AGAIN:
		return "path written differently, twice";
	case PROBE_TRIPLE:
		return "with no-cache, no-store";
	case PROBE_PLAIN:
	case PROBE_PLAIN_AGAIN:
	case PROBE_IF_NONE_MATCH:
	case PROBE_IF_MODIFIED_SINCE:
	case PROBE_ASKS:
		break;
	}
	return "";
}

static void put_value(struct page *p, struct span value)
{
	if (value.n)
		line_put_safe(p->line, value, VALUE_MAX);
	else
		put(p, "-");
}

/* `right` is left out where there is no witness. */
static void put_row(struct page *p, const char *label, struct span left, const struct span *right, bool differs)
{
	if (!left.n && (!right || !right->n))
		return;
	put_label(p, label);
	size_t start = p->line->n;
	put_value(p, left);
	if (right) {
		pad(p, start, COLUMN);
		color(p, differs ? YELLOW : "");
		put(p, differs ? "* " : "  ");
		put_value(p, *right);
		color(p, differs ? OFF : "");
	}
	put(p, "\n");
}

static struct span number(char out[20], uint64_t n)
{
	return span_of(out, span_put_u64(out, n));
}

/* The first bytes of a hash; nobody compares more by eye. */
static struct span hash_text(char out[2 * HASH_SHOWN], const unsigned char *hash)
{
	for (unsigned i = 0; i < HASH_SHOWN; i++) {
		out[2 * i] = "0123456789abcdef"[hash[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
	}
	return span_of(out, 2 * HASH_SHOWN);
}

/* All that is shown of an answer as text; points into itself. */
struct shown {
	char status_text[20], length_text[20], hash_text[2 * HASH_SHOWN], verdict_text[VERDICT_TEXT_MAX];
	struct span status, length, hash, verdict;
};

static void show(const struct sight *s, struct shown *out)
{
	out->status = number(out->status_text, s->status);
	out->length = number(out->length_text, s->length);
	out->hash = hash_text(out->hash_text, s->hash);
	out->verdict = span_of(out->verdict_text, verdict_format(&s->verdict, out->verdict_text));
}

/* `b` is NULL where there is no witness. */
static void put_rows(struct page *p, const struct sight *a, const struct sight *b, unsigned differs)
{
	struct shown left, right;

	show(a, &left);
	if (b)
		show(b, &right);
	put_row(p, "status", left.status, b ? &right.status : NULL, differs & DIFFERS_STATUS);
	put_row(p, "Location", a->location, b ? &b->location : NULL, differs & DIFFERS_LOCATION);
	put_row(p, "ETag", a->etag, b ? &b->etag : NULL, differs & DIFFERS_ETAG);
	put_row(p, "Last-Modified", a->last_modified, b ? &b->last_modified : NULL, differs & DIFFERS_LAST_MODIFIED);
	put_row(p, "Date", a->date, b ? &b->date : NULL, false);
	put_row(p, "Content-Type", a->content_type, b ? &b->content_type : NULL, differs & DIFFERS_CONTENT_TYPE);
	put_row(p, "Content-Encoding", a->coding, b ? &b->coding : NULL, differs & DIFFERS_CODING);
	put_row(p, "length", left.length, b ? &right.length : NULL, differs & DIFFERS_LENGTH);
	put_row(p, "SHA-256", left.hash, b ? &right.hash : NULL, differs & DIFFERS_BODY);
	put_row(p, "caches say", left.verdict, b ? &right.verdict : NULL, false);
}

static void put_answers(struct page *p, const struct probe_place *place)
{
	const struct probe *probe = &place->probe;
	enum probe_ask witness = place->conclusion.witness;
	bool has_witness = witness != PROBE_PLAIN && probe->sights[witness].state == SIGHT_MADE;

	put(p, "\n");
	color(p, DIM);
	put_label(p, "");
	size_t start = p->line->n;
	put(p, "as a browser asks");
	if (has_witness) {
		pad(p, start, COLUMN);
		put(p, "  ");
		put(p, witness_words(witness));
	}
	color(p, OFF);
	put(p, "\n");
	put_rows(p, &probe->sights[PROBE_PLAIN], has_witness ? &probe->sights[witness] : NULL, place->conclusion.differs);
}

/* -- layers -- */

static void put_layers(struct page *p, const struct verdict *v)
{
	char text[VERDICT_LAYER_TEXT_MAX];

	if (!v->layer_count)
		return;
	put_label(p, "on the way");
	for (unsigned i = 0; i < v->layer_count; i++) {
		if (i)
			put(p, ", ");
		line_put_safe(p->line, span_of(text, verdict_layer_format(&v->layers[i], text)), VALUE_MAX);
	}
	put(p, "\n");
}

/* -- what may be done with it -- */

static const char *storing_words(enum storing s)
{
	switch (s) {
	case STORING_NO_STORE:
		return "may not keep it (no-store, RFC 9111 5.2.2.5)";
	case STORING_PRIVATE:
		return "may not keep it (private, RFC 9111 5.2.2.7)";
	case STORING_AUTHORIZED:
		return "may not keep it (Authorization, RFC 9111 3.5)";
	case STORING_PARTIAL:
		return "may not keep it (a part, RFC 9111 3.3)";
	case STORING_STATUS:
		return "may not keep it (nothing allows it, RFC 9111 3)";
	case STORING_ALLOWED:
		return "may keep it (RFC 9111 3)";
	case STORING_BY_STATUS:
		return "may keep it (by its status, RFC 9110 15.1)";
	}
	return "";
}

static const char *source_words(enum lifetime_source s)
{
	switch (s) {
	case LIFETIME_S_MAXAGE:
		return " (s-maxage, RFC 9111 5.2.2.10)";
	case LIFETIME_MAX_AGE:
		return " (max-age, RFC 9111 5.2.2.1)";
	case LIFETIME_EXPIRES:
		return " (Expires, RFC 9111 5.3)";
	case LIFETIME_HEURISTIC:
		return " (by guess, RFC 9111 4.2.2)";
	case LIFETIME_NONE:
		break;
	}
	return " (none is given)";
}

static void put_window(struct page *p, const char *words, int64_t seconds)
{
	if (seconds <= 0)
		return;
	put(p, ", ");
	line_put_duration(p->line, seconds);
	put(p, words);
}

static void put_keeping(struct page *p, const char *who, const struct keeping *k)
{
	put_label(p, who);
	put(p, storing_words(k->storing));
	if (storing_is_allowed(k->storing) && k->asks_always) {
		put(p, ", and asks before each use");
	} else if (storing_is_allowed(k->storing)) {
		put(p, "; good for ");
		line_put_duration(p->line, k->fresh.lifetime_s);
		put(p, source_words(k->fresh.source));
		put(p, k->strict ? ", never longer" : "");
		put_window(p, " more while asking", k->while_revalidating_s);
		put_window(p, " more on errors", k->if_error_s);
	}
	put(p, "\n");
}

static void put_caching(struct page *p, const struct caching *c)
{
	put(p, "\n");
	put_keeping(p, "a browser", &c->browser);
	put_keeping(p, "a shared cache", &c->shared);
	put_label(p, "its age");
	line_put_duration(p->line, c->shared.fresh.age_s);
	put(p, "\n");
}

/* -- notes -- */

static const char *level_mark(enum note_level l)
{
	switch (l) {
	case NOTE_GOOD:
		return GREEN "+" OFF;
	case NOTE_PLAIN:
		return "-";
	case NOTE_ODD:
		return YELLOW "?" OFF;
	case NOTE_BAD:
		return RED "!" OFF;
	}
	return "";
}

static char level_letter(enum note_level l)
{
	static const char letters[] = { [NOTE_GOOD] = '+', [NOTE_PLAIN] = '-', [NOTE_ODD] = '?', [NOTE_BAD] = '!' };

	return letters[l];
}

static void put_note(struct page *p, const struct note *n)
{
	put(p, "  ");
	if (p->colored)
		put(p, level_mark(note_level(n->id)));
	else
		line_put_char(p->line, level_letter(note_level(n->id)));
	put(p, " ");
	if (note_field(n->id)[0]) {
		put_colored(p, BOLD, note_field(n->id));
		put(p, ": ");
	}
	note_write(p->line, n);
	if (note_where(n->id)[0]) {
		color(p, DIM);
		put(p, " [");
		put(p, note_where(n->id));
		put(p, "]");
		color(p, OFF);
	}
	put(p, "\n");
}

static void put_notes(struct page *p, const struct notes *notes)
{
	if (notes->count)
		put(p, "\n");
	for (unsigned i = 0; i < notes->count; i++)
		put_note(p, &notes->items[i]);
}

/* -- all of it -- */

static void put_title(struct page *p, const struct probe_report *r, const struct probe_place *place)
{
	color(p, BOLD);
	line_put_safe(p->line, r->url, URL_MAX);
	color(p, OFF);
	if (place->name.n) {
		put(p, " at ");
		line_put_safe(p->line, place->name, VALUE_MAX);
	}
	if (r->round) {
		put(p, ", round ");
		line_put_u64(p->line, r->round);
	}
	put(p, "\n");
}

static void put_place(struct page *p, const struct probe_report *r, const struct probe_place *place)
{
	put_title(p, r, place);
	put_verdict(p, place);
	if (place->probe.sights[PROBE_PLAIN].state == SIGHT_MADE) {
		put_answers(p, place);
		put_layers(p, &place->probe.sights[PROBE_PLAIN].verdict);
		put_caching(p, &place->caching);
		put_notes(p, &place->notes);
	}
	put(p, "\n");
}

void probe_report_text(const struct probe_report *r, bool colored, struct line *out)
{
	struct page p = { .line = out, .colored = colored };

	for (unsigned i = 0; i < r->place_count; i++)
		put_place(&p, r, &r->places[i]);
	if (r->places_differ) {
		put_colored(&p, YELLOW, "DIFFERENT ADDRESSES, DIFFERENT ANSWERS");
		put(&p, ": what comes depends on who is asked.\n\n");
	}
}
