/*
 * TLS under a connection: the handshake, and then a transport (struct io_ops) over OpenSSL.
 *
 * OpenSSL never sees the socket's being full: what it writes is collected in the loop's wire buffer and sent, or stored,
 * by the connection like any other bytes.  So there is no write to be repeated, and conn.out is the only queue.
 */
#ifndef FRESHET_TLS_TRANSPORT_H
#define FRESHET_TLS_TRANSPORT_H

#include "net/conn.h"
#include "tls/context.h"
#include "tls/memory.h"

struct leaf;

enum tls_progress {
	TLS_MORE,   /* when there are bytes again */
	TLS_DONE,
	TLS_FAILED,
};

enum tls_fault {
	TLS_FAULT_NONE,
	TLS_FAULT_CERTIFICATE, /* the peer's did not stand up to verification */
	TLS_FAULT_ALERT,       /* the peer refused, and said so */
	TLS_FAULT_TROUBLE,     /* the peer said that something went wrong just now */
	TLS_FAULT_CLOSED,      /* the peer closed in the middle of the handshake */
	TLS_FAULT_NOT_TLS,     /* the peer speaks something else */
	TLS_FAULT_PROTOCOL,    /* nothing in common, or broken */
	TLS_FAULT_MEMORY,
};

/* Why a handshake failed. */
struct tls_failure {
	enum tls_fault fault;
	const char *reason; /* constant, for the operator */
};

/* Whom we connect to. */
struct tls_peer {
	struct span name;   /* host name or address, without brackets: what the certificate has to cover, and the SNI */
	struct tls_memory *memory; /* borrowed, outlives the connection: sessions to be resumed; NULL none */
	enum tls_trust trust;
	bool legacy;
};

/*
 * Makes an open connection the client's side of a TLS connection; tls_handshake() does the rest.  False when memory is
 * out or the name cannot be one.
 */
bool tls_connect(struct conn *c, const struct tls_contexts *contexts, const struct tls_peer *peer) MUST_CHECK;

/*
 * Likewise the server's side, which shows this leaf (borrowed, needed only now).  What the connection has stored of its
 * input is taken for the beginning of the handshake.  `scope` limits which sessions may be resumed: those begun with the
 * same.
 */
bool tls_accept(struct conn *c, const struct tls_contexts *contexts, const struct leaf *leaf, struct span scope,
	bool legacy) MUST_CHECK;

/*
 * Goes on with the handshake; to be called when there are bytes, and once at the beginning.  With TLS_MORE the owner
 * waits until c->bytes says that there is something to read.
 */
enum tls_progress tls_handshake(struct conn *c, struct tls_failure *failure) MUST_CHECK;

/* Whether there is TLS on this connection. */
bool tls_is_on(const struct conn *c);

/* What is known of a connection; also after a failed handshake. */
struct tls_facts {
	const char *version; /* constant: "TLSv1.3" */
	bool resumed;
	bool certificate_wanted;  /* the server asked for a client certificate */
	bool staple_missing;      /* its certificate demands a stapled OCSP response, and none came */
};

struct tls_facts tls_facts(const struct conn *c);

#endif
