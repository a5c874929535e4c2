/*
 * DNS through c-ares: which questions are asked for a name, and what comes of their answers.
 *
 * A and AAAA are asked apart, not by ares_getaddrinfo(): a name server that drops one of them then costs 50 ms
 * (RFC 8305 section 3) and not every retry, the TTL of aliases on the way counts, and a name with a dot is not
 * tried with the search list, so that a mistyped host is not found somewhere else.  What UDP cuts short is asked again
 * by TCP, on a connection of its own: many name servers want none, or close it behind one answer.
 */
#define CARES_NO_DEPRECATED /* the parsers, which c-ares 1.18 has nothing instead of */

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
#include "net/resolve_channel.h"
#include "net/resolve_local.h"

enum { IPV6_DELAY_US = 50 * 1000 };

struct ares {
	struct resolve_backend backend;
	struct loop *loop;           /* borrowed */
	char *server;                /* owned copy; "" for resolv.conf's */
	struct resolve_channel *udp; /* owned */
	ares_channel hosts;          /* owned; reads the hosts file and nothing else */
	struct list pairs;           /* of struct pair, owned */
};

enum question_state { QUESTION_UNSENT, QUESTION_SENT, QUESTION_ANSWERED };

struct question {
	struct pair *pair;
	int type; /* ns_t_a or ns_t_aaaa */
	enum question_state state;
	struct resolve_channel *tcp; /* owned; NULL unless the answer is too long for UDP */
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
	bool sending;      /* c-ares may answer at once */
};

static void late_on_event(evutil_socket_t fd, short what, void *arg);

static struct ares *ares_of(struct resolve_backend *b)
{
	return LIST_OF(b, struct ares, backend);
}

/* One name: a pair of questions */

/* Both questions are answered, or their channels gone. */
static void pair_free(struct pair *p)
{
	resolve_channel_bury(p->a.tcp);
	resolve_channel_bury(p->aaaa.tcp);
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
	const struct question *q = only_nodata ? &p->aaaa : &p->a;

	a->status = RESOLVE_OK;
	a->reason = NULL;
	if (a->v4_count || a->v6_count)
		return;
	answer_fail(a, q->result);
	if (a->server_gone && q->tcp) { /* it did answer by UDP */
		a->server_gone = false;
		a->reason = "the answer is too long for UDP, and the name server does not give it by TCP";
	}
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

static void question_answered(struct question *q, int result)
{
	if (result == ARES_ECONNREFUSED && descriptors_are_out())
		result = ARES_ENOMEM;
	if (result == ARES_ENOMEM)
		q->pair->answer.ttl_s = 0; /* what the other question finds is half the truth */
	q->result = result;
	q->state = QUESTION_ANSWERED;
	pair_step(q->pair);
}

static void question_on_answer(void *arg, int status, int timeouts, unsigned char *abuf, int alen);

static void ask_by_tcp(struct question *q)
{
	struct pair *p = q->pair;
	int result = resolve_channel_new(&q->tcp, p->ares->loop, p->ares->server, RESOLVE_TCP);

	if (result == ARES_SUCCESS)
		resolve_channel_ask(q->tcp, p->lookup->name, q->type, question_on_answer, q);
	else
		question_answered(q, result);
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
	if (!q->tcp && resolve_channel_has_cut(abuf, alen)) {
		ask_by_tcp(q);
		return;
	}
	if (status == ARES_SUCCESS)
		status = q->type == ns_t_a ? parse_a(answer, abuf, alen) : parse_aaaa(answer, abuf, alen);
	question_answered(q, status);
}

static void question_send(struct question *q)
{
	struct pair *p = q->pair;

	if (q->state != QUESTION_UNSENT)
		return;
	q->state = QUESTION_SENT;
	resolve_channel_ask(p->ares->udp, p->lookup->name, q->type, question_on_answer, q);
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
}

/* Life */

/* A question that was not answered comes back unsent. */
static void drop_tcp(struct question *q)
{
	resolve_channel_free(q->tcp);
	q->tcp = NULL;
}

static void backend_reset(struct resolve_backend *b)
{
	struct ares *s = ares_of(b);
	struct resolve_channel *before = s->udp;
	int result = resolve_channel_new(&s->udp, s->loop, s->server, RESOLVE_UDP);

	if (result != ARES_SUCCESS) {
		log_warn("resolver: keeps its name servers: %s", ares_strerror(result));
		return;
	}
	resolve_channel_free(before); /* pending questions come back unsent */
	for (struct list *link = s->pairs.next, *next; link != &s->pairs; link = next) {
		struct pair *p = LIST_OF(link, struct pair, link);

		next = link->next;
		drop_tcp(&p->a);
		drop_tcp(&p->aaaa);
		pair_send(p);
	}
}

static void backend_free(struct resolve_backend *b)
{
	struct ares *s = ares_of(b);

	resolve_channel_free(s->udp);
	if (s->hosts)
		ares_destroy(s->hosts);
	while (!list_empty(&s->pairs)) {
		struct pair *p = LIST_OF(s->pairs.next, struct pair, link);

		drop_tcp(&p->a);
		drop_tcp(&p->aaaa);
		pair_free(p);
	}
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
	list_init(&s->pairs);
	s->server = strdup(server);
	int result = s->server ? resolve_local_open(&s->hosts) : ARES_ENOMEM;
	if (result == ARES_SUCCESS)
		result = resolve_channel_new(&s->udp, l, s->server, RESOLVE_UDP);
	if (result == ARES_SUCCESS)
		return &s->backend;
	log_error("resolver: c-ares: %s", ares_strerror(result));
	backend_free(&s->backend);
	return NULL;
}
