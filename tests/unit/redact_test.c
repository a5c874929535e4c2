/*
 * What is hidden of fields and URLs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/redact.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_secrets_in_urls_are_hidden_by_the_name_of_their_parameter(void **state)
{
	static const struct {
		const char *url, *want;
	} rows[] = {
		{ "", "" },
		{ "http://example.org/a?b=c#d", "http://example.org/a?b=c#d" },
		{ "/?token=abc", "/?token=***" },
		{ "/?a=1&access_token=abc&b=2", "/?a=1&access_token=***&b=2" },
		{ "/?ACCESS_TOKEN=abc", "/?ACCESS_TOKEN=***" },
		{ "/?token=", "/?token=" },
		{ "/?token", "/?token" },
		{ "/?tokens=abc", "/?tokens=abc" },
		{ "/token=abc", "/token=abc" },
		{ "/cb#access_token=abc&state=1", "/cb#access_token=***&state=1" },
		{ "/?a=1;sid=abc;b=2", "/?a=1;sid=***;b=2" },
		{ "/?X-Amz-Signature=00ff&X-Amz-Date=1", "/?X-Amz-Signature=***&X-Amz-Date=1" },
		{ "/?key=a=b,c/d?e&f=g", "/?key=***&f=g" },
		{ "GET /?sig=abc HTTP/1.1", "GET /?sig=*** HTTP/1.1" },
		{ "</a?token=x>; rel=next, </b>", "</a?token=***>; rel=next, </b>" },
		{ "/?next=/login?token=abc", "/?next=/login?token=***" },
		{ "/?%74oken=abc&b=1", "/?%74oken=***&b=1" },
		{ "/?user[token]=abc", "/?user[token]=***" },
		{ "/?user%5Btoken%5D=abc", "/?user%5Btoken%5D=***" },
		{ "/?csrf_token=abc&accessToken=def&newPassword=g", "/?csrf_token=***&accessToken=***&newPassword=***" },
		{ "/?token=abc%26def&b=1", "/?token=***&b=1" },
		{ "/?to=http%3A%2F%2Fx%2F%3Ftoken%3Dabc%26b%3D1&c=2", "/?to=http%3A%2F%2Fx%2F%3Ftoken%3D***%26b%3D1&c=2" },
		{ "/?a=%", "/?a=%" },
		{ "/?%=1&%4=2&token=%4", "/?%=1&%4=2&token=***" },
		{ "/?token", "/?token" },
		{ "/?%3D%3D", "/?%3D%3D" },
		{ "http://user:abc@example.org/", "http://***@example.org/" },
		{ "http://user:a@b@example.org:80?x=@", "http://***@example.org:80?x=@" },
		{ "0; url=https://user@example.org", "0; url=https://***@example.org" },
		{ "/?to=http%3A%2F%2Fuser%3Aabc%40example.org%2F", "/?to=http%3A%2F%2F***@example.org%2F" },
		{ "//example.org/@user", "//example.org/@user" },
		{ "//user@example.org/", "//***@example.org/" },
		{ "/a//b@c/", "/a//b@c/" },
		{ "/?to=%2F%3Ftoken%3Da%00b", "/?to=%2F%3Ftoken%3D***" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[200];
		struct line l = line_of(out, sizeof(out));

		redact_url(&l, span_str(rows[i].url));
		if (!span_eq(span_of(out, l.n), span_str(rows[i].want)))
			fail_msg("%s: got %.*s, want %s", rows[i].url, (int)l.n, out, rows[i].want);
	}
}

static void test_secrets_in_fields_are_hidden_and_their_structure_stays(void **state)
{
	static const struct {
		const char *name, *value, *want;
	} rows[] = {
		{ "Accept", "*/*", "*/*" },
		{ "Authorization", "Basic YTpi", "Basic ***" },
		{ "authorization", "secret-without-scheme", "***" },
		{ "Proxy-Authorization", "Bearer abc.def", "Bearer ***" },
		{ "Cookie", "sid=abc; theme=dark", "sid=***; theme=***" },
		{ "Cookie", "naked", "***" },
		{ "Cookie", "a=b=c;d=", "a=***;d=***" },
		{ "Cookie", "a=1; ", "a=***; " },
		{ "Cookie", "", "" },
		{ "Set-Cookie", "sid=abc; Path=/; HttpOnly", "sid=***; Path=/; HttpOnly" },
		{ "X-Api-Key", "abc", "***" },
		{ "X-API-KEY", "", "" },
		{ "Referer", "http://example.org/?token=abc", "http://example.org/?token=***" },
		{ "Location", "/in?code=abc&state=x", "/in?code=***&state=x" },
		{ "ETag", "\"abc\"", "\"abc\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[200];
		struct line l = line_of(out, sizeof(out));

		redact_value(&l, span_str(rows[i].name), span_str(rows[i].value));
		if (!span_eq(span_of(out, l.n), span_str(rows[i].want)))
			fail_msg("%s: %s: got %.*s, want %s", rows[i].name, rows[i].value, (int)l.n, out, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets_in_urls_are_hidden_by_the_name_of_their_parameter),
		cmocka_unit_test(test_secrets_in_fields_are_hidden_and_their_structure_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
