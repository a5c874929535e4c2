/*
 * One worker's event loop and what every connection on it borrows: the clock, the scratch buffer, the buffer
 * pool, the lists of deadlines, the list of the dead.
 *
 * One thread.  Nothing here knows HTTP.
 */
#ifndef FRESHET_NET_LOOP_H
#define FRESHET_NET_LOOP_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/buf.h"
#include "base/list.h"

/*
 * What something may wait for, and so how long.  Each class has one duration, so its list is in order of expiry
 * by construction and setting a deadline is a list operation, not a timer.
 */
enum deadline_class {
	DEADLINE_CLIENT_HEAD,
	DEADLINE_CLIENT_HELLO, /* for the first byte inside of a tunnel that is to be read */
	DEADLINE_CLIENT_IDLE,
	DEADLINE_QUEUE,
	DEADLINE_CONNECT,
	DEADLINE_ORIGIN_HEAD,
	DEADLINE_BODY,
	DEADLINE_TUNNEL,
	DEADLINE_POOL_IDLE,
	DEADLINE_ORIGIN_REST, /* an origin without connections, remembered for its TLS session */
	DEADLINE_TLS_REST, /* quiet, after which TLS gives its buffers back */
	DEADLINE_LINGER,   /* reading a client out before closing, so that the answer is not lost to a reset */
	DEADLINE_CLASSES
};

struct deadline {
	struct list link;
	int64_t since_us;
	enum deadline_class class;
	void (*expired)(struct deadline *d); /* called from the loop, with the deadline cleared */
};

/* Something whose memory goes after the loop pass, because callbacks on the stack may still look at it. */
struct dead {
	struct list link;
	void (*bury)(struct dead *d);
};

enum {
	LOOP_READ_BYTES = 64 * 1024,    /* one read */
	LOOP_SCRATCH_BYTES = LOOP_READ_BYTES,
	LOOP_OUT_BYTES = 96 * 1024,     /* a head being written, edits and all */
};

struct loop {
	struct event_base *base;                 /* owned */
	char *scratch;                           /* owned: what the latest read brought; valid until the next read */
	char *out;                               /* owned: where heads are composed; valid until the next is */
	void *wire;                              /* owned: the TLS transport's buffers; NULL before they are needed */
	struct buf_pool bufs;
	int64_t now_us;                          /* monotonic; as of the current callback */
	int64_t wall_ahead_us, wall_seen_us;     /* of the wall clock before that one, and when that was found: loop_wall_us() */
	int64_t deadline_us[DEADLINE_CLASSES];   /* durations; 0 never expires */
	struct list deadlines[DEADLINE_CLASSES]; /* of struct deadline, oldest first */
	unsigned deadline_count;
	bool tick_wanted;                        /* set by the owner: a pass every half second, without deadlines, too */
	struct event *tick;                      /* owned; armed while deadline_count > 0 or it is wanted, see loop_pass() */
	bool ticking;
	int64_t tick_us;
	struct list ready;                       /* of struct conn: events that were not used up; see conn.c */
	void (*serve_ready)(struct list *link);  /* conn.c's: one of them */
	struct list dead;                        /* of struct dead */
};

/* False when memory or descriptors are out. */
bool loop_init(struct loop *l) MUST_CHECK;
void loop_fini(struct loop *l);

/* Waits for events once, serves them, buries the dead.  False when there is nothing left to wait for. */
bool loop_pass(struct loop *l);

/* The wall clock's time, given now_us's clock's; a jump of the former is noticed within a tenth of a second. */
int64_t loop_wall_us(struct loop *l, int64_t now_us);

/* New durations; running deadlines follow them. */
void loop_set_deadline(struct loop *l, enum deadline_class class, int64_t ms);

void deadline_init(struct deadline *d, void (*expired)(struct deadline *));
/* Starts waiting from now, also when it was waiting already. */
void deadline_start(struct loop *l, struct deadline *d, enum deadline_class class);
void deadline_stop(struct loop *l, struct deadline *d);
static inline bool deadline_running(const struct deadline *d)
{
	return d->link.next != &d->link;
}

/* Schedules the burial of an object after this pass. */
void loop_bury(struct loop *l, struct dead *d, void (*bury)(struct dead *));

#endif
