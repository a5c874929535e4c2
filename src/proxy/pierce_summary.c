/*
 * The cost of piercing in the operator's log.
 *
 * Whether a stored copy was as new as the server's answer is told by validators: a strong ETag, or Last-Modified together
 * with the length.  No bodies are compared.
 */
#include "proxy/pierce_summary.h"

#include <inttypes.h>

#include "base/log.h"

enum {
	BILLS_MAX = 5,
	EXCHANGES_MIN = 20,  /* fewer prove nothing … */
	COMPARED_MIN = 10,
	SAME_PERCENT = 90,   /* … and less is worth asking for */
};

static bool is_for_nothing(const struct pierced_cost *c)
{
	return c->exchanges >= EXCHANGES_MIN && c->compared >= COMPARED_MIN && c->same * 100 >= c->compared * SAME_PERCENT;
}

static void log_bill(const struct pierced_bill *b)
{
	struct span scheme = scheme_name(b->scheme);

	log_info("pierce: %.*s://%s:%u: asked again for %" PRIu64 " requests, and %" PRIu64 " of %" PRIu64
		 " stored copies were as new as the server's: consider pierce = never there",
		SPAN_ARG(scheme), b->name, b->port, b->cost.exchanges, b->cost.same, b->cost.compared);
}

void pierce_summary_log(struct pierced_hosts *h, uint64_t *told)
{
	struct pierced_bill bills[BILLS_MAX];
	struct pierced_cost total;
	unsigned count = pierced_hosts_bills(h, &total, bills, BILLS_MAX);

	if (total.exchanges == *told)
		return;
	*told = total.exchanges;
	log_info("pierce: asked again for %" PRIu64 " requests, %" PRIu64 " times, and gave up %" PRIu64
		 " bytes of answers; %" PRIu64 " of %" PRIu64 " stored copies were as new as the server's",
		total.exchanges, total.repeats, total.bytes, total.same, total.compared);
	for (unsigned i = 0; i < count; i++)
		if (is_for_nothing(&bills[i].cost))
			log_bill(&bills[i]);
}
