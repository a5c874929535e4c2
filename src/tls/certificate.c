/*
 * Parts of certificates.
 */
#include "tls/certificate.h"

#include <openssl/bn.h>

enum { SERIAL_BITS = 127, DAY_S = 24 * 3600 };

bool certificate_number(X509 *x)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;

	BN_free(n);
	return ok;
}

bool certificate_lifetime(X509 *x, int backdated_days, int days)
{
	return X509_gmtime_adj(X509_getm_notBefore(x), -(long)backdated_days * DAY_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(x), (long)days * DAY_S);
}

bool certificate_extend(X509 *x, X509V3_CTX *context, int nid, const char *text)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, context, nid, text);
	bool ok = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}
