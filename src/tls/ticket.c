/*
 * Session ticket keys: made when first needed, renewed when old.  Knows nothing of connections.
 */
#include "tls/ticket.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"

enum { NAME_BYTES = 16, CIPHER_BYTES = 32, MAC_BYTES = 32 };

#define RENEW_AFTER_US (INT64_C(12) * 3600 * 1000000)

struct ticket_key {
	unsigned char name[NAME_BYTES], cipher[CIPHER_BYTES], mac[MAC_BYTES];
	int64_t made_us;
	bool valid;
};

/* The process's: a ticket made by one worker is good for all. */
static struct {
	pthread_mutex_t lock; /* guards the rest */
	struct ticket_key current, former;
} keys = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool key_is_good(const struct ticket_key *k, int64_t now_us, int64_t lifetime_us)
{
	return k->valid && now_us - k->made_us < lifetime_us;
}

static bool renew(int64_t now_us)
{
	struct ticket_key fresh = { .made_us = now_us, .valid = true };

	if (RAND_bytes(fresh.name, NAME_BYTES) != 1 || RAND_bytes(fresh.cipher, CIPHER_BYTES) != 1 ||
		RAND_bytes(fresh.mac, MAC_BYTES) != 1)
		return false;
	keys.former = keys.current;
	keys.current = fresh;
	return true;
}

/* The key to make tickets with.  False when there is no randomness. */
static bool key_for_making(struct ticket_key *out)
{
	int64_t now_us = clock_us();

	pthread_mutex_lock(&keys.lock);
	bool ok = key_is_good(&keys.current, now_us, RENEW_AFTER_US) || renew(now_us);
	*out = keys.current;
	pthread_mutex_unlock(&keys.lock);
	return ok;
}

/* The key of that name, if it still counts; *old tells that the client should get a new ticket. */
static bool key_by_name(const unsigned char *name, struct ticket_key *out, bool *old)
{
	int64_t now_us = clock_us();
	const struct ticket_key *found = NULL;

	pthread_mutex_lock(&keys.lock);
	if (keys.current.valid && memcmp(keys.current.name, name, NAME_BYTES) == 0)
		found = &keys.current;
	else if (keys.former.valid && memcmp(keys.former.name, name, NAME_BYTES) == 0)
		found = &keys.former;
	bool good = found && key_is_good(found, now_us, 2 * RENEW_AFTER_US);
	if (good) {
		*out = *found;
		*old = !key_is_good(found, now_us, RENEW_AFTER_US);
	}
	pthread_mutex_unlock(&keys.lock);
	return good;
}

static bool mac_init(EVP_MAC_CTX *mac, struct ticket_key *k)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac, MAC_BYTES),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* OpenSSL's: negative on failure, 0 for an unknown ticket, 1 fine, 2 fine but to be renewed. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int making)
{
	struct ticket_key key;
	bool old = false;
	int result = -1;

	(void)ssl;
	if (making) {
		if (key_for_making(&key) && RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 &&
			EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 && mac_init(mac, &key)) {
			memcpy(name, key.name, NAME_BYTES);
			result = 1;
		}
	} else if (!key_by_name(name, &key, &old)) {
		return 0;
	} else if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key.cipher, iv) == 1 && mac_init(mac, &key)) {
		result = old ? 2 : 1;
	}
	OPENSSL_cleanse(&key, sizeof(key));
	return result;
}

void ticket_use(struct ssl_ctx_st *context)
{
	SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}
