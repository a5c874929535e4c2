/*
 * Base64 (RFC 4648 section 4), with padding.
 */
#ifndef FRESHET_BASE_BASE64_H
#define FRESHET_BASE_BASE64_H

#include "base/span.h"

/* The length of n bytes encoded; a constant where n is. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_LEN(s.n) bytes at out, no NUL; returns that length. */
size_t base64_put(char *out, struct span s);

/* Room for n characters decoded. */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)

/*
 * Decodes into at most BASE64_DECODED_MAX(s.n) bytes at out.  False for anything but the one text that base64_put()
 * makes of some bytes: no blanks, padded, no stray bits.
 */
bool base64_get(char *out, struct span s, size_t *out_n) MUST_CHECK;

#endif
