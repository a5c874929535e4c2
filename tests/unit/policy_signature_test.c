/*
 * Which fields a request signature names.
 */
#include "policy_heads.h"

#include "policy/signature.h"

/* The names of the covered fields, in the order of headers.def, separated by blanks. */
static const char *covered(const char *target, const char *lines, char out[HEAD_TEXT_MAX])
{
	static struct head h;
	uint64_t fields[2] = { 0, 0 };
	size_t n = 0;

	head_read_request(&h, "GET", target, lines);
	signature_fields(&h.m, fields);
	out[0] = '\0';
	for (unsigned id = 0; id < 128; id++) {
		if (!(fields[id >> 6] >> (id & 63) & 1))
			continue;
		if (id == HEADER_OTHER || id >= HEADER_COUNT)
			fail_msg("bit %u is no field", id);
		struct span name = header_name((enum header)id);
		n += (size_t)snprintf(out + n, HEAD_TEXT_MAX - n, "%s%.*s", n ? " " : "", SPAN_ARG(name));
	}
	return out;
}

struct row {
	const char *lines, *covered;
};

static void check(const struct row *rows, size_t count)
{
	char out[HEAD_TEXT_MAX];

	for (size_t i = 0; i < count; i++)
		assert_text(rows[i].lines, covered("/p?x=1&y", rows[i].lines, out), rows[i].covered);
}

static void test_signed_headers_of_authorization_are_covered(void **state)
{
	static const struct row rows[] = {
		{ "Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/x/s3/aws4_request, "
		  "SignedHeaders=host;range;x-amz-date, Signature=0f",
			"host range" },
		{ "Authorization: AWS4-HMAC-SHA256 Credential=A,SignedHeaders=cache-control;if-none-match,Signature=0",
			"cache-control if-none-match" },
		{ "authorization: AWS4-HMAC-SHA256 SignedHeaders=pragma Signature=0", "pragma" },
		{ "Authorization: AWS4-ECDSA-P256-SHA256 Credential=A, SignedHeaders=expires;host, Signature=0",
			"expires host" },
		{ "Authorization: GOOG4-RSA-SHA256 Credential=A, SignedHeaders=if-range, Signature=0",
			"if-range" },
		{ "Authorization: HMAC-SHA256 SignedHeaders=x-ms-date;host&Signature=0", "host" },
		{ "Authorization: OSS4-HMAC-SHA256 Credential=A,AdditionalHeaders=if-match;range,Signature=0",
			"if-match range" },
		{ "Authorization: q-sign-algorithm=sha1&q-header-list=host;if-none-match&q-signature=0",
			"host if-none-match" },
		{ "Authorization: X signedheaders=CDN-Cache-Control;VIA", "cdn-cache-control via" },
		{ "Authorization: AWS4-HMAC-SHA256 SignedHeaders=", "" },
		{ "Authorization: AWS4-HMAC-SHA256 SignedHeaders", "" },
		{ "Authorization: AWS4-HMAC-SHA256 SignedHeaders=;;;host;;", "host" },
		{ "Authorization: AWS4-HMAC-SHA256 Credential=range, Signature=host", "" },
		{ "Authorization: AWS4-HMAC-SHA256 NotSignedHeaders=range", "" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_other_credentials_cover_nothing(void **state)
{
	static const struct row rows[] = {
		{ "Authorization: Bearer eyJ, SignedHeaders=host;range", "" },
		{ "Authorization: Basic SignedHeaders=host", "" },
		{ "Authorization: Digest username=\"headers=range\", uri=\"/SignedHeaders=host\", nc=00000001",
			"" },
		{ "Authorization: OAuth oauth_signature=\"x\", realm=\"a\\\", headers=\\\"range\"", "" },
		{ "Authorization: AWS AKID:c2ln", "" },
		{ "Authorization:", "" },
		{ "X-Authorization: AWS4-HMAC-SHA256 SignedHeaders=host", "" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_shared_key_covers_its_fixed_fields(void **state)
{
	static const char *const fields =
		"content-encoding content-length content-type date if-match if-modified-since if-none-match "
		"if-unmodified-since range";
	const struct row rows[] = {
		{ "Authorization: SharedKey account:c2ln=", fields },
		{ "Authorization: sharedkeylite account:c2ln=", fields },
		{ "Authorization: SharedKeys account:c2ln=", "" },
		{ "Authorization: SharedKey", "" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_components_of_message_signatures_are_covered(void **state)
{
	static const struct row rows[] = {
		{ "Signature-Input: sig1=(\"@method\" \"cache-control\" \"host\");created=1;keyid=\"range\"",
			"cache-control host" },
		{ "Signature-Input: a=(\"range\"), b=(\"if-range\";sf \"date\");alg=\"x\"",
			"date if-range range" },
		{ "Signature-Input: a=(\"range\")\nSignature-Input: b=(\"etag\")", "etag range" },
		{ "Signature-Input: a=(\"cookie\";key=\"range\" \"@query-param\";name=\"pragma\")", "cookie" },
		{ "Signature-Input: a=(\"te\"  \"vary\" )", "te vary" },
		{ "Signature-Input: a=();keyid=\"(\\\"range\\\")\"", "" },
		{ "Signature-Input: a=();k=\"\\\"(\", b=(\"date\")", "date" },
		{ "Signature-Input: a=(\"\" \"x-own\")", "" },
		{ "Signature-Input: a=(\"range", "range" },
		{ "Signature-Input: (((\"\\", "" },
		{ "Signature-Input: \"range\"", "" },
		{ "Signature-Input: a=range", "" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_headers_of_the_older_draft_are_covered(void **state)
{
	static const struct row rows[] = {
		{ "Authorization: Signature keyId=\"k\",algorithm=\"x\","
		  "headers=\"(request-target) host date if-none-match\",signature=\"range\"",
			"date host if-none-match" },
		{ "Signature: keyId=\"k\",headers=\"(created) cache-control\",signature=\"0\"",
			"cache-control" },
		{ "Signature: keyId=\"a, headers=range\",signature=\"0\"", "" },
		{ "Signature: sig1=:aGVhZGVycz0=:", "" },
		{ "Signature: headers=\"range", "range" },
		{ "Signature: headers=\"", "" },
		{ "Signature: headers", "" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void test_signed_headers_of_the_query_are_covered(void **state)
{
	static const struct {
		const char *target, *covered;
	} rows[] = {
		{ "/o?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-SignedHeaders=host%3Brange&X-Amz-Signature=0",
			"host range" },
		{ "http://b.test/o?X-Amz-SignedHeaders=cache-control;host", "cache-control host" },
		{ "/o?X-Amz-SignedHeaders=host%3bpragma%3b", "host pragma" },
		{ "/o?X-Goog-SignedHeaders=host%3Bif-none-match&X-Goog-Signature=0", "host if-none-match" },
		{ "/o?a=\"&x-oss-additional-headers=range", "range" },
		{ "/o?q-header-list=expires&q-signature=0", "expires" },
		{ "/o?X-Amz-SignedHeaders", "" },
		{ "/o?X-Amz-SignedHeaders=%3", "" },
		{ "/X-Amz-SignedHeaders=host", "" },
		{ "/o?b=X-Amz-SignedHeaders=host", "" },
		{ "/o?&&=&", "" },
		{ "/o?", "" },
		{ "*", "" },
	};
	char out[HEAD_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_text(rows[i].target, covered(rows[i].target, "", out), rows[i].covered);
}

static void test_several_signatures_add_up(void **state)
{
	char out[HEAD_TEXT_MAX];

	(void)state;
	assert_text("all places",
		covered("/?X-Amz-SignedHeaders=host",
			"Signature-Input: a=(\"range\")\nAuthorization: X SignedHeaders=etag\n"
			"Signature: headers=\"vary\"", out),
		"etag host range vary");
}

static void test_long_junk_covers_nothing(void **state)
{
	static const char *const pieces[] = { "\"", "(\"", "\\\"", ",=\"", "SignedHeaders=;", "headers=\" ", "%3B" };
	static char value[64 * 1024 + 16];
	static struct head h;

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		static const char *const names[] = { "authorization", "signature", "signature-input" };
		struct span piece = span_str(pieces[i]);
		uint64_t fields[2] = { 0, 0 };
		size_t n;

		for (n = 0; n < 64 * 1024; n += piece.n)
			memcpy(value + n, piece.p, piece.n);
		head_read_request(&h, "GET", "/?X-Amz-SignedHeaders=", "");
		h.m.target = span_of(value, n);
		for (size_t k = 0; k < COUNT(names); k++)
			assert_true(message_receive(&h.m, span_str(names[k]), span_of(value, n)));
		signature_fields(&h.m, fields);
		assert_int_equal(fields[0] | fields[1], 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed_headers_of_authorization_are_covered),
		cmocka_unit_test(test_other_credentials_cover_nothing),
		cmocka_unit_test(test_shared_key_covers_its_fixed_fields),
		cmocka_unit_test(test_components_of_message_signatures_are_covered),
		cmocka_unit_test(test_headers_of_the_older_draft_are_covered),
		cmocka_unit_test(test_signed_headers_of_the_query_are_covered),
		cmocka_unit_test(test_several_signatures_add_up),
		cmocka_unit_test(test_long_junk_covers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
