/*
 * Keys for session tickets: common to all contexts, renewed by themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shifted_clock.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "tls/ticket.h"

#define HOURS(n) ((n) * 3600L)

static SSL_CTX *servers[2], *client;

static void put_certificate(SSL_CTX *server)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();

	X509_gmtime_adj(X509_getm_notBefore(x), -100);
	X509_gmtime_adj(X509_getm_notAfter(x), HOURS(24));
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	assert_int_equal(SSL_CTX_use_cert_and_key(server, x, key, NULL, 1), 1);
	X509_free(x);
	EVP_PKEY_free(key);
}

static int set_up(void **state)
{
	(void)state;
	client = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	for (int i = 0; i < 2; i++) {
		servers[i] = SSL_CTX_new(TLS_server_method());
		put_certificate(servers[i]);
		SSL_CTX_set_session_cache_mode(servers[i], SSL_SESS_CACHE_OFF);
		ticket_use(servers[i]);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		SSL_CTX_free(servers[i]);
	SSL_CTX_free(client);
	return 0;
}

/* One handshake.  Returns the session to go on with, and whether `former` (consumed; NULL none) was resumed. */
static SSL_SESSION *meet(SSL_CTX *server, int version, SSL_SESSION *former, bool *resumed)
{
	SSL *a = SSL_new(client), *b = SSL_new(server);
	BIO *to_a, *to_b;
	char nothing[1];

	assert_int_equal(BIO_new_bio_pair(&to_a, 0, &to_b, 0), 1);
	SSL_set_bio(a, to_a, to_a);
	SSL_set_bio(b, to_b, to_b);
	SSL_set_max_proto_version(a, version);
	if (former)
		SSL_set_session(a, former);
	SSL_SESSION_free(former);
	SSL_set_connect_state(a);
	SSL_set_accept_state(b);
	for (int i = 0; i < 10 && (!SSL_is_init_finished(a) || !SSL_is_init_finished(b)); i++) {
		SSL_do_handshake(a);
		SSL_do_handshake(b);
	}
	assert_true(SSL_is_init_finished(a) && SSL_is_init_finished(b));
	assert_true(SSL_read(a, nothing, 1) <= 0); /* TLS 1.3 sends tickets afterwards */
	*resumed = SSL_session_reused(b);
	SSL_SESSION *session = SSL_get1_session(a);
	SSL_shutdown(a);
	SSL_free(a);
	SSL_free(b);
	return session;
}

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static void test_session_begun_with_one_context_is_resumed_by_another(void **state)
{
	bool resumed;

	(void)state;
	for (int i = 0; i < 2; i++) {
		SSL_SESSION *session = meet(servers[0], versions[i], NULL, &resumed);

		assert_false(resumed);
		SSL_SESSION_free(meet(servers[1], versions[i], session, &resumed));
		assert_true(resumed);
	}
}

static void test_ticket_outlives_its_keys_first_renewal_but_not_the_second(void **state)
{
	bool resumed;

	(void)state;
	for (int i = 0; i < 2; i++) {
		SSL_SESSION *old = meet(servers[0], versions[i], NULL, &resumed);
		SSL_SESSION *kept = SSL_SESSION_dup(old);

		monotonic_ahead_s += HOURS(12) + 60;
		SSL_SESSION_free(meet(servers[0], versions[i], NULL, &resumed)); /* makes another key */
		SSL_SESSION_free(meet(servers[0], versions[i], old, &resumed));
		assert_true(resumed);
		monotonic_ahead_s += HOURS(12);
		SSL_SESSION_free(meet(servers[0], versions[i], kept, &resumed));
		assert_false(resumed);
	}
}

/* Nobody came meanwhile who would have had the key renewed. */
static void test_ticket_is_refused_after_a_day_even_if_its_key_is_the_last(void **state)
{
	bool resumed;

	(void)state;
	SSL_SESSION *session = meet(servers[0], TLS1_2_VERSION, NULL, &resumed);
	monotonic_ahead_s += HOURS(25);
	SSL_SESSION_free(meet(servers[0], TLS1_2_VERSION, session, &resumed));
	assert_false(resumed);
}

static void test_resumed_session_gets_a_ticket_of_the_new_key(void **state)
{
	bool resumed;

	(void)state;
	SSL_SESSION *session = meet(servers[0], TLS1_2_VERSION, NULL, &resumed);
	for (int i = 0; i < 4; i++) {
		monotonic_ahead_s += HOURS(13);
		session = meet(servers[i % 2], TLS1_2_VERSION, session, &resumed);
		assert_true(resumed);
	}
	SSL_SESSION_free(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_begun_with_one_context_is_resumed_by_another),
		cmocka_unit_test(test_ticket_outlives_its_keys_first_renewal_but_not_the_second),
		cmocka_unit_test(test_ticket_is_refused_after_a_day_even_if_its_key_is_the_last),
		cmocka_unit_test(test_resumed_session_gets_a_ticket_of_the_new_key),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
