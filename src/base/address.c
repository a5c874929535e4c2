/*
 * IP addresses and networks: text, kernel form, comparison.
 *
 * Pure: reads no interface table and resolves no names, so a scope is a number here, in text as well.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

enum { V4_AT = sizeof(v4_prefix), V4_BITS_BEFORE = 8 * V4_AT, PORT_MAX = 65535, SCOPE_MAX = 65535 };

static bool is_v4(const uint8_t ip[16])
{
	return memcmp(ip, v4_prefix, sizeof(v4_prefix)) == 0;
}

static void put_v4(uint8_t ip[16], const void *four_bytes)
{
	memcpy(ip, v4_prefix, sizeof(v4_prefix));
	memcpy(ip + V4_AT, four_bytes, 4);
}

bool address_is_v4(const struct address *a)
{
	return is_v4(a->ip);
}

bool address_eq(const struct address *a, const struct address *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 && a->port == b->port && a->scope == b->scope;
}

bool address_is_loopback(const struct address *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return is_v4(a->ip) ? a->ip[V4_AT] == 127 : memcmp(a->ip, one, sizeof(one)) == 0;
}

bool address_is_any(const struct address *a)
{
	static const uint8_t zero[16];

	if (is_v4(a->ip))
		return memcmp(a->ip + V4_AT, zero, 4) == 0;
	return memcmp(a->ip, zero, sizeof(zero)) == 0;
}

/* A scope that does not fit (an interface index over 65535) counts as none. */
static uint16_t scope_of(const struct sockaddr_in6 *in6)
{
	if (!IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) || in6->sin6_scope_id > SCOPE_MAX)
		return 0;
	return (uint16_t)in6->sin6_scope_id;
}

bool address_from_sockaddr(const struct sockaddr *sa, struct address *out)
{
	const void *any = sa;

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = any;

		*out = (struct address){ .port = ntohs(in->sin_port) };
		put_v4(out->ip, &in->sin_addr);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = any;

		*out = (struct address){ .port = ntohs(in6->sin6_port), .scope = scope_of(in6) };
		memcpy(out->ip, &in6->sin6_addr, sizeof(out->ip));
		return true;
	}
	return false;
}

socklen_t address_to_sockaddr(const struct address *a, struct sockaddr_storage *out)
{
	if (is_v4(a->ip)) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };

		memcpy(&in.sin_addr, a->ip + V4_AT, sizeof(in.sin_addr));
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(a->port), .sin6_scope_id = a->scope
	};

	memcpy(&in6.sin6_addr, a->ip, sizeof(in6.sin6_addr));
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

bool address_parse_ip(struct span text, uint16_t port, struct address *out)
{
	char c_text[INET6_ADDRSTRLEN];
	uint8_t four[4];
	struct address a = { .port = port };

	if (text.n == 0 || text.n >= sizeof(c_text) || memchr(text.p, '\0', text.n))
		return false;
	memcpy(c_text, text.p, text.n);
	c_text[text.n] = '\0';
	if (inet_pton(AF_INET, c_text, four) == 1)
		put_v4(a.ip, four);
	else if (inet_pton(AF_INET6, c_text, a.ip) != 1)
		return false;
	*out = a;
	return true;
}

bool address_parse_numeric(struct span text, uint16_t port, struct address *out)
{
	char c_text[64]; /* "0377.0377.0377.0377" with room for zeroes in front */
	struct in_addr four;

	if (address_parse_ip(text, port, out))
		return true;
	if (text.n && text.p[text.n - 1] == '.')
		text = span_first(text, text.n - 1);
	if (text.n == 0 || text.n >= sizeof(c_text) || !ascii_digit(text.p[0]))
		return false;
	memcpy(c_text, text.p, text.n);
	c_text[text.n] = '\0';
	/* inet_aton() takes anything behind a blank. */
	if (strspn(c_text, "0123456789abcdefABCDEFxX.") != text.n || !inet_aton(c_text, &four))
		return false;
	*out = (struct address){ .port = port };
	put_v4(out->ip, &four);
	return true;
}

/* How an IPv6 prefix embeds IPv4 addresses. */
struct embedding {
	uint8_t prefix[16], mask[16];
	uint8_t at;       /* where the four bytes stand */
	uint8_t inverted; /* each is XORed with this */
};

static const struct embedding embeddings[] = {
	{ { 0x00, 0x64, 0xff, 0x9b }, { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, 12, 0 },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, { 255, 255, 255, 255, 255, 255 }, 12, 0 },
	{ { 0x20, 0x02 }, { 255, 255 }, 2, 0 },
	{ { 0x20, 0x01, 0x00, 0x00 }, { 255, 255, 255, 255 }, 12, 0xff },
	{ { [10] = 0x5e, [11] = 0xfe }, { [8] = 0xfd, 255, 255, 255 }, 12, 0 },
	{ { 0 }, { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, 12, 0 },
};

static bool embeds(const struct embedding *e, const uint8_t ip[16])
{
	for (unsigned i = 0; i < 16; i++)
		if ((ip[i] & e->mask[i]) != e->prefix[i])
			return false;
	return true;
}

bool address_embedded_v4(const struct address *a, struct address *out)
{
	uint8_t four[4];

	if (is_v4(a->ip) || address_is_loopback(a) || address_is_any(a))
		return false;
	for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
		const struct embedding *e = &embeddings[i];

		if (!embeds(e, a->ip))
			continue;
		for (unsigned b = 0; b < 4; b++)
			four[b] = a->ip[e->at + b] ^ e->inverted;
		*out = (struct address){ .port = a->port };
		put_v4(out->ip, four);
		return true;
	}
	return false;
}

/* "::1" or "fe80::1%2": what address_format() puts between brackets. */
static bool parse_bracketed(struct span text, uint16_t port, struct address *out)
{
	size_t percent = span_find(text, '%');
	uint64_t scope = 0;

	if (percent < text.n && !span_u64(span_from(text, percent + 1), SCOPE_MAX, &scope))
		return false;
	text = span_first(text, percent);
	if (span_find(text, ':') == text.n || !address_parse_ip(text, port, out))
		return false;
	out->scope = (uint16_t)scope;
	return true;
}

bool address_parse(struct span text, struct address *out)
{
	struct address a;
	uint64_t port;
	size_t colon = text.n;

	while (colon && text.p[colon - 1] != ':')
		colon--;
	if (!span_u64(span_from(text, colon), PORT_MAX, &port))
		return false;
	struct span ip = colon ? span_first(text, colon - 1) : SPAN("127.0.0.1");
	if (ip.n > 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']') {
		if (!parse_bracketed(span_of(ip.p + 1, ip.n - 2), (uint16_t)port, &a))
			return false;
	} else if (span_find(ip, ':') < ip.n || !address_parse_ip(ip, (uint16_t)port, &a)) {
		return false; /* without brackets "::1:80" has two readings */
	}
	*out = a;
	return true;
}

bool network_parse(struct span text, struct network *out)
{
	size_t slash = span_find(text, '/');
	struct span ip = span_first(text, slash);
	unsigned bits_before = span_find(ip, ':') < ip.n ? 0 : V4_BITS_BEFORE;
	uint64_t bits = 128 - bits_before;
	struct address a;

	if (!address_parse_ip(ip, 0, &a))
		return false;
	if (slash < text.n && !span_u64(span_from(text, slash + 1), bits, &bits))
		return false;
	*out = (struct network){ .prefix_bits = (uint8_t)(bits + bits_before) };
	memcpy(out->ip, a.ip, sizeof(out->ip));
	return true;
}

/* Bits behind the prefix do not count: "10.1.2.3/8" is 10.0.0.0/8. */
bool network_has(const struct network *n, const struct address *a)
{
	unsigned whole = n->prefix_bits / 8, rest = n->prefix_bits % 8;

	/* "::/0" means all of IPv6; that IPv4 is stored inside is our affair, not the operator's. */
	if (n->prefix_bits < V4_BITS_BEFORE && is_v4(a->ip))
		return false;
	if (memcmp(n->ip, a->ip, whole) != 0)
		return false;
	return rest == 0 || (n->ip[whole] ^ a->ip[whole]) >> (8 - rest) == 0;
}

/* By hand: every line of the access log has two of these, and inet_ntop() is four times as slow. */
static size_t format_v4(const uint8_t four[4], char *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++) {
		if (i)
			out[n++] = '.';
		n += span_put_u64(out + n, four[i]);
	}
	out[n] = '\0';
	return n;
}

size_t address_format_ip(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
	if (is_v4(a->ip))
		return format_v4(a->ip + V4_AT, out);
	inet_ntop(AF_INET6, a->ip, out, ADDRESS_TEXT_MAX);
	size_t n = strlen(out);
	if (a->scope) {
		out[n++] = '%';
		n += span_put_u64(out + n, a->scope);
		out[n] = '\0';
	}
	return n;
}

size_t address_format(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
	size_t n = address_format_ip(a, out);

	if (!is_v4(a->ip)) {
		memmove(out + 1, out, n);
		out[0] = '[';
		out[n + 1] = ']';
		n += 2;
	}
	out[n++] = ':';
	n += span_put_u64(out + n, a->port);
	out[n] = '\0';
	return n;
}
