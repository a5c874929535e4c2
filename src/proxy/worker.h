/*
 * One worker: a thread with its own loop, pools and resolver, which accepts clients and serves them to the end.
 *
 * Workers share only snapshots, counters, the tally, first contacts and failures to log in.  The main thread
 * speaks to a worker by worker_post().
 */
#ifndef FRESHET_PROXY_WORKER_H
#define FRESHET_PROXY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/h1_known.h"
#include "inspect/history.h"
#include "inspect/ring.h"
#include "net/listener.h"
#include "net/resolve.h"
#include "net/splice.h"
#include "proxy/contacts.h"
#include "proxy/counters.h"
#include "proxy/distrust.h"
#include "proxy/live.h"
#include "proxy/login.h"
#include "proxy/origin.h"
#include "proxy/probes.h"
#include "proxy/sampling.h"
#include "proxy/snapshot.h"
#include "proxy/switches.h"
#include "proxy/tally.h"

struct learned;
struct log_writer;
struct pieces;
struct pierced_hosts;
struct running;
struct unread;
struct worker;

enum { LISTENERS_MAX = 64, WORKER_LISTENERS_MAX = LISTENERS_MAX + 1 /* the control socket */ };

/* What all workers see of the process. */
struct shared {
	atomic_uint client_count;       /* all workers' clients, held against max-clients */
	struct tally tally;             /* the same by client address */
	unsigned clients_most;          /* how many of them there are descriptors for */
	struct login_shared login;
	struct worker *workers;         /* borrowed: all of them, for adding up what they count */
	unsigned worker_count;
	int64_t started_us;             /* wall clock, since 1970 */
	struct contacts contacts;       /* browsers that were told to forget */
	uint64_t instance;              /* random: tells our own Via from others' */
	struct log_writer *log_writer;  /* NULL without an access log */
	struct probes probes;           /* asked for by the page for it, and by samples */
	struct sampling sampling;
	atomic_uint viewer_count;       /* live pages, all workers together */
	atomic_uint export_count;       /* exports under way, likewise */
	struct learned *learned;        /* what outlives a connection */
	struct unread *unread;          /* hosts that were not looked into */
	struct pierced_hosts *pierced_hosts; /* … and what piercing has taught */
	struct pieces *pieces;          /* downloads by ranges */
	struct switches switches;       /* settings changed by hand */
};

/* What the main thread asks of a worker. */
enum worker_order {
	WORKER_RELOAD = 1, /* a new snapshot waits */
	WORKER_LISTEN = 2, /* new listening sockets wait */
	WORKER_LEAVE = 4,  /* serve on, but tell clients to go elsewhere */
	WORKER_DRAIN = 8,  /* no new clients; finish what runs, then stop */
	WORKER_STOP = 16,  /* stop at once */
	WORKER_FLUSH_NAMES = 32,       /* resolve every name anew */
	WORKER_FLUSH_CONNECTIONS = 64, /* use no connection to an origin again */
};

/* How far a worker is on its way to the end.  Only goes up. */
enum worker_phase {
	PHASE_SERVING,
	PHASE_LEAVING,  /* answers say Connection: close */
	PHASE_DRAINING, /* and nobody is accepted any more */
	PHASE_STOPPED,
};

/* A socket to accept from. */
struct worker_socket {
	struct address asked; /* as in the configuration's listen; one from systemd: as bound */
	int fd;       /* owned by the worker, once it was told */
	bool is_control; /* the control socket (control.h) */
	bool held;    /* by the service manager too: what the kernel queues there, our successor serves */
	bool dropped; /* a later list left it out before the worker took up the one that had it */
};

struct worker_listener {
	struct listener listener;
	struct worker_socket socket; /* owned */
};

struct worker {
	struct loop loop;
	unsigned index;
	pthread_t thread;
	struct shared *shared;           /* borrowed */
	struct snapshot_view *view;      /* owned: the current one */
	struct resolver *resolver;       /* owned */
	struct pipe_pool pipes;
	struct logins logins;
	struct origins origins;
	struct distrust distrust;
	int64_t pools_flushed_us;        /* connections to origins from before are not used again; 0 never */
	struct switches_view switches;
	struct counters counters;
	struct slab client_slab, exchange_slab, origin_slab, origin_conn_slab, dial_slab;
	struct list clients;             /* every client */
	unsigned refused_count;          /* of them, those told that their address has too many */
	struct list dials;               /* every connection being made */
	struct event *woken;             /* owned: orders wait */
	struct event *last_look;         /* owned: at the listeners, shortly after a drain began */
	struct field *fields;            /* owned: room for the fields of the head being parsed */
	struct h1_known known;           /* lines of heads that need not be read again */
	struct message response;         /* the response head being passed on: lives within one callback */
	struct live live;                /* who watches by the live page */
	struct history *history;         /* the latest exchanges, for the live page; NULL without one.  Other workers read it, so
	                                  * it outlives the thread: freed by the server, behind the last of them */
	struct running *running;         /* what has not ended, for the live page; like history.  NULL without one */
	struct ring *records;            /* borrowed from the log writer; NULL without one */
	struct record record;            /* room for one that only the history gets */
	uint64_t next_exchange_id;
	uint64_t die;                    /* whose address is sampled; never 0 */
	struct log_throttle shortages;   /* of descriptors, ports and memory */
	struct log_throttle prefaces;    /* PROXY protocol headers not to be believed */
	enum worker_phase phase;
	int order_fd;                    /* eventfd */
	atomic_ulong heartbeat;          /* passes of the loop, for the watchdog */
	atomic_bool done;                /* the thread is about to end */

	pthread_mutex_t order_lock;      /* guards the rest */
	unsigned orders;
	struct snapshot_view *next_view; /* owned until taken */
	struct worker_socket *next_sockets; /* owned until taken */
	size_t next_socket_count;

	struct worker_listener *listeners[WORKER_LISTENERS_MAX]; /* owned */
	size_t listener_count;
	unsigned cut_exchanges, cut_tunnels; /* that ran when it stopped; for those who have joined it */
};

/* Not started.  The snapshot is borrowed: the worker takes a reference of its own.  False when out of memory. */
bool worker_init(struct worker *w, unsigned index, struct shared *shared, struct snapshot *snapshot) MUST_CHECK;
bool worker_start(struct worker *w) MUST_CHECK;

/*
 * Room for a list of so many sockets, for worker_post(), and for what is left of lists before it.  To be posted or
 * freed before another is made.  NULL when memory is out.
 */
struct worker_socket *worker_sockets_new(struct worker *w, size_t count) MUST_CHECK;

/*
 * From the main thread, or, without RELOAD and LISTEN, from any; cannot fail.  With WORKER_RELOAD goes a view, which the worker takes over.  With WORKER_LISTEN
 * goes the list of all sockets to accept from, made by worker_sockets_new(), which the worker takes over, too; the
 * sockets are its own from then on, and it closes those that a later list leaves out.  No orders at all just make it
 * take a turn.
 */
void worker_post(struct worker *w, unsigned orders, struct snapshot_view *view, struct worker_socket *sockets,
	size_t socket_count);

/* An exchange could not be served for want of something: tells the operator, now and then. */
void worker_tell_shortage(struct worker *w, const char *what);

/* Waits for the thread and frees everything but the history. */
void worker_join(struct worker *w);

/* Whether clients are to be told that their connection ends. */
static inline bool worker_is_leaving(const struct worker *w)
{
	return w->phase != PHASE_SERVING;
}

/* Whether its thread has nothing left to do but to end. */
static inline bool worker_is_done(const struct worker *w)
{
	return atomic_load_explicit(&w->done, memory_order_acquire);
}

/* Whether somebody has the live page open, by whichever worker. */
static inline bool worker_is_watched(const struct worker *w)
{
	return atomic_load_explicit(&w->shared->viewer_count, memory_order_relaxed) > 0;
}

static inline const struct snapshot *worker_snapshot(const struct worker *w)
{
	return w->view->snapshot;
}

#endif
