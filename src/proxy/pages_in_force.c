/*
 * What the switches' page and `freshet ctl` show: which switches are in force, the configuration below them, and what of
 * both applies to a URL.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "config/option.h"
#include "inspect/json.h"
#include "proxy/in_force.h"
#include "proxy/pages.h"

enum {
	STATE_BYTES = 512 * 1024,
	STATE_END_BYTES = 256, /* what comes behind the sites */
	APPLIES_BYTES = 64 * 1024,
	URL_MAX = 2048,
};

bool page_wants_text(const struct exchange *x)
{
	return span_starts(message_value(&x->request, HEADER_ACCEPT), SPAN("text/plain"));
}

static enum step answer(struct exchange *x, const struct line *l)
{
	struct span type = page_wants_text(x) ? SPAN("text/plain; charset=utf-8") : SPAN("application/json");

	if (l->cut)
		return exchange_fail(x, REPLY_INTERNAL, "the configuration is too long to be shown");
	return exchange_answered(x, reply_page(x, 200, type, span_of(l->p, l->n)));
}

/* -- all of it -- */

static void put_override(struct json *j, const struct override *o, int64_t now_us)
{
	json_open(j, '{');
	json_key(j, SPAN("site"));
	json_string(j, o->site);
	json_key(j, SPAN("setting"));
	json_string(j, override_name(o->kind));
	json_key(j, SPAN("value"));
	json_string(j, override_value_name(o->kind, o->value));
	if (o->until_us != OVERRIDE_FOREVER) {
		json_key(j, SPAN("left_ms"));
		json_u64(j, o->until_us > now_us ? (uint64_t)(o->until_us - now_us) / 1000 : 0);
	}
	json_close(j, '}');
}

static void put_overrides(struct json *j, const struct in_force *f)
{
	json_key(j, SPAN("switches"));
	json_open(j, '[');
	for (size_t i = 0; i < overrides_count(f->overrides); i++)
		put_override(j, overrides_at(f->overrides, i), f->now_us);
	json_close(j, ']');
}

/* The three settings that can be switched; the configuration's values are in the order of ours. */
static void put_settings(struct json *j, const unsigned values[OVERRIDE_KINDS])
{
	for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++) {
		json_key(j, override_name((enum override_kind)kind));
		json_string(j, override_value_name((enum override_kind)kind, values[kind]));
	}
}

static void put_site(struct json *j, const struct config_site *s)
{
	const unsigned values[OVERRIDE_KINDS] = { s->mode, s->pierce, s->intercept };

	json_open(j, '{');
	json_key(j, SPAN("site"));
	json_string(j, span_str(s->pattern));
	put_settings(j, values);
	json_key(j, SPAN("limited")); /* to some methods or clients */
	json_bool(j, s->method.count || s->client.count);
	json_close(j, '}');
}

/* As many as there is room for; the page says how many are left out. */
static void put_sites(struct json *j, const struct config *c)
{
	size_t i = 0;

	json_key(j, SPAN("sites"));
	json_open(j, '[');
	for (; i < c->site_count; i++) {
		size_t needs = strlen(c->sites[i].pattern) * JSON_BYTES_PER_BYTE + STATE_END_BYTES * 2;

		if (needs > j->line.max - j->line.n)
			break;
		put_site(j, &c->sites[i]);
	}
	json_close(j, ']');
	json_key(j, SPAN("sites_left_out"));
	json_u64(j, c->site_count - i);
}

static void put_words(struct json *j)
{
	json_key(j, SPAN("values"));
	json_open(j, '{');
	for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++) {
		struct span name;

		json_key(j, override_name((enum override_kind)kind));
		json_open(j, '[');
		for (unsigned value = 0; (name = override_value_name((enum override_kind)kind, value)).n; value++)
			json_string(j, name);
		json_close(j, ']');
	}
	json_close(j, '}');
}

static void in_force_json(const struct in_force *f, struct line *out)
{
	const unsigned values[OVERRIDE_KINDS] = { f->config->mode, f->config->pierce, f->config->intercept };
	struct json j = { .line = *out };

	json_open(&j, '{');
	put_overrides(&j, f);
	put_words(&j);
	json_key(&j, SPAN("configuration"));
	json_open(&j, '{');
	put_settings(&j, values);
	json_close(&j, '}');
	put_sites(&j, f->config);
	json_close(&j, '}');
	*out = j.line;
}

enum step page_switches(struct exchange *x, const struct page *page)
{
	char *text = malloc(STATE_BYTES); /* somebody looks */
	struct line out = line_of(text, STATE_BYTES);

	(void)page;
	if (!text)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	struct overrides *overrides = switches_list(&x->worker->shared->switches);
	struct in_force f = { .overrides = overrides, .config = x->view->snapshot->config, .now_us = clock_us() };
	if (page_wants_text(x))
		in_force_text(&f, &out);
	else
		in_force_json(&f, &out);
	overrides_put(overrides);
	enum step step = answer(x, &out);
	free(text);
	return step;
}

/* -- one URL -- */

/* "example.com", "example.com:8080/path", or a URL. */
static bool read_target(struct exchange *x, struct target *out, const char **why)
{
	struct span text = span_trim(page_parameter(x, SPAN("url")));
	size_t scheme_end = span_find(text, ':');
	bool is_url = span_starts(span_from(text, scheme_end), SPAN("://"));
	char *url = text.n && text.n <= URL_MAX ? arena_alloc(&x->arena, text.n + 7) : NULL;

	*why = "no host is named, or it is too long";
	if (!url)
		return false;
	memcpy(url, "http://", 7);
	memcpy(url + 7, text.p, text.n);
	return target_parse(is_url ? text : span_of(url, text.n + 7), false, out, why) && out->form == TARGET_ABSOLUTE;
}

static bool site_sets(const struct config_site *site, enum override_kind kind)
{
	static const enum config_option_id ids[OVERRIDE_KINDS] = {
		[OVERRIDE_MODE] = OPTION_mode, [OVERRIDE_PIERCE] = OPTION_pierce, [OVERRIDE_INTERCEPT] = OPTION_intercept,
	};

	return site && site->given[ids[kind]];
}

/* As the switch says, where there is one, else as the section of this site, which may be none, or what it inherits. */
static struct applied choose(const struct override *o, const struct config_site *site, enum override_kind kind,
	unsigned configured)
{
	if (o)
		return (struct applied){ override_value_name(kind, o->value), APPLYING_SWITCH, o->site };
	if (site_sets(site, kind))
		return (struct applied){ override_value_name(kind, configured), APPLYING_SITE, span_str(site->pattern) };
	return (struct applied){ .value = override_value_name(kind, configured), .by = APPLYING_CONFIGURATION };
}

/* For a GET of this client's; borrowed from the exchange's view and the worker's switches. */
static void find_applied(struct exchange *x, const struct target *target, struct applied out[OVERRIDE_KINDS])
{
	const struct snapshot *s = x->view->snapshot;
	struct policy_subject subject = { .target = target, .method = SPAN("GET"), .client = &x->client->address };
	const struct policy_settings *settings = policy_match(s->policy, &subject);
	const unsigned values[OVERRIDE_KINDS] = { settings->mode, settings->pierce, settings->intercept };
	const struct overrides *overrides = switches_look(&x->worker->shared->switches, &x->worker->switches);
	size_t rule = policy_match_rule(s->policy, &subject);
	const struct config_site *site = rule < s->config->site_count ? &s->config->sites[rule] : NULL;

	for (unsigned i = 0; i < OVERRIDE_KINDS; i++) {
		enum override_kind kind = (enum override_kind)i;

		out[i] = choose(overrides ? overrides_find(overrides, kind, target) : NULL, site, kind, values[i]);
	}
}

static struct span name_of(enum applying by)
{
	switch (by) {
	case APPLYING_SWITCH:
		return SPAN("switch");
	case APPLYING_SITE:
		return SPAN("site");
	case APPLYING_CONFIGURATION:
		break;
	}
	return SPAN("configuration");
}

static void applied_json(const struct applied applied[OVERRIDE_KINDS], struct line *out)
{
	struct json j = { .line = *out };

	json_open(&j, '{');
	for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++) {
		json_key(&j, override_name((enum override_kind)kind));
		json_open(&j, '{');
		json_key(&j, SPAN("value"));
		json_string(&j, applied[kind].value);
		json_key(&j, SPAN("by"));
		json_string(&j, name_of(applied[kind].by));
		if (applied[kind].site.n) {
			json_key(&j, SPAN("site"));
			json_string(&j, applied[kind].site);
		}
		json_close(&j, '}');
	}
	json_close(&j, '}');
	*out = j.line;
}

enum step page_applies(struct exchange *x, const struct page *page)
{
	char text[APPLIES_BYTES];
	struct line out = line_of(text, sizeof(text));
	struct target target = { .form = TARGET_ORIGIN };
	struct applied applied[OVERRIDE_KINDS];
	const char *why;

	(void)page;
	if (!read_target(x, &target, &why))
		return page_say(x, 400, SPAN("error"), why);
	find_applied(x, &target, applied);
	if (page_wants_text(x))
		applied_text(applied, &out);
	else
		applied_json(applied, &out);
	return answer(x, &out);
}
