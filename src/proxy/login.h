/*
 * Logging in: whether a request's Proxy-Authorization names a user of proxy-users and tells the right password.
 *
 * Checking a password takes tens of milliseconds, so it is done on a thread, once for all requests that wait for the
 * same answer.  Answers are remembered, by a keyed digest of the field and never by its text, so that steady requests
 * cost no more than the digest; a reload forgets them.  An address that keeps failing is not heard for a growing time.
 */
#ifndef FRESHET_PROXY_LOGIN_H
#define FRESHET_PROXY_LOGIN_H

#include <pthread.h>

#include "base/secret.h"
#include "base/throttle.h"
#include "net/jobs.h"

struct exchange;
struct snapshot;
struct worker;

/* What the workers share. */
struct login_shared {
	struct secret_key key; /* of the digests */
	pthread_mutex_t lock;  /* guards the rest */
	struct throttle throttle;
};

/* False when the kernel has no random bytes. */
bool login_shared_init(struct login_shared *s) MUST_CHECK;
void login_shared_fini(struct login_shared *s);

enum { LOGIN_SETS = 64, LOGIN_WAYS = 4 };

/* An answer remembered. */
struct login_memory {
	struct secret_digest digest;
	uint64_t serial;  /* of the snapshot whose users were asked; 0: unused */
	uint32_t user;    /* its place among them */
	int64_t used_us;
};

/* A worker's.  All zero before the first use. */
struct logins {
	struct worker *worker;  /* borrowed */
	struct jobs *jobs;      /* owned; NULL until somebody has to be verified */
	struct list pending;    /* of struct login */
	unsigned pending_count;
	struct login_memory right[LOGIN_SETS][LOGIN_WAYS], wrong[LOGIN_SETS][LOGIN_WAYS];
};

void logins_init(struct logins *l, struct worker *w);
void logins_fini(struct logins *l);

enum login_answer {
	LOGIN_RIGHT,     /* x->user is set */
	LOGIN_WRONG,     /* unknown user or wrong password: which of them is nobody's business */
	LOGIN_MISSING,   /* the request does not say */
	LOGIN_MALFORMED, /* what it says is no user and password */
	LOGIN_THROTTLED, /* too many failures; x->retry_after_s is set */
	LOGIN_BUSY,      /* too many wait for a thread already */
	LOGIN_WAIT,      /* exchange_step() will be called when it is known */
};

/* *why, constant, is set with LOGIN_MALFORMED. */
enum login_answer login_check(struct exchange *x, const char **why) MUST_CHECK;

/*
 * Whether the request is to us as to a web site: then it is Authorization that tells who asks (RFC 9110 section 11.6), as
 * browsers have no way to log in to a proxy that they do not use.  Proxy-Authorization will do as well.
 */
bool login_is_to_site(const struct exchange *x);

/* Who logged in on this connection, if anybody, asks this as well. */
void login_inherit(struct exchange *x);

/* x waits no longer. */
void login_forget(struct exchange *x);

#endif
