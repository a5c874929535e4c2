/*
 * A name server on loopback, on a thread of its own, that answers from a table and counts.  UDP and TCP.
 */
#ifndef FRESHET_TESTS_DNS_SERVER_H
#define FRESHET_TESTS_DNS_SERVER_H

#include <stdbool.h>

enum { DNS_RECORDS_MAX = 20 };

struct dns_name {
	const char *name;
	const char *a[DNS_RECORDS_MAX], *aaaa[DNS_RECORDS_MAX]; /* up to the first NULL */
	const char *alias; /* a CNAME in front of the addresses */
	int ttl_s, alias_ttl_s;
	int rcode;
	int delay_ms;
	bool truncate;   /* UDP answers say: come again by TCP */
	bool drop, drop_aaaa;
};

/* Starts once per process; `names` ends with one without name, others do not exist.  Returns the port. */
int dns_server_start(const struct dns_name *names);

/* How many questions came for a name, of both types, by UDP or TCP. */
int dns_server_asked(const char *name, bool tcp);

#endif
