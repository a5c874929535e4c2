/*
 * Handling secrets: comparing them without telling how far they agree, and remembering them by a keyed digest.
 *
 * The digest is SipHash-2-4 with 128 bits: who does not know the key can neither find two texts with the same digest
 * nor test guesses against one.  It is no password hash (base/password.h): the key must not leave the process.
 */
#ifndef FRESHET_BASE_SECRET_H
#define FRESHET_BASE_SECRET_H

#include "base/span.h"

struct secret_key {
	uint64_t k[2];
};

struct secret_digest {
	uint8_t bytes[16];
};

/* A random key.  False when the kernel gives none. */
bool secret_key_make(struct secret_key *key) MUST_CHECK;

struct secret_digest secret_digest(const struct secret_key *key, struct span text);

/* In a time that does not depend on what they hold. */
bool secret_same(const void *a, const void *b, size_t n);
static inline bool secret_digest_eq(const struct secret_digest *a, const struct secret_digest *b)
{
	return secret_same(a->bytes, b->bytes, sizeof(a->bytes));
}

#endif
