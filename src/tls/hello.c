/*
 * Reads a ClientHello.  Keeps nothing: what is needed is copied out.
 */
#include "tls/hello.h"

#include <string.h>

enum {
	RECORD_HEAD_BYTES = 5,
	RECORD_HANDSHAKE = 22,
	RECORD_BYTES_MAX = 16 * 1024,
	MESSAGE_HEAD_BYTES = 4,
	MESSAGE_CLIENT_HELLO = 1,
	RANDOM_BYTES = 32,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
	EXTENSION_SUPPORTED_VERSIONS = 43,
	EXTENSION_ENCRYPTED_CLIENT_HELLO = 0xfe0d,
	NAME_TYPE_HOST = 0,
};

/* Bytes still to be read; `bad` once more was asked of it than it had. */
struct reader {
	const unsigned char *p;
	size_t n;
	bool bad;
};

static struct reader take(struct reader *r, size_t n)
{
	struct reader part = { .p = r->p, .n = n, .bad = r->bad };

	if (n > r->n || r->bad) {
		r->bad = true;
		return (struct reader){ .bad = true };
	}
	r->p += n;
	r->n -= n;
	return part;
}

static size_t take_number(struct reader *r, size_t bytes)
{
	struct reader part = take(r, bytes);
	size_t number = 0;

	for (size_t i = 0; i < part.n; i++)
		number = number << 8 | part.p[i];
	return number;
}

/* A vector with its length before it. */
static struct reader take_vector(struct reader *r, size_t length_bytes)
{
	return take(r, take_number(r, length_bytes));
}

/* -- extensions -- */

static char lower(unsigned char byte)
{
	return (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static bool keep_name(struct reader name, struct hello *out)
{
	bool is_address = true;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!name.n || name.n > HELLO_NAME_MAX || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		out->name[i] = lower(name.p[i]);
		if (!is_name_byte(out->name[i]) || (i && out->name[i] == '.' && out->name[i - 1] == '.'))
			return false;
		is_address = is_address && (out->name[i] == '.' || (out->name[i] >= '0' && out->name[i] <= '9'));
	}
	out->name[name.n] = '\0';
	out->name_len = name.n;
	return !is_address;
}

static bool read_server_name(struct reader e, struct hello *out)
{
	struct reader list = take_vector(&e, 2);

	while (list.n && !list.bad) {
		size_t type = take_number(&list, 1);
		struct reader name = take_vector(&list, 2);

		if (list.bad)
			return false;
		if (type == NAME_TYPE_HOST)
			return !out->name_len && keep_name(name, out);
	}
	return !list.bad && !e.bad;
}

static bool read_alpn(struct reader e, struct hello *out)
{
	struct reader list = take_vector(&e, 2);

	out->has_alpn = true;
	while (list.n && !list.bad) {
		struct reader protocol = take_vector(&list, 1);

		if (!list.bad && protocol.n == 8 && memcmp(protocol.p, "http/1.1", 8) == 0)
			out->has_alpn_http1 = true;
	}
	return !list.bad && !e.bad;
}

static bool read_versions(struct reader e, struct hello *out)
{
	struct reader list = take_vector(&e, 1);

	while (list.n && !list.bad) {
		size_t version = take_number(&list, 2);
		bool is_grease = (version & 0x0f0f) == 0x0a0a; /* RFC 8701 */

		if (!list.bad && !is_grease && version > out->version)
			out->version = (uint16_t)version;
	}
	return !list.bad && !e.bad;
}

static bool read_extension(size_t type, struct reader e, struct hello *out)
{
	switch (type) {
	case EXTENSION_SERVER_NAME:
		return read_server_name(e, out);
	case EXTENSION_ALPN:
		return read_alpn(e, out);
	case EXTENSION_SUPPORTED_VERSIONS:
		return read_versions(e, out);
	case EXTENSION_ENCRYPTED_CLIENT_HELLO:
		out->is_encrypted = true;
		return true;
	default:
		return true;
	}
}

static bool read_extensions(struct reader r, struct hello *out)
{
	while (r.n && !r.bad) {
		size_t type = take_number(&r, 2);
		struct reader e = take_vector(&r, 2);

		if (r.bad || !read_extension(type, e, out))
			return false;
	}
	return !r.bad;
}

static bool read_message(struct reader r, struct hello *out)
{
	out->version = (uint16_t)take_number(&r, 2);
	take(&r, RANDOM_BYTES);
	take_vector(&r, 1); /* session */
	take_vector(&r, 2); /* ciphers */
	take_vector(&r, 1); /* compressions */
	if (r.bad)
		return false;
	if (!r.n)
		return true; /* without extensions: old, and fine */
	struct reader extensions = take_vector(&r, 2);
	return !r.bad && !r.n && read_extensions(extensions, out);
}

/* -- records -- */

static bool looks_like_tls(struct reader r)
{
	return (r.n < 1 || r.p[0] == RECORD_HANDSHAKE) && (r.n < 2 || r.p[1] == 3) && (r.n < 3 || r.p[2] <= 4) &&
	       (r.n < 6 || r.p[5] == MESSAGE_CLIENT_HELLO);
}

/* The length of the message, from its head; 0 while that is not whole. */
static size_t message_len(const unsigned char *message, size_t n)
{
	struct reader head = { .p = message, .n = n };

	if (n < MESSAGE_HEAD_BYTES)
		return 0;
	take_number(&head, 1);
	return MESSAGE_HEAD_BYTES + take_number(&head, 3);
}

static enum hello_progress bad(const char **why, const char *reason)
{
	*why = reason;
	return HELLO_BAD;
}

enum hello_progress hello_read(struct span bytes, struct hello *out, const char **why)
{
	unsigned char message[MESSAGE_HEAD_BYTES + HELLO_BYTES_MAX];
	struct reader r = { .p = (const unsigned char *)bytes.p, .n = bytes.n };
	size_t have = 0;

	if (!looks_like_tls(r))
		return HELLO_NOT_TLS;
	for (;;) {
		size_t want = message_len(message, have);

		if (want > sizeof(message))
			return bad(why, "the ClientHello is too large");
		if (want && have >= want)
			break;
		if (r.n < RECORD_HEAD_BYTES)
			return HELLO_MORE;
		if (take_number(&r, 1) != RECORD_HANDSHAKE || take_number(&r, 2) >> 8 != 3)
			return bad(why, "another record in the middle of the ClientHello");
		size_t n = take_number(&r, 2);
		if (!n || n > RECORD_BYTES_MAX)
			return bad(why, "a record of an impossible length");
		struct reader part = r.n < n ? take(&r, r.n) : take(&r, n);
		if (part.n > sizeof(message) - have)
			return bad(why, "the ClientHello is too large");
		memcpy(message + have, part.p, part.n);
		have += part.n;
	}
	size_t want = message_len(message, have);
	struct reader body = { .p = message + MESSAGE_HEAD_BYTES, .n = want - MESSAGE_HEAD_BYTES };

	*out = (struct hello){ .version = 0 };
	if (message[0] != MESSAGE_CLIENT_HELLO || !read_message(body, out))
		return bad(why, "the ClientHello is malformed");
	return HELLO_WHOLE;
}
