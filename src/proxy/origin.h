/*
 * Origins and the pools of connections to them.
 *
 * An origin is a host and port, reached by one route, with TLS of one kind or without.  Its connections are idle, lent to
 * one exchange, or being dialled; exchanges that find none stand in line, up to a limit.
 */
#ifndef FRESHET_PROXY_ORIGIN_H
#define FRESHET_PROXY_ORIGIN_H

#include "net/connect.h"
#include "net/conn.h"
#include "proxy/route.h"
#include "tls/memory.h"

struct dialled;
struct exchange;
struct worker;

enum { ORIGIN_BUCKETS = 1024, ORIGIN_HOST_MAX = 256, ORIGIN_RESTING_MAX = 512 };

struct origins {
	unsigned resting; /* those that only their TLS session keeps */
	struct list buckets[ORIGIN_BUCKETS];
};

/*
 * Owned by its worker's table; dies when it has no connection and nobody waits, or, should there be a TLS session to
 * resume, some time later.
 */
struct origin {
	struct list link;         /* in its bucket */
	struct worker *worker;
	struct list idle;         /* of origin_conn, most recently used first */
	struct list waiting;      /* of exchange (borrowed), longest waiting first */
	unsigned idle_count;
	unsigned conn_count;      /* idle and lent */
	unsigned dialling, waiting_count;
	unsigned held;            /* by functions that are not done with it */
	struct deadline rest;     /* runs while only its TLS session keeps it */
	struct dead dead;
	int64_t distrusted_until_us; /* its connections carry one exchange each; see distrust.h */
	uint32_t hash;
	uint16_t port, host_len;
	enum route_kind route;
	bool guarded;             /* for clients that deny-destinations binds */
	struct tls_way tls;         /* its name points into `name`; all zero without TLS */
	struct tls_memory sessions;
	char host[ORIGIN_HOST_MAX]; /* lower case */
	char name[ORIGIN_HOST_MAX]; /* of the certificate, lower case */
};

/* Owned by its origin's pool, or, a tunnel's, by its exchange. */
struct origin_conn {
	struct conn conn;
	struct worker *worker;
	struct origin *origin;     /* borrowed; NULL: made for one exchange only */
	struct exchange *exchange; /* the borrower; NULL while idle */
	struct list link;          /* in idle */
	struct dead dead;
	struct address address;
	int64_t opened_us;
	uint64_t judged;           /* the serial of the snapshot that last found its address fit */
	bool guarded;              /* deny-destinations counts for its address */
	int64_t round_trip_us;     /* when it was made */
	bool reused;               /* has served an exchange before the present one */
	bool ahead;                /* an answer on it came before its request: what comes next is nobody's */
};

void origins_init(struct origins *o);

/* Closes all idle connections, has those that are lent closed when they come back, forgets TLS sessions of origins not in use. */
void origins_flush(struct worker *w);

/* Closes the one that has been idle for longest, of whatever origin: its descriptor is needed.  False without any. */
bool origins_spare_one(struct worker *w) MUST_CHECK;

/* At the worker's end, when there are no clients and no dials any more: forgets every origin. */
void origins_fini(struct worker *w);

enum origin_answer {
	ORIGIN_LENT,    /* exchange_connected() was called from within */
	ORIGIN_WAIT,    /* exchange_connected() or exchange_not_connected() will be */
	ORIGIN_REFUSED, /* neither will: x->failure and x->queue_reason say why */
};

/*
 * Asks for a connection to x->place.  With x->fresh_only only a newly made one will do.  Starts
 * x->deadline when there is none at once.
 */
enum origin_answer origin_ask(struct exchange *x) MUST_CHECK;

/* Sees to it that a connection to this place will be there, idle, when it is asked for: dials where none is. */
void origin_warm(struct worker *w, const struct place *place);

/* x waits no longer. */
void origin_forget(struct exchange *x);

/* Whether one of the connections that are being made is for x, which waits: then it need not fear that none comes free. */
bool origin_is_coming(const struct exchange *x);

/* A dial for the pool came to its end. */
void origin_dialled(struct origin *o, struct dialled *end);

/*
 * Wraps what a successful dial connected, pooled when o is not NULL.  NULL, with the descriptor closed, when memory is
 * out.
 */
struct origin_conn *origin_conn_new(struct worker *w, struct origin *o, struct dialled *end) MUST_CHECK;

/* Ends the loan.  A reusable connection becomes idle or goes to the next in line; another is closed. */
void origin_give_back(struct origin_conn *oc, bool reusable);

/*
 * o sent bytes that nobody had asked for.  Says so in the log, closes what is idle, and for pool-distrust does not use a
 * connection to it for a second exchange.
 */
void origin_distrust(struct origin *o, const char *what);

/* Ends the loan by a reset, which shows the origin that the request was not whole. */
void origin_conn_abort(struct origin_conn *oc);

#endif
