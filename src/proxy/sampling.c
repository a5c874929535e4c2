/*
 * Probes beside real traffic.
 *
 * Checked is what anybody could fetch: GET, answered by 200 or 404, without credentials, ranges and signatures, and without
 * cookies unless that is allowed.
 */
#include "proxy/sampling.h"

#include <stdlib.h>

#include "base/clock.h"
#include "policy/signature.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/probes.h"
#include "proxy/worker.h"

#define AGAIN_US (600 * INT64_C(1000000))

void sampling_init(struct sampling *s)
{
	*s = (struct sampling){ .next_recent = 0 };
	pthread_mutex_init(&s->lock, NULL);
}

void sampling_fini(struct sampling *s)
{
	free(s->stale);
	pthread_mutex_destroy(&s->lock);
}

/* -- which -- */

/* xorshift64 (Marsaglia): nobody gains by guessing it. */
static bool die_falls(struct worker *w, unsigned millionths)
{
	uint64_t r = w->die;

	r ^= r << 13;
	r ^= r >> 7;
	r ^= r << 17;
	w->die = r;
	return r % 1000000 < millionths;
}

static bool is_public(const struct exchange *x)
{
	const struct message *m = &x->request;

	return !message_has(m, HEADER_AUTHORIZATION) && !message_has(m, HEADER_RANGE) &&
	       (!message_has(m, HEADER_COOKIE) || x->policy.settings->probe_cookies) && !signature_forbids_url(m);
}

static bool is_fit(const struct exchange *x)
{
	return x->request.method_id == METHOD_GET && !x->tunnel && !x->facts.own_page && !x->facts.truncated &&
	       (x->facts.status == 200 || x->facts.status == 404) && x->policy.settings->mode != MODE_OFF && is_public(x);
}

/* With the lock held. */
static bool was_sampled(const struct sampling *s, uint64_t hash, int64_t now_us)
{
	for (unsigned i = 0; i < SAMPLED_RECENTLY_MAX; i++)
		if (s->recently[i].hash == hash && now_us - s->recently[i].at_us < AGAIN_US && s->recently[i].at_us)
			return true;
	return false;
}

static bool may_begin(struct sampling *s, uint64_t hash, unsigned per_minute, int64_t now_us)
{
	pthread_mutex_lock(&s->lock);
	bool may = !was_sampled(s, hash, now_us) && quota_take(&s->rate, per_minute, now_us);
	if (may)
		s->recently[s->next_recent++ % SAMPLED_RECENTLY_MAX] = (struct sampled){ .hash = hash, .at_us = now_us };
	pthread_mutex_unlock(&s->lock);
	return may;
}

/* -- asking -- */

enum { ASKED_WITH_MAX = 8 };

/* What caches and origins choose answers by. */
static bool is_asked_with(struct span name)
{
	static const char *const names[] = { "User-Agent", "Accept", "Accept-Language", "Accept-Encoding", "Cookie" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_ieq(name, span_str(names[i])))
			return true;
	return false;
}

static void ask(struct exchange *x, struct span url)
{
	struct check_field fields[ASKED_WITH_MAX];
	const struct message *m = &x->request;
	struct snapshot *s = x->view->snapshot;
	struct probe_wish wish = {
		.url = url,
		.snapshot = s,
		.settings = x->policy.settings,
		.guarded = !x->client->access.local,
		.fields = fields,
		.sampling = &x->worker->shared->sampling,
	};

	for (unsigned i = 0; i < m->field_count && wish.field_count < ASKED_WITH_MAX; i++)
		if (is_asked_with(m->fields[i].name))
			fields[wish.field_count++] = (struct check_field){ m->fields[i].name, m->fields[i].value };
	if (!probes_add(&x->worker->shared->probes, &wish))
		return; /* others wait: there will be another */
}

void sampling_consider(struct exchange *x)
{
	const struct policy_settings *settings = x->policy.settings;
	struct worker *w = x->worker;

	if (!settings || !settings->probe_millionths || !is_fit(x) || !die_falls(w, settings->probe_millionths))
		return;
	struct span url = x->request.target;
	if (may_begin(&w->shared->sampling, span_ihash(url, 1), x->view->snapshot->config->probe_rate, w->loop.now_us))
		ask(x, url);
}

/* -- what came of it -- */

void sampling_take(struct sampling *s, struct span url, const struct probe_place *found)
{
	const struct probe_conclusion *c = &found->conclusion;

	atomic_fetch_add_explicit(&s->outcomes[c->verdict], 1, memory_order_relaxed);
	if (c->verdict != PROBE_STALE)
		return;
	pthread_mutex_lock(&s->lock);
	if (!s->stale)
		s->stale = calloc(1, sizeof(*s->stale));
	if (s->stale) {
		stale_urls_add(s->stale, url, &found->probe, c, clock_wall_us() / 1000000);
		atomic_store_explicit(&s->stale_count, s->stale->count, memory_order_relaxed);
	}
	pthread_mutex_unlock(&s->lock);
}

void sampling_tell(struct sampling *s, struct json *out)
{
	static const struct stale_urls none;

	pthread_mutex_lock(&s->lock);
	stale_urls_json(s->stale ? s->stale : &none, out);
	pthread_mutex_unlock(&s->lock);
}
