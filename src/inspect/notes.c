/*
 * The words that notes.def uses, and how notes are written.
 */
#include "inspect/notes.h"

enum { DAY_S = 24 * 3600, CLOCKS_DIFFER_BY_S = 60, WHAT_MAX = 120 };

#define NOTHING SPAN_NONE

/* -- the words of the conditions -- */

/* Whether keeping it matters to anybody. */
static bool may_be_kept(const struct caching *c)
{
	return storing_is_allowed(c->browser.storing);
}

static bool no_lifetime(const struct caching *c)
{
	return may_be_kept(c) && c->shared.fresh.source == LIFETIME_NONE && !cache_control_has(&c->facts.cc, CC_NO_CACHE);
}

/* The longest lifetime that fields give; -1 where they give none. */
static int64_t given_lifetime(const struct caching *c)
{
	const struct freshness *shared = &c->shared.fresh, *browser = &c->browser.fresh;
	int64_t longest = -1;

	if (shared->source < LIFETIME_HEURISTIC)
		longest = shared->lifetime_s;
	if (browser->source < LIFETIME_HEURISTIC && browser->lifetime_s > longest)
		longest = browser->lifetime_s;
	return longest;
}

/* And it would have made a difference. */
static bool overrules_expires(const struct caching *c)
{
	return c->facts.cc.max_age_s >= 0 && c->expires_is_valid && c->date_is_valid &&
	       c->facts.expires_s - c->facts.date_s != c->facts.cc.max_age_s;
}

static bool date_is_ahead(const struct caching *c)
{
	return c->date_is_valid && c->facts.date_s > c->now_s + CLOCKS_DIFFER_BY_S;
}

static bool date_is_behind(const struct caching *c)
{
	return c->date_is_valid && !c->age.n && c->facts.date_s < c->now_s - CLOCKS_DIFFER_BY_S;
}

static bool modified_after_date(const struct caching *c)
{
	return c->date_is_valid && c->last_modified_is_valid && c->facts.last_modified_s > c->facts.date_s;
}

static bool modified_just_now(const struct caching *c)
{
	return c->date_is_valid && c->last_modified_is_valid && !c->etag.n && c->facts.date_s == c->facts.last_modified_s;
}

static bool span_has_no_cache(struct span pragma)
{
	return span_list_has(pragma, SPAN("no-cache"));
}

#define says(flag) cache_control_has(&c->facts.cc, CC_##flag)

static void take(struct notes *out, enum note_id id, struct span what, int64_t number)
{
	out->items[out->count++] = (struct note){ .id = id, .what = what, .number = number };
}

void notes_take(const struct caching *c, struct notes *out)
{
	out->count = 0;
#define NOTE(id, level, field, where, condition, what, number, text) \
	if (condition) \
		take(out, NOTE_##id, what, number);
#include "inspect/notes.def"
#undef NOTE
}

/* -- writing -- */

static const struct {
	const char *id, *field, *where, *text;
	enum note_level level;
} texts[NOTE_COUNT] = {
#define NOTE(id, level, field, where, condition, what, number, text) { #id, field, where, text, NOTE_##level },
#include "inspect/notes.def"
#undef NOTE
};

enum note_level note_level(enum note_id id)
{
	return texts[id].level;
}

const char *note_level_name(enum note_level l)
{
	static const char *const names[] = {
		[NOTE_GOOD] = "good", [NOTE_PLAIN] = "plain", [NOTE_ODD] = "odd", [NOTE_BAD] = "bad"
	};

	return names[l];
}

const char *note_field(enum note_id id)
{
	return texts[id].field;
}

const char *note_where(enum note_id id)
{
	return texts[id].where;
}

void note_write_id(struct line *l, enum note_id id)
{
	for (const char *c = texts[id].id; *c; c++)
		line_put_char(l, *c == '_' ? '-' : ascii_lower(*c));
}

void note_write(struct line *l, const struct note *n)
{
	for (const char *c = texts[n->id].text; *c; c++) {
		if (c[0] == '%' && c[1] == 's') {
			line_put_safe(l, n->what, WHAT_MAX);
			c++;
		} else if (c[0] == '%' && c[1] == 'd') {
			line_put_duration(l, n->number);
			c++;
		} else {
			line_put_char(l, *c);
		}
	}
}

void line_put_safe(struct line *l, struct span s, size_t max)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n && i < max; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f) {
			line_put_char(l, (char)c);
		} else {
			char escaped[] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

			line_put(l, span_of(escaped, sizeof(escaped)));
		}
	}
	if (s.n > max)
		line_put(l, SPAN("..."));
}

void line_put_duration(struct line *l, int64_t n)
{
	static const struct {
		int64_t s;
		const char *name;
	} units[] = { { DAY_S, " d" }, { 3600, " h" }, { 60, " min" }, { 1, " s" } };
	unsigned written = 0;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && written < 2; i++) {
		bool last = units[i].s == 1 && !written;

		if (n < units[i].s && !last) {
			if (written)
				return;
			continue;
		}
		if (written++)
			line_put_char(l, ' ');
		line_put_u64(l, (uint64_t)(n / units[i].s));
		line_put(l, span_str(units[i].name));
		n %= units[i].s;
	}
}
