/*
 * Secrets: SipHash-2-4-128 against OpenSSL's figures, comparison.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/secret.h"

static void digest_as_text(size_t n, char out[33])
{
	const struct secret_key key = { { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };
	static const char hex[] = "0123456789ABCDEF";
	char text[64];

	for (size_t i = 0; i < n; i++)
		text[i] = (char)i;
	struct secret_digest d = secret_digest(&key, n ? span_of(text, n) : SPAN_NONE);
	for (size_t i = 0; i < 16; i++) {
		out[2 * i] = hex[d.bytes[i] >> 4];
		out[2 * i + 1] = hex[d.bytes[i] & 15];
	}
	out[32] = '\0';
}

/* Key 00 01 … 0f, text 00 01 …: `openssl mac -macopt size:16 SIPHASH`. */
static void test_digests_are_siphash(void **state)
{
	static const struct {
		size_t n;
		const char *expected;
	} rows[] = {
		{ 0, "A3817F04BA25A8E66DF67214C7550293" },
		{ 1, "DA87C1D86B99AF44347659119B22FC45" },
		{ 8, "3B62A9BA6258F5610F83E264F31497B4" },
		{ 15, "5493E99933B0A8117E08EC0F97CFC3D9" },
	};
	char got[33];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		digest_as_text(rows[i].n, got);
		if (strcmp(got, rows[i].expected) != 0)
			fail_msg("%zu bytes: got %s, expected %s", rows[i].n, got, rows[i].expected);
	}
}

static void test_another_key_gives_another_digest(void **state)
{
	struct secret_key a, b;

	(void)state;
	assert_true(secret_key_make(&a));
	assert_true(secret_key_make(&b));
	struct secret_digest x = secret_digest(&a, SPAN("text")), y = secret_digest(&b, SPAN("text"));
	assert_false(secret_digest_eq(&x, &y));
	y = secret_digest(&a, SPAN("text"));
	assert_true(secret_digest_eq(&x, &y));
}

static void test_comparison_looks_at_every_byte(void **state)
{
	char a[20] = "0123456789abcdef", b[20];

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++) {
		memcpy(b, a, sizeof(a));
		assert_true(secret_same(a, b, sizeof(a)));
		b[i] = (char)(b[i] ^ 0x80);
		assert_false(secret_same(a, b, sizeof(a)));
	}
	assert_true(secret_same(a, b, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests_are_siphash),
		cmocka_unit_test(test_another_key_gives_another_digest),
		cmocka_unit_test(test_comparison_looks_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
