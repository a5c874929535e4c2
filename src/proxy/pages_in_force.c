/*
 * What the switches' page and `freshet ctl` show: which switches are in force, the configuration below them, and what of
 * both applies to a URL.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "config/option.h"
#include "inspect/json.h"
#include "proxy/pages.h"

enum {
	STATE_BYTES = 512 * 1024,
	STATE_END_BYTES = 256, /* what comes behind the sites */
	APPLIES_BYTES = 64 * 1024,
	URL_MAX = 2048,
};

static enum step answer(struct exchange *x, const struct json *j)
{
	if (j->line.cut)
		return exchange_fail(x, REPLY_INTERNAL, "the configuration is too long to be shown");
	return exchange_answered(x, reply_page(x, 200, SPAN("application/json"), span_of(j->line.p, j->line.n)));
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

static void put_overrides(struct json *j, struct switches *s)
{
	struct overrides *o = switches_list(s);
	int64_t now_us = clock_us();

	json_key(j, SPAN("switches"));
	json_open(j, '[');
	for (size_t i = 0; i < overrides_count(o); i++)
		put_override(j, overrides_at(o, i), now_us);
	json_close(j, ']');
	overrides_put(o);
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

enum step page_switches(struct exchange *x, const struct page *page)
{
	const struct config *c = x->view->snapshot->config;
	const unsigned values[OVERRIDE_KINDS] = { c->mode, c->pierce, c->intercept };
	char *text = malloc(STATE_BYTES); /* somebody looks */
	struct json j = json_of(text, STATE_BYTES);

	(void)page;
	if (!text)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	json_open(&j, '{');
	put_overrides(&j, &x->worker->shared->switches);
	put_words(&j);
	json_key(&j, SPAN("configuration"));
	json_open(&j, '{');
	put_settings(&j, values);
	json_close(&j, '}');
	put_sites(&j, c);
	json_close(&j, '}');
	enum step step = answer(x, &j);
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

struct found {
	const struct config_site *site; /* whose section matches; NULL none */
	const struct overrides *overrides; /* NULL none */
	const struct target *target;
	unsigned values[OVERRIDE_KINDS]; /* by the configuration */
};

static bool site_sets(const struct config_site *site, enum override_kind kind)
{
	static const enum config_option_id ids[OVERRIDE_KINDS] = {
		[OVERRIDE_MODE] = OPTION_mode, [OVERRIDE_PIERCE] = OPTION_pierce, [OVERRIDE_INTERCEPT] = OPTION_intercept,
	};

	return site && site->given[ids[kind]];
}

/* One setting: its value, what says so, and by which pattern. */
static void put_found(struct json *j, const struct found *f, enum override_kind kind)
{
	const struct override *o = f->overrides ? overrides_find(f->overrides, kind, f->target) : NULL;
	struct span by = SPAN("configuration"), pattern = SPAN_NONE;

	if (o) {
		by = SPAN("switch");
		pattern = o->site;
	} else if (site_sets(f->site, kind)) {
		by = SPAN("site");
		pattern = span_str(f->site->pattern);
	}
	json_key(j, override_name(kind));
	json_open(j, '{');
	json_key(j, SPAN("value"));
	json_string(j, override_value_name(kind, o ? o->value : f->values[kind]));
	json_key(j, SPAN("by"));
	json_string(j, by);
	if (pattern.n) {
		json_key(j, SPAN("site"));
		json_string(j, pattern);
	}
	json_close(j, '}');
}

static void find(struct exchange *x, const struct target *target, struct found *f)
{
	const struct snapshot *s = x->view->snapshot;
	struct policy_subject subject = { .target = target, .method = SPAN("GET"), .client = &x->client->address };
	const struct policy_settings *settings = policy_match(s->policy, &subject);
	size_t rule = policy_match_rule(s->policy, &subject);

	*f = (struct found){
		.site = rule < s->config->site_count ? &s->config->sites[rule] : NULL,
		.overrides = switches_look(&x->worker->shared->switches, &x->worker->switches),
		.target = target,
		.values = { settings->mode, settings->pierce, settings->intercept },
	};
}

enum step page_applies(struct exchange *x, const struct page *page)
{
	char text[APPLIES_BYTES];
	struct json j = json_of(text, sizeof(text));
	struct target target = { .form = TARGET_ORIGIN };
	struct found f;
	const char *why;

	(void)page;
	json_open(&j, '{');
	if (read_target(x, &target, &why)) {
		find(x, &target, &f);
		for (unsigned kind = 0; kind < OVERRIDE_KINDS; kind++)
			put_found(&j, &f, (enum override_kind)kind);
	} else {
		json_key(&j, SPAN("error"));
		json_string(&j, span_str(why));
	}
	json_close(&j, '}');
	return answer(x, &j);
}
