/*
 * PROXY protocol headers.
 *
 * Strict: what does not match the specification exactly is refused at the first byte that shows it.  Type-length-value
 * vectors of version 2 are skipped unread.
 */
#include "http/proxy_header.h"

static enum proxy_header_result bad(const char **why, const char *reason)
{
	*why = reason;
	return PROXY_HEADER_BAD;
}

/* Whether the bytes begin like this, as far as they go. */
static bool may_be(struct span bytes, struct span beginning)
{
	return bytes.n < beginning.n ? span_starts(beginning, bytes) : span_starts(bytes, beginning);
}

/* -- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443" CR LF (section 2.1) -- */

#define V1_BEGINNING SPAN("PROXY ")

enum { V1_LINE_MAX = 107, PORT_MAX = 65535 };

/* What is before the next blank, of which there is exactly one between two words. */
static struct span word_next(struct span *rest)
{
	struct span word = span_first(*rest, span_find(*rest, ' '));

	*rest = span_from(*rest, word.n + 1);
	return word;
}

static bool parse_port(struct span text, uint16_t *out)
{
	uint64_t port;

	if ((text.n > 1 && text.p[0] == '0') || !span_u64(text, PORT_MAX, &port))
		return false;
	*out = (uint16_t)port;
	return true;
}

static bool parse_ip(struct span text, bool v6, struct address *out)
{
	return (span_find(text, ':') < text.n) == v6 && address_parse_ip(text, 0, out);
}

/* "192.0.2.1 192.0.2.2 56324 443" */
static bool parse_ends(struct span rest, bool v6, struct address *client)
{
	struct address server;

	return parse_ip(word_next(&rest), v6, client) && parse_ip(word_next(&rest), v6, &server) &&
	       parse_port(word_next(&rest), &client->port) && parse_port(rest, &server.port);
}

static enum proxy_header_result read_line(struct span line, struct proxy_header *h, const char **why)
{
	struct span rest = span_from(line, V1_BEGINNING.n);
	struct span family = word_next(&rest);

	if (span_eq(family, SPAN("UNKNOWN")))
		return PROXY_HEADER_OK; /* whatever follows it */
	h->has_client = true;
	if (span_eq(family, SPAN("TCP4")) || span_eq(family, SPAN("TCP6")))
		return parse_ends(rest, family.p[3] == '6', &h->client) ? PROXY_HEADER_OK :
									  bad(why, "its addresses or ports are malformed");
	return bad(why, "its protocol is none of TCP4, TCP6 and UNKNOWN");
}

static enum proxy_header_result read_v1(struct span bytes, struct proxy_header *h, const char **why)
{
	struct span at_most = span_first(bytes, V1_LINE_MAX);
	size_t cr = span_find(at_most, '\r');

	if (span_find(span_first(at_most, cr), '\n') < cr)
		return bad(why, "its line ends without CR");
	if (cr + 1 >= at_most.n)
		return at_most.n == V1_LINE_MAX ? bad(why, "its line is too long") : PROXY_HEADER_MORE;
	if (at_most.p[cr + 1] != '\n')
		return bad(why, "its line has a CR without LF");
	h->len = cr + 2;
	return read_line(span_first(bytes, cr), h, why);
}

/* -- version 2 (section 2.2) -- */

#define V2_SIGNATURE SPAN("\r\n\r\n\0\r\nQUIT\n")

enum { V2_VERSION_AT = 12, V2_FAMILY_AT = 13, V2_LENGTH_AT = 14, V2_BYTES = 16 };
enum { V2_LOCAL = 0, V2_PROXY = 1 };
enum { V2_UNSPEC = 0, V2_INET = 1, V2_INET6 = 2, V2_UNIX = 3 };
enum { V2_STREAM = 1, V2_DGRAM = 2 };
enum { V2_INET_BYTES = 12, V2_INET6_BYTES = 36, V2_UNIX_BYTES = 216 };

static unsigned byte_at(struct span bytes, size_t at)
{
	return (unsigned char)bytes.p[at];
}

static uint16_t u16_at(struct span bytes, size_t at)
{
	return (uint16_t)(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

/* Bytes of both ends' addresses. */
static size_t v2_needs(unsigned family)
{
	switch (family) {
	case V2_INET:
		return V2_INET_BYTES;
	case V2_INET6:
		return V2_INET6_BYTES;
	case V2_UNIX:
		return V2_UNIX_BYTES;
	default:
		return 0;
	}
}

static void take_client(struct span block, unsigned family, struct address *out)
{
	static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

	*out = (struct address){ .port = 0 };
	if (family == V2_INET6) {
		memcpy(out->ip, block.p, sizeof(out->ip));
		out->port = u16_at(block, 32);
		return;
	}
	memcpy(out->ip, v4_prefix, sizeof(v4_prefix));
	memcpy(out->ip + sizeof(v4_prefix), block.p, 4);
	out->port = u16_at(block, 8);
}

/* The addresses behind the fixed part. */
static enum proxy_header_result read_block(struct span block, unsigned family, unsigned transport, struct proxy_header *h,
	const char **why)
{
	if (family > V2_UNIX || transport > V2_DGRAM)
		return bad(why, "its address family or transport is not one of version 2");
	if (transport == V2_UNSPEC || family == V2_UNSPEC)
		return PROXY_HEADER_OK;
	if (block.n < v2_needs(family))
		return bad(why, "it is too short for its addresses");
	h->has_client = transport == V2_STREAM && family != V2_UNIX;
	if (h->has_client)
		take_client(block, family, &h->client);
	return PROXY_HEADER_OK;
}

static enum proxy_header_result read_v2(struct span bytes, struct proxy_header *h, const char **why)
{
	if (bytes.n > V2_VERSION_AT && byte_at(bytes, V2_VERSION_AT) >> 4 != 2)
		return bad(why, "its version is neither 1 nor 2");
	if (bytes.n > V2_VERSION_AT && (byte_at(bytes, V2_VERSION_AT) & 15) > V2_PROXY)
		return bad(why, "its command is neither LOCAL nor PROXY");
	if (bytes.n < V2_BYTES)
		return PROXY_HEADER_MORE;
	h->len = V2_BYTES + (size_t)u16_at(bytes, V2_LENGTH_AT);
	if (bytes.n < h->len)
		return PROXY_HEADER_MORE;
	if ((byte_at(bytes, V2_VERSION_AT) & 15) == V2_LOCAL)
		return PROXY_HEADER_OK; /* the family does not count */
	unsigned family = byte_at(bytes, V2_FAMILY_AT);
	return read_block(span_from(span_first(bytes, h->len), V2_BYTES), family >> 4, family & 15, h, why);
}

enum proxy_header_result proxy_header_read(struct span bytes, struct proxy_header *out, const char **why)
{
	struct proxy_header h = { .len = 0 };
	enum proxy_header_result result;

	if (!bytes.n)
		return PROXY_HEADER_MORE;
	if (may_be(bytes, V2_SIGNATURE))
		result = bytes.n < V2_SIGNATURE.n ? PROXY_HEADER_MORE : read_v2(bytes, &h, why);
	else if (may_be(bytes, V1_BEGINNING))
		result = bytes.n < V1_BEGINNING.n ? PROXY_HEADER_MORE : read_v1(bytes, &h, why);
	else
		return bad(why, "there is none");
	if (result == PROXY_HEADER_OK)
		*out = h;
	return result;
}
