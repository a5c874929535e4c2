/*
 * Password hashes of crypt(3): which are good enough, making them, checking passwords against them.
 *
 * Making and checking take tens of milliseconds and megabytes of memory by design: never on a worker's loop.
 */
#ifndef FRESHET_BASE_PASSWORD_H
#define FRESHET_BASE_PASSWORD_H

#include "base/span.h"

enum {
	PASSWORD_MAX = 511,  /* bytes; crypt(3) takes no more */
	PASSWORD_HASH_BYTES = 384,
};

/* NULL, or why (constant) this is no hash that we take: plain text, a weak or unknown method, cut short. */
const char *password_hash_fault(const char *hash);

/* Whether it is the password of this hash; compared in constant time.  False when memory is out. */
bool password_matches(const char *password, const char *hash);

/* A new hash, by yescrypt with the library's standard cost.  False when the library cannot. */
bool password_hash(const char *password, char out[PASSWORD_HASH_BYTES]) MUST_CHECK;

#endif
