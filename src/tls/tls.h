/*
 * The inside of a TLS connection: what bio.c, transport.c and handshake.c share, and nobody else needs.
 */
#ifndef FRESHET_TLS_TLS_H
#define FRESHET_TLS_TLS_H

#include <openssl/ssl.h>

#include "net/conn.h"

enum {
	TLS_RECORD_BYTES = 16 * 1024, /* the most that one record carries */
	TLS_WIRE_BYTES = 256 * 1024,  /* the most that one conn_send() becomes */
};

/* Owned by its connection. */
struct tls {
	SSL *ssl;
	struct conn *conn;    /* whom it serves: changes when a connection is handed over */
	struct buf early;     /* ciphertext that was read before TLS began */
	struct deadline rest; /* gives OpenSSL's buffers back when nothing has come for a while */
	bool dry;             /* during one call: the kernel has no more */
	bool ended;           /* the kernel told of the end */
	bool certificate_wanted, staple_missing;
	bool ticket_due;      /* to the client, with the first that is said to it */
};

/* Owned by the loop; made when first needed. */
struct wire {
	size_t n;
	unsigned rested;          /* connections that gave their buffers back since pages were */
	int64_t trimmed_us;       /* when they were; monotonic */
	char plain[TLS_RECORD_BYTES]; /* small pieces gathered, so that they share a record */
	char bytes[TLS_WIRE_BYTES];   /* what OpenSSL wrote in the present call */
};

static inline struct tls *tls_of(const struct conn *c)
{
	return c->transport;
}

/* Of the loop, made if need be; NULL when memory is out. */
struct wire *tls_wire(struct loop *l) MUST_CHECK;

/* What OpenSSL reads from and writes to for this connection.  NULL when memory is out. */
BIO *tls_bio_new(struct tls *t) MUST_CHECK;

/* Before each call into OpenSSL.  False when memory is out. */
bool tls_begin_call(struct conn *c) MUST_CHECK;

/* What the call wrote; valid until the next begins on this loop. */
struct span tls_written(struct conn *c);

/* The transport of a connection with TLS; its deadline of that name gives buffers back. */
extern const struct io_ops tls_io;
void tls_on_rest(struct deadline *d);

#endif
