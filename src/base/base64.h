/*
 * Base64 (RFC 4648 section 4), encoding only, with padding.
 */
#ifndef FRESHET_BASE_BASE64_H
#define FRESHET_BASE_BASE64_H

#include "base/span.h"

/* The length of n bytes encoded; a constant where n is. */
#define BASE64_LEN(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_LEN(s.n) bytes at out, no NUL; returns that length. */
size_t base64_put(char *out, struct span s);

#endif
