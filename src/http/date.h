/*
 * HTTP dates (RFC 9110 section 5.6.7), without the locale.
 *
 * Times are seconds since 1970-01-01 00:00 UTC and may be negative.
 */
#ifndef FRESHET_HTTP_DATE_H
#define FRESHET_HTTP_DATE_H

#include "base/span.h"

enum { HTTP_DATE_BYTES = 29 };

/*
 * Reads all three forms, letter for letter; now_s decides the century of two-digit years.  False, with
 * *out_s untouched, on anything else or a day that the calendar does not have.  The weekday has to be one, but
 * need not fit the date: "Mon, 26 Jul 1997", long the example for Expires, was a Saturday.
 */
bool http_date_parse(struct span s, int64_t now_s, int64_t *out_s) MUST_CHECK;

/* Writes "Sun, 06 Nov 1994 08:49:37 GMT", no NUL; returns the length.  Years beyond 0 to 9999 are clamped. */
size_t http_date_format(int64_t s, char out[HTTP_DATE_BYTES]);

#endif
