/*
 * What the switches' page and `freshet ctl` have done: settings changed for a while, taken back, things forgotten.
 *
 * Each answers with what was done as a line, which the operator's log gets too, or with what was wrong with the wish.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/users.h"
#include "config/value.h"
#include "inspect/json.h"
#include "proxy/control.h"
#include "proxy/learned.h"
#include "proxy/pages.h"
#include "proxy/pierced_hosts.h"

enum {
	SAID_BYTES = OVERRIDE_SITE_MAX + 256,
	ANSWER_BYTES = SAID_BYTES * JSON_BYTES_PER_BYTE + 64,
	ASKER_BYTES = USER_NAME_MAX + ADDRESS_TEXT_MAX + 8,
	SHORTEST_MS = 1000,
	LONGEST_DAYS = 30,
};

#define LONGEST_MS (LONGEST_DAYS * UINT64_C(24) * 3600 * 1000)

/* -- answers -- */

enum step page_say(struct exchange *x, unsigned status, struct span key, const char *text)
{
	char room[ANSWER_BYTES];
	struct json j = json_of(room, sizeof(room));

	if (page_wants_text(x)) {
		int n = snprintf(room, sizeof(room), "%s\n", text);

		return exchange_answered(x, reply_page(x, status, SPAN("text/plain; charset=utf-8"), span_of(room, (size_t)n)));
	}
	json_open(&j, '{');
	json_key(&j, key);
	json_string(&j, span_str(text));
	json_close(&j, '}');
	return exchange_answered(x, reply_page(x, status, SPAN("application/json"), span_of(room, j.line.n)));
}

static enum step refuse(struct exchange *x, const char *why)
{
	return page_say(x, 400, SPAN("error"), why);
}

/* Who asks, for the operator. */
static void name_asker(const struct exchange *x, char out[ASKER_BYTES])
{
	char address[ADDRESS_TEXT_MAX];

	if (x->client->in_control) {
		snprintf(out, ASKER_BYTES, "user %ld at the control socket", control_peer(x->client->conn.fd));
		return;
	}
	address_format_ip(&x->client->address, address);
	snprintf(out, ASKER_BYTES, "%s%s%s", x->user ? x->user->name : "", x->user ? " at " : "", address);
}

static enum step done(struct exchange *x, const char *said)
{
	char who[ASKER_BYTES];

	name_asker(x, who);
	log_info("switches: %s (by %s)", said, who);
	return page_say(x, 200, SPAN("done"), said);
}

/* -- settings -- */

static const char *values_of(enum override_kind kind)
{
	switch (kind) {
	case OVERRIDE_MODE:
		return "mode is off, observe, revalidate or bust";
	case OVERRIDE_PIERCE:
		return "pierce is never, auto or always";
	case OVERRIDE_INTERCEPT:
		break;
	}
	return "intercept is no, yes or strict";
}

/* NULL, or what is wrong with the duration.  Without one it is for as long as nobody takes it back. */
static const char *read_until(struct span text, int64_t *until_us, uint64_t *for_ms)
{
	*until_us = OVERRIDE_FOREVER;
	*for_ms = 0;
	if (!text.n)
		return NULL;
	if (value_duration(text, SHORTEST_MS, LONGEST_MS, for_ms))
		return "the time is a number of s, m, h or d, as in 10m, from a second to 30 days";
	*until_us = clock_us() + (int64_t)*for_ms * 1000;
	return NULL;
}

/* NULL, or what is wrong with the wish. */
static const char *read_override(struct exchange *x, struct override *o, uint64_t *for_ms)
{
	o->site = span_trim(page_parameter(x, SPAN("site")));
	if (!o->site.n)
		return "no site is named: a host, a pattern of hosts, or * for all";
	if (!override_kind_find(page_parameter(x, SPAN("setting")), &o->kind))
		return "the setting is mode, pierce or intercept";
	if (!override_value_find(o->kind, page_parameter(x, SPAN("value")), &o->value))
		return values_of(o->kind);
	return read_until(page_parameter(x, SPAN("for")), &o->until_us, for_ms);
}

/* Reading https takes an authority, which may have to be made. */
static bool can_be_done(struct exchange *x, const struct override *o, const char **why)
{
	return o->kind != OVERRIDE_INTERCEPT || o->value == INTERCEPT_NO ||
	       snapshot_prepare_interception(x->view->snapshot, why);
}

enum step page_switch_set(struct exchange *x, const struct page *page)
{
	char said[SAID_BYTES], time[64] = "until it is taken back";
	struct override o;
	uint64_t for_ms = 0;
	const char *why = read_override(x, &o, &for_ms);

	(void)page;
	if (why || !override_check(&o, &why) || !can_be_done(x, &o, &why) ||
		!switches_set(&x->worker->shared->switches, &o, &why))
		return refuse(x, why);
	if (for_ms)
		snprintf(time, sizeof(time), "for %.10g s", (double)for_ms / 1000);
	snprintf(said, sizeof(said), "%.*s: %.*s = %.*s %s", SPAN_ARG(o.site), SPAN_ARG(override_name(o.kind)),
		SPAN_ARG(override_value_name(o.kind, o.value)), time);
	return done(x, said);
}

enum step page_switch_undo(struct exchange *x, const struct page *page)
{
	struct span site = span_trim(page_parameter(x, SPAN("site"))), setting = page_parameter(x, SPAN("setting"));
	enum override_kind kind;
	char said[SAID_BYTES];
	size_t count;

	(void)page;
	if (setting.n && !override_kind_find(setting, &kind))
		return refuse(x, "the setting is mode, pierce or intercept");
	if (!site.n || site.n > OVERRIDE_SITE_MAX)
		return refuse(x, "no site is named");
	if (!switches_undo(&x->worker->shared->switches, site, setting.n ? &kind : NULL, &count))
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	if (!count)
		return refuse(x, "nothing was changed for this site");
	snprintf(said, sizeof(said), "%.*s: %.*s as configured", SPAN_ARG(site), SPAN_ARG(setting.n ? setting : SPAN("all")));
	return done(x, said);
}

/* -- forgetting -- */

static void tell_workers(struct shared *s, unsigned orders)
{
	for (unsigned i = 0; i < s->worker_count; i++)
		worker_post(&s->workers[i], orders, NULL, NULL, 0);
}

static void flush_names(struct shared *s)
{
	tell_workers(s, WORKER_FLUSH_NAMES);
}

static void flush_pools(struct shared *s)
{
	tell_workers(s, WORKER_FLUSH_CONNECTIONS);
}

static void flush_learned(struct shared *s)
{
	learned_forget_all(s->learned);
}

static void flush_pierced(struct shared *s)
{
	pierced_hosts_forget(s->pierced_hosts);
}

static void flush_history(struct shared *s)
{
	page_forget_exchanges(s);
}

static void flush_all(struct shared *s)
{
	tell_workers(s, WORKER_FLUSH_NAMES | WORKER_FLUSH_CONNECTIONS);
	flush_learned(s);
	flush_pierced(s);
	flush_history(s);
}

static const struct {
	const char *name;
	void (*flush)(struct shared *s);
	const char *said;
} flushes[] = {
	{ "dns", flush_names, "forgotten: the addresses of names" },
	{ "pools", flush_pools, "given up: the connections to origins that nobody uses; the others after their exchange" },
	{ "learned", flush_learned, "forgotten: which hosts are passed through unread, and why" },
	{ "pierced", flush_pierced, "forgotten: what gets past the caches of which host" },
	{ "history", flush_history, "forgotten: the exchanges that were remembered" },
	{ "all", flush_all, "forgotten: addresses, connections, hosts and exchanges" },
};

enum step page_switch_flush(struct exchange *x, const struct page *page)
{
	struct span what = page_parameter(x, SPAN("what"));

	(void)page;
	for (size_t i = 0; i < sizeof(flushes) / sizeof(flushes[0]); i++) {
		if (!span_eq(span_str(flushes[i].name), what))
			continue;
		flushes[i].flush(x->worker->shared);
		return done(x, flushes[i].said);
	}
	return refuse(x, "there are dns, pools, learned, pierced, history and all");
}
