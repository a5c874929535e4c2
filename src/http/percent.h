/*
 * Percent-encoded text (RFC 3986 section 2.1), as bytes.
 */
#ifndef FRESHET_HTTP_PERCENT_H
#define FRESHET_HTTP_PERCENT_H

#include "base/span.h"

/* Writes the bytes to out, which has room for s.n of them and may be where s is; *n says how many.  False where a % has no
 * two hexadecimal digits behind it. */
bool percent_decode(struct span s, char *out, size_t *n) MUST_CHECK;

#endif
