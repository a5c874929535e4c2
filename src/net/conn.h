/*
 * A connected socket on a loop: bytes in, bytes out, what it waits for.
 *
 * Writes are tried at once and only what the kernel does not take is stored.  Reads go to the loop's scratch
 * buffer and only what its owner cannot use yet is stored.  So an idle connection holds no buffer.
 *
 * Events are edge-triggered: the kernel tells once, and `bytes` remembers it.  That spares it from asking every
 * socket again in each wait, and us from telling it what is of interest at the moment.  Whether a connection is
 * served is computed from its state in conn_update(), never set elsewhere.
 *
 * All events of a wait are remembered before any connection is served.  So whoever is served knows of every byte that
 * had arrived by then, on whichever connection: nobody gets to send on one that a stranger's answer waits on.
 */
#ifndef FRESHET_NET_CONN_H
#define FRESHET_NET_CONN_H

#include <sys/uio.h>

#include "base/address.h"
#include "net/loop.h"

struct conn;

/* The transport under a connection: what stands between the owner's bytes and the descriptor's. */
struct io_ops {
	/* Results as of recv(2): 0 at the end, -1 with errno, EAGAIN included. */
	ssize_t (*read)(struct conn *c, char *to, size_t n);
	ssize_t (*peek)(struct conn *c, char *to, size_t n); /* the same, and the bytes stay */
	/*
	 * What goes over the wire for these bytes, all of them; *wire is valid until the next call on this loop.
	 * False when the transport is broken or memory is out.  NULL: the bytes themselves.
	 */
	bool (*seal)(struct conn *c, const struct iovec *iov, int count, struct span *wire);
	/* The same for the end of all writes.  NULL: nothing. */
	bool (*seal_end)(struct conn *c, struct span *wire);
	void (*moved)(struct conn *c); /* conn_adopt() gave it another connection; NULL: nothing to do */
	void (*fini)(struct conn *c);  /* before the descriptor is closed; NULL: nothing to do */
};

extern const struct io_ops io_plain;

/* What the owner of a connection is told. */
struct conn_owner {
	void (*readable)(struct conn *c); /* bytes, an end or an error wait to be read */
	void (*writable)(struct conn *c); /* what was stored is sent, the connection takes more */
	void (*failed)(struct conn *c);   /* sending what was stored failed */
	void (*expired)(struct conn *c);  /* its deadline passed */
};

/*
 * What is known of bytes, or an end, waiting in the kernel.  A read that comes up short leaves it unsure: nearly always
 * nothing more is there, but an end or a reset that arrived together with the bytes is not told a second time.  Who has
 * its message complete may leave it at that (conn_settle()); who needs more has to read until there is nothing.
 */
enum conn_bytes {
	BYTES_NONE,
	BYTES_UNSURE,
	BYTES_THERE,
};

struct conn {
	struct event event;
	struct loop *loop;              /* borrowed */
	const struct conn_owner *owner;
	const struct io_ops *io;
	void *transport;                /* io's: owned through io->fini(); NULL with io_plain */
	int fd;                         /* owned; -1 once closed */
	bool armed;                     /* the kernel tells of bytes and ends */
	bool armed_write;               /* and of room; from the first time that there was none */
	bool broken_off;                /* it could not be armed, so it was shut down: what is there is read, then its end */
	bool read_wanted;               /* set by the owner: it has use for bytes, or for news of the end */
	bool write_wanted;              /* set by the owner: wake it when the socket takes bytes (splicing) */
	enum conn_bytes bytes;          /* waiting in the kernel */
	bool has_room;                  /* the kernel told that it takes bytes again, and nobody was served yet */
	bool hung_up;                   /* the peer's end is on its way: reads are not done before it was read */
	bool read_ended;                /* end of file was read */
	bool read_cut;                  /* set by the transport: reads failed because the peer ended without a word */
	bool write_ended;               /* shut down, or to be once `out` is sent */
	bool ends_next;                 /* set by the owner: what is sent is the last, and may wait for the end, which follows */
	struct buf in;                  /* received, not consumed */
	struct buf out;                 /* accepted, not sent: as it goes over the wire */
	struct deadline deadline;
	struct list ready_link;         /* in the loop's ready list, while it is to be served */
};

enum io_result {
	IO_OK,
	IO_AGAIN, /* nothing now */
	IO_END,   /* end of file */
	IO_ERROR, /* reset or worse */
};

/* Takes over fd, which is non-blocking.  The owner embeds the conn. */
void conn_init(struct conn *c, struct loop *l, int fd, const struct conn_owner *owner);

/* Puts a transport on an open connection; takes it over.  Bytes may be there already. */
void conn_set_transport(struct conn *c, const struct io_ops *io, void *transport);

/* Closes the descriptor, gives buffers back, stops the deadline.  Harmless the second time. */
void conn_close(struct conn *c);

/* The same, with a reset instead of an orderly end: shows the peer that what it got is not whole. */
void conn_abort(struct conn *c);

/*
 * What is left of a connection between two owners: the descriptor, what was read and not consumed, what was written and
 * not sent, the transport.  Owned by whoever holds it, who passes it on to conn_adopt().
 */
struct conn_core {
	int fd; /* -1: none */
	const struct io_ops *io;
	void *transport;
	struct buf in, out;
};

/* Takes the core out; the conn is as after conn_close(). */
struct conn_core conn_detach(struct conn *c) MUST_CHECK;

/* conn_init() for what another owner began. */
void conn_adopt(struct conn *c, struct loop *l, const struct conn_core *core, const struct conn_owner *owner);

static inline bool conn_is_open(const struct conn *c)
{
	return c->fd >= 0;
}

/* Whether the descriptor carries the owner's bytes as they are, so that splice(2) may move them. */
static inline bool conn_is_raw(const struct conn *c)
{
	return !c->io->seal;
}

/*
 * Reads once.  IO_OK: *bytes is everything received and not consumed, and valid until the next read on this
 * loop; *filled tells that the read was full, so that more is likely.  The owner then says with conn_consume()
 * how much it used, before anything else may read.
 */
enum io_result conn_read(struct conn *c, struct span *bytes, bool *filled) MUST_CHECK;

/* What is stored from earlier reads; empty if nothing. */
static inline struct span conn_stored(const struct conn *c)
{
	return buf_span(&c->in);
}

/*
 * The first n of `bytes` are used, the rest is stored.  `bytes` is from conn_read() or conn_stored(), or what
 * conn_skip() left of it.  False when memory is out.
 */
bool conn_consume(struct conn *c, struct span bytes, size_t n) MUST_CHECK;

/* The message being read is complete: what comes next is told by an event. */
static inline void conn_settle(struct conn *c)
{
	if (c->bytes == BYTES_UNSURE)
		c->bytes = BYTES_NONE;
}

/* Whether bytes, or an end, wait in the kernel.  Asks it only where there is reason to. */
bool conn_has_unread(struct conn *c) MUST_CHECK;

/* How much of what was sent the peer's machine has not confirmed, what is still stored included; 0 if not known. */
size_t conn_unconfirmed(const struct conn *c) MUST_CHECK;

/* How long the peer's machine takes to answer ours, as the kernel has measured it; 0 if not known. */
int64_t conn_round_trip_us(const struct conn *c) MUST_CHECK;

/* The first n of `bytes` are used; returns the others, which still have to be consumed before the next read. */
struct span conn_skip(struct conn *c, struct span bytes, size_t n) MUST_CHECK;

/* Sends, storing what the socket does not take.  False when the connection is broken or memory is out. */
bool conn_send(struct conn *c, const struct iovec *iov, int count) MUST_CHECK;
bool conn_send_span(struct conn *c, struct span s) MUST_CHECK;

/* For transports: sends what goes over the wire as it is. */
bool conn_send_wire(struct conn *c, struct span wire) MUST_CHECK;

/* Whether sent bytes still wait here: the owner stops feeding it. */
static inline bool conn_blocked(const struct conn *c)
{
	return c->out.data != NULL;
}

/* No more bytes will be sent; the peer sees the end after what is stored. */
void conn_end_writes(struct conn *c);

/* The same without the transport's word for it: the peer sees that something may be missing. */
void conn_cut_writes(struct conn *c);

/* Sees to it that the owner is called for what the state asks for; to be called after every change of it. */
void conn_update(struct conn *c);

#endif
