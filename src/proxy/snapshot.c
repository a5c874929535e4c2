/*
 * From a configuration to what workers use.  Compiles and counts; serves nothing.
 */
#include "proxy/snapshot.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/report.h"
#include "net/listener.h"
#include "proxy/authority.h"

static enum mode mode_of(enum config_mode mode)
{
	switch (mode) {
	case CONFIG_MODE_OFF:
		return MODE_OFF;
	case CONFIG_MODE_OBSERVE:
		return MODE_OBSERVE;
	case CONFIG_MODE_REVALIDATE:
		return MODE_REVALIDATE;
	case CONFIG_MODE_BUST:
		break;
	}
	return MODE_BUST;
}

static enum pierce pierce_of(enum config_pierce pierce)
{
	switch (pierce) {
	case CONFIG_PIERCE_NEVER:
		return PIERCE_NEVER;
	case CONFIG_PIERCE_AUTO:
		return PIERCE_AUTO;
	case CONFIG_PIERCE_ALWAYS:
		break;
	}
	return PIERCE_ALWAYS;
}

static enum service_workers service_workers_of(enum config_service_workers service_workers)
{
	switch (service_workers) {
	case CONFIG_SERVICE_WORKERS_PASS:
		return SERVICE_WORKERS_PASS;
	case CONFIG_SERVICE_WORKERS_BUST:
		return SERVICE_WORKERS_BUST;
	case CONFIG_SERVICE_WORKERS_WRAP:
		return SERVICE_WORKERS_WRAP;
	case CONFIG_SERVICE_WORKERS_KILL:
		break;
	}
	return SERVICE_WORKERS_KILL;
}

static enum intercept intercept_of(enum config_intercept intercept)
{
	switch (intercept) {
	case CONFIG_INTERCEPT_NO:
		return INTERCEPT_NO;
	case CONFIG_INTERCEPT_YES:
		return INTERCEPT_YES;
	case CONFIG_INTERCEPT_STRICT:
		break;
	}
	return INTERCEPT_STRICT;
}

/* Of the whole configuration or of a site's part, which have the same members for it. */
#define SETTINGS_OF(c) \
	((struct policy_settings){ \
		.mode = mode_of((c)->mode), \
		.pierce = pierce_of((c)->pierce), \
		.intercept = intercept_of((c)->intercept), \
		.service_workers = service_workers_of((c)->service_workers), \
		.tls_unverified = !(c)->tls_verify, \
		.tls_legacy = (c)->tls_legacy, \
		.heal = (c)->heal, \
		.strip_validators = (c)->validators == CONFIG_VALIDATORS_STRIP, \
		.temporary_redirects = (c)->redirects == CONFIG_REDIRECTS_TEMPORARY, \
		.purge_client = (c)->purge_client == CONFIG_PURGE_CLIENT_FIRST_CONTACT, \
		.evict_history = (c)->back_forward == CONFIG_BACK_FORWARD_EVICT, \
		.ask_networks = (c)->evidence == CONFIG_EVIDENCE_ASK, \
		.probe_millionths = (c)->probe, \
		.probe_cookies = (c)->probe_cookies, \
	})

static struct policy *policy_of(const struct config *c)
{
	struct policy_settings defaults = SETTINGS_OF(c);

	return policy_new(&defaults);
}

/* The reason with the place and the entry that it is about; borrowed until the next call. */
static const char *about(const char *place, const char *option, const char *entry, const char *why)
{
	static char text[1024];
	struct span quoted = report_quotable(span_str(entry), 200);

	snprintf(text, sizeof(text), "%.400s: %s: \"%.*s\": %s", place, option, SPAN_ARG(quoted), why);
	for (char *c = text; *c; c++) /* the file's words must not forge lines */
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return text;
}

static const char *file_of(const struct config *c)
{
	return c->path ? c->path : "defaults";
}

static bool add_site(struct policy *p, const struct config_site *c, const char **why)
{
	struct span *methods = calloc(c->method.count + 1, sizeof(*methods));

	*why = "memory is out";
	if (!methods)
		return false;
	for (size_t i = 0; i < c->method.count; i++)
		methods[i] = span_str(c->method.items[i]);
	struct policy_site site = {
		.pattern = span_str(c->pattern),
		.methods = methods,
		.method_count = c->method.count,
		.clients = c->client.items,
		.client_count = c->client.count,
		.settings = SETTINGS_OF(c),
	};
	bool added = policy_add_site(p, &site, why);
	free(methods);
	if (!added)
		*why = about(c->where, "site", c->pattern, *why);
	return added;
}

static bool add_destinations(struct snapshot *s, const char **why)
{
	const struct config *c = s->config;

	for (size_t i = 0; i < c->deny_destinations.count; i++) {
		const char *entry = c->deny_destinations.items[i];

		if (!destinations_deny(s->destinations, span_str(entry), why)) {
			*why = about(file_of(c), "deny-destinations", entry, *why);
			return false;
		}
	}
	for (size_t i = 0; i < c->allow_destinations.count; i++) {
		const char *entry = c->allow_destinations.items[i];

		if (!destinations_except(s->destinations, span_str(entry), why)) {
			*why = about(file_of(c), "allow-destinations", entry, *why);
			return false;
		}
	}
	return true;
}

static bool wants_interception(const struct config *c)
{
	bool wanted = c->intercept != CONFIG_INTERCEPT_NO;

	for (size_t i = 0; i < c->site_count; i++)
		wanted = wanted || c->sites[i].intercept != CONFIG_INTERCEPT_NO;
	return wanted;
}

/* What TLS needs, as far as it is asked for. */
static bool prepare_tls(struct snapshot *s, const char **why)
{
	s->tls = tls_contexts_new(s->config->trust, why);
	if (!s->tls)
		return false;
	if (!wants_interception(s->config)) {
		if (!authority_look(s->config, &s->authority))
			s->authority = (struct ca){ .certificate = NULL };
		return true;
	}
	return snapshot_prepare_interception(s, why);
}

bool snapshot_prepare_interception(struct snapshot *s, const char **why)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one authority is made, whoever asks at the same time */

	pthread_mutex_lock(&lock);
	if (!snapshot_leaves(s))
		atomic_store_explicit(&s->leaves, authority_leaves(s->config, why), memory_order_release);
	pthread_mutex_unlock(&lock);
	return snapshot_leaves(s) != NULL;
}

/* All that follows from the configuration alone. */
static bool compile_rules(struct snapshot *s, const char **why)
{
	const struct config *c = s->config;

	*why = "memory is out";
	s->policy = policy_of(c);
	s->destinations = destinations_new();
	if (!s->policy || !s->destinations)
		return false;
	for (size_t i = 0; i < c->site_count; i++)
		if (!add_site(s->policy, &c->sites[i], why))
			return false;
	if (!add_destinations(s, why))
		return false;
	s->routes = routes_new(c, why);
	return s->routes != NULL;
}

static void free_rules(struct snapshot *s)
{
	policy_free(s->policy);
	routes_free(s->routes);
	destinations_free(s->destinations);
}

bool snapshot_check(struct config *config, const char **why)
{
	struct snapshot s = { .config = config };
	bool good = compile_rules(&s, why);

	free_rules(&s);
	return good;
}

static bool keep_listening(struct snapshot *s, const struct address *listening, size_t count, const char **why)
{
	*why = "memory is out";
	s->listening = calloc(count + 1, sizeof(*s->listening));
	if (!s->listening)
		return false;
	for (size_t i = 0; i < count; i++)
		s->listening[i] = listening[i];
	s->listening_count = count;
	return true;
}

struct snapshot *snapshot_new(struct config *config, const struct address *listening, size_t listening_count,
	const char **why)
{
	static uint64_t latest; /* only the main thread makes snapshots */
	struct snapshot *s = calloc(1, sizeof(*s));

	if (!s) {
		*why = "memory is out";
		config_free(config);
		return NULL;
	}
	atomic_init(&s->references, 1);
	s->serial = ++latest;
	s->config = config;
	s->limits = (struct h1_limits){
		.head_bytes = (uint32_t)config->max_head,
		.target_bytes = (uint32_t)config->max_target,
		.fields = config->max_fields,
	};
	s->via = span_str(config->via);
	s->name = s->via.n ? s->via : SPAN("freshet");
	if (keep_listening(s, listening, listening_count, why) && compile_rules(s, why) && prepare_tls(s, why))
		return s;
	snapshot_put(s);
	return NULL;
}

void snapshot_get(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
}

void snapshot_put(struct snapshot *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
		return;
	free_rules(s);
	tls_contexts_free(s->tls);
	leaves_free(snapshot_leaves(s));
	ca_fini(&s->authority);
	free(s->listening);
	config_free(s->config);
	free(s);
}

const struct ca *snapshot_authority(const struct snapshot *s)
{
	if (snapshot_leaves(s))
		return leaves_authority(snapshot_leaves(s));
	return s->authority.certificate ? &s->authority : NULL;
}

/* Connecting to "any" reaches loopback; what listens on "any" is reached by every own address. */
static bool reaches(const struct address *listening, const struct address *a)
{
	if (listening->port != a->port)
		return false;
	if (memcmp(listening->ip, a->ip, sizeof(a->ip)) == 0 || address_is_any(a))
		return true;
	return address_is_any(listening) && (address_is_loopback(a) || listener_is_own_address(a));
}

bool snapshot_listens_on(const struct snapshot *s, uint16_t port)
{
	for (size_t i = 0; i < s->listening_count; i++)
		if (s->listening[i].port == port)
			return true;
	return false;
}

bool snapshot_is_self(const struct snapshot *s, const struct address *a)
{
	for (size_t i = 0; i < s->listening_count; i++)
		if (reaches(&s->listening[i], a))
			return true;
	return false;
}

struct snapshot_view *snapshot_view_new(struct snapshot *s)
{
	struct snapshot_view *v = malloc(sizeof(*v));

	if (!v)
		return NULL;
	snapshot_get(s);
	*v = (struct snapshot_view){ .snapshot = s, .uses = 1 };
	return v;
}

void snapshot_view_put(struct snapshot_view *v)
{
	if (!v || --v->uses)
		return;
	snapshot_put(v->snapshot);
	free(v);
}
