/*
 * A record as one line of the access log.
 *
 * Pure: facts in, bytes out.  Whatever a peer put into a method, a URL or a cache's name, the result is exactly
 * one line: it can neither be forged nor reach a terminal as a command.
 *
 * Text lines are for people and awk.  Eight columns, each always there and free of spaces, "-" where one does not
 * apply:
 *
 *   1 time (UTC)  2 client  3 method  4 URL  5 status  6 body bytes sent to the client  7 duration
 *   8 outcome: busted, not-busted, revalidate, observe, off; intercepted is a CONNECT
 *     whose requests are read and have lines of their own
 *
 * then words and key=value pairs as far as they apply, in this order; a value that is not a plain word is quoted,
 * and holds \xNN for quotes, backslashes and whatever is not visible ASCII:
 *
 *   left-alone=   why something or all of it was not busted
 *   switched=     which settings were not the configuration's, but changed while freshet runs: mode, pierce, intercept
 *   pierced=      how the request was written to get past caches: path, vary, query, empty;  repeats= how often it was
 *                 made again, since a cache answered or the server took offence;  stored-copy= whether that cache's copy
 *                 was the same as this answer by its validators, or changed;  stored-in= that cache's name;
 *                 stored-older= by how much its copy was older, by Last-Modified;  stored-age= how long it had been stored
 *   error=        what went wrong, for the operator;  proxy-error= the same as a type of RFC 9209
 *   user=         who logged in, after the password was found right
 *   truncated     the client was shown that the response is not whole
 *   tunnel        opaque bytes: CONNECT or Upgrade
 *   tls=          the version spoken with the origin;  unverified: it did not have to prove who it is
 *   staple-missing  its certificate demands a stapled OCSP response, and none came
 *   passed-for=   for so long the host will be passed through unread, for the reason in left-alone
 *   http/1.0      the client's version, where it is not 1.1
 *   url-cut       the URL was longer than it is shown
 *   up=           body bytes sent to the origin
 *   verdict=      what caches in between said of the answer, all together: fresh, revalidated, from-cache(layer, age),
 *                 stale(layer, seconds beyond its lifetime), unknown
 *   layers=       what each of them said, from the client to the origin: name:hit, stale, revalidated, miss, pass or
 *                 unknown, with its age where that is told, and "?" where the field is not one vendor's own
 *   to-origin=, to-client=   the fields that were edited: "name=" set, "+name" added, "-name" removed
 *   origin=       the address that was connected to;  reused: over a pooled connection
 *   queue=, connect=, first-byte=   the parts of the duration
 *   id=           number of the exchange
 *
 *   2026-11-22T17:20:01.123Z 127.0.0.1:51000 GET http://example.org/a 200 1256B 12.345ms busted
 *   to-origin=cache-control=,-if-none-match to-client=cache-control=,-age origin=192.0.2.1:80 reused
 *   first-byte=11.870ms id=17
 *
 * In the URL, bytes that a URL cannot hold are percent-encoded; in the method they are written \xNN.
 *
 * JSON lines hold one flat object with dotted names, those of the Elastic Common Schema where it has one; see
 * fields.def.  Names whose value does not apply are left out.
 */
#ifndef FRESHET_INSPECT_ACCESS_LOG_H
#define FRESHET_INSPECT_ACCESS_LOG_H

#include "inspect/record.h"

enum access_log_format {
	ACCESS_LOG_TEXT,
	ACCESS_LOG_JSON,
};

enum {
	ACCESS_LOG_LINE_MAX = 24 * 1024, /* beyond the longest line there can be */
	ACCESS_LOG_TIME_BYTES = 24,
};

/* Writes the line with its newline, no NUL; returns the length. */
size_t access_log_line(enum access_log_format format, const struct record *r, char out[ACCESS_LOG_LINE_MAX]);

/* "2026-11-22T17:20:01.123Z" (RFC 3339), no NUL, of microseconds since 1970; beyond the year 9999 clamped. */
size_t access_log_time(char out[ACCESS_LOG_TIME_BYTES], int64_t us);

#endif
