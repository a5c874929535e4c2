/*
 * Settings changed while freshet runs: the list, and what it makes of the configuration's settings.
 */
#include "policy/overrides.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "policy/pattern.h"

enum {
	VALUES_MAX = 4,
	ITEM_BYTES = 3 * (OVERRIDE_SITE_MAX + 16), /* the pattern as text, and what it is compiled to */
	FIRST_BYTES = 2048,
};

struct item {
	struct override override; /* its site is in the arena */
	struct pattern pattern;   /* likewise */
};

struct overrides {
	atomic_uint references;
	size_t count;
	struct arena arena; /* owned: all texts */
	struct item items[OVERRIDES_MAX];
	char first[FIRST_BYTES];
};

/* -- words -- */

struct words {
	struct span name, values[VALUES_MAX]; /* in the order of the enum */
};

static const struct words words[OVERRIDE_KINDS] = {
	[OVERRIDE_MODE] = { SPAN("mode"),
		{ SPAN("off"), SPAN("observe"), SPAN("revalidate"), SPAN("bust") } },
	[OVERRIDE_PIERCE] = { SPAN("pierce"), { SPAN("never"), SPAN("auto"), SPAN("always") } },
	[OVERRIDE_INTERCEPT] = { SPAN("intercept"), { SPAN("no"), SPAN("yes"), SPAN("strict") } },
};

struct span override_name(enum override_kind kind)
{
	return words[kind].name;
}

struct span override_value_name(enum override_kind kind, unsigned value)
{
	return value < VALUES_MAX ? words[kind].values[value] : SPAN_NONE;
}

bool override_kind_find(struct span name, enum override_kind *out)
{
	for (unsigned i = 0; i < OVERRIDE_KINDS; i++) {
		if (!span_eq(words[i].name, name))
			continue;
		*out = (enum override_kind)i;
		return true;
	}
	return false;
}

bool override_value_find(enum override_kind kind, struct span name, unsigned *out)
{
	for (unsigned i = 0; i < VALUES_MAX; i++) {
		if (!name.n || !span_eq(words[kind].values[i], name))
			continue;
		*out = i;
		return true;
	}
	return false;
}

const char *override_kinds_text(unsigned bits)
{
	static const char *const texts[1 << OVERRIDE_KINDS] = {
		NULL, "mode", "pierce", "mode,pierce",
		"intercept", "mode,intercept", "pierce,intercept", "mode,pierce,intercept",
	};

	return texts[bits];
}

/* -- lists -- */

struct overrides *overrides_new(void)
{
	struct overrides *o = malloc(sizeof(*o));

	if (!o)
		return NULL;
	atomic_init(&o->references, 1);
	o->count = 0;
	arena_init(&o->arena, o->first, sizeof(o->first), OVERRIDES_MAX * ITEM_BYTES);
	return o;
}

void overrides_get(struct overrides *o)
{
	atomic_fetch_add_explicit(&o->references, 1, memory_order_relaxed);
}

void overrides_put(struct overrides *o)
{
	if (!o || atomic_fetch_sub_explicit(&o->references, 1, memory_order_acq_rel) != 1)
		return;
	arena_reset(&o->arena, 0);
	free(o);
}

size_t overrides_count(const struct overrides *o)
{
	return o->count;
}

const struct override *overrides_at(const struct overrides *o, size_t i)
{
	return &o->items[i].override;
}

/* Hosts are the same in any case, paths are not.  Empty when memory is out. */
static struct span copy_site(struct span site, struct arena *arena)
{
	size_t host_end = span_find(site, '/');
	char *copy = arena_alloc(arena, site.n);

	if (!copy)
		return SPAN_NONE;
	for (size_t i = 0; i < site.n; i++)
		copy[i] = i < host_end ? ascii_lower(site.p[i]) : site.p[i];
	return span_of(copy, site.n);
}

static bool append(struct overrides *o, const struct override *from, const char **why)
{
	struct item *item = &o->items[o->count];

	*why = "there are as many of them as there may be: take one back";
	if (o->count == OVERRIDES_MAX)
		return false;
	*why = "the pattern is too long";
	if (from->site.n > OVERRIDE_SITE_MAX)
		return false;
	item->override = *from;
	if (!pattern_compile(from->site, &o->arena, &item->pattern, why))
		return false;
	*why = "intercept is decided when a tunnel is asked for, which shows no path: leave the pattern's out";
	if (from->kind == OVERRIDE_INTERCEPT && item->pattern.path.n)
		return false;
	*why = "memory is out";
	item->override.site = copy_site(from->site, &o->arena);
	o->count += item->override.site.n > 0;
	return item->override.site.n > 0;
}

bool override_check(const struct override *o, const char **why)
{
	struct overrides *trial = overrides_new();

	*why = "memory is out";
	bool possible = trial && append(trial, o, why);
	overrides_put(trial);
	return possible;
}

static bool is_same_site(struct span a, struct span b)
{
	size_t host_end = span_find(a, '/');

	return span_ieq(span_first(a, host_end), span_first(b, host_end)) &&
	       span_eq(span_from(a, host_end), span_from(b, host_end));
}

/* What makes one list of another: a new first, and which of the old are left out. */
struct change {
	const struct override *more;      /* NULL none */
	struct span site;                 /* of these, empty none … */
	const enum override_kind *kind;   /* … only that kind, NULL all */
	int64_t now_us;                   /* those whose time is over by then */
};

static bool leaves_out(const struct change *c, const struct override *o)
{
	if (o->until_us <= c->now_us)
		return true;
	return c->site.n && is_same_site(o->site, c->site) && (!c->kind || *c->kind == o->kind);
}

static struct overrides *changed(const struct overrides *from, const struct change *c, const char **why)
{
	struct overrides *to = overrides_new();

	*why = "memory is out";
	if (!to)
		return NULL;
	bool ok = !c->more || append(to, c->more, why);
	for (size_t i = 0; ok && i < from->count; i++)
		if (!leaves_out(c, &from->items[i].override))
			ok = append(to, &from->items[i].override, why);
	if (ok)
		return to;
	overrides_put(to);
	return NULL;
}

struct overrides *overrides_with(const struct overrides *o, const struct override *more, const char **why)
{
	struct change c = { .more = more, .site = more->site, .kind = &more->kind, .now_us = INT64_MIN };

	return changed(o, &c, why);
}

struct overrides *overrides_without(const struct overrides *o, struct span site, const enum override_kind *kind)
{
	struct change c = { .site = site, .kind = kind, .now_us = INT64_MIN };
	const char *why;

	return changed(o, &c, &why);
}

struct overrides *overrides_unexpired(const struct overrides *o, int64_t now_us)
{
	struct change c = { .now_us = now_us };
	const char *why;

	return changed(o, &c, &why);
}

int64_t overrides_first_end(const struct overrides *o)
{
	int64_t first_us = OVERRIDE_FOREVER;

	for (size_t i = 0; i < o->count; i++)
		if (o->items[i].override.until_us < first_us)
			first_us = o->items[i].override.until_us;
	return first_us;
}

/* -- what they do -- */

const struct override *overrides_find(const struct overrides *o, enum override_kind kind, const struct target *target)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->items[i].override.kind == kind && pattern_matches(&o->items[i].pattern, target))
			return &o->items[i].override;
	return NULL;
}

bool overrides_intercept(const struct overrides *o)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->items[i].override.kind == OVERRIDE_INTERCEPT && o->items[i].override.value != INTERCEPT_NO)
			return true;
	return false;
}

static void apply(const struct override *o, struct policy_settings *settings)
{
	switch (o->kind) {
	case OVERRIDE_MODE:
		settings->mode = (enum mode)o->value;
		return;
	case OVERRIDE_PIERCE:
		settings->pierce = (enum pierce)o->value;
		return;
	case OVERRIDE_INTERCEPT:
		settings->intercept = (enum intercept)o->value;
		return;
	}
}

unsigned overrides_apply(const struct overrides *o, const struct target *target, struct policy_settings *settings)
{
	unsigned decided = 0;

	for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++) {
		const struct override *found = overrides_find(o, (enum override_kind)kind, target);

		if (!found)
			continue;
		apply(found, settings);
		decided |= OVERRIDE_BIT(kind);
	}
	return decided;
}
