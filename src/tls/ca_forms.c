/*
 * The authority's certificate in the forms in which programs and devices take it.
 */
#include "tls/ca_forms.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

enum { UUID_BYTES = 16, UUID_TEXT = 37 };

/* What was written, as memory of malloc(); ends the BIO. */
static char *take(BIO *out, bool whole, size_t *n)
{
	const char *written;
	long length = BIO_get_mem_data(out, &written);
	char *text = whole && length > 0 ? malloc((size_t)length) : NULL;

	if (text) {
		memcpy(text, written, (size_t)length);
		*n = (size_t)length;
	}
	BIO_free(out);
	return text;
}

char *ca_pem(const struct ca *ca, size_t *n)
{
	BIO *out = BIO_new(BIO_s_mem());

	return out ? take(out, PEM_write_bio_X509(out, ca->certificate) == 1, n) : NULL;
}

char *ca_der(const struct ca *ca, size_t *n)
{
	BIO *out = BIO_new(BIO_s_mem());

	return out ? take(out, i2d_X509_bio(out, ca->certificate) == 1, n) : NULL;
}

char *ca_common_name(const struct ca *ca)
{
	const X509_NAME *subject = X509_get_subject_name(ca->certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	int n = at < 0 ? -1 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	char *name = n > 0 ? strndup((const char *)text, (size_t)n) : NULL;

	OPENSSL_free(text);
	return name;
}

/* -- the profile -- */

/* Control characters, which XML does not have, become "?" (XML 1.0 section 2.2). */
static void put_xml(BIO *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '<')
			BIO_puts(out, "&lt;");
		else if (*c == '>')
			BIO_puts(out, "&gt;");
		else if (*c == '&')
			BIO_puts(out, "&amp;");
		else
			BIO_write(out, (unsigned char)*c < ' ' || *c == 0x7f ? "?" : c, 1);
	}
}

/* A UUID of version 8 (RFC 9562 section 5.8): 16 bytes of the digest. */
static void put_uuid(const unsigned char digest[UUID_BYTES], char out[UUID_TEXT])
{
	size_t n = 0;

	for (size_t i = 0; i < UUID_BYTES; i++) {
		unsigned byte = digest[i];

		if (i == 6)
			byte = 0x80 | (byte & 0x0f);
		if (i == 8)
			byte = 0x80 | (byte & 0x3f);
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[n++] = '-';
		out[n++] = "0123456789ABCDEF"[byte >> 4];
		out[n++] = "0123456789ABCDEF"[byte & 15];
	}
	out[n] = '\0';
}

static void put_string(BIO *out, const char *key, const char *value)
{
	BIO_printf(out, "\t<key>%s</key><string>", key);
	put_xml(out, value);
	BIO_puts(out, "</string>\n");
}

/* What every payload has, the profile itself among them. */
static void put_payload(BIO *out, const char *type, const char *uuid, const char *name)
{
	char identifier[sizeof("internal.freshet.") + UUID_TEXT];

	snprintf(identifier, sizeof(identifier), "internal.freshet.%s", uuid);
	put_string(out, "PayloadType", type);
	put_string(out, "PayloadIdentifier", identifier);
	put_string(out, "PayloadUUID", uuid);
	put_string(out, "PayloadDisplayName", name);
	BIO_puts(out, "\t<key>PayloadVersion</key><integer>1</integer>\n");
}

static bool put_certificate(BIO *out, const struct ca *ca)
{
	size_t n = 0;
	char *der = ca_der(ca, &n), *text = der ? malloc(BASE64_LEN(n)) : NULL;

	if (text)
		BIO_printf(out, "\t<key>PayloadContent</key><data>%.*s</data>\n", (int)base64_put(text, span_of(der, n)), text);
	free(text);
	free(der);
	return text != NULL;
}

/* Roots have a type of their own; an authority below another is "another certificate". */
static const char *payload_type(const struct ca *ca)
{
	bool is_root = X509_check_issued(ca->certificate, ca->certificate) == X509_V_OK;

	return is_root ? "com.apple.security.root" : "com.apple.security.pkcs1";
}

static bool put_profile(BIO *out, const struct ca *ca, const char *name)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char outer[UUID_TEXT], inner[UUID_TEXT];

	if (X509_digest(ca->certificate, EVP_sha256(), digest, NULL) != 1)
		return false;
	put_uuid(digest, outer);
	put_uuid(digest + UUID_BYTES, inner);
	BIO_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		"<plist version=\"1.0\">\n<dict>\n");
	put_payload(out, "Configuration", outer, name);
	put_string(out, "PayloadOrganization", "freshet");
	put_string(out, "PayloadDescription", "Lets freshet, the proxy with this authority, read https.");
	BIO_puts(out, "\t<key>PayloadContent</key>\n\t<array><dict>\n");
	put_payload(out, payload_type(ca), inner, name);
	put_string(out, "PayloadCertificateFileName", "freshet-ca.crt");
	bool whole = put_certificate(out, ca);
	BIO_puts(out, "\t</dict></array>\n</dict>\n</plist>\n");
	return whole;
}

char *ca_profile(const struct ca *ca, size_t *n)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *name = ca_common_name(ca);
	char *text = out ? take(out, put_profile(out, ca, name ? name : "freshet CA"), n) : NULL;

	free(name);
	return text;
}
