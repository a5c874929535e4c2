/*
 * What to do with an exchange: rules compiled from the configuration, and the edits they ask for.
 *
 * Pure: facts in, edits out.  A policy is immutable once built and may be read by all workers at once.  It edits
 * nothing itself: edits are appended to the message and applied by the codec while writing.
 */
#ifndef FRESHET_POLICY_POLICY_H
#define FRESHET_POLICY_POLICY_H

#include "base/address.h"
#include "base/arena.h"
#include "http/message.h"
#include "http/url.h"
#include "policy/evidence.h"
#include "policy/pierce.h"

enum mode {
	MODE_OFF,        /* untouched */
	MODE_OBSERVE,    /* untouched (but for ask_networks), recorded with a verdict */
	MODE_REVALIDATE, /* caches must ask the origin; a cheap 304 is welcome */
	MODE_BUST,       /* nothing stored is used or kept */
};

/* Whether it keeps stored copies from being used. */
static inline bool mode_rewrites(enum mode mode)
{
	return mode == MODE_REVALIDATE || mode == MODE_BUST;
}

/* Whether requests are written differently for caches that ignore their fields. */
enum pierce {
	PIERCE_NEVER,
	PIERCE_AUTO,   /* where an answer shows that a cache gave it */
	PIERCE_ALWAYS, /* from the first request on: some caches show nothing */
};

/* What is done about service workers, beyond what the mode does to every request. */
enum service_workers {
	SERVICE_WORKERS_PASS,
	SERVICE_WORKERS_BUST, /* their scripts are busted under MODE_REVALIDATE too */
	SERVICE_WORKERS_WRAP, /* and get text of ours in front, by which the worker asks the origin before its stores */
	SERVICE_WORKERS_KILL, /* and are answered here, by a worker that removes itself */
};

/* Whether TLS is read. */
enum intercept {
	INTERCEPT_NO,
	INTERCEPT_YES,    /* and let pass unread where it would break something */
	INTERCEPT_STRICT, /* or fail */
};

struct policy_settings {
	enum mode mode;
	enum pierce pierce;
	enum intercept intercept;
	enum service_workers service_workers;
	bool tls_unverified;      /* the origin need not prove who it is */
	bool tls_legacy;          /* old versions, weak keys and ciphers, on either side */
	bool heal;                /* request no-cache without no-store: an obeying shared cache stores the fresh answer */
	bool strip_validators;    /* ETag and Last-Modified do not reach the client */
	bool temporary_redirects; /* 301 as 302, 308 as 307 */
	bool purge_client;        /* the first answer to a browser has it empty its cache */
	bool evict_history;       /* browsers are kept from showing stored pages on Back */
	unsigned probe_millionths; /* the share of answers whose address is checked beside; 0 none */
	bool probe_cookies;       /* those of requests with cookies too */
	bool ask_networks;        /* delivery networks are asked to tell what their caches did */
};

/* What a request is matched by. */
struct policy_subject {
	const struct target *target;   /* host, port, path */
	struct span method;
	const struct address *client;
};

struct policy; /* owns its rules */

/* The settings for whatever no site section matches.  NULL when memory is out. */
struct policy *policy_new(const struct policy_settings *defaults);
void policy_free(struct policy *p); /* NULL is fine */

/* One site section.  All of it is copied. */
struct policy_site {
	struct span pattern;          /* "*.example.com", "host:8080", "host/path*", "*" */
	const struct span *methods;   /* any, when method_count is 0 */
	size_t method_count;
	const struct network *clients; /* any, when client_count is 0 */
	size_t client_count;
	struct policy_settings settings;
};

/* Appends a rule; the first that matches wins.  False with *why (constant) for a pattern that cannot be. */
bool policy_add_site(struct policy *p, const struct policy_site *site, const char **why) MUST_CHECK;

/* Never NULL; lives as long as the policy. */
const struct policy_settings *policy_match(const struct policy *p, const struct policy_subject *s);

/* Which of the rules that is, counted from 0 as they were added; SIZE_MAX for the defaults. */
size_t policy_match_rule(const struct policy *p, const struct policy_subject *s);

/* What policy remembers of one exchange between request and response.  Zero-initialise. */
struct policy_state {
	const struct policy_settings *settings; /* borrowed from the policy */
	enum mode mode;          /* what was done: the settings' mode, or BUST for a service worker's script */
	enum service_workers service_worker; /* what applies to this request: see policy/service_worker.h */
	const char *service_worker_note; /* what became of a service worker's script, constant; NULL nothing special */
	const char *not_busted;  /* why some or all of it was left alone, constant; NULL when all that the mode asks
				  * for was done, be it revalidate or bust */
	const struct verdict *verdict; /* on the response, borrowed, set before policy_response(); NULL: nobody looked */
	bool busted;             /* the exchange was rewritten under MODE_BUST */
	bool first_contact;      /* on the response, set before policy_response(): it is to empty the client's cache */
	enum rung rung;          /* on the response: how the request was written to get past caches */
	bool unpierced;          /* likewise: no way to write it helped */
	uint64_t stamp;          /* on the response, set before policy_response(): another one for each */
	bool wraps;              /* text goes in front of the response's body, which is a service worker's script */
	bool modified_since_removed; /* the client's If-Modified-Since was taken off this request */
	uint64_t signed_fields[2];   /* known fields that a signature names: never touched */
};

static inline bool policy_is_signed(const struct policy_state *state, enum header id)
{
	return state->signed_fields[id >> 6] >> (id & 63) & 1;
}

/*
 * Decides about a request and appends its edits (DESIGN: request table).  Values that are not constant are made
 * in the arena.
 */
void policy_request(struct policy_state *state, const struct policy_settings *settings, struct message *request,
	struct arena *arena);

/*
 * Whether the request is not to reach the origin because freshet answers in its place: with a service worker that
 * removes itself.  Then policy_request() has no use, and the state says what is done.
 */
bool policy_kills_worker(struct policy_state *state, const struct policy_settings *settings,
	const struct message *request);

/*
 * A speculative request (prefetch, prerender) is refused while busting: what it stored would be handed out later
 * without asking.  The reason, constant, or NULL to go on.
 */
const char *policy_refuses(const struct policy_settings *settings, const struct message *request);

/* Decides about a response; `now_s` is wall time in seconds since 1970. */
void policy_response(struct policy_state *state, const struct message *request, struct message *response,
	struct arena *arena, int64_t now_s);

struct span mode_name(enum mode mode);

#endif
