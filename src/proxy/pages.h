/*
 * freshet's own pages: what stands at the listener's address and at http://freshet.internal/.
 */
#ifndef FRESHET_PROXY_PAGES_H
#define FRESHET_PROXY_PAGES_H

#include "inspect/history.h"
#include "proxy/exchange_steps.h"

enum page_flags {
	PAGE_LOGGED = 0,
	PAGE_UNLOGGED = 1, /* asked for all the time, by programs: neither in the access log nor counted */
	PAGE_OPEN = 2,     /* says nothing but that we are there: without a password */
	PAGE_PRIVATE = 4,  /* tells of exchanges: for this machine, or with a password; pages_private.c */
	PAGE_PART = 8,     /* of another page, which alone may fetch it */
	PAGE_ACTION = 16,  /* does something: POST only, with the page's token */
	PAGE_ANY_METHOD = 32,
	PAGE_ANY_NAME = 64, /* under whatever name we are reached: says nothing that others may not read */
	PAGE_ASKING = 128, /* may ask us by our own name, from wherever it was loaded; only with page_serve_filled() */
};

struct page {
	const char *path;
	enum step (*serve)(struct exchange *x, const struct page *page); /* answers, or begins to */
	unsigned flags;
	const struct span *text; /* what pages that never change consist of; NULL for the others */
	const char *type;        /* its media type */
};

/* The page of that path (query ignored); NULL where there is none. */
const struct page *page_find(struct span path) MUST_CHECK;

/* Whether the client may see it, and has the right method; else answers why not, and *step says how it goes on. */
bool page_admits(struct exchange *x, const struct page *page, enum step *step) MUST_CHECK;

/* Whether the client is on this machine and nobody stands between him and us. */
bool page_client_is_here(const struct exchange *x);

/* The value of a parameter of the request's query, decoded; empty where there is none, or it is not well encoded. */
struct span page_parameter(struct exchange *x, struct span name);

/* Whether the query names it, with a value or without. */
bool page_has_parameter(const struct exchange *x, struct span name);

/*
 * "host:port" as the client reached us, of letters, digits and ".-_:[]" only; by its connection where it used the name that
 * is known only through us.  Empty when that cannot be told.
 */
enum { PAGE_REACHED_MAX = 280 };
struct span page_reached_at(const struct exchange *x, char out[PAGE_REACHED_MAX]);

/* A place to be filled in. */
struct page_value {
	struct span name, text;
};

/* Serves the page's text with each "@NAME@" replaced, escaped for HTML.  Values together have to be below 16 KiB. */
enum step page_serve_filled(struct exchange *x, const struct page *page, const struct page_value *values, size_t count);

/* A remembered exchange, whichever worker had it; see history_find(). */
bool page_find_past(const struct exchange *x, uint64_t id, char *room, struct past *out) MUST_CHECK;

/* Whether secrets are asked for, by a client that may see them. */
bool page_shows_secrets(struct exchange *x);

/* What our own page shows with what it has done: nobody else can read it.  SECRET_TOKEN_TEXT bytes, no NUL. */
enum { PAGE_TOKEN_BYTES = 32 };
void page_token(const struct shared *shared, char out[PAGE_TOKEN_BYTES]);

/* Whether the request's Accept begins with text/plain, as that of `freshet ctl`: else it gets JSON. */
bool page_wants_text(const struct exchange *x);

/* Answers with a text: as it is, or as {"key": "text"}.  It is shorter than 768 bytes. */
enum step page_say(struct exchange *x, unsigned status, struct span key, const char *text);

/* Empties the histories of all workers. */
void page_forget_exchanges(const struct shared *s);

/* What the page /connect knows us again by; not for doing anything.  PAGE_TOKEN_BYTES, no NUL. */
void page_mark(const struct shared *shared, char out[PAGE_TOKEN_BYTES]);

enum step page_about(struct exchange *x, const struct page *page);    /* pages_about.c */
enum step page_metrics(struct exchange *x, const struct page *page);  /* pages_metrics.c */
enum step page_echo(struct exchange *x, const struct page *page);     /* pages_echo.c */
enum step page_export_har(struct exchange *x, const struct page *page); /* export.c */
enum step page_export_lines(struct exchange *x, const struct page *page);
enum step page_check_start(struct exchange *x, const struct page *page); /* pages_check.c */
enum step page_check_result(struct exchange *x, const struct page *page);
enum step page_check_stale(struct exchange *x, const struct page *page);
enum step page_exchange(struct exchange *x, const struct page *page); /* pages_live.c */
enum step page_forget(struct exchange *x, const struct page *page);
enum step page_ca_pem(struct exchange *x, const struct page *page);   /* pages_authority.c */
enum step page_ca_der(struct exchange *x, const struct page *page);
enum step page_ca_profile(struct exchange *x, const struct page *page);
enum step page_connect(struct exchange *x, const struct page *page);  /* pages_connect.c */
enum step page_seen(struct exchange *x, const struct page *page);     /* pages_seen.c */
enum step page_kept(struct exchange *x, const struct page *page);
enum step page_unread(struct exchange *x, const struct page *page);   /* pages_unread.c */
enum step page_pac(struct exchange *x, const struct page *page);      /* pages_pac.c */
enum step page_events(struct exchange *x, const struct page *page);   /* live.c */
enum step page_switch_set(struct exchange *x, const struct page *page);  /* pages_switches.c */
enum step page_switch_undo(struct exchange *x, const struct page *page);
enum step page_switch_flush(struct exchange *x, const struct page *page);
enum step page_switches(struct exchange *x, const struct page *page);    /* pages_in_force.c */
enum step page_applies(struct exchange *x, const struct page *page);

#endif
