/*
 * What a client of the soak test does on one connection: sends requests and judges the answers.
 *
 * visit.c knows requests and answers, sessions.c the many ways to behave.
 */
#ifndef SOAK_VISIT_H
#define SOAK_VISIT_H

#include "plan.h"
#include "wire.h"

enum { AUTHORITIES_MAX = 8 };

/* The same for all visitors. */
struct world {
	unsigned proxy_port;
	uint64_t seed;
	int limit_ms;
	const char *refused, *unknown;  /* nobody listens; nobody knows the name */
	const char *authorities[AUTHORITIES_MAX];
	unsigned authority_count;
};

/* One session of one visitor. */
struct visit {
	const struct world *world;
	unsigned visitor;
	uint64_t number;
	const char *session;  /* its name */
	struct dice dice;
	struct wire wire;
};

/* How requests are written. */
struct manner {
	bool old, old_keep_alive; /* HTTP/1.0 */
	bool direct;              /* in a tunnel: to the origin itself */
	bool expect;
};

enum got {
	GOT_WHOLE,
	GOT_CUT,      /* visibly */
	GOT_NOTHING,  /* the connection ended in place of an answer */
	GOT_WRONG,    /* told already */
};

struct answer {
	enum got got;
	unsigned status;
	bool last; /* the proxy said that it closes */
};

/* Tells what is wrong with a session, and how to see it again. */
void visit_fail(const struct visit *v, const struct plan *p, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

bool visit_dial(struct visit *v, int receive_buffer);
/* A request that nobody has made before. */
struct plan visit_plan(struct visit *v, const struct manner *m);
void visit_add_head(struct visit *v, struct bytes *out, const struct plan *p, const struct manner *m);
void visit_add_request(struct visit *v, struct bytes *out, const struct plan *p, const struct manner *m);
void visit_say(struct visit *v, const struct bytes *out);

struct answer visit_read_answer(struct visit *v, const struct plan *p, const struct manner *m);
/* The answer is the one that the plan must have; true when the next one may follow. */
bool visit_judge(struct visit *v, const struct plan *p, struct answer a);
/* Reads and judges in one. */
bool visit_hear(struct visit *v, const struct plan *p, const struct manner *m);
/* After an answer that was said to be the last one nothing comes but the end. */
void visit_hear_end(struct visit *v, const struct plan *p);
/* An error of the proxy's own: one of two statuses. */
bool visit_hear_error(struct visit *v, const char *what, unsigned status, unsigned or_status);

void session_run(struct visit *v);

#endif
