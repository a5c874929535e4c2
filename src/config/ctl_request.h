/*
 * What `freshet ctl` is to ask of the running proxy.
 *
 * Pure: words of the command line in, a request for one of its pages out.  Knows the words; whether a pattern or a duration
 * can be is said by the proxy.
 */
#ifndef FRESHET_CONFIG_CTL_REQUEST_H
#define FRESHET_CONFIG_CTL_REQUEST_H

#include "base/span.h"

enum { CTL_TARGET_BYTES = 8192 };

struct ctl_request {
	const char *socket; /* -s, points into argv; NULL for the usual places */
	bool json;          /* what the proxy answers, as it is */
	bool changes;       /* asked for by POST */
	char target[CTL_TARGET_BYTES]; /* path and query, NUL-terminated */
};

/* Fills changes and target.  False for wrong usage, described in error. */
bool ctl_request_read(struct ctl_request *r, int count, char **words, char *error, size_t error_bytes) MUST_CHECK;

#endif
