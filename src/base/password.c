/*
 * Password hashes, by libcrypt.
 */
#include "base/password.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

/* The methods we take, and how long what follows the last dollar sign is. */
static const struct {
	struct span prefix;
	size_t tail;
} methods[] = {
	{ { "$y$", 3 }, 43 },  /* yescrypt */
	{ { "$gy$", 4 }, 43 }, /* yescrypt, GOST */
	{ { "$7$", 3 }, 43 },  /* scrypt */
	{ { "$2b$", 4 }, 53 }, /* bcrypt */
	{ { "$2y$", 4 }, 53 },
	{ { "$2a$", 4 }, 53 },
	{ { "$6$", 3 }, 86 },  /* SHA-512, many rounds */
	{ { "$5$", 3 }, 43 },  /* SHA-256, many rounds */
};

static const char *method_fault(const char *hash, size_t tail)
{
	if (strlen(strrchr(hash, '$') + 1) != tail || strlen(hash) >= PASSWORD_HASH_BYTES)
		return "the password's hash is cut short or has something behind it";
	if (crypt_checksalt(hash) == CRYPT_SALT_INVALID)
		return "the password's hash is damaged";
	return NULL;
}

const char *password_hash_fault(const char *hash)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (span_starts(span_str(hash), methods[i].prefix))
			return method_fault(hash, methods[i].tail);
	if (hash[0] == '$')
		return "the password's hash is of a method that is weak or unknown; yescrypt ($y$) and bcrypt ($2b$) are good";
	return "this is no password hash; passwords are never kept as plain text, nor in old hashes";
}

bool password_matches(const char *password, const char *hash)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	size_t n = strlen(hash);
	bool same = false;

	if (!data)
		return false;
	const char *got = crypt_rn(password, hash, data, sizeof(*data));
	if (got && strlen(got) == n)
		same = secret_same(got, hash, n);
	explicit_bzero(data, sizeof(*data));
	free(data);
	return same;
}

bool password_hash(const char *password, char out[PASSWORD_HASH_BYTES])
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	bool ok = data && crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) &&
		  crypt_rn(password, setting, data, sizeof(*data)) && !password_hash_fault(data->output);

	if (ok)
		snprintf(out, PASSWORD_HASH_BYTES, "%s", data->output);
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	return ok;
}
