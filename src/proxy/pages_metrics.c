/*
 * /metrics: what all workers count, for Prometheus and its like.
 */
#include <stdlib.h>

#include "proxy/counters.h"
#include "proxy/pages.h"

enum step page_metrics(struct exchange *x, const struct page *page)
{
	enum metrics_format format = metrics_format_for(message_value(&x->request, HEADER_ACCEPT));
	char *text = malloc(METRICS_TEXT_MAX); /* a few times a minute */
	uint64_t values[METRIC_SLOTS];

	(void)page;
	if (!text)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	counters_sum(x->worker->shared, values);
	bool sent = reply_page(x, 200, metrics_content_type(format), span_of(text, metrics_write(format, values, text)));
	free(text);
	return exchange_answered(x, sent);
}
