/*
 * What is in force, as `freshet ctl show` prints it.
 */
#include "proxy/in_force.h"

enum { SITE_COLUMN = 32, SETTING_COLUMN = 20 };

/* At least two blanks stand behind it. */
static void pad(struct line *l, size_t from, size_t width)
{
	do
		line_put_char(l, ' ');
	while (!l->cut && l->n < from + width);
}

static void put_setting(struct line *l, enum override_kind kind, struct span value)
{
	line_put(l, override_name(kind));
	line_put(l, SPAN(" = "));
	line_put(l, value);
}

/* "9 min 55 s": the two largest units. */
static void put_duration(struct line *l, uint64_t s)
{
	static const struct {
		struct span name;
		uint64_t seconds;
	} units[] = { { SPAN("d"), 86400 }, { SPAN("h"), 3600 }, { SPAN("min"), 60 }, { SPAN("s"), 1 } };
	size_t i = 0, end;

	while (i < 3 && s < units[i].seconds)
		i++;
	for (end = i + 2; i < end && i < 4 && (s || i < end - 1); i++) {
		line_put_u64(l, s / units[i].seconds);
		line_put_char(l, ' ');
		line_put(l, units[i].name);
		line_put_char(l, ' ');
		s %= units[i].seconds;
	}
	line_put(l, SPAN("left"));
}

static void put_override(struct line *l, const struct override *o, int64_t now_us)
{
	size_t start = l->n;

	line_put(l, SPAN("  "));
	line_put(l, o->site);
	pad(l, start, SITE_COLUMN);
	start = l->n;
	put_setting(l, o->kind, override_value_name(o->kind, o->value));
	pad(l, start, SETTING_COLUMN);
	if (o->until_us == OVERRIDE_FOREVER)
		line_put(l, SPAN("until taken back"));
	else
		put_duration(l, o->until_us > now_us ? (uint64_t)(o->until_us - now_us + 999999) / 1000000 : 0);
	line_put_char(l, '\n');
}

/* The configuration's values are in the order of ours. */
static void put_settings(struct line *l, const unsigned values[OVERRIDE_KINDS])
{
	for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++) {
		if (kind)
			line_put(l, SPAN(", "));
		put_setting(l, (enum override_kind)kind, override_value_name((enum override_kind)kind, values[kind]));
	}
	line_put_char(l, '\n');
}

/* Patterns are checked when they are compiled: no control characters are in them. */
static void put_site(struct line *l, const struct config_site *s)
{
	const unsigned values[OVERRIDE_KINDS] = { s->mode, s->pierce, s->intercept };
	size_t start = l->n;

	line_put(l, SPAN("  "));
	line_put(l, span_str(s->pattern));
	if (s->method.count || s->client.count)
		line_put(l, SPAN(" (some methods or clients)"));
	pad(l, start, SITE_COLUMN);
	put_settings(l, values);
}

void in_force_text(const struct in_force *f, struct line *out)
{
	const struct config *c = f->config;
	const unsigned values[OVERRIDE_KINDS] = { c->mode, c->pierce, c->intercept };

	line_put(out, overrides_count(f->overrides) ? SPAN("switched:\n") : SPAN("nothing is switched\n"));
	for (size_t i = 0; i < overrides_count(f->overrides); i++)
		put_override(out, overrides_at(f->overrides, i), f->now_us);
	line_put(out, SPAN("configured:\n"));
	for (size_t i = 0; i < c->site_count; i++)
		put_site(out, &c->sites[i]);
	size_t start = out->n;
	line_put(out, c->site_count ? SPAN("  all others") : SPAN("  all sites"));
	pad(out, start, SITE_COLUMN);
	put_settings(out, values);
}

static struct span source_of(enum applying by)
{
	switch (by) {
	case APPLYING_SWITCH:
		return SPAN("switched for ");
	case APPLYING_SITE:
		return SPAN("by the site section ");
	case APPLYING_CONFIGURATION:
		break;
	}
	return SPAN("by the configuration");
}

void applied_text(const struct applied applied[OVERRIDE_KINDS], struct line *out)
{
	for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++) {
		size_t start = out->n;

		put_setting(out, (enum override_kind)kind, applied[kind].value);
		pad(out, start, SETTING_COLUMN);
		line_put(out, source_of(applied[kind].by));
		line_put(out, applied[kind].site);
		line_put_char(out, '\n');
	}
}
