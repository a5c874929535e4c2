/*
 * Stapled OCSP responses.  A response that cannot be read or trusted says nothing, as if there were none.
 */
#include "tls/staple.h"

#include <openssl/ocsp.h>
#include <openssl/ssl.h>

enum { CLOCK_SLACK_S = 300 };

/* The certificate that issued the peer's, as sent along; borrowed.  NULL when it was not. */
static X509 *issuer_in(const STACK_OF(X509) *chain, X509 *cert)
{
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (X509_check_issued(sk_X509_value(chain, i), cert) == X509_V_OK)
			return sk_X509_value(chain, i);
	return NULL;
}

static bool is_current(OCSP_BASICRESP *basic, OCSP_CERTID *id, int *status)
{
	ASN1_GENERALIZEDTIME *revoked, *from, *until;
	int reason;

	return OCSP_resp_find_status(basic, id, status, &reason, &revoked, &from, &until) == 1 &&
	       OCSP_check_validity(from, until, CLOCK_SLACK_S, -1) == 1;
}

static bool says_revoked(SSL *ssl, OCSP_BASICRESP *basic, X509 *cert, X509 *issuer)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert, issuer);
	int status = V_OCSP_CERTSTATUS_UNKNOWN;
	bool revoked = id && OCSP_basic_verify(basic, chain, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), 0) == 1 &&
		       is_current(basic, id, &status) && status == V_OCSP_CERTSTATUS_REVOKED;

	OCSP_CERTID_free(id);
	return revoked;
}

static bool response_says_revoked(SSL *ssl, const unsigned char *bytes, long n)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	X509 *cert = SSL_get0_peer_certificate(ssl), *issuer = cert && chain ? issuer_in(chain, cert) : NULL;
	OCSP_RESPONSE *response = issuer ? d2i_OCSP_RESPONSE(NULL, &bytes, n) : NULL;
	OCSP_BASICRESP *basic = response ? OCSP_response_get1_basic(response) : NULL;
	bool revoked = basic && says_revoked(ssl, basic, cert, issuer);

	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return revoked;
}

/* OpenSSL's: 0 ends the handshake with bad_certificate_status_response. */
static int on_staple(SSL *ssl, void *arg)
{
	const unsigned char *bytes;
	long n = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);

	(void)arg;
	if (n <= 0 || !response_says_revoked(ssl, bytes, n))
		return 1;
	SSL_set_verify_result(ssl, X509_V_ERR_CERT_REVOKED);
	return 0;
}

bool staple_ask(struct ssl_ctx_st *context)
{
	return SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp) == 1 &&
	       SSL_CTX_set_tlsext_status_cb(context, on_staple) == 1;
}

bool staple_missing(const struct ssl_st *ssl)
{
	const unsigned char *bytes;
	X509 *cert = SSL_get0_peer_certificate(ssl);

	return cert && X509_get_ext_by_NID(cert, NID_tlsfeature, -1) >= 0 && !SSL_session_reused(ssl) &&
	       SSL_get_tlsext_status_ocsp_resp((SSL *)(uintptr_t)ssl, &bytes) <= 0;
}
