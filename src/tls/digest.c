/*
 * SHA-256, by OpenSSL.
 */
#include "tls/digest.h"

#include <openssl/evp.h>

bool digest_begin(struct digest *d)
{
	if (!d->context)
		d->context = EVP_MD_CTX_new();
	return d->context && EVP_DigestInit_ex(d->context, EVP_sha256(), NULL) == 1;
}

bool digest_add(struct digest *d, struct span bytes)
{
	return EVP_DigestUpdate(d->context, bytes.p, bytes.n) == 1;
}

bool digest_end(struct digest *d, unsigned char out[DIGEST_BYTES])
{
	return EVP_DigestFinal_ex(d->context, out, NULL) == 1;
}

void digest_fini(struct digest *d)
{
	EVP_MD_CTX_free(d->context);
	d->context = NULL;
}
