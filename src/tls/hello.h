/*
 * The ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2): what a client says before anything is decided.
 *
 * Pure: no OpenSSL, no sockets.  Reads it in however many records and pieces it comes; takes nothing for granted.
 */
#ifndef FRESHET_TLS_HELLO_H
#define FRESHET_TLS_HELLO_H

#include "base/span.h"

enum {
	HELLO_BYTES_MAX = 16 * 1024, /* of the message, record headers not counted: beyond, it is no hello */
	HELLO_NAME_MAX = 255,
};

enum hello_progress {
	HELLO_MORE,    /* so far it looks like one */
	HELLO_WHOLE,
	HELLO_NOT_TLS, /* something else */
	HELLO_BAD,     /* TLS, but not a hello that can be read */
};

struct hello {
	size_t name_len;                /* 0: no server name */
	char name[HELLO_NAME_MAX + 1];  /* SNI host name, lower case, without final dot; terminated */
	bool has_alpn, has_alpn_http1;  /* protocols are named (RFC 7301), http/1.1 among them */
	bool is_encrypted;              /* encrypted_client_hello is there: the name is the outer one (GREASE looks the same) */
	uint16_t version;               /* the highest offered: 0x0303 is TLS 1.2, 0x0304 TLS 1.3; 0 for none known */
};

/*
 * From the first bytes of a connection, all of them so far; to be called again with more on HELLO_MORE, which takes at
 * most HELLO_BYTES_MAX and their record headers.  On HELLO_BAD *why (constant) says what is wrong.  *out counts after
 * HELLO_WHOLE only.  A name that is no host name (RFC 6066 section 3) makes the hello bad, but an IPv4 address in its
 * place is left out.
 */
enum hello_progress hello_read(struct span bytes, struct hello *out, const char **why) MUST_CHECK;

#endif
