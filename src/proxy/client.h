/*
 * A client's connection: reads requests one after the other, and has an exchange serve each.
 */
#ifndef FRESHET_PROXY_CLIENT_H
#define FRESHET_PROXY_CLIENT_H

#include "net/conn.h"
#include "proxy/access.h"

struct exchange;
struct tally_entry;
struct worker;

enum client_state {
	CLIENT_PREFACE, /* the header that says who it is has not come yet */
	CLIENT_IDLE,   /* nothing of a request is here */
	CLIENT_HEAD,   /* part of a head is stored */
	CLIENT_BUSY,   /* an exchange has it */
	CLIENT_LINGER, /* everything was said: sends the rest, reads the peer out, then closes */
	CLIENT_DEAD,
};

/* How a connection came. */
enum client_way {
	CLIENT_DIRECT,
	CLIENT_BEHIND_BALANCER, /* whose it is will be told by a PROXY protocol header */
	CLIENT_IN_CONTROL,      /* by the control socket: counts as being on this machine, and only has our own pages */
};

/* Owned by its worker. */
struct client {
	struct conn conn;
	struct worker *worker;
	struct exchange *exchange; /* owned; only while BUSY */
	struct list link;          /* in the worker's clients */
	struct dead dead;
	struct address address;
	struct tally_entry *tally; /* borrowed: where it is counted by its address; NULL when it is not */
	uint32_t scanned;          /* how far the search for the head's end came */
	enum client_state state;
	struct secure *secure;     /* owned: inside of an intercepted tunnel; NULL outside */
	bool starving;             /* what is stored is less than a head: read more first */
	bool reading;              /* read_requests() is on the stack */
	bool in_control;           /* it came by the control socket */
	bool refused;              /* its address has too many clients: it was told so */
	struct client_access access;
};

/* The tunnel that a client speaks https in, with us at the other end. */
struct secure {
	uint16_t port;
	struct span host;      /* that CONNECT named: where to connect */
	struct span name;      /* that the ClientHello named, or the same: whom to expect there */
	struct span authority; /* host:port, for requests that name no host */
	char text[];           /* what they point into */
};

/* From here on the client speaks https, with this host.  False when memory is out. */
bool client_become_secure(struct client *c, struct span host, uint16_t port, struct span name) MUST_CHECK;

/*
 * Takes over fd.  False, with fd still the caller's, when memory is out.
 */
bool client_accept(struct worker *w, int fd, const struct address *address, enum client_way way) MUST_CHECK;

/* Logs, once in a while, that a connection was closed for want of a header to be believed. */
void client_preface_refused(struct worker *w, const struct address *sender, const char *why);

/*
 * Says whose connection this is, and so for whom it counts.  At accept, and again when somebody in between tells the
 * address behind his own; not during an exchange.  False when that address has too many clients: then it was told so,
 * its connection ends, and c may be dead.
 */
bool client_set_address(struct client *c, const struct address *address) MUST_CHECK;

/* How an exchange leaves its client. */
struct client_ending {
	bool persistent; /* it may ask again */
	bool reset;      /* it is gone, or must see that what it got is not whole */
	bool unread;     /* of its request some is unread, or was broken */
};

/* Called by the exchange when it is over: reads the next request, or ends the connection. */
void client_exchange_done(struct client *c, const struct client_ending *ending);

/* Closes at once; the exchange, if any, must be gone. */
void client_kill(struct client *c);

#endif
