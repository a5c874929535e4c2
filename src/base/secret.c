/*
 * Secrets: comparison in constant time, SipHash-2-4-128 (Aumasson and Bernstein, 2012).
 */
#include "base/secret.h"

#include <endian.h>
#include <sys/random.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_rounds(struct sip *s, int count)
{
	while (count--) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_rounds(s, 2);
	s->v0 ^= word;
}

/* n is at most 8; missing bytes count as zero. */
static uint64_t word_of(const char *p, size_t n)
{
	uint64_t word = 0;

	if (n)
		memcpy(&word, p, n);
	return le64toh(word);
}

static uint64_t sip_out(const struct sip *s)
{
	return htole64(s->v0 ^ s->v1 ^ s->v2 ^ s->v3);
}

struct secret_digest secret_digest(const struct secret_key *key, struct span text)
{
	struct sip s = {
		.v0 = key->k[0] ^ UINT64_C(0x736f6d6570736575),
		.v1 = key->k[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		.v2 = key->k[0] ^ UINT64_C(0x6c7967656e657261),
		.v3 = key->k[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t whole = text.n - text.n % 8;
	struct secret_digest out;
	uint64_t half[2];

	for (size_t at = 0; at < whole; at += 8)
		sip_word(&s, word_of(text.p + at, 8));
	sip_word(&s, (uint64_t)text.n << 56 | word_of(text.p ? text.p + whole : NULL, text.n % 8));
	s.v2 ^= 0xee;
	sip_rounds(&s, 4);
	half[0] = sip_out(&s);
	s.v1 ^= 0xdd;
	sip_rounds(&s, 4);
	half[1] = sip_out(&s);
	memcpy(out.bytes, half, sizeof(out.bytes));
	return out;
}

bool secret_key_make(struct secret_key *key)
{
	return getrandom(key, sizeof(*key), 0) == (ssize_t)sizeof(*key);
}

bool secret_same(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char different = 0;

	for (size_t i = 0; i < n; i++)
		different = (unsigned char)(different | (x[i] ^ y[i]));
	return different == 0;
}
