/*
 * The facts of one finished exchange, flat, so that a worker can hand them to another thread.
 *
 * Filled by proxy/, read by the encoders.  Pointers in it are to constants only.
 */
#ifndef FRESHET_INSPECT_RECORD_H
#define FRESHET_INSPECT_RECORD_H

#include "base/address.h"
#include "http/message.h"
#include "policy/evidence.h"
#include "policy/policy.h"

enum {
	RECORD_EDITS_MAX = MESSAGE_EDITS_MAX,
	RECORD_METHOD_MAX = 24,
	RECORD_USER_MAX = 64,
	RECORD_DIGEST_BYTES = 32,
	RECORD_URL_MAX = 1024, /* longer ones are cut, and marked so */
};

struct record_edit {
	uint8_t op; /* enum edit_op */
	uint8_t id; /* enum header */
};

struct record {
	int64_t started_us;        /* wall clock, since 1970 */
	uint64_t exchange_id;      /* unique within the process */
	struct address client;
	struct address origin;     /* port 0: no connection was made */
	uint64_t request_body_bytes, response_body_bytes; /* as relayed, without framing; tunnels: all bytes */
	int64_t queue_us;          /* waiting for a pooled connection's place; -1 where a time does not apply */
	int64_t connect_us;        /* resolving and connecting */
	int64_t first_byte_us;     /* from the request's head to the response's first byte */
	int64_t total_us;
	int64_t passed_for_s;      /* for so long the host will be passed through unread; 0 this time only */
	struct verdict verdict;
	const char *error;         /* constant, for the operator; NULL */
	const char *proxy_error;   /* RFC 9209 error type; NULL */
	const char *not_busted;    /* constant; NULL */
	const char *service_worker; /* constant: what became of one's script; NULL nothing special */
	const char *switched;      /* constant: "mode,pierce": settings that were changed while freshet ran; NULL none */
	const char *stored_copy;   /* constant: "same", "changed": a cache's copy that was passed by; NULL not known */
	int64_t stored_copy_older_s; /* than what the client got, by Last-Modified; 0 not known */
	int64_t stored_copy_age_s; /* how long it had been stored; -1 not known */
	char stored_copy_layer[24]; /* where, as it names itself, NUL-terminated, "" not known */
	const char *pierced;       /* constant: how the request was written to get past caches; NULL as it was asked for */
	const char *tls;           /* constant: the TLS version spoken with the origin, or, CONNECT, the client; NULL none */
	enum mode mode;
	uint16_t status;           /* as sent to the client; 0 none */
	uint8_t repeats;           /* how often the request was made again, because a cache or the server minded */
	uint8_t request_minor;     /* HTTP/1.minor of the client */
	bool tunnel;               /* CONNECT or Upgrade: opaque bytes */
	bool intercepted;          /* CONNECT whose inside is read: the requests in it have records of their own */
	bool unverified;           /* the origin did not have to prove who it is */
	bool staple_missing;       /* its certificate demands a stapled OCSP response, and none came */
	bool busted;
	bool reused;               /* a pooled origin connection */
	bool truncated;            /* the client was shown that the response is not whole */
	bool url_cut;
	bool digested;             /* body_digest is there */
	unsigned char body_digest[RECORD_DIGEST_BYTES]; /* SHA-256 of the whole body as the client got it, without framing */
	uint8_t request_edit_count, response_edit_count;
	struct record_edit request_edits[RECORD_EDITS_MAX], response_edits[RECORD_EDITS_MAX];
	uint16_t method_len, user_len, url_len;
	char method[RECORD_METHOD_MAX];
	char user[RECORD_USER_MAX]; /* who logged in */
	char url[RECORD_URL_MAX];  /* userinfo as ***; last, so that only its used part need be touched */
};

/* Copies the effective edits of a message; returns how many. */
uint8_t record_edits(struct record_edit out[RECORD_EDITS_MAX], const struct message *m);

#endif
