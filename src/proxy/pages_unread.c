/*
 * /live/unread: the hosts that freshet could not look into, why, and what can be done about it.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "inspect/json.h"
#include "inspect/passing.h"
#include "proxy/pages.h"
#include "proxy/unread.h"

enum { HOST_JSON_MAX = 2048, REST_MAX = 64 };

struct room {
	struct unread_host hosts[UNREAD_MAX];
	char text[UNREAD_MAX * HOST_JSON_MAX + REST_MAX];
};

static void put_host(struct json *j, const struct unread_host *h, int64_t now_us)
{
	enum passing reason = passing_of(h->reason);

	json_open(j, '{');
	json_key(j, SPAN("host"));
	json_string(j, span_of(h->host, h->host_len));
	json_key(j, SPAN("port"));
	json_u64(j, h->port);
	json_key(j, SPAN("reason"));
	json_string(j, span_str(h->reason));
	json_key(j, SPAN("advice"));
	json_string(j, span_str(passing_advice(reason)));
	json_key(j, SPAN("tunnels"));
	json_u64(j, h->tunnels);
	json_key(j, SPAN("bytes"));
	json_u64(j, h->bytes);
	json_key(j, SPAN("quiet_s"));
	json_u64(j, now_us > h->last_us ? (uint64_t)(now_us - h->last_us) / 1000000 : 0);
	json_close(j, '}');
}

static size_t write_all(struct unread *u, struct room *room)
{
	struct json j = json_of(room->text, sizeof(room->text));
	int64_t now_us = clock_us();
	uint64_t forgotten;
	size_t n = unread_list(u, room->hosts, &forgotten);

	json_open(&j, '{');
	json_key(&j, SPAN("hosts"));
	json_open(&j, '[');
	for (size_t i = 0; i < n; i++)
		put_host(&j, &room->hosts[i], now_us);
	json_close(&j, ']');
	json_key(&j, SPAN("forgotten"));
	json_u64(&j, forgotten);
	json_close(&j, '}');
	return j.line.n;
}

enum step page_unread(struct exchange *x, const struct page *page)
{
	struct room *room = malloc(sizeof(*room)); /* while somebody looks at the page */

	_Static_assert(UNREAD_HOST_MAX * JSON_BYTES_PER_BYTE + 500 <= HOST_JSON_MAX, "a host fits, whatever its name");
	if (!room)
		return exchange_fail(x, REPLY_INTERNAL, "memory is out");
	size_t n = write_all(x->worker->shared->unread, room);
	bool sent = reply_page(x, 200, span_str(page->type), span_of(room->text, n));
	free(room);
	return exchange_answered(x, sent);
}
