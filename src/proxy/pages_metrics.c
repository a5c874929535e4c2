/*
 * /metrics: what all workers count, for Prometheus and its like.
 */
#include <stdlib.h>

#include "proxy/counters.h"
#include "proxy/exchange_steps.h"
#include "proxy/pages.h"

bool page_metrics(struct exchange *x)
{
	enum metrics_format format = metrics_format_for(message_value(&x->request, HEADER_ACCEPT));
	char *text = malloc(METRICS_TEXT_MAX); /* a few times a minute */
	uint64_t values[METRIC_SLOTS];

	if (!text)
		return reply_error(x, REPLY_INTERNAL, "memory is out");
	counters_sum(x->worker->shared, values);
	bool sent = reply_page(x, 200, metrics_content_type(format), span_of(text, metrics_write(format, values, text)));
	free(text);
	return sent;
}
