/*
 * DNS through c-ares, driven by the loop.
 *
 * A and AAAA are asked apart, not by ares_getaddrinfo(): a name server that drops one of them then costs 50 ms
 * (RFC 8305 section 3) and not every retry, the TTL of aliases on the way counts, and a name with a dot is not
 * tried with the search list, so that a mistyped host is not found somewhere else.
 */
#define CARES_NO_DEPRECATED /* ares_query() and the parsers, which c-ares 1.18 has nothing instead of */

#include "net/resolve_ares.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/resolve_local.h"
#include "net/resolve_sockets.h"

enum {
	TIMEOUT_MS = 2000, /* c-ares doubles it with each round */
	TRIES = 3,
	IPV6_DELAY_US = 50 * 1000,
};

struct ares {
	struct resolve_backend backend;
	struct loop *loop;    /* borrowed */
	char *server;         /* owned copy; "" for resolv.conf's */
	ares_channel dns;     /* owned */
	ares_channel hosts;   /* owned; reads the hosts file and nothing else */
	struct event *timer;  /* owned; c-ares's next retry */
	struct list sockets;  /* of struct ares_socket, owned */
	bool deaf;            /* memory was out: some socket is not watched */
	struct list pairs;    /* of struct pair, owned */
};

/* A socket that belongs to c-ares. */
struct ares_socket {
	struct list link;
	struct ares *ares;
	struct event event;
	int fd; /* borrowed */
};

enum question_state { QUESTION_UNSENT, QUESTION_SENT, QUESTION_ANSWERED };

struct question {
	struct pair *pair;
	int type; /* ns_t_a or ns_t_aaaa */
	enum question_state state;
	int result; /* c-ares's, when answered */
};

/* The two questions for one name.  Freed when both are answered. */
struct pair {
	struct list link;
	struct ares *ares;
	struct lookup *lookup;
	struct question a, aaaa;
	struct lookup_answer answer;
	struct event late; /* armed when only AAAA is still missing */
	bool sending;      /* c-ares may answer from within ares_query() */
};

static void question_on_answer(void *arg, int status, int timeouts, unsigned char *abuf, int alen);
static void late_on_event(evutil_socket_t fd, short what, void *arg);

static struct ares *ares_of(struct resolve_backend *b)
{
	return LIST_OF(b, struct ares, backend);
}

/* Sockets and the timer */

static void timer_update(struct ares *s)
{
	struct timeval tv, *next = ares_timeout(s->dns, NULL, &tv);

	if (next)
		event_add(s->timer, next);
	else
		event_del(s->timer);
}

static void socket_on_state(void *arg, ares_socket_t fd, int readable, int writable);

/* Watches what could not be watched.  c-ares keeps a socket while it has questions: it would wait on it for ever. */
static void listen_again(struct ares *s)
{
	ares_socket_t fds[ARES_GETSOCK_MAXNUM];

	if (!s->deaf)
		return;
	s->deaf = false;
	int bits = ares_getsock(s->dns, fds, ARES_GETSOCK_MAXNUM);
	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++)
		if (ARES_GETSOCK_READABLE(bits, i) || ARES_GETSOCK_WRITABLE(bits, i))
			socket_on_state(s, fds[i], ARES_GETSOCK_READABLE(bits, i) != 0, ARES_GETSOCK_WRITABLE(bits, i) != 0);
}

static void timer_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct ares *s = arg;

	(void)fd;
	(void)what;
	s->loop->now_us = clock_us();
	listen_again(s);
	ares_process_fd(s->dns, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	timer_update(s);
}

static void socket_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct ares_socket *k = arg; /* c-ares may close it below, and so free k */
	struct ares *s = k->ares;

	s->loop->now_us = clock_us();
	ares_process_fd(s->dns, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	timer_update(s);
}

static struct ares_socket *socket_find(struct ares *s, int fd)
{
	for (struct list *link = s->sockets.next; link != &s->sockets; link = link->next) {
		struct ares_socket *k = LIST_OF(link, struct ares_socket, link);

		if (k->fd == fd)
			return k;
	}
	return NULL;
}

static struct ares_socket *socket_new(struct ares *s, int fd)
{
	struct ares_socket *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->ares = s;
	k->fd = fd;
	list_push(&s->sockets, &k->link);
	return k;
}

/* Called by c-ares when its interest in a socket changes; none of both before it closes one. */
static void socket_on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct ares *s = arg;
	struct ares_socket *k = socket_find(s, fd);
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
		k = socket_new(s, fd);
	if (!k || event_assign(&k->event, s->loop->base, fd, (short)(what | EV_PERSIST), socket_on_event, k) != 0 ||
		event_add(&k->event, NULL) != 0)
		s->deaf = true;
}

/* One name: a pair of questions */

static void pair_free(struct pair *p)
{
	list_remove(&p->link);
	event_del(&p->late);
	free(p);
}

static void answer_fail(struct lookup_answer *a, int result)
{
	switch (result) {
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		a->status = RESOLVE_NOT_FOUND;
		a->reason = result == ARES_ENODATA ? "the name has no address" : "no such host";
		return;
	case ARES_EBADNAME:
		a->status = RESOLVE_NOT_FOUND;
		a->reason = "not a host name";
		return;
	case ARES_ETIMEOUT:
		a->status = RESOLVE_TIMEOUT;
		a->server_gone = true;
		a->reason = "the name server does not answer";
		return;
	case ARES_ECONNREFUSED:
		a->server_gone = true;
		a->reason = "the name server cannot be reached";
		break;
	case ARES_ESERVFAIL:
		a->reason = "the name server failed to find out";
		break;
	case ARES_EREFUSED:
		a->reason = "the name server refused to answer";
		break;
	case ARES_EBADRESP:
	case ARES_EFORMERR:
		a->reason = "the name server's answer is malformed";
		break;
	case ARES_ENOMEM:
		a->status = RESOLVE_NO_RESOURCES;
		a->reason = "no memory or descriptors to look it up";
		return;
	default:
		a->reason = "looking up the name failed";
	}
	a->status = RESOLVE_FAILED;
}

/* What is to be said with the results so far; A decides unless only AAAA has gone wrong. */
static void pair_conclude(struct pair *p)
{
	struct lookup_answer *a = &p->answer;
	bool only_nodata = p->a.result == ARES_ENODATA && p->aaaa.state == QUESTION_ANSWERED;

	a->status = RESOLVE_OK;
	a->reason = NULL;
	if (!a->v4_count && !a->v6_count)
		answer_fail(a, only_nodata ? p->aaaa.result : p->a.result);
}

/* Whether A alone says enough to go on when AAAA is late. */
static bool pair_half_done(const struct pair *p)
{
	return p->a.state == QUESTION_ANSWERED && (p->answer.v4_count || p->a.result == ARES_ENOTFOUND);
}

static void pair_step(struct pair *p)
{
	const struct timeval delay = { .tv_usec = IPV6_DELAY_US };

	if (p->sending)
		return;
	if (p->a.state == QUESTION_ANSWERED && p->aaaa.state == QUESTION_ANSWERED) {
		pair_conclude(p);
		lookup_done(p->lookup, &p->answer);
		pair_free(p);
	} else if (pair_half_done(p)) {
		event_add(&p->late, &delay);
	}
}

/* The reverse, AAAA without A, is never handed out: where IPv6 is broken, nothing would be left to try. */
static void late_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct pair *p = arg;

	(void)fd;
	(void)what;
	p->ares->loop->now_us = clock_us();
	pair_conclude(p);
	lookup_partly(p->lookup, &p->answer);
}

static void add_record(struct lookup_answer *a, const struct address *address, int ttl_s)
{
	if (ttl_s < a->ttl_s)
		a->ttl_s = ttl_s;
	lookup_answer_add(a, address);
}

static int parse_a(struct lookup_answer *a, const unsigned char *abuf, int alen)
{
	struct ares_addrttl records[RESOLVED_MAX];
	int count = RESOLVED_MAX;
	int result = ares_parse_a_reply(abuf, alen, NULL, records, &count);

	for (int i = 0; result == ARES_SUCCESS && i < count; i++) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = records[i].ipaddr };
		struct address address;

		if (address_from_sockaddr((const void *)&in, &address))
			add_record(a, &address, records[i].ttl);
	}
	return result;
}

static int parse_aaaa(struct lookup_answer *a, const unsigned char *abuf, int alen)
{
	struct ares_addr6ttl records[RESOLVED_MAX];
	int count = RESOLVED_MAX;
	int result = ares_parse_aaaa_reply(abuf, alen, NULL, records, &count);

	for (int i = 0; result == ARES_SUCCESS && i < count; i++) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		struct address address;

		memcpy(&in6.sin6_addr, &records[i].ip6addr, sizeof(in6.sin6_addr));
		if (address_from_sockaddr((const void *)&in6, &address))
			add_record(a, &address, records[i].ttl);
	}
	return result;
}

/* c-ares calls a name server that it has no socket for unreachable. */
static bool descriptors_are_out(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
	close(fd);
	return false;
}

static void question_on_answer(void *arg, int status, int timeouts, unsigned char *abuf, int alen)
{
	struct question *q = arg;
	struct lookup_answer *answer = &q->pair->answer;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION) { /* the channel is being replaced, or all of us goes */
		q->state = QUESTION_UNSENT;
		return;
	}
	if (status == ARES_ECONNREFUSED && descriptors_are_out())
		status = ARES_ENOMEM;
	if (status == ARES_SUCCESS)
		status = q->type == ns_t_a ? parse_a(answer, abuf, alen) : parse_aaaa(answer, abuf, alen);
	if (status == ARES_ENOMEM)
		answer->ttl_s = 0; /* what the other question finds is half the truth */
	q->result = status;
	q->state = QUESTION_ANSWERED;
	pair_step(q->pair);
}

static void question_send(struct question *q)
{
	struct pair *p = q->pair;
	const char *name = p->lookup->name;

	if (q->state != QUESTION_UNSENT)
		return;
	q->state = QUESTION_SENT;
	if (strchr(name, '.'))
		ares_query(p->ares->dns, name, ns_c_in, q->type, question_on_answer, q);
	else
		ares_search(p->ares->dns, name, ns_c_in, q->type, question_on_answer, q);
}

static void pair_send(struct pair *p)
{
	p->sending = true;
	question_send(&p->a);
	question_send(&p->aaaa);
	p->sending = false;
	pair_step(p);
}

static struct pair *pair_new(struct ares *s, struct lookup *k)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->ares = s;
	p->lookup = k;
	p->answer.ttl_s = INT64_MAX;
	p->a = (struct question){ .pair = p, .type = ns_t_a };
	p->aaaa = (struct question){ .pair = p, .type = ns_t_aaaa };
	event_assign(&p->late, s->loop->base, -1, 0, late_on_event, p);
	list_push(&s->pairs, &p->link);
	return p;
}

static void backend_ask(struct resolve_backend *b, struct lookup *k)
{
	struct ares *s = ares_of(b);
	struct lookup_answer known = { .status = RESOLVE_OK };

	if (resolve_local(s->hosts, k->name, &known)) {
		lookup_done(k, &known);
		return;
	}
	struct pair *p = pair_new(s, k);
	if (!p) {
		answer_fail(&known, ARES_ENOMEM);
		lookup_done(k, &known);
		return;
	}
	pair_send(p);
	listen_again(s);
	timer_update(s);
}

/* Life */

/* c-ares's result; *channel is touched on success only. */
static int channel_new(struct ares *s, ares_channel *channel)
{
	ares_channel fresh;
	char lookups[] = "b"; /* DNS only: the other channel has read the hosts file */
	struct ares_options o = {
		.timeout = TIMEOUT_MS,
		.tries = TRIES,
		.lookups = lookups,
		.sock_state_cb = socket_on_state,
		.sock_state_cb_data = s,
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
	int result = ares_init_options(&fresh, &o, mask);

	if (result != ARES_SUCCESS)
		return result;
	ares_set_socket_functions(fresh, &resolve_sockets, NULL);
	if (s->server[0])
		result = ares_set_servers_ports_csv(fresh, s->server);
	if (result == ARES_SUCCESS)
		*channel = fresh;
	else
		ares_destroy(fresh);
	return result;
}

static void backend_reset(struct resolve_backend *b)
{
	struct ares *s = ares_of(b);
	ares_channel fresh;
	int result = channel_new(s, &fresh);

	if (result != ARES_SUCCESS) {
		log_warn("resolver: keeps its name servers: %s", ares_strerror(result));
		return;
	}
	ares_destroy(s->dns); /* pending questions come back unsent */
	s->dns = fresh;
	for (struct list *link = s->pairs.next, *next; link != &s->pairs; link = next) {
		next = link->next;
		pair_send(LIST_OF(link, struct pair, link));
	}
	timer_update(s);
}

static void backend_free(struct resolve_backend *b)
{
	struct ares *s = ares_of(b);

	if (s->dns)
		ares_destroy(s->dns);
	if (s->hosts)
		ares_destroy(s->hosts);
	while (!list_empty(&s->pairs))
		pair_free(LIST_OF(s->pairs.next, struct pair, link));
	if (s->timer)
		event_free(s->timer);
	free(s->server);
	free(s);
}

static const struct resolve_backend_ops ares_ops = {
	.ask = backend_ask,
	.reset = backend_reset,
	.free = backend_free,
};

/* Counts without a lock, and workers start at the same time; matched by no cleanup, for there is no last one. */
static void library_init(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

struct resolve_backend *resolve_ares_new(struct loop *l, const char *server)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ares *s = calloc(1, sizeof(*s));

	pthread_once(&once, library_init);
	if (!s)
		return NULL;
	s->backend.ops = &ares_ops;
	s->loop = l;
	list_init(&s->sockets);
	list_init(&s->pairs);
	s->server = strdup(server);
	s->timer = event_new(l->base, -1, 0, timer_on_event, s);
	int result = s->server && s->timer ? resolve_local_open(&s->hosts) : ARES_ENOMEM;
	if (result == ARES_SUCCESS)
		result = channel_new(s, &s->dns);
	if (result == ARES_SUCCESS)
		return &s->backend;
	log_error("resolver: c-ares: %s", ares_strerror(result));
	backend_free(&s->backend);
	return NULL;
}
