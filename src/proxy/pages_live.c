/*
 * What the live page asks for beside its news: all about one exchange, and that everything be forgotten.
 */
#include <stdlib.h>

#include "inspect/story.h"
#include "proxy/pages.h"

/* Whose history it would be in is in the id; see report_exchange(). */
bool page_find_past(const struct exchange *x, uint64_t id, char *room, struct past *out)
{
	const struct shared *s = x->worker->shared;
	uint64_t worker = id >> 48;

	return worker < s->worker_count && s->workers[worker].history &&
	       history_find(s->workers[worker].history, id, room, out);
}

bool page_shows_secrets(struct exchange *x)
{
	return span_eq(page_parameter(x, SPAN("secrets")), SPAN("1")) && page_client_is_here(x);
}

static enum step tell(struct exchange *x, const struct past *p)
{
	bool with_secrets = page_shows_secrets(x);
	char *text = malloc(STORY_MAX);

	if (!text)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	size_t n = story_write(p, with_secrets, text);
	bool sent = reply_page(x, 200, SPAN("application/json"), span_of(text, n));
	free(text);
	return exchange_answered(x, sent);
}

enum step page_exchange(struct exchange *x, const struct page *page)
{
	char *room = malloc(HISTORY_COPY_MAX); /* somebody clicked */
	struct past past;
	uint64_t id;

	(void)page;
	bool found = room && span_u64(page_parameter(x, SPAN("id")), UINT64_MAX, &id) && page_find_past(x, id, room, &past);
	enum step step = found ? tell(x, &past) : exchange_fail(x, REPLY_NOT_FOUND, "no such exchange is remembered");
	free(room);
	return step;
}

void page_forget_exchanges(const struct shared *s)
{
	for (unsigned i = 0; i < s->worker_count; i++)
		if (s->workers[i].history)
			history_clear(s->workers[i].history);
}

enum step page_forget(struct exchange *x, const struct page *page)
{
	(void)page;
	page_forget_exchanges(x->worker->shared);
	return exchange_answered(x, reply_page(x, 200, SPAN("application/json"), SPAN("{}\n")));
}
