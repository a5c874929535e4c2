/*
 * A channel of c-ares on the loop: its sockets are watched, its retries have a timer.  What answers mean is others'
 * business.
 */
#define CARES_NO_DEPRECATED /* ares_query() and ares_search(), which c-ares 1.18 has nothing instead of */

#include "net/resolve_channel.h"

#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "net/resolve_sockets.h"

enum {
	TIMEOUT_MS = 2000, /* c-ares doubles it with each round */
	TRIES = 3,
};

struct resolve_channel {
	struct loop *loop;   /* borrowed */
	ares_channel dns;    /* owned */
	struct event *timer; /* owned; c-ares's next retry */
	struct list sockets; /* of struct watched, owned */
	bool deaf;           /* memory was out: some socket is not watched */
	struct dead dead;
};

/* A socket that belongs to c-ares. */
struct watched {
	struct list link;
	struct resolve_channel *channel;
	struct event event;
	int fd; /* borrowed */
};

static void timer_update(struct resolve_channel *c)
{
	struct timeval tv, *next = ares_timeout(c->dns, NULL, &tv);

	if (next)
		event_add(c->timer, next);
	else
		event_del(c->timer);
}

static void socket_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct watched *k = arg; /* c-ares may close the socket below, and so free k */
	struct resolve_channel *c = k->channel;

	c->loop->now_us = clock_us();
	ares_process_fd(c->dns, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	timer_update(c);
}

static struct watched *watched_find(struct resolve_channel *c, int fd)
{
	for (struct list *link = c->sockets.next; link != &c->sockets; link = link->next) {
		struct watched *k = LIST_OF(link, struct watched, link);

		if (k->fd == fd)
			return k;
	}
	return NULL;
}

static struct watched *watched_new(struct resolve_channel *c, int fd)
{
	struct watched *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->channel = c;
	k->fd = fd;
	list_push(&c->sockets, &k->link);
	return k;
}

/* Called by c-ares when its interest in a socket changes; none of both before it closes one. */
static void socket_on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolve_channel *c = arg;
	struct watched *k = watched_find(c, fd);
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (k)
		event_del(&k->event);
	if (!what && k) {
		list_remove(&k->link);
		free(k);
	}
	if (!what)
		return;
	if (!k)
		k = watched_new(c, fd);
	if (!k || event_assign(&k->event, c->loop->base, fd, (short)(what | EV_PERSIST), socket_on_event, k) != 0 ||
		event_add(&k->event, NULL) != 0)
		c->deaf = true;
}

/* Watches what could not be watched.  c-ares keeps a socket while it has questions: it would wait on it for ever. */
static void listen_again(struct resolve_channel *c)
{
	ares_socket_t fds[ARES_GETSOCK_MAXNUM];

	if (!c->deaf)
		return;
	c->deaf = false;
	int bits = ares_getsock(c->dns, fds, ARES_GETSOCK_MAXNUM);
	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++)
		if (ARES_GETSOCK_READABLE(bits, i) || ARES_GETSOCK_WRITABLE(bits, i))
			socket_on_state(c, fds[i], ARES_GETSOCK_READABLE(bits, i) != 0, ARES_GETSOCK_WRITABLE(bits, i) != 0);
}

static void timer_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct resolve_channel *c = arg;

	(void)fd;
	(void)what;
	c->loop->now_us = clock_us();
	listen_again(c);
	ares_process_fd(c->dns, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	timer_update(c);
}

/* What c-ares does by itself from 1.22 on, unless flags are named. */
static const int usual_flags = ARES_VERSION >= 0x011600 ? ARES_FLAG_EDNS : 0;

static int flags_for(enum resolve_transport how)
{
	return usual_flags | (how == RESOLVE_TCP ? ARES_FLAG_USEVC : ARES_FLAG_IGNTC);
}

/* RFC 1035 section 4.1.1: the bit TC.  Without EDNS c-ares itself cuts off what is over the limit of section 2.3.4. */
bool resolve_channel_has_cut(const unsigned char *answer, int n)
{
	bool over_limit = !(usual_flags & ARES_FLAG_EDNS) && n >= NS_PACKETSZ;

	return answer && (over_limit || (n > 2 && answer[2] & 0x02));
}

/* c-ares's result; c->dns is set on success only. */
static int open_dns(struct resolve_channel *c, const char *servers, enum resolve_transport how)
{
	char lookups[] = "b"; /* DNS only: the hosts file is read elsewhere */
	struct ares_options o = {
		.flags = flags_for(how),
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.lookups = lookups,
		.sock_state_cb = socket_on_state,
		.sock_state_cb_data = c,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
	ares_channel fresh;
	int result = ares_init_options(&fresh, &o, mask);

	if (result != ARES_SUCCESS)
		return result;
	ares_set_socket_functions(fresh, &resolve_sockets, NULL);
	if (servers[0])
		result = ares_set_servers_ports_csv(fresh, servers);
	if (result == ARES_SUCCESS)
		c->dns = fresh;
	else
		ares_destroy(fresh);
	return result;
}

int resolve_channel_new(struct resolve_channel **out, struct loop *l, const char *servers, enum resolve_transport how)
{
	struct resolve_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return ARES_ENOMEM;
	c->loop = l;
	list_init(&c->sockets);
	c->timer = event_new(l->base, -1, 0, timer_on_event, c);
	int result = c->timer ? open_dns(c, servers, how) : ARES_ENOMEM;
	if (result == ARES_SUCCESS)
		*out = c;
	else
		resolve_channel_free(c);
	return result;
}

void resolve_channel_free(struct resolve_channel *c)
{
	if (!c)
		return;
	if (c->dns)
		ares_destroy(c->dns);
	if (c->timer)
		event_free(c->timer);
	free(c);
}

static void bury(struct dead *d)
{
	resolve_channel_free(LIST_OF(d, struct resolve_channel, dead));
}

void resolve_channel_bury(struct resolve_channel *c)
{
	if (c)
		loop_bury(c->loop, &c->dead, bury);
}

void resolve_channel_ask(struct resolve_channel *c, const char *name, int type, ares_callback on_answer, void *arg)
{
	if (strchr(name, '.'))
		ares_query(c->dns, name, ns_c_in, type, on_answer, arg);
	else
		ares_search(c->dns, name, ns_c_in, type, on_answer, arg);
	listen_again(c);
	timer_update(c);
}
