/*
 * Handshakes with a parent proxy.  Pure; see the header.
 *
 * A parent that is not what the configuration says (a web server, a proxy of the other kind) gets a reason that
 * names this, because that is the usual mistake.
 */
#include "http/parent.h"

#include "base/address.h"

enum {
	SOCKS_VERSION = 5,
	SOCKS_CONNECT = 1,
	SOCKS_IPV4 = 1,
	SOCKS_NAME = 3,
	SOCKS_IPV6 = 4,
	SOCKS_NO_AUTHENTICATION = 0,
	SOCKS_USER_PASSWORD = 2,
	SOCKS_NONE_OF_THESE = 0xff,
	SOCKS_VERDICT_VERSION = 1, /* RFC 1929 counts on its own */
};

static const char not_socks[] = "the parent does not speak SOCKS5";
static const char not_http[] = "the parent does not speak HTTP";
static const char head_too_large[] = "the parent's answer is too large";

static enum parent_progress feed_method(struct parent_handshake *h, struct span bytes, size_t *used);
static enum parent_progress feed_verdict(struct parent_handshake *h, struct span bytes, size_t *used);
static enum parent_progress feed_reply(struct parent_handshake *h, struct span bytes, size_t *used);
static enum parent_progress feed_response(struct parent_handshake *h, struct span bytes, size_t *used);

static bool has_credentials(const struct parent *p)
{
	return p->user.p != NULL;
}

const char *parent_check(const struct parent *p)
{
	if (p->user.n > PARENT_CREDENTIAL_MAX || p->password.n > PARENT_CREDENTIAL_MAX)
		return "user and password of a parent have at most 255 bytes each";
	if (!has_credentials(p))
		return NULL;
	if (p->kind == PARENT_HTTP && span_find(p->user, ':') < p->user.n)
		return "a user with a colon cannot be given to an HTTP parent";
	if (p->kind == PARENT_SOCKS5 && !(p->user.n && p->password.n))
		return "a SOCKS5 parent wants user and password, or neither";
	return NULL;
}

/* Sending */

static void put(struct parent_handshake *h, struct span s)
{
	memcpy(h->scratch + h->send_bytes, s.p, s.n);
	h->send_bytes += s.n;
}

static void put_byte(struct parent_handshake *h, unsigned byte)
{
	h->scratch[h->send_bytes++] = (char)(unsigned char)byte;
}

static void put_counted(struct parent_handshake *h, struct span s)
{
	put_byte(h, (unsigned)s.n);
	if (s.n)
		put(h, s);
}

static void put_authority(struct parent_handshake *h)
{
	bool ipv6 = span_find(h->host, ':') < h->host.n;

	if (ipv6)
		put_byte(h, '[');
	put(h, h->host);
	if (ipv6)
		put_byte(h, ']');
	put_byte(h, ':');
	h->send_bytes += span_put_u64(h->scratch + h->send_bytes, h->port);
}

size_t parent_put_authorization(const struct parent *p, char out[PARENT_AUTHORIZATION_MAX])
{
	static const char scheme[] = { 'B', 'a', 's', 'i', 'c', ' ' };
	char both[2 * PARENT_CREDENTIAL_MAX + 1];
	size_t n = p->user.n;

	if (!has_credentials(p))
		return 0;
	memcpy(both, p->user.p, n);
	both[n++] = ':';
	if (p->password.n)
		memcpy(both + n, p->password.p, p->password.n);
	n += p->password.n;
	memcpy(out, scheme, sizeof(scheme));
	return sizeof(scheme) + base64_put(out + sizeof(scheme), span_of(both, n));
}

static void send_connect(struct parent_handshake *h)
{
	put(h, SPAN("CONNECT "));
	put_authority(h);
	put(h, SPAN(" HTTP/1.1\r\nHost: "));
	put_authority(h);
	if (has_credentials(h->parent)) {
		put(h, SPAN("\r\nProxy-Authorization: "));
		h->send_bytes += parent_put_authorization(h->parent, h->scratch + h->send_bytes);
	}
	put(h, SPAN("\r\n\r\n"));
	h->state = PARENT_AT_RESPONSE;
}

static void send_greeting(struct parent_handshake *h)
{
	put_byte(h, SOCKS_VERSION);
	put_byte(h, has_credentials(h->parent) ? 2 : 1);
	put_byte(h, SOCKS_NO_AUTHENTICATION);
	if (has_credentials(h->parent))
		put_byte(h, SOCKS_USER_PASSWORD);
	h->state = PARENT_AT_METHOD;
}

static void send_credentials(struct parent_handshake *h)
{
	put_byte(h, SOCKS_VERDICT_VERSION);
	put_counted(h, h->parent->user);
	put_counted(h, h->parent->password);
	h->state = PARENT_AT_VERDICT;
}

static void send_request(struct parent_handshake *h)
{
	struct address ip;

	put_byte(h, SOCKS_VERSION);
	put_byte(h, SOCKS_CONNECT);
	put_byte(h, 0);
	if (!address_parse_ip(h->host, h->port, &ip)) {
		put_byte(h, SOCKS_NAME);
		put_counted(h, h->host);
	} else if (address_is_v4(&ip)) {
		put_byte(h, SOCKS_IPV4);
		put(h, span_of((const char *)ip.ip + 12, 4));
	} else {
		put_byte(h, SOCKS_IPV6);
		put(h, span_of((const char *)ip.ip, 16));
	}
	put_byte(h, h->port >> 8);
	put_byte(h, h->port & 0xff);
	h->state = PARENT_AT_REPLY;
}

bool parent_handshake_start(struct parent_handshake *h, const struct parent *p, struct span host, uint16_t port,
	char *scratch)
{
	h->scratch = scratch;
	h->parent = p;
	h->host = host;
	h->port = port;
	h->http_status = 0;
	h->head_bytes = 0;
	h->send_bytes = 0;
	h->reason = parent_check(p);
	if (!h->reason && (!host.n || host.n > PARENT_HOST_MAX))
		h->reason = "the host's name is too long for a parent";
	h->state = PARENT_AT_END;
	if (h->reason)
		return false;
	switch (p->kind) {
	case PARENT_NONE:
		h->reason = "no parent is configured";
		return false;
	case PARENT_HTTP:
		send_connect(h);
		break;
	case PARENT_SOCKS5:
		send_greeting(h);
		break;
	}
	return true;
}

/* Receiving */

static enum parent_progress fail(struct parent_handshake *h, const char *reason)
{
	h->reason = reason;
	h->state = PARENT_AT_END;
	return PARENT_FAILED;
}

static unsigned byte_at(struct span s, size_t i)
{
	return (unsigned char)s.p[i];
}

static enum parent_progress feed_method(struct parent_handshake *h, struct span bytes, size_t *used)
{
	if (bytes.n && byte_at(bytes, 0) != SOCKS_VERSION)
		return fail(h, not_socks);
	if (bytes.n < 2)
		return PARENT_MORE;
	*used = 2;
	switch (byte_at(bytes, 1)) {
	case SOCKS_NO_AUTHENTICATION:
		send_request(h);
		return PARENT_MORE;
	case SOCKS_USER_PASSWORD:
		if (!has_credentials(h->parent))
			break;
		send_credentials(h);
		return PARENT_MORE;
	case SOCKS_NONE_OF_THESE:
		return fail(h, has_credentials(h->parent) ? "the parent refuses to authenticate by user and password"
							  : "the parent wants a user and password");
	default:
		break;
	}
	return fail(h, "the parent chose an authentication that was not offered");
}

static enum parent_progress feed_verdict(struct parent_handshake *h, struct span bytes, size_t *used)
{
	if (bytes.n < 2)
		return PARENT_MORE;
	*used = 2;
	/* The version is not looked at: parents exist that answer 5 here. */
	if (byte_at(bytes, 1) != 0)
		return fail(h, "the parent does not accept the user and password");
	send_request(h);
	return PARENT_MORE;
}

static const char *reply_reason(unsigned reply)
{
	static const char *const reasons[] = {
		[1] = "the parent failed",
		[2] = "the parent does not allow this connection",
		[3] = "the parent cannot reach the network",
		[4] = "the parent cannot reach the host",
		[5] = "the connection was refused, says the parent",
		[6] = "the parent's attempt to connect timed out",
		[7] = "the parent does not support connections",
		[8] = "the parent does not support this kind of address",
	};

	if (reply < 1 || reply >= sizeof(reasons) / sizeof(reasons[0]))
		return "the parent failed with an unknown code";
	return reasons[reply];
}

/* How long the reply is, or 0 when it has to be longer to tell; the bound address in it is of no use to us. */
static size_t reply_length(struct span bytes, bool *known)
{
	*known = true;
	switch (byte_at(bytes, 3)) {
	case SOCKS_IPV4:
		return 6 + 4;
	case SOCKS_IPV6:
		return 6 + 16;
	case SOCKS_NAME:
		return bytes.n > 4 ? 7 + byte_at(bytes, 4) : 0;
	default:
		*known = false;
		return 0;
	}
}

static enum parent_progress feed_reply(struct parent_handshake *h, struct span bytes, size_t *used)
{
	bool known;

	if (bytes.n && byte_at(bytes, 0) != SOCKS_VERSION)
		return fail(h, not_socks);
	if (bytes.n > 1 && byte_at(bytes, 1) != 0)
		return fail(h, reply_reason(byte_at(bytes, 1)));
	if (bytes.n < 4)
		return PARENT_MORE;
	size_t length = reply_length(bytes, &known);
	if (!known)
		return fail(h, not_socks);
	if (!length || bytes.n < length)
		return PARENT_MORE;
	*used = length;
	h->state = PARENT_AT_END;
	return PARENT_OK;
}

/* The length of a head with its empty line; 0 when that has not come. */
static size_t head_length(struct span bytes)
{
	const char *end = bytes.n ? memmem(bytes.p, bytes.n, "\r\n\r\n", 4) : NULL;

	return end ? (size_t)(end - bytes.p) + 4 : 0;
}

/* "HTTP/1.x DDD", as far as it has come, the status 0 before its end.  False when it is something else. */
static bool status_line_parse(struct span bytes, uint16_t *status)
{
	static const char pattern[] = "HTTP/1.d ddd";

	*status = 0;
	for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
		if (i >= bytes.n)
			return true;
		if (pattern[i] == 'd' ? !ascii_digit(bytes.p[i]) : bytes.p[i] != pattern[i])
			return false;
	}
	if (bytes.n < sizeof(pattern))
		return true;
	if (bytes.p[sizeof(pattern) - 1] != ' ' && bytes.p[sizeof(pattern) - 1] != '\r')
		return false;
	*status = (uint16_t)((bytes.p[9] - '0') * 100 + (bytes.p[10] - '0') * 10 + (bytes.p[11] - '0'));
	return *status >= 100;
}

static const char *status_reason(unsigned status)
{
	switch (status) {
	case 401:
	case 407:
		return "the parent wants a user and password, or others";
	case 403:
		return "the parent does not allow this connection";
	case 502:
	case 503:
		return "the parent cannot reach the host";
	case 504:
		return "the parent's attempt to connect timed out";
	default:
		return "the parent refuses to open a tunnel";
	}
}

/* Interim responses are passed over; the body of a refusal is left unread, the connection is of no more use. */
static enum parent_progress feed_response(struct parent_handshake *h, struct span bytes, size_t *used)
{
	for (;;) {
		struct span rest = span_from(bytes, *used);
		size_t length = head_length(rest);
		uint16_t status;

		if (!status_line_parse(rest, &status))
			return fail(h, not_http);
		if (h->head_bytes + (length ? length : rest.n) > PARENT_HEAD_MAX)
			return fail(h, head_too_large);
		if (!length)
			return PARENT_MORE;
		*used += length;
		h->head_bytes += (unsigned)length;
		h->http_status = status;
		if (status >= 200 || status == 101)
			break;
	}
	if (h->http_status / 100 != 2)
		return fail(h, status_reason(h->http_status));
	h->state = PARENT_AT_END;
	return PARENT_OK;
}

enum parent_progress parent_handshake_feed(struct parent_handshake *h, struct span bytes, size_t *used)
{
	*used = 0;
	h->send_bytes = 0;
	switch (h->state) {
	case PARENT_AT_METHOD:
		return feed_method(h, bytes, used);
	case PARENT_AT_VERDICT:
		return feed_verdict(h, bytes, used);
	case PARENT_AT_REPLY:
		return feed_reply(h, bytes, used);
	case PARENT_AT_RESPONSE:
		return feed_response(h, bytes, used);
	case PARENT_AT_END:
		break;
	}
	return h->reason ? PARENT_FAILED : PARENT_OK;
}

const char *parent_handshake_ended(const struct parent_handshake *h)
{
	switch (h->state) {
	case PARENT_AT_METHOD:
		return "the parent closed the connection before answering: does it speak SOCKS5?";
	case PARENT_AT_VERDICT:
		return "the parent closed the connection when given user and password";
	case PARENT_AT_REPLY:
		return "the parent closed the connection instead of reaching the host";
	case PARENT_AT_RESPONSE:
		return "the parent closed the connection before answering: does it speak HTTP?";
	case PARENT_AT_END:
		break;
	}
	return h->reason ? h->reason : "the parent closed the connection";
}
