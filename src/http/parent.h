/*
 * Being the client of another proxy: HTTP CONNECT (RFC 9110 section 9.3.6) and SOCKS5 (RFC 1928, RFC 1929).
 *
 * Bytes in, bytes out: sockets and time are the caller's.  Names are given to the parent as they are, never
 * resolved here.  Reasons are constants, worded for the operator.
 */
#ifndef FRESHET_HTTP_PARENT_H
#define FRESHET_HTTP_PARENT_H

#include "base/base64.h"

enum parent_kind {
	PARENT_NONE,
	PARENT_HTTP,
	PARENT_SOCKS5,
};

enum {
	PARENT_CREDENTIAL_MAX = 255, /* RFC 1929 has one byte for the length */
	PARENT_HOST_MAX = 255,       /* so has RFC 1928 */
	PARENT_HEAD_MAX = 8 * 1024,  /* of all that an HTTP parent says before the tunnel */
	PARENT_AUTHORIZATION_MAX = 6 + BASE64_LEN(2 * PARENT_CREDENTIAL_MAX + 1),
	PARENT_SEND_MAX = 2048,      /* of what is to be sent at once */
};

/* The parent as configured.  Spans are borrowed from the configuration. */
struct parent {
	enum parent_kind kind;
	struct span host;           /* name or address, without brackets */
	uint16_t port;
	struct span user, password; /* decoded; p is NULL in both without credentials */
};

/* NULL, or why these credentials cannot be given to such a parent. */
const char *parent_check(const struct parent *p) MUST_CHECK;

/*
 * The value of Proxy-Authorization, "Basic …" (RFC 7617), also for requests that an HTTP parent gets in absolute
 * form.  Returns its length, 0 without credentials.
 */
size_t parent_put_authorization(const struct parent *p, char out[PARENT_AUTHORIZATION_MAX]);

enum parent_progress {
	PARENT_MORE,   /* send what is to be sent, then feed what comes */
	PARENT_OK,     /* what follows the used bytes comes from the destination */
	PARENT_FAILED,
};

enum parent_state {
	PARENT_AT_METHOD,   /* SOCKS: which authentication the parent chose */
	PARENT_AT_VERDICT,  /* SOCKS: whether it took user and password */
	PARENT_AT_REPLY,    /* SOCKS: whether it reached the destination */
	PARENT_AT_RESPONSE, /* HTTP: the head of its answer */
	PARENT_AT_END,
};

/* One handshake on a fresh connection. */
struct parent_handshake {
	enum parent_state state;
	const struct parent *parent; /* borrowed */
	struct span host;            /* of the destination, without brackets; borrowed until the end */
	uint16_t port;
	uint16_t http_status;        /* an HTTP parent's answer; 0 before */
	unsigned head_bytes;         /* used for interim responses */
	const char *reason;          /* set when FAILED */
	char *scratch;               /* borrowed: where what is to be sent is written, of use during a call only */
	size_t send_bytes;
};

/*
 * Begins.  `scratch` has PARENT_SEND_MAX bytes; handshakes may share it.  False, with h->reason, for a destination
 * that the protocol cannot express.
 */
bool parent_handshake_start(struct parent_handshake *h, const struct parent *p, struct span host, uint16_t port,
	char *scratch) MUST_CHECK;

/* What is to be sent after each call; may be empty. */
static inline struct span parent_handshake_send(const struct parent_handshake *h)
{
	return span_of(h->scratch, h->send_bytes);
}

/*
 * Takes what the parent sent and was not used before.  *used tells how much of it is done with; the rest is to
 * come again, with more behind it.
 */
enum parent_progress parent_handshake_feed(struct parent_handshake *h, struct span bytes, size_t *used) MUST_CHECK;

/* The parent closed, or broke, the connection instead: the reason. */
const char *parent_handshake_ended(const struct parent_handshake *h);

#endif
