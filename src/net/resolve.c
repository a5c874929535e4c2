/*
 * Names to addresses: the cache, joining of equal questions, telling the askers.
 *
 * Whom to ask, and how, is the backend's affair.  Askers are told from an event of our own and never from inside
 * a backend, so what they do in turn (ask, cancel, flush) meets no half-done state.
 */
#include "net/resolve_backend.h"

#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/resolve_ares.h"
#include "net/resolve_system.h"

enum {
	NAME_MAX_BYTES = 253, /* RFC 1035 section 2.3.4, as text */
	TTL_MIN_S = 1,
	TTL_MAX_S = 3600, /* a wrong address must not stay for the week that its owner asked for */
	NOT_FOUND_S = 5,
	FAILURE_S = 2,
	WATCH_S = 5,
	SECOND_US = 1000000,
};

static const char *const watched_files[] = { "/etc/resolv.conf", "/etc/hosts" };

enum { WATCHED = sizeof(watched_files) / sizeof(watched_files[0]) };

/* A name that is known or being asked for.  Owned by the resolver. */
struct entry {
	struct resolver *resolver;
	struct lookup lookup;
	struct list bucket;   /* in resolver.buckets[] */
	struct list age;      /* in resolver.entries */
	struct list answered; /* in resolver.answered while its askers are to be told */
	struct list waiting;  /* of struct resolve, borrowed */
	struct resolved answer;
	int64_t expires_us;   /* the answer serves new questions before that; 0: none */
	bool asking;          /* the backend still holds `lookup` */
	size_t name_bytes;
	char name[];
};

struct resolver {
	struct loop *loop;               /* borrowed */
	struct resolve_backend *backend; /* owned */
	struct list *buckets;            /* owned; of entries by hash, a power of two */
	size_t bucket_count;
	struct list entries;             /* of entries, least recently used first */
	unsigned entry_count, entry_max;
	uint64_t seed;                   /* clients choose the names: they must not choose the bucket */
	struct list answered;            /* of entries whose askers are to be told */
	struct event *tell;              /* owned */
	struct log_throttle gone;        /* name servers */
	struct timespec changed[WATCHED];
	int64_t watched_us;
};

static void tell_on_event(evutil_socket_t fd, short what, void *arg);

static struct resolved resolved_failure(enum resolve_status status, const char *reason)
{
	return (struct resolved){ .status = status, .reason = reason };
}

/* Entries */

static struct list *bucket_of(const struct resolver *r, struct span name)
{
	uint64_t hash = r->seed; /* FNV-1a, from a secret start */

	for (size_t i = 0; i < name.n; i++)
		hash = (hash ^ (unsigned char)name.p[i]) * 0x100000001b3u;
	return &r->buckets[(hash ^ hash >> 32) & (r->bucket_count - 1)];
}

static struct entry *entry_find(const struct resolver *r, struct span name)
{
	const struct list *head = bucket_of(r, name);

	for (struct list *link = head->next; link != head; link = link->next) {
		struct entry *e = LIST_OF(link, struct entry, bucket);

		if (span_eq(span_of(e->name, e->name_bytes), name))
			return e;
	}
	return NULL;
}

static void entry_free(struct entry *e)
{
	list_remove(&e->bucket);
	list_remove(&e->age);
	list_remove(&e->answered);
	e->resolver->entry_count--;
	free(e);
}

/* Whether nobody else points at it. */
static bool entry_idle(const struct entry *e)
{
	return !e->asking && list_empty(&e->waiting);
}

/* Frees the least recently used entry that may go; false when all are in use. */
static bool evict_one(struct resolver *r)
{
	for (struct list *link = r->entries.next; link != &r->entries; link = link->next) {
		struct entry *e = LIST_OF(link, struct entry, age);

		if (entry_idle(e)) {
			entry_free(e);
			return true;
		}
	}
	return false;
}

/* The only malloc here, once per name that is not known. */
static struct entry *entry_new(struct resolver *r, struct span name)
{
	if (r->entry_count >= r->entry_max && !evict_one(r))
		return NULL;
	struct entry *e = malloc(sizeof(*e) + name.n + 1);
	if (!e)
		return NULL;
	*e = (struct entry){ .resolver = r, .name_bytes = name.n };
	memcpy(e->name, name.p, name.n);
	e->name[name.n] = '\0';
	e->lookup.name = e->name;
	list_init(&e->answered);
	list_init(&e->waiting);
	list_push(bucket_of(r, name), &e->bucket);
	list_push(&r->entries, &e->age);
	r->entry_count++;
	return e;
}

/* Answers */

void lookup_answer_add(struct lookup_answer *a, const struct address *address)
{
	bool v4 = address_is_v4(address);
	struct address *list = v4 ? a->v4 : a->v6;
	unsigned *count = v4 ? &a->v4_count : &a->v6_count;

	for (unsigned i = 0; i < *count; i++)
		if (address_eq(&list[i], address))
			return;
	if (*count < RESOLVED_MAX)
		list[(*count)++] = *address;
}

/* IPv6 and IPv4 in turn, what remains of the longer behind (RFC 8305 section 4). */
static void interleave(const struct lookup_answer *a, struct resolved *out)
{
	out->count = 0;
	for (unsigned i = 0; i < RESOLVED_MAX; i++) {
		if (i < a->v6_count && out->count < RESOLVED_MAX)
			out->address[out->count++] = a->v6[i];
		if (i < a->v4_count && out->count < RESOLVED_MAX)
			out->address[out->count++] = a->v4[i];
	}
}

static int64_t lifetime_us(const struct lookup_answer *a)
{
	int64_t ttl_s = a->ttl_s < TTL_MIN_S ? TTL_MIN_S : a->ttl_s > TTL_MAX_S ? TTL_MAX_S : a->ttl_s;

	switch (a->status) {
	case RESOLVE_OK:
		return ttl_s * SECOND_US;
	case RESOLVE_NOT_FOUND:
		return NOT_FOUND_S * SECOND_US;
	case RESOLVE_NO_RESOURCES:
		return 0;
	case RESOLVE_TIMEOUT:
	case RESOLVE_FAILED:
		break;
	}
	return FAILURE_S * SECOND_US;
}

static void entry_answer(struct entry *e, const struct lookup_answer *a, int64_t expires_us)
{
	struct resolver *r = e->resolver;

	e->answer.status = a->status;
	e->answer.reason = a->reason;
	interleave(a, &e->answer);
	e->expires_us = expires_us;
	list_remove(&e->answered);
	list_push(&r->answered, &e->answered);
	event_active(r->tell, EV_TIMEOUT, 0);
}

/* A name that cannot be looked up fails by itself, and the access log has it.  All of them together are for the operator. */
static void tell_gone(struct resolver *r, const char *reason)
{
	unsigned count;

	if (log_throttle_pass(&r->gone, r->loop->now_us, &count))
		log_warn("resolver: %s (%u names since last told)", reason, count);
}

/* Serves until the last answer comes, whatever its TTL: else a TTL of a second would have askers wait for that. */
void lookup_partly(struct lookup *k, const struct lookup_answer *a)
{
	entry_answer(LIST_OF(k, struct entry, lookup), a, INT64_MAX);
}

void lookup_done(struct lookup *k, const struct lookup_answer *a)
{
	struct entry *e = LIST_OF(k, struct entry, lookup);

	e->asking = false;
	if (a->server_gone)
		tell_gone(e->resolver, a->reason);
	entry_answer(e, a, e->resolver->loop->now_us + lifetime_us(a));
}

static void set_ports(struct resolved *answer, uint16_t port)
{
	for (unsigned i = 0; i < answer->count; i++)
		answer->address[i].port = port;
}

/* Tells everybody who waits for the entry, which may be gone after the first. */
static void entry_tell(struct entry *e)
{
	struct resolved answer = e->answer;
	struct list waiting, *link;

	list_init(&waiting);
	while ((link = list_shift(&e->waiting)))
		list_push(&waiting, link);
	while ((link = list_shift(&waiting))) {
		struct resolve *asker = LIST_OF(link, struct resolve, link);

		set_ports(&answer, asker->port);
		asker->done(asker, &answer);
	}
}

static void tell_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct list *link;

	(void)fd;
	(void)what;
	r->loop->now_us = clock_us();
	while ((link = list_shift(&r->answered)))
		entry_tell(LIST_OF(link, struct entry, answered));
}

/* Changes of the system's files */

static bool files_changed(struct resolver *r)
{
	bool changed = false;

	for (unsigned i = 0; i < WATCHED; i++) {
		struct stat st = { 0 }; /* a missing file has a time of its own */

		if (stat(watched_files[i], &st) != 0)
			st.st_mtim.tv_sec = 0;
		changed |= st.st_mtim.tv_sec != r->changed[i].tv_sec || st.st_mtim.tv_nsec != r->changed[i].tv_nsec;
		r->changed[i] = st.st_mtim;
	}
	return changed;
}

/* People edit these files, and networks change, while we run. */
static void watch_files(struct resolver *r)
{
	if (r->loop->now_us - r->watched_us < WATCH_S * SECOND_US)
		return;
	r->watched_us = r->loop->now_us;
	if (!files_changed(r))
		return;
	log_info("resolver: resolv.conf or hosts changed, reading them anew");
	resolver_flush(r);
}

void resolver_flush(struct resolver *r)
{
	struct list *link = r->entries.next;

	while (link != &r->entries) {
		struct entry *e = LIST_OF(link, struct entry, age);

		link = link->next;
		e->expires_us = 0;
		if (entry_idle(e))
			entry_free(e);
	}
	r->backend->ops->reset(r->backend);
}

/* Asking */

/* The key: lower case, without the final dot.  False for what is no name: it would mislead a backend. */
static bool name_normalise(struct span host, char out[NAME_MAX_BYTES], struct span *name)
{
	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (!host.n || host.n > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (c <= ' ' || c > '~' || c == '\\' || (c == '.' && (i == 0 || host.p[i - 1] == '.')))
			return false;
		out[i] = ascii_lower(c);
	}
	*name = span_of(out, host.n);
	return true;
}

/* The entry for a name, old or new, as the most recently used; NULL when there is no room. */
static struct entry *entry_for(struct resolver *r, struct span name)
{
	struct entry *e = entry_find(r, name);

	if (!e)
		return entry_new(r, name);
	list_remove(&e->age);
	list_push(&r->entries, &e->age);
	return e;
}

static bool ask_entry(struct resolver *r, struct resolve *asker, struct span name, struct resolved *answer)
{
	struct entry *e = entry_for(r, name);

	if (!e) {
		*answer = resolved_failure(RESOLVE_NO_RESOURCES, "too many names are being looked up, or memory is out");
		return true;
	}
	if (r->loop->now_us < e->expires_us) {
		*answer = e->answer;
		set_ports(answer, asker->port);
		return true;
	}
	list_push(&e->waiting, &asker->link);
	if (!e->asking) {
		e->asking = true;
		r->backend->ops->ask(r->backend, &e->lookup);
	}
	return false;
}

bool resolver_ask(struct resolver *r, struct resolve *asker, struct span host, struct resolved *answer)
{
	char buffer[NAME_MAX_BYTES];
	struct span name;

	list_init(&asker->link);
	if (address_parse_ip(host, asker->port, &answer->address[0])) {
		answer->status = RESOLVE_OK;
		answer->reason = NULL;
		answer->count = 1;
		return true;
	}
	if (!name_normalise(host, buffer, &name)) {
		*answer = resolved_failure(RESOLVE_NOT_FOUND, "not a host name");
		return true;
	}
	watch_files(r);
	return ask_entry(r, asker, name, answer);
}

void resolver_cancel(struct resolve *asker)
{
	if (asker->link.next)
		list_remove(&asker->link);
}

/* Life */

static bool buckets_init(struct resolver *r)
{
	r->bucket_count = 16;
	while (r->bucket_count < r->entry_max)
		r->bucket_count *= 2;
	r->buckets = calloc(r->bucket_count, sizeof(*r->buckets));
	for (size_t i = 0; r->buckets && i < r->bucket_count; i++)
		list_init(&r->buckets[i]);
	return r->buckets != NULL;
}

static struct resolve_backend *backend_new(struct loop *l, const char *server)
{
	return strcmp(server, "system") == 0 ? resolve_system_new(l) : resolve_ares_new(l, server);
}

struct resolver *resolver_new(struct loop *l, const struct resolver_options *o)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->loop = l;
	r->entry_max = o->cache_max ? o->cache_max : 1;
	r->watched_us = l->now_us;
	list_init(&r->entries);
	list_init(&r->answered);
	files_changed(r);
	if (getrandom(&r->seed, sizeof(r->seed), GRND_NONBLOCK) != (ssize_t)sizeof(r->seed))
		r->seed = (uint64_t)clock_us();
	r->tell = event_new(l->base, -1, 0, tell_on_event, r);
	if (r->tell && buckets_init(r))
		r->backend = backend_new(l, o->server);
	if (r->backend)
		return r;
	log_error("resolver: cannot start with server \"%s\"", o->server);
	resolver_free(r);
	return NULL;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	if (r->backend)
		r->backend->ops->free(r->backend);
	while (!list_empty(&r->entries))
		entry_free(LIST_OF(r->entries.next, struct entry, age));
	if (r->tell)
		event_free(r->tell);
	free(r->buckets);
	free(r);
}
