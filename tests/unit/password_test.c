/*
 * Password hashes: those that are taken, and checking against them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/password.h"

/* All of "pw", by other programs. */
static const char *const hashes[] = {
	"$y$j9T$w3zpd23tazwei3pRsUngR0$3/WNnJfo.Xhv4fygwlgqIMF0u/KDNzw5M6hEQDWD5BC",
	"$2b$05$BwkZQVo3NqbhzFWO.xuRxOz8SONAge8O9YQlK.vlcMgX1zCl788b6",
	"$2y$05$yEfVDkvLlUAjZu2tH5rHI.kYIhirrXOMnwCRoaT2nE4Cuo4klj0vG",
	"$6$0VHmlqARYm4EsnLd$w.9aftIWhdZ8/PSNo6Y7EsJL1o0bDo6wk/DBZfRvS/.fLDcHHJFEYaGY6GQRwM/aTjlGOkruWlpwpdtSaHWzf0",
	"$5$IDV4dBHUGae/Ww9Z$6C3MKFgx0opMsrbL9gbgG91d/bCnMy7EVvXQ2sEA5NB",
};

static void test_hashes_of_every_method_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		const char *why = password_hash_fault(hashes[i]);

		if (why)
			fail_msg("%s: %s", hashes[i], why);
		if (!password_matches("pw", hashes[i]))
			fail_msg("%s: does not know its password", hashes[i]);
		if (password_matches("pW", hashes[i]) || password_matches("", hashes[i]))
			fail_msg("%s: takes another password", hashes[i]);
	}
}

static void test_what_is_no_good_hash_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "secret", "*", "!", "$", "$y$", "$2b$05$", "x3baKjtF7NWvE", "$1$A756ISTH$k099OG/AOPprsC9j237SV0",
		"$apr1$A756ISTH$k099OG/AOPprsC9j237SV0", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "$3$$8cc19b6a8cfeac299c2871c86b38de28",
		"$sha1$242555$jhpE9wjHtmE.1YNGZl7X$Us2IwW0hb13bBtfELfCIPMC8EJ2m",
		"$y$j9T$w3zpd23tazwei3pRsUngR0$3/WNnJfo.Xhv4fygwlgqIMF0u/KDNzw5M6hEQDWD5B",
		"$y$j9T$w3zpd23tazwei3pRsUngR0$3/WNnJfo.Xhv4fygwlgqIMF0u/KDNzw5M6hEQDWD5BCC",
		"$2b$05$BwkZQVo3NqbhzFWO.xuRxOz8SONAge8O9YQlK.vlcMgX1zCl788b6 ",
		"$2b$5$BwkZQVo3NqbhzFWO.xuRxOz8SONAge8O9YQlK.vlcMgX1zCl788b61",
		"$2b$05$BwkZQVo3NqbhzFWO.xuRxOz8SONAge8O9YQlK.vlcMgX1zCl788b6:rest",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!password_hash_fault(rows[i]))
			fail_msg("\"%s\" was taken", rows[i]);
}

static void test_a_new_hash_is_yescrypt_and_different_each_time(void **state)
{
	char a[PASSWORD_HASH_BYTES], b[PASSWORD_HASH_BYTES];

	(void)state;
	assert_true(password_hash("correct horse", a));
	assert_true(password_hash("correct horse", b));
	assert_true(span_starts(span_str(a), SPAN("$y$")));
	assert_null(password_hash_fault(a));
	assert_string_not_equal(a, b);
	assert_true(password_matches("correct horse", a));
	assert_false(password_matches("correct hors", a));
}

static void test_longest_password_counts_whole(void **state)
{
	char password[PASSWORD_MAX + 1], hash[PASSWORD_HASH_BYTES];

	(void)state;
	memset(password, 'a', PASSWORD_MAX);
	password[PASSWORD_MAX] = '\0';
	assert_true(password_hash(password, hash));
	assert_true(password_matches(password, hash));
	password[PASSWORD_MAX - 1] = 'b';
	assert_false(password_matches(password, hash));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes_of_every_method_are_checked),
		cmocka_unit_test(test_what_is_no_good_hash_is_refused),
		cmocka_unit_test(test_a_new_hash_is_yescrypt_and_different_each_time),
		cmocka_unit_test(test_longest_password_counts_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
