/*
 * getaddrinfo() on two threads of our own, because it blocks.
 */
#include "net/resolve_system.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>

#include "net/jobs.h"

enum {
	THREADS_MAX = 2,
	SYSTEM_TTL_S = 10, /* getaddrinfo() does not tell; NSS caches on its own */
};

/* One name under way. */
struct question {
	struct job job;
	struct lookup *lookup; /* borrowed; for the loop's thread only */
	struct lookup_answer answer;
	char name[];
};

struct system {
	struct resolve_backend backend;
	struct jobs *jobs; /* owned */
};

static struct system *system_of(struct resolve_backend *b)
{
	return LIST_OF(b, struct system, backend);
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

/* `error` is errno, which counts with EAI_SYSTEM. */
static void answer_from(struct lookup_answer *a, int result, int error, const struct addrinfo *found)
{
	struct address address;

	a->ttl_s = SYSTEM_TTL_S;
	for (; result == 0 && found; found = found->ai_next)
		if (address_from_sockaddr(found->ai_addr, &address))
			lookup_answer_add(a, &address);
	if (a->v4_count || a->v6_count) {
		a->status = RESOLVE_OK;
	} else if (result == 0 || result == EAI_NONAME || result == EAI_NODATA || result == EAI_ADDRFAMILY) {
		a->status = RESOLVE_NOT_FOUND;
		a->reason = "no such host";
	} else if (result == EAI_MEMORY || (result == EAI_SYSTEM && is_shortage(error))) {
		a->status = RESOLVE_NO_RESOURCES;
		a->reason = "no memory or descriptors to look it up";
	} else {
		a->status = RESOLVE_FAILED;
		a->reason = result == EAI_AGAIN ? "the name service does not answer" : "the name service failed";
	}
}

static void question_work(struct job *job)
{
	struct question *q = LIST_OF(job, struct question, job);
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int result = getaddrinfo(q->name, NULL, &hints, &found);

	answer_from(&q->answer, result, errno, found);
	if (result == 0)
		freeaddrinfo(found);
}

static void question_drop(struct job *job)
{
	free(LIST_OF(job, struct question, job));
}

static void question_done(struct job *job)
{
	struct question *q = LIST_OF(job, struct question, job);

	lookup_done(q->lookup, &q->answer);
	free(q);
}

static void backend_ask(struct resolve_backend *b, struct lookup *k)
{
	size_t bytes = strlen(k->name) + 1;
	struct question *q = malloc(sizeof(*q) + bytes);

	if (q) {
		*q = (struct question){
			.job = { .work = question_work, .done = question_done, .drop = question_drop },
			.lookup = k,
		};
		list_init(&q->job.link);
		memcpy(q->name, k->name, bytes);
		if (jobs_add(system_of(b)->jobs, &q->job))
			return;
	}
	const struct lookup_answer none = {
		.status = RESOLVE_NO_RESOURCES, .reason = "no memory or thread to look it up"
	};
	free(q);
	lookup_done(k, &none);
}

/* libc watches resolv.conf itself. */
static void backend_reset(struct resolve_backend *b)
{
	(void)b;
}

static void backend_free(struct resolve_backend *b)
{
	struct system *s = system_of(b);

	jobs_free(s->jobs);
	free(s);
}

static const struct resolve_backend_ops system_ops = {
	.ask = backend_ask,
	.reset = backend_reset,
	.free = backend_free,
};

struct resolve_backend *resolve_system_new(struct loop *l)
{
	struct system *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->backend.ops = &system_ops;
	s->jobs = jobs_new(l, THREADS_MAX, UINT_MAX);
	if (s->jobs)
		return &s->backend;
	free(s);
	return NULL;
}
