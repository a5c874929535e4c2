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

static void test_older_schemes_cover_type_and_date(void **state)
{
	static const struct row rows[] = {
		{ "Authorization: AWS AKID:c2ln", "content-type date" },
		{ "Authorization: OSS AKID:c2ln", "content-type date" },
		{ "Authorization: GOOG1 AKID:c2ln", "content-type date" },
		{ "Authorization: obs AKID:c2ln", "content-type date" },
		{ "Authorization: AWSX AKID:c2ln", "" },
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

struct url_row {
	const char *target, *lines, *reason; /* the reason's end; "" allowed */
};

static void check_urls(const struct url_row *rows, size_t count)
{
	static const char begin[] = "the URL is signed: ";
	static struct head h;

	for (size_t i = 0; i < count; i++) {
		head_read_request(&h, "GET", rows[i].target, rows[i].lines);
		const char *reason = signature_forbids_url(&h.m);
		if (reason && strncmp(reason, begin, sizeof(begin) - 1) == 0)
			reason += sizeof(begin) - 1;
		assert_text(rows[i].target, reason ? reason : "", rows[i].reason);
	}
}

static void test_signed_query_forbids_changing_the_url(void **state)
{
	static const struct url_row rows[] = {
		{ "/o?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0f", "", "AWS Signature Version 4" },
		{ "http://b.test/o?x-amz-signature=0f", "", "AWS Signature Version 4" },
		{ "/o?AWSAccessKeyId=A&Signature=x&Expires=1", "", "AWS Signature Version 2" },
		{ "/o?X-Goog-Algorithm=a&X-Goog-Signature=0", "", "Google V4" },
		{ "/o?GoogleAccessId=a&Expires=1&Signature=x", "", "Google V2" },
		{ "/v?Key-Pair-Id=K&Expires=1&Signature=s", "", "CloudFront" },
		{ "/v?Policy=p&Signature=s&Key-Pair-Id=K", "", "a Policy= parameter" },
		{ "/c/b?sv=2022-11-02&se=2026&sr=b&sp=r&sig=x%3D", "", "Azure shared access, or a sig= like it" },
		{ "/o?OSSAccessKeyId=a&Expires=1&Signature=x", "", "Alibaba" },
		{ "/o?x-oss-signature-version=OSS4&x-oss-signature=0", "", "Alibaba" },
		{ "/v.mp4?auth_key=1-0-0-ab", "", "Alibaba's CDN" },
		{ "/o?q-sign-algorithm=sha1&q-signature=0", "", "Tencent" },
		{ "/r?a=1&oauth_consumer_key=k&oauth_signature=x", "", "OAuth 1.0a" },
		{ "/s.m3u8?hdnts=exp=1~acl=*~hmac=0", "", "Akamai token" },
		{ "/f?md5=x&expires=1", "", "an md5= parameter" },
		{ "/f?a&token=x", "", "a token= parameter" },
		{ "/f?expires=1", "", "an Expires= parameter" },
		{ "/f?t=eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", "", "a token (JWT) in it" },
		{ "/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln/f.png", "", "a token (JWT) in it" },
	};

	(void)state;
	check_urls(rows, COUNT(rows));
}

static void test_signed_fields_and_cookies_forbid_changing_the_url(void **state)
{
	static const struct url_row rows[] = {
		{ "/o", "Authorization: AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=0",
			"AWS Signature Version 4" },
		{ "/o", "Authorization: AWS4-ECDSA-P256-SHA256 Credential=A", "AWS Signature Version 4" },
		{ "/o", "Authorization: AWS AKID:c2ln", "AWS Signature Version 2" },
		{ "/o", "Authorization: GOOG4-RSA-SHA256 Credential=A", "Google V4" },
		{ "/o", "Authorization: SharedKey account:c2ln", "Azure Shared Key" },
		{ "/o", "Authorization: OSS4-HMAC-SHA256 Credential=A", "Alibaba" },
		{ "/o", "Authorization: TC3-HMAC-SHA256 Credential=A", "Tencent" },
		{ "/o", "Authorization: q-sign-algorithm=sha1&q-ak=a", "Tencent" },
		{ "/o", "Authorization: OAuth oauth_consumer_key=\"k\", oauth_signature=\"x\"", "OAuth 1.0a" },
		{ "/o", "Authorization: Digest username=\"a\", uri=\"/o\"", "Digest authentication" },
		{ "/o", "Authorization: Own x", "the URL may be signed: an unknown scheme of Authorization" },
		{ "/o", "Authorization:", "the URL may be signed: an unknown scheme of Authorization" },
		{ "/o", "Signature-Input: a=(\"@query\");keyid=\"k\"\nSignature: a=:c2ln:", "HTTP message signature" },
		{ "/o", "Signature: keyId=\"k\",signature=\"0\"", "HTTP message signature" },
		{ "/o", "Cookie: a=1; CloudFront-Policy=x; b=2", "CloudFront cookie" },
		{ "/o", "Cookie: Cloud-CDN-Cookie=URLPrefix=x", "Google's CDN cookie" },
		{ "/o", "Cookie: a=1\nCookie: hdntl=exp=1", "Akamai token cookie" },
	};

	(void)state;
	check_urls(rows, COUNT(rows));
}

static void test_unsigned_urls_may_change(void **state)
{
	static const struct url_row rows[] = {
		{ "/", "", "" },
		{ "/o?", "", "" },
		{ "/o?&&=&a", "", "" },
		{ "/sig=1/token?x=sig", "", "" },
		{ "/o?mysig=1&tokens=2&design=3", "", "" },
		{ "/o?q=token", "", "" },
		{ "/eyJ.a/eyJab.cd?x=eyJ", "", "" },
		{ "/eyJa.b.", "", "" },
		{ "/o", "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", "" },
		{ "/o", "authorization: basic dTpw", "" },
		{ "/o", "Authorization: Negotiate", "" },
		{ "/o", "Cookie: a=1; cloudfront-policy=x; b=hdntl=1", "" },
		{ "/o", "X-Amz-Date: 20260101T000000Z", "" },
	};

	(void)state;
	check_urls(rows, COUNT(rows));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed_headers_of_authorization_are_covered),
		cmocka_unit_test(test_other_credentials_cover_nothing),
		cmocka_unit_test(test_shared_key_covers_its_fixed_fields),
		cmocka_unit_test(test_older_schemes_cover_type_and_date),
		cmocka_unit_test(test_signed_query_forbids_changing_the_url),
		cmocka_unit_test(test_signed_fields_and_cookies_forbid_changing_the_url),
		cmocka_unit_test(test_unsigned_urls_may_change),
		cmocka_unit_test(test_components_of_message_signatures_are_covered),
		cmocka_unit_test(test_headers_of_the_older_draft_are_covered),
		cmocka_unit_test(test_signed_headers_of_the_query_are_covered),
		cmocka_unit_test(test_several_signatures_add_up),
		cmocka_unit_test(test_long_junk_covers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
