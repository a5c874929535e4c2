/*
 * Proxy-Authorization of the scheme Basic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base64.h"
#include "http/credentials.h"

#include <stdlib.h>

static void test_user_and_password_are_taken_apart(void **state)
{
	static const struct {
		const char *field, *user, *password; /* user NULL: refused */
	} rows[] = {
		{ "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame" },
		{ "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame" },
		{ "BASIC   QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame" },
		{ "Basic dTo=", "u", "" },
		{ "Basic dTphOmI=", "u", "a:b" },
		{ "Basic dTrDvA==", "u", "\xc3\xbc" },
		{ "Basic OnB3", NULL, NULL },     /* no user */
		{ "Basic dXNlcg==", NULL, NULL }, /* no colon */
		{ "Basic", NULL, NULL },
		{ "Basic ", NULL, NULL },
		{ "", NULL, NULL },
		{ "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", NULL, NULL },
		{ "BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==", NULL, NULL },
		{ "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", NULL, NULL },
		{ "Basic QWxhZGRpbjpvcGVu IHNlc2FtZQ==", NULL, NULL },
		{ "Basic dToAeA==", NULL, NULL }, /* NUL */
		{ "Basic dTphCmI=", NULL, NULL }, /* LF */
		{ "Basic dX86YQ==", NULL, NULL }, /* DEL */
	};
	char room[CREDENTIALS_MAX + 1];
	struct credentials c;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is = credentials_parse(span_str(rows[i].field), room, &c, &why);

		if (is != (rows[i].user != NULL))
			fail_msg("\"%s\" %s", rows[i].field, is ? "accepted" : why);
		if (is && (!span_eq(c.user, span_str(rows[i].user)) || strcmp(c.password.p, rows[i].password) != 0))
			fail_msg("\"%s\": got %.*s and %s", rows[i].field, SPAN_ARG(c.user), c.password.p);
	}
}

static void test_no_more_than_the_room_is_written(void **state)
{
	char text[CREDENTIALS_MAX + 3], field[8 + BASE64_LEN(sizeof(text))] = "Basic ";
	char *room = malloc(CREDENTIALS_MAX + 1); /* of its own, for the sanitizers */
	struct credentials c;
	const char *why;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[3] = ':';
	size_t n = base64_put(field + 6, span_of(text, CREDENTIALS_MAX));
	assert_true(credentials_parse(span_of(field, 6 + n), room, &c, &why));
	assert_int_equal(c.password.n, CREDENTIALS_MAX - 4);
	assert_int_equal(strlen(c.password.p), c.password.n);
	n = base64_put(field + 6, span_of(text, CREDENTIALS_MAX + 3));
	assert_false(credentials_parse(span_of(field, 6 + n), room, &c, &why));
	free(room);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_and_password_are_taken_apart),
		cmocka_unit_test(test_no_more_than_the_room_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
