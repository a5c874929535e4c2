/*
 * An IP address with its port, in 20 bytes, and networks to hold it against.
 *
 * IPv4 is stored as IPv4-mapped IPv6, so every comparison has one form.
 */
#ifndef FRESHET_BASE_ADDRESS_H
#define FRESHET_BASE_ADDRESS_H

#include <sys/socket.h>

#include "base/span.h"

struct address {
	uint8_t ip[16];  /* network order; IPv4 as ::ffff:a.b.c.d */
	uint16_t port;   /* host order */
	uint16_t scope;  /* interface index of a link-local address, else 0 */
};

struct network {
	uint8_t ip[16];
	uint8_t prefix_bits; /* 0 to 128; an IPv4 /8 is 104 */
};

enum { ADDRESS_TEXT_MAX = 64 }; /* "[v6%scope]:port" and NUL */

bool address_is_v4(const struct address *a);
bool address_eq(const struct address *a, const struct address *b); /* ip, port and scope */
bool address_is_loopback(const struct address *a);
bool address_is_any(const struct address *a); /* 0.0.0.0 or :: */

/* From and to the kernel's form.  from_sockaddr is false for families other than IP. */
bool address_from_sockaddr(const struct sockaddr *sa, struct address *out) MUST_CHECK;
socklen_t address_to_sockaddr(const struct address *a, struct sockaddr_storage *out);

/* A literal address without port or brackets: "127.0.0.1", "::1".  False, *out untouched, for names. */
bool address_parse_ip(struct span text, uint16_t port, struct address *out) MUST_CHECK;

/* The same, and what inet_aton(3) takes for IPv4: "127.1", "0x7f.1", "2130706433"; also with a dot at the end. */
bool address_parse_numeric(struct span text, uint16_t port, struct address *out) MUST_CHECK;

/*
 * The IPv4 address that this IPv6 address is another way to: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo
 * (RFC 4380), ISATAP (RFC 5214), IPv4-compatible (RFC 4291 section 2.5.5.1).  False where there is none; IPv4-mapped
 * addresses are IPv4 here.
 */
bool address_embedded_v4(const struct address *a, struct address *out) MUST_CHECK;

/* "127.0.0.1:8080" or "[::1]:8080"; with a bare port ("8080") the loopback address. */
bool address_parse(struct span text, struct address *out) MUST_CHECK;

/* "10.0.0.0/8", "::1", "192.0.2.1". */
bool network_parse(struct span text, struct network *out) MUST_CHECK;
bool network_has(const struct network *n, const struct address *a);

/* Writes "1.2.3.4:80" or "[::1]:80" with NUL; returns the length. */
size_t address_format(const struct address *a, char out[ADDRESS_TEXT_MAX]);
/* The same without port and brackets. */
size_t address_format_ip(const struct address *a, char out[ADDRESS_TEXT_MAX]);

#endif
