/*
 * One request and its response: THE state machine.
 *
 * exchange_step() is where the breakpoint goes.  Each stage is one function that returns STEP_AGAIN (go on) or
 * STEP_WAIT (an event will call again); STAGE_DONE ends the exchange.
 */
#ifndef FRESHET_PROXY_EXCHANGE_H
#define FRESHET_PROXY_EXCHANGE_H

#include "http/url.h"
#include "inspect/trace.h"
#include "inspect/record.h"
#include "net/connect.h"
#include "policy/climb.h"
#include "policy/stored_copy.h"
#include "proxy/flow.h"
#include "proxy/snapshot.h"
#include "tls/digest.h"

struct client;
struct viewer;
struct export;
struct login;
struct user;
struct dial;
struct dialled;
struct origin;
struct origin_conn;
struct worker;

enum stage {
	STAGE_ACCESS,  /* may this client ask at all */
	STAGE_LOGIN,   /* waiting until it is known who asks; only with proxy-users */
	STAGE_TARGET,  /* what is asked for, and of whom */
	STAGE_HELLO,   /* CONNECT, to be intercepted: what the client says first */
	STAGE_PROBE,   /* whether the origin is fit for it */
	STAGE_ACCEPT,  /* the client's handshake with us */
	STAGE_POLICY,  /* edits to the request */
	STAGE_ORIGIN,  /* waiting for a connection */
	STAGE_SEND,    /* the request's head goes out */
	STAGE_HEAD,    /* the body follows, the response's head is awaited */
	STAGE_RELAY,   /* both bodies, each at its pace */
	STAGE_TUNNEL,  /* opaque bytes, both ways */
	STAGE_LIVE,    /* the live page's news, as they come */
	STAGE_EXPORT,  /* what is remembered, as the client takes it */
	STAGE_DONE,
};

/* Facts for the record, as they become known. */
struct exchange_facts {
	int64_t started_us, asked_us, connected_us, first_byte_us; /* monotonic; 0 not reached */
	int64_t dial_us;         /* how long the connection that was made took; -1 none was */
	struct address origin;
	struct verdict verdict;
	const char *error, *proxy_error;
	const char *tls;         /* constant: the version spoken, with the origin or, CONNECT, with the client; NULL none */
	const char *switched;    /* constant: the settings that switches decided; NULL none */
	int64_t passed_for_us;   /* how long what is passed through will be; 0 no longer than this */
	uint16_t status;
	bool reused, truncated, intercepted, unverified, staple_missing;
	bool unrecorded;         /* not for the access log */
	bool own_page;           /* not for the history: who looks at it would see himself */
	struct span heads[TRACE_HEADS]; /* in the arena, with a history only; the request's as received is its message's */
	struct trace_edits edits; /* of the response; likewise */
	uint8_t response_edit_count;
	struct record_edit response_edits[RECORD_EDITS_MAX];
};

/* How this request gets past caches that would answer it: see exchange_pierce.c. */
struct piercing {
	bool on;                     /* it may be written differently, and made again */
	bool permitted;              /* no signature speaks against it: that was looked at */
	bool cached;                 /* some answer showed that a cache gave it */
	bool agent_varies;           /* some answer depended on User-Agent */
	struct climb climb;
	struct climb_lesson lesson;  /* what was known of the host before */
	struct span original, path;  /* path and query as asked for, and as changed; in the arena, empty for unchanged */
	struct stored_copy *copy;    /* the one that was passed by, in the arena; NULL none was seen */
	uint64_t given_up_bytes;     /* received of answers that nobody got */
};

#define EXCHANGE_WITHOUT_ID UINT64_MAX

/* Owned by its client; one slab object with its arena behind it. */
struct exchange {
	uint64_t id;                 /* EXCHANGE_WITHOUT_ID until somebody is told of it; see report_id() */
	enum stage stage;            /* changed only by the steps of exchange_step() */
	struct client *client;       /* owner, never NULL */
	struct worker *worker;       /* borrowed */
	struct snapshot_view *view;  /* counted: what it began with it ends with */
	struct origin_conn *origin;  /* borrowed; NULL before SEND and after the loan */
	struct origin *waiting_at;   /* borrowed: in whose line it stands; NULL none */
	struct dial *dial;           /* owned: a tunnel's connection being made; NULL none */
	struct viewer *viewer;       /* owned: who watches by the live page; NULL without */
	struct export *export;       /* owned: what it is being sent of what is remembered; NULL without */
	struct login *login;         /* borrowed: the check of a password that it waits for; NULL none */
	const struct user *user;     /* who logged in; points into the view's configuration; NULL nobody */
	struct list wait_link;       /* in waiting_at's line, or login's */
	struct deadline deadline;
	struct dead dead;
	struct message request;      /* spans point into the arena */
	struct target target;
	struct place place;          /* where to connect for it, and by which route */
	struct span secure_name;     /* CONNECT: whom the client believes to talk to; in the arena */
	struct policy_state policy;
	struct policy_settings switched; /* where switches change the configuration's: what policy.settings points to */
	struct piercing pierce;
	struct flow up, down;
	struct digest digest;        /* of the body that the client gets, where that is wanted */
	struct connector_result failure; /* why no connection came about */
	struct exchange_facts facts;
	const char *queue_reason;    /* constant: the line was full or too slow; NULL */
	size_t head_len;             /* of the request as sent */
	size_t response_scanned;
	uint32_t interim_count;      /* 1xx responses passed on */
	bool fresh_only;             /* the pooled connection was stale: take a new one */
	uint16_t retry_after_s;      /* for answers of status 429; 0: the usual */
	bool login_failed;           /* the password was checked, and wrong */
	bool head_sent;              /* a final response's head went to the client: no other answer possible */
	bool client_gone;            /* nothing can be sent to it any more */
	bool up_abandoned;           /* the origin takes no more of the body */
	bool client_persistent;      /* after this exchange the client may ask again */
	bool origin_persistent;      /* and so may we, of the origin */
	bool tunnel;                 /* opaque bytes from some point on */
	bool tunnel_told;            /* CONNECT was answered */
	bool stepping;               /* exchange_step() is on the stack */
	bool counted;                /* among the requests in flight of its client's address */
	struct arena arena;          /* the rest of the slab object */
};

enum {
	EXCHANGE_BYTES = 12 * 1024, /* memory comes with use: the usual heads, all four of them, take 4 KiB behind the struct */
	EXCHANGE_ARENA_LIMIT = 256 * 1024, /* a head of 64 KiB, its fields, what policy makes */
};

/* An exchange whose request is yet to be parsed into x->request; NULL when memory is out. */
struct exchange *exchange_new(struct client *c);

/* Gives back one that never began (the head was not complete). */
void exchange_discard(struct exchange *x);

/* Moves the parsed head to the exchange's own memory.  False when there is none; x can then only be discarded. */
bool exchange_keep_head(struct exchange *x, struct span head) MUST_CHECK;

/* Serves the request that was kept. */
void exchange_begin(struct exchange *x);

/* The request's head did not arrive in time: answers that and lets the connection end. */
void exchange_begin_slow(struct exchange *x);

/* The client's address has too many connections: answers that, unasked, and lets the connection end. */
void exchange_begin_refused(struct exchange *x);

/* The request could not be read: answers that and lets the connection end. */
void exchange_begin_bad(struct exchange *x, const struct h1_error *error);

/* From the client's connection. */
void exchange_client_readable(struct exchange *x);
void exchange_client_broken(struct exchange *x);

/* From the origin's connection. */
void exchange_origin_broken(struct exchange *x);

/* A pooled connection is lent; dial_us tells how long it took to make, -1 for one that was there. */
void exchange_connected(struct exchange *x, struct origin_conn *oc, int64_t dial_us);
/* None came about. */
void exchange_not_connected(struct exchange *x, const struct connector_result *result);
/* A tunnel's own dial ended. */
void exchange_dialled(struct exchange *x, struct dialled *end);

/* What the copy was worth that was passed by, if one was. */
enum copy_worth exchange_copy_worth(const struct exchange *x);

/* Goes as far as possible.  x may be gone afterwards. */
void exchange_step(struct exchange *x);

#endif
