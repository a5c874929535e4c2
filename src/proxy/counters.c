/*
 * What is counted of exchanges, and the sum over all workers.
 */
#include "proxy/counters.h"

#include <assert.h>

#include "inspect/passing.h"
#include "proxy/exchange.h"
#include "proxy/log_writer.h"
#include "proxy/process.h"
#include "proxy/worker.h"

static_assert(METRIC_MODE_VALUES == MODE_BUST + 1, "a label for each mode");
static_assert(METRIC_VERDICT_VALUES == VERDICT_STALE + 1, "a label for each verdict");
static_assert(METRIC_COPY_VALUES == COPY_CHANGED + 1, "a label for each comparison");
static_assert(METRIC_CLIMBED_VALUES == CLIMB_UNANSWERED + 1, "a label for each outcome");
static_assert(METRIC_RUNG_VALUES == RUNG_COUNT - RUNG_PATH, "a label for each rung");
static_assert(METRIC_INSIDE_VALUES == PASSING_COUNT + 1, "a label for each reason, and one for what was read");

static unsigned status_class(unsigned status)
{
	return status < 600 ? status / 100 : 0;
}

static void count_outcome(struct counters *c, const struct exchange *x)
{
	enum mode mode = x->policy.settings ? x->policy.settings->mode : MODE_OFF;
	unsigned slot = mode * METRIC_VERDICT_VALUES + x->facts.verdict.kind;

	count_one(c, METRIC_EXCHANGES + slot * METRIC_STATUS_VALUES + status_class(x->facts.status));
	if (x->facts.truncated)
		count_one(c, METRIC_TRUNCATED);
}

static void count_tunnel(struct counters *c, const struct exchange *x)
{
	if (x->facts.intercepted)
		count_one(c, METRIC_TUNNELS + PASSING_COUNT);
	else if (x->tunnel)
		count_one(c, METRIC_TUNNELS + passing_of(x->policy.not_busted));
}

static void count_connection(struct counters *c, const struct exchange *x)
{
	if (!x->facts.connected_us)
		return;
	count_one(c, METRIC_POOL + !x->facts.reused);
	if (x->facts.dial_us >= 0)
		count_duration(c, METRIC_CONNECT_TIME, x->facts.dial_us);
}

static unsigned count_effective(const struct message *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->edit_count; i++)
		n += m->edits[i].effective;
	return n;
}

static void count_times(struct counters *c, const struct exchange *x)
{
	const struct exchange_facts *f = &x->facts;

	if (f->first_byte_us)
		count_duration(c, METRIC_FIRST_BYTE_TIME, f->first_byte_us - f->started_us);
	count_duration(c, METRIC_TOTAL_TIME, x->worker->loop.now_us - f->started_us);
}

static void count_climb(struct counters *c, const struct exchange *x)
{
	for (enum rung rung = RUNG_PATH; rung < RUNG_COUNT; rung++) {
		enum climb_outcome outcome = climb_outcome(&x->pierce.climb, rung, x->policy.rung);

		if (outcome != CLIMB_UNTRIED)
			count_one(c, METRIC_PIERCES + (rung - RUNG_PATH) * METRIC_CLIMBED_VALUES + outcome);
	}
}

static void count_piercing(struct counters *c, const struct exchange *x)
{
	const struct piercing *p = &x->pierce;

	if (p->climb.at || p->climb.tried)
		count_climb(c, x);
	if (!p->climb.repeats)
		return;
	count_add(c, METRIC_REPEATS, p->climb.repeats);
	count_add(c, METRIC_GIVEN_UP, p->given_up_bytes);
	count_one(c, METRIC_COPIES + exchange_copy_worth(x));
}

void count_exchange(struct counters *c, const struct exchange *x)
{
	count_outcome(c, x);
	count_piercing(c, x);
	count_add(c, METRIC_BODY_BYTES, x->up.body_bytes);
	count_add(c, METRIC_BODY_BYTES + 1, x->down.body_bytes);
	count_add(c, METRIC_EDITS, count_effective(&x->request));
	count_add(c, METRIC_EDITS + 1, x->facts.response_edit_count);
	if (x->request.method_id == METHOD_CONNECT)
		count_tunnel(c, x);
	else
		count_connection(c, x);
	if (!x->tunnel)
		count_times(c, x);
}

void counters_sum(const struct shared *shared, uint64_t out[METRIC_SLOTS])
{
	memset(out, 0, METRIC_SLOTS * sizeof(out[0]));
	for (unsigned i = 0; i < shared->worker_count; i++)
		for (unsigned slot = 0; slot < METRIC_SLOTS; slot++)
			out[slot] += atomic_load_explicit(&shared->workers[i].counters.slots[slot], memory_order_relaxed);
	out[METRIC_BUILD] = 1;
	out[METRIC_SWITCHES] = atomic_load_explicit(&shared->switches.count, memory_order_relaxed);
	out[METRIC_STALE_URLS] = atomic_load_explicit(&shared->sampling.stale_count, memory_order_relaxed);
	for (unsigned i = 0; i < SAMPLED_OUTCOMES; i++)
		out[METRIC_PROBES + i] = atomic_load_explicit(&shared->sampling.outcomes[i], memory_order_relaxed);
	out[METRIC_LOG_LOST] = log_writer_lost(shared->log_writer);
	process_measure(shared, out);
}
