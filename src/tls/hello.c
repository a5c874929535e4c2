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
	SESSION_BYTES_MAX = 32,
	VERSION_TLS12 = 0x0303,
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

/* Which of the extensions that count were there: none may come twice (RFC 8446 section 4.2). */
enum { SEEN_NAME = 1, SEEN_ALPN = 2, SEEN_VERSIONS = 4, SEEN_ENCRYPTED = 8 };

static bool first_time(unsigned *seen, unsigned which)
{
	bool first = !(*seen & which);

	*seen |= which;
	return first;
}

/* A list that fills the rest, with its length before it; bad when it is empty. */
static struct reader take_list(struct reader *r, size_t length_bytes)
{
	struct reader list = take_vector(r, length_bytes);

	list.bad = list.bad || !list.n || r->n;
	return list;
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || ascii_digit(c) || c == '-' || c == '.' || c == '_';
}

static bool is_address_byte(char c)
{
	return ascii_digit(c) || c == '.';
}

/*
 * An IPv4 address is no name (RFC 6066 section 3), but some clients say it, and servers do not mind: it is left out.
 */
static bool keep_name(struct reader name, struct hello *out)
{
	bool is_address = true;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!name.n || name.n > HELLO_NAME_MAX || name.p[0] == '.' || name.p[name.n - 1] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = ascii_lower((char)name.p[i]);

		if (!is_name_byte(c) || (i && c == '.' && out->name[i - 1] == '.'))
			return false;
		is_address = is_address && is_address_byte(c);
		out->name[i] = c;
	}
	out->name_len = is_address ? 0 : name.n;
	out->name[out->name_len] = '\0';
	return true;
}

/* One name: nobody ever defined another type, and servers read no second one. */
static bool read_server_name(struct reader e, struct hello *out)
{
	struct reader list = take_list(&e, 2);
	size_t type = take_number(&list, 1);
	struct reader name = take_list(&list, 2);

	return !name.bad && type == NAME_TYPE_HOST && keep_name(name, out);
}

static bool read_alpn(struct reader e, struct hello *out)
{
	struct reader list = take_list(&e, 2);

	out->has_alpn = true;
	while (list.n && !list.bad) {
		struct reader protocol = take_vector(&list, 1);

		if (!protocol.n)
			return false;
		if (protocol.n == 8 && memcmp(protocol.p, "http/1.1", 8) == 0)
			out->has_alpn_http1 = true;
	}
	return !list.bad;
}

/* What it says replaces the version of old.  Drafts and GREASE (RFC 8701) are no versions. */
static bool read_versions(struct reader e, struct hello *out)
{
	struct reader list = take_list(&e, 1);

	out->version = 0;
	while (list.n && !list.bad) {
		size_t version = take_number(&list, 2);

		if (version >> 8 == 3 && version > out->version)
			out->version = (uint16_t)version;
	}
	return !list.bad;
}

static bool read_extension(size_t type, struct reader e, struct hello *out, unsigned *seen)
{
	switch (type) {
	case EXTENSION_SERVER_NAME:
		return first_time(seen, SEEN_NAME) && read_server_name(e, out);
	case EXTENSION_ALPN:
		return first_time(seen, SEEN_ALPN) && read_alpn(e, out);
	case EXTENSION_SUPPORTED_VERSIONS:
		return first_time(seen, SEEN_VERSIONS) && read_versions(e, out);
	case EXTENSION_ENCRYPTED_CLIENT_HELLO:
		out->is_encrypted = true;
		return first_time(seen, SEEN_ENCRYPTED);
	default:
		return true;
	}
}

static bool read_extensions(struct reader r, struct hello *out)
{
	unsigned seen = 0;

	while (r.n && !r.bad) {
		size_t type = take_number(&r, 2);
		struct reader e = take_vector(&r, 2);

		if (r.bad || !read_extension(type, e, out, &seen))
			return false;
	}
	return !r.bad;
}

static bool read_message(struct reader r, struct hello *out)
{
	size_t version = take_number(&r, 2);

	take(&r, RANDOM_BYTES);
	struct reader session = take_vector(&r, 1), ciphers = take_vector(&r, 2), compressions = take_vector(&r, 1);
	if (r.bad || session.n > SESSION_BYTES_MAX || !ciphers.n || ciphers.n % 2 || !compressions.n)
		return false;
	out->version = (uint16_t)(version < VERSION_TLS12 ? version : VERSION_TLS12); /* RFC 8446 section 4.1.2 */
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

/* A handshake message, put together from the records it came in. */
struct message {
	size_t have;
	unsigned char bytes[MESSAGE_HEAD_BYTES + HELLO_BYTES_MAX];
};

/* Its length, head and all, once the head is there; 0 before. */
static size_t message_len(const struct message *m)
{
	struct reader head = { .p = m->bytes + 1, .n = MESSAGE_HEAD_BYTES - 1 };

	return m->have < MESSAGE_HEAD_BYTES ? 0 : MESSAGE_HEAD_BYTES + take_number(&head, 3);
}

static bool message_is_whole(const struct message *m)
{
	return m->have >= MESSAGE_HEAD_BYTES && m->have >= message_len(m);
}

static enum hello_progress bad(const char **why, const char *reason)
{
	*why = reason;
	return HELLO_BAD;
}

/* What there is of one record.  What does not fit belongs to no message that is accepted. */
static enum hello_progress take_record(struct reader *r, struct message *m, const char **why)
{
	if (r->n < RECORD_HEAD_BYTES)
		return HELLO_MORE;
	if (take_number(r, 1) != RECORD_HANDSHAKE || take_number(r, 2) >> 8 != 3)
		return bad(why, "another record in the middle of the ClientHello");
	size_t n = take_number(r, 2);
	if (!n || n > RECORD_BYTES_MAX)
		return bad(why, "a record of an impossible length");
	struct reader part = take(r, r->n < n ? r->n : n);
	size_t room = sizeof(m->bytes) - m->have, fits = part.n < room ? part.n : room;
	memcpy(m->bytes + m->have, part.p, fits);
	m->have += fits;
	return HELLO_WHOLE;
}

static enum hello_progress gather(struct reader r, struct message *m, const char **why)
{
	enum hello_progress progress = HELLO_WHOLE;

	while (progress == HELLO_WHOLE && !message_is_whole(m)) {
		if (message_len(m) > sizeof(m->bytes))
			return bad(why, "the ClientHello is too large");
		progress = take_record(&r, m, why);
	}
	return progress;
}

enum hello_progress hello_read(struct span bytes, struct hello *out, const char **why)
{
	struct reader r = { .p = (const unsigned char *)bytes.p, .n = bytes.n };
	struct message m;

	m.have = 0; /* the rest need not be cleared at each piece */
	if (!looks_like_tls(r))
		return HELLO_NOT_TLS;
	enum hello_progress progress = gather(r, &m, why);
	if (progress != HELLO_WHOLE)
		return progress;
	struct reader body = { .p = m.bytes + MESSAGE_HEAD_BYTES, .n = message_len(&m) - MESSAGE_HEAD_BYTES };
	*out = (struct hello){ .version = 0 };
	if (m.bytes[0] != MESSAGE_CLIENT_HELLO || !read_message(body, out))
		return bad(why, "the ClientHello is malformed");
	return HELLO_WHOLE;
}
