/*
 * Logging in.  Everything but the check of a password itself runs on the worker's loop.
 */
#include "proxy/login.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/password.h"
#include "config/users.h"
#include "http/credentials.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"

enum {
	THREADS = 1,              /* a worker */
	WAITING_MAX = 64,
	WAITING_PER_ADDRESS = 16, /* of them, so that nobody takes all places */
};

static const int64_t remember_us = 600 * INT64_C(1000000); /* since the last use */

/* One password being checked.  Owned by the jobs. */
struct login {
	struct job job;
	struct logins *logins;       /* borrowed; this and the next ones are the loop's */
	struct list link;            /* in its pending */
	struct list waiting;         /* of exchange (borrowed) */
	struct secret_digest digest;
	uint64_t serial;
	struct address address;      /* whose failure it would be */
	uint32_t user;
	bool known;                  /* there is such a user */
	bool matches;                /* written on the thread, as what follows is read there */
	char hash[PASSWORD_HASH_BYTES];
	char password[PASSWORD_MAX + 1];
};

bool login_shared_init(struct login_shared *s)
{
	struct secret_key key;

	pthread_mutex_init(&s->lock, NULL);
	if (!secret_key_make(&s->key) || !secret_key_make(&key))
		return false;
	throttle_init(&s->throttle, &key);
	return true;
}

void login_shared_fini(struct login_shared *s)
{
	pthread_mutex_destroy(&s->lock);
	explicit_bzero(&s->key, sizeof(s->key));
}

void logins_init(struct logins *l, struct worker *w)
{
	l->worker = w;
	list_init(&l->pending);
}

void logins_fini(struct logins *l)
{
	jobs_free(l->jobs);
	l->jobs = NULL;
}

/* -- memory -- */

static struct login_memory *set_of(struct login_memory table[LOGIN_SETS][LOGIN_WAYS], const struct secret_digest *d)
{
	return table[d->bytes[0] % LOGIN_SETS];
}

static struct login_memory *recall(struct login_memory table[LOGIN_SETS][LOGIN_WAYS], const struct secret_digest *d,
	uint64_t serial, int64_t now_us)
{
	struct login_memory *set = set_of(table, d);

	for (int i = 0; i < LOGIN_WAYS; i++) {
		struct login_memory *m = &set[i];

		if (m->serial != serial || now_us - m->used_us > remember_us || !secret_digest_eq(&m->digest, d))
			continue;
		m->used_us = now_us;
		return m;
	}
	return NULL;
}

/* In the place of the one that was not used for longest. */
static void memorise(struct login_memory table[LOGIN_SETS][LOGIN_WAYS], const struct login *j, int64_t now_us)
{
	struct login_memory *set = set_of(table, &j->digest), *oldest = set;

	for (int i = 1; i < LOGIN_WAYS; i++)
		if (set[i].used_us < oldest->used_us)
			oldest = &set[i];
	*oldest = (struct login_memory){
		.digest = j->digest, .serial = j->serial, .user = j->user, .used_us = now_us
	};
}

/* From now on the same field on the same connection is known at once. */
static void logged_in(struct exchange *x, const struct secret_digest *d, uint32_t user)
{
	struct client_access *a = &x->client->access;

	x->user = &x->view->snapshot->config->users->items[user];
	if (a->serial != x->view->snapshot->serial)
		return; /* judged anew by a later one: an exchange that began before a reload */
	a->logged_in = true;
	a->login = *d;
	a->user = user;
}

/* -- failures -- */

/* Those that an address may have to wait for; 0 when it may try. */
static int64_t must_wait_us(const struct exchange *x)
{
	struct login_shared *s = &x->worker->shared->login;

	pthread_mutex_lock(&s->lock);
	int64_t wait_us = throttle_wait_us(&s->throttle, &x->client->address, x->worker->loop.now_us);
	pthread_mutex_unlock(&s->lock);
	return wait_us;
}

static void count_failure(const struct login *j)
{
	struct worker *w = j->logins->worker;
	struct login_shared *s = &w->shared->login;
	char text[ADDRESS_TEXT_MAX];

	pthread_mutex_lock(&s->lock);
	int64_t pause_us = throttle_fail(&s->throttle, &j->address, w->loop.now_us);
	pthread_mutex_unlock(&s->lock);
	if (!pause_us)
		return;
	address_format_ip(&j->address, text);
	log_warn("logging in from %s keeps failing: not heard from there for %d s", text, (int)(pause_us / 1000000));
}

/* -- checking -- */

static void login_free(struct login *j)
{
	explicit_bzero(j->password, sizeof(j->password));
	free(j);
}

static void login_work(struct job *job)
{
	struct login *j = LIST_OF(job, struct login, job);

	j->matches = password_matches(j->password, j->hash);
	explicit_bzero(j->password, sizeof(j->password));
}

static void login_drop(struct job *job)
{
	login_free(LIST_OF(job, struct login, job));
}

static void login_done(struct job *job)
{
	struct login *j = LIST_OF(job, struct login, job);
	struct logins *l = j->logins;
	bool right = j->known && j->matches;
	struct list *link;

	list_remove(&j->link);
	l->pending_count--;
	memorise(right ? l->right : l->wrong, j, l->worker->loop.now_us);
	if (!right)
		count_failure(j);
	while ((link = list_shift(&j->waiting))) {
		struct exchange *x = LIST_OF(link, struct exchange, wait_link);

		x->login = NULL;
		x->login_failed = !right;
		if (right)
			logged_in(x, &j->digest, j->user);
		exchange_step(x);
	}
	login_free(j);
}

static void wait_for(struct login *j, struct exchange *x)
{
	x->login = j;
	list_push(&j->waiting, &x->wait_link);
}

void login_forget(struct exchange *x)
{
	list_remove(&x->wait_link);
	x->login = NULL;
}

/* Somebody else may ask the same: a page's many requests do. */
static struct login *find_pending(const struct logins *l, const struct secret_digest *d, uint64_t serial)
{
	for (struct list *link = l->pending.next; link != &l->pending; link = link->next) {
		struct login *j = LIST_OF(link, struct login, link);

		if (j->serial == serial && secret_digest_eq(&j->digest, d))
			return j;
	}
	return NULL;
}

static bool may_add(const struct logins *l, const struct address *a)
{
	unsigned same = 0;

	for (struct list *link = l->pending.next; link != &l->pending; link = link->next)
		same += memcmp(LIST_OF(link, struct login, link)->address.ip, a->ip, sizeof(a->ip)) == 0;
	return l->pending_count < WAITING_MAX && same < WAITING_PER_ADDRESS;
}

/*
 * An unknown user's password is held against somebody's hash all the same, always the same one for the same name, so
 * that the time it takes does not tell who is a user.
 */
static void choose_hash(struct login *j, const struct users *users, struct span name, const struct secret_key *key)
{
	const struct user *user = users_find(users, name);
	const char *hash = "$y$j9T$w3zpd23tazwei3pRsUngR0$3/WNnJfo.Xhv4fygwlgqIMF0u/KDNzw5M6hEQDWD5BC";
	struct secret_digest d = secret_digest(key, name);

	j->known = user != NULL;
	if (!user && users->count)
		user = &users->items[((unsigned)d.bytes[0] << 8 | d.bytes[1]) % users->count];
	if (user) {
		j->user = (uint32_t)(user - users->items);
		hash = user->hash;
	}
	memcpy(j->hash, hash, strlen(hash) + 1); /* users_parse() takes no longer ones */
}

static struct login *login_new(struct exchange *x, const struct credentials *c, const struct secret_digest *d)
{
	struct login *j = malloc(sizeof(*j)); /* not on the fast path: once for each pair of user and password */

	if (!j)
		return NULL;
	*j = (struct login){
		.job = { .work = login_work, .done = login_done, .drop = login_drop },
		.logins = &x->worker->logins,
		.digest = *d,
		.serial = x->view->snapshot->serial,
		.address = x->client->address,
	};
	list_init(&j->job.link);
	list_init(&j->link);
	list_init(&j->waiting);
	choose_hash(j, x->view->snapshot->config->users, c->user, &x->worker->shared->login.key);
	memcpy(j->password, c->password.p, c->password.n + 1);
	return j;
}

/* Has the password checked. */
static enum login_answer verify(struct exchange *x, const struct credentials *c, const struct secret_digest *d)
{
	struct logins *l = &x->worker->logins;
	struct login *j;

	if (!l->jobs)
		l->jobs = jobs_new(&x->worker->loop, THREADS, WAITING_MAX);
	if (!l->jobs || !may_add(l, &x->client->address))
		return LOGIN_BUSY;
	j = login_new(x, c, d);
	if (!j)
		return LOGIN_BUSY;
	list_push(&l->pending, &j->link);
	l->pending_count++;
	wait_for(j, x); /* before it can be done */
	if (jobs_add(l->jobs, &j->job))
		return LOGIN_WAIT;
	login_forget(x);
	list_remove(&j->link);
	l->pending_count--;
	login_free(j);
	return LOGIN_BUSY;
}

/* What no memory knows. */
static enum login_answer judge(struct exchange *x, const struct credentials *c, const struct secret_digest *d)
{
	struct logins *l = &x->worker->logins;
	uint64_t serial = x->view->snapshot->serial;
	int64_t wait_us = must_wait_us(x);

	if (wait_us) {
		x->retry_after_s = (uint16_t)((wait_us + 999999) / 1000000);
		return LOGIN_THROTTLED;
	}
	/* The same wrong password once more, as a program with an old one sends it, is no new guess. */
	if (recall(l->wrong, d, serial, x->worker->loop.now_us))
		return LOGIN_WRONG;
	struct login *j = find_pending(l, d, serial);
	if (!j)
		return verify(x, c, d);
	wait_for(j, x);
	return LOGIN_WAIT;
}

static enum login_answer parse_and_judge(struct exchange *x, struct span field, const struct secret_digest *d,
	const char **why)
{
	enum login_answer answer = LOGIN_MALFORMED;
	char room[CREDENTIALS_MAX + 1];
	struct credentials c;

	if (credentials_parse(field, room, &c, why)) {
		*why = "the password is too long";
		if (c.password.n <= PASSWORD_MAX)
			answer = judge(x, &c, d);
	}
	explicit_bzero(room, sizeof(room));
	return answer;
}

bool login_is_to_site(const struct exchange *x)
{
	return span_starts(x->request.target, SPAN("/")) && !x->client->secure;
}

static enum header field_of(const struct exchange *x)
{
	bool to_site = login_is_to_site(x) && !message_has(&x->request, HEADER_PROXY_AUTHORIZATION);

	return to_site ? HEADER_AUTHORIZATION : HEADER_PROXY_AUTHORIZATION;
}

void login_inherit(struct exchange *x)
{
	const struct client_access *a = &x->client->access;

	if (a->logged_in && a->serial == x->view->snapshot->serial)
		x->user = &x->view->snapshot->config->users->items[a->user];
}

enum login_answer login_check(struct exchange *x, const char **why)
{
	const struct client_access *a = &x->client->access;
	enum header id = field_of(x);
	struct span field = message_value(&x->request, id);
	uint64_t serial = x->view->snapshot->serial;

	if (x->user)
		return LOGIN_RIGHT;
	if (x->login_failed)
		return LOGIN_WRONG;
	if (!message_has(&x->request, id))
		return LOGIN_MISSING;
	*why = "the field that says who asks is there twice";
	if (message_repeats(&x->request, id))
		return LOGIN_MALFORMED;
	struct secret_digest d = secret_digest(&x->worker->shared->login.key, field);
	bool known = a->logged_in && a->serial == serial && secret_digest_eq(&a->login, &d);
	if (known) {
		logged_in(x, &d, a->user);
		return LOGIN_RIGHT;
	}
	const struct login_memory *m = recall(x->worker->logins.right, &d, serial, x->worker->loop.now_us);
	if (!m)
		return parse_and_judge(x, field, &d, why);
	logged_in(x, &d, m->user);
	return LOGIN_RIGHT;
}
