/*
 * PROXY protocol headers: what is told of the client, and what is refused, however the bytes are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "http/proxy_header.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_ENDS "\xc0\0\2\1" "\xc0\0\2\2" "\x12\x34" "\0\x50"
#define V6_ENDS "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1" "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2" "\x12\x34" "\0\x50"
#define MAPPED_ENDS "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1" "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\2" "\x12\x34" "\0\x50"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

/* client: "" where the header is good but tells none; NULL where it is refused. */
struct row {
	const char *name;
	struct span bytes;
	const char *client;
};

static const struct row whole[] = {
	{ "v1, IPv4", { "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n", 42 }, "192.0.2.1:56324" },
	{ "v1, longest IPv4", { "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", 56 }, "255.255.255.255:65535" },
	{ "v1, IPv6", { "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", 40 }, "[2001:db8::1]:1" },
	{ "v1, IPv4 inside IPv6 is IPv4", { "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", 37 }, "192.0.2.1:1" },
	{ "v1, port 0", { "PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n", 36 }, "192.0.2.1:0" },
	{ "v1, unknown", { "PROXY UNKNOWN\r\n", 15 }, "" },
	{ "v1, unknown with anything behind", { "PROXY UNKNOWN what ever\r\n", 25 }, "" },
	{ "v2, IPv4", { SIGNATURE "\x21\x11\0\x0c" V4_ENDS, 28 }, "192.0.2.1:4660" },
	{ "v2, IPv6", { SIGNATURE "\x21\x21\0\x24" V6_ENDS, 52 }, "[2001:db8::1]:4660" },
	{ "v2, IPv4 inside IPv6 is IPv4", { SIGNATURE "\x21\x21\0\x24" MAPPED_ENDS, 52 }, "192.0.2.1:4660" },
	{ "v2, IPv4 and a vector", { SIGNATURE "\x21\x11\0\x11" V4_ENDS "\4\0\2ab", 33 }, "192.0.2.1:4660" },
	{ "v2, IPv4 and bytes that are no vector", { SIGNATURE "\x21\x11\0\x0d" V4_ENDS "\4", 29 }, "192.0.2.1:4660" },
	{ "v2, local", { SIGNATURE "\x20\0\0\0", 16 }, "" },
	{ "v2, local with addresses", { SIGNATURE "\x20\x11\0\x0c" V4_ENDS, 28 }, "" },
	{ "v2, local of an unknown family", { SIGNATURE "\x20\xff\0\0", 16 }, "" },
	{ "v2, unspecified", { SIGNATURE "\x21\0\0\0", 16 }, "" },
	{ "v2, unspecified with bytes", { SIGNATURE "\x21\0\0\3abc", 19 }, "" },
	{ "v2, unspecified family, stream", { SIGNATURE "\x21\1\0\0", 16 }, "" },
	{ "v2, datagrams over IPv4", { SIGNATURE "\x21\x12\0\x0c" V4_ENDS, 28 }, "" },
	{ "v2, unix", { SIGNATURE "\x21\x31\0\xd8" FIFTY FIFTY FIFTY FIFTY TEN "012345", 232 }, "" },

	{ "another protocol", { "GET / HTTP/1.1\r\n", 16 }, NULL },
	{ "small letters", { "proxy TCP4 ", 11 }, NULL },
	{ "no blank", { "PROXYTCP4 ", 10 }, NULL },
	{ "blank before", { " PROXY", 6 }, NULL },
	{ "v1, another family", { "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", 36 }, NULL },
	{ "v1, no family", { "PROXY \r\n", 8 }, NULL },
	{ "v1, family begins like unknown", { "PROXY UNKNOWNS\r\n", 16 }, NULL },
	{ "v1, two blanks", { "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 37 }, NULL },
	{ "v1, two blanks within", { "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", 37 }, NULL },
	{ "v1, blank at the end", { "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", 37 }, NULL },
	{ "v1, tab", { "PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n", 36 }, NULL },
	{ "v1, nothing behind the family", { "PROXY TCP4\r\n", 12 }, NULL },
	{ "v1, one port only", { "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", 34 }, NULL },
	{ "v1, a word too many", { "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n", 38 }, NULL },
	{ "v1, IPv6 as TCP4", { "PROXY TCP4 ::1 ::2 1 2\r\n", 24 }, NULL },
	{ "v1, IPv4 as TCP6", { "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", 36 }, NULL },
	{ "v1, the other end of another family", { "PROXY TCP4 192.0.2.1 ::2 1 2\r\n", 30 }, NULL },
	{ "v1, name", { "PROXY TCP4 localhost 192.0.2.2 1 2\r\n", 36 }, NULL },
	{ "v1, leading zero in an address", { "PROXY TCP4 192.0.02.1 192.0.2.2 1 2\r\n", 37 }, NULL },
	{ "v1, short address", { "PROXY TCP4 127.1 192.0.2.2 1 2\r\n", 32 }, NULL },
	{ "v1, byte too large", { "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", 38 }, NULL },
	{ "v1, brackets", { "PROXY TCP6 [::1] ::2 1 2\r\n", 26 }, NULL },
	{ "v1, scope", { "PROXY TCP6 fe80::1%2 ::2 1 2\r\n", 30 }, NULL },
	{ "v1, leading zero in a port", { "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", 37 }, NULL },
	{ "v1, port too large", { "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", 40 }, NULL },
	{ "v1, the other port too large", { "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", 40 }, NULL },
	{ "v1, negative port", { "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n", 37 }, NULL },
	{ "v1, LF alone", { "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", 35 }, NULL },
	{ "v1, CR alone", { "PROXY UNKNOWN \rx\r\n", 18 }, NULL },
	{ "v1, LF alone after unknown", { "PROXY UNKNOWN \nx\r\n", 18 }, NULL },
	{ "v1, NUL in an address", { "PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n", 37 }, NULL },
	{ "v1, too long a line", { "PROXY UNKNOWN " FIFTY FIFTY "\r\n", 116 }, NULL },
	{ "v2, version 1", { SIGNATURE "\x11\x11\0\x0c" V4_ENDS, 28 }, NULL },
	{ "v2, version 3", { SIGNATURE "\x31\x11\0\x0c" V4_ENDS, 28 }, NULL },
	{ "v2, command 2", { SIGNATURE "\x22\x11\0\x0c" V4_ENDS, 28 }, NULL },
	{ "v2, family 4", { SIGNATURE "\x21\x41\0\x0c" V4_ENDS, 28 }, NULL },
	{ "v2, transport 3", { SIGNATURE "\x21\x13\0\x0c" V4_ENDS, 28 }, NULL },
	{ "v2, too short for IPv4", { SIGNATURE "\x21\x11\0\x0b" V4_ENDS, 27 }, NULL },
	{ "v2, too short for IPv6", { SIGNATURE "\x21\x21\0\x23" V6_ENDS, 51 }, NULL },
	{ "v2, too short for unix", { SIGNATURE "\x21\x31\0\x0c" V4_ENDS, 28 }, NULL },
	{ "v2, no addresses", { SIGNATURE "\x21\x11\0\0", 16 }, NULL },
	{ "v2, wrong last byte of the signature", { "\r\n\r\n\0\r\nQUIT\r\x21\x11\0\0", 16 }, NULL },
};

/* From memory of just that size, so that the address sanitizer sees a read too far. */
static enum proxy_header_result read_copy(struct span bytes, struct proxy_header *h, const char **why)
{
	char *copy = malloc(bytes.n ? bytes.n : 1);

	assert_non_null(copy);
	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	enum proxy_header_result result = proxy_header_read(span_of(copy, bytes.n), h, why);
	free(copy);
	return result;
}

static void check_good(const struct row *row, const struct proxy_header *h)
{
	char text[ADDRESS_TEXT_MAX] = "";

	if (h->has_client)
		address_format(&h->client, text);
	if (strcmp(text, row->client) != 0)
		fail_msg("%s: client \"%s\", not \"%s\"", row->name, text, row->client);
	if (h->len != row->bytes.n)
		fail_msg("%s: length %zu, not %zu", row->name, h->len, row->bytes.n);
}

static void check(const struct row *row)
{
	struct proxy_header h = { .len = 0 };
	const char *why = NULL;

	switch (read_copy(row->bytes, &h, &why)) {
	case PROXY_HEADER_OK:
		if (!row->client)
			fail_msg("%s: accepted", row->name);
		check_good(row, &h);
		return;
	case PROXY_HEADER_MORE:
		fail_msg("%s: wants more", row->name);
		return;
	case PROXY_HEADER_BAD:
		if (row->client)
			fail_msg("%s: refused: %s", row->name, why);
		assert_true(why && *why);
	}
}

static void test_headers_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(whole); i++)
		check(&whole[i]);
}

static void test_part_of_a_good_header_wants_more_and_of_a_bad_one_is_never_accepted(void **state)
{
	struct proxy_header h;
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(whole); i++) {
		for (size_t n = 0; n < whole[i].bytes.n; n++) {
			enum proxy_header_result result = read_copy(span_first(whole[i].bytes, n), &h, &why);

			if (whole[i].client ? result != PROXY_HEADER_MORE : result == PROXY_HEADER_OK)
				fail_msg("%s: %d after %zu bytes", whole[i].name, (int)result, n);
		}
	}
}

static void test_bytes_of_the_connection_behind_the_header_are_left_alone(void **state)
{
	static char bytes[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(whole); i++) {
		struct span header = whole[i].bytes, behind = SPAN("GET http://a/ HTTP/1.1\r\n\r\n");
		struct proxy_header h;
		const char *why;

		if (!whole[i].client)
			continue;
		memcpy(bytes, header.p, header.n);
		memcpy(bytes + header.n, behind.p, behind.n);
		assert_int_equal(read_copy(span_of(bytes, header.n + behind.n), &h, &why), PROXY_HEADER_OK);
		check_good(&whole[i], &h);
	}
}

static void test_line_may_be_107_bytes_and_no_more(void **state)
{
	char line[108];
	struct proxy_header h;
	const char *why;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(read_copy(span_of(line, 107), &h, &why), PROXY_HEADER_OK);
	assert_int_equal(h.len, 107);
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(read_copy(span_of(line, 106), &h, &why), PROXY_HEADER_MORE);
	assert_int_equal(read_copy(span_of(line, 107), &h, &why), PROXY_HEADER_BAD);
	assert_int_equal(read_copy(span_of(line, 108), &h, &why), PROXY_HEADER_BAD);
}

static void test_longest_binary_header_is_read(void **state)
{
	static char bytes[PROXY_HEADER_MAX];
	struct proxy_header h;
	const char *why;

	(void)state;
	memcpy(bytes, SIGNATURE "\x21\x11\xff\xff" V4_ENDS, 28);
	assert_int_equal(read_copy(span_of(bytes, sizeof(bytes) - 1), &h, &why), PROXY_HEADER_MORE);
	assert_int_equal(read_copy(span_of(bytes, sizeof(bytes)), &h, &why), PROXY_HEADER_OK);
	assert_int_equal(h.len, PROXY_HEADER_MAX);
}

static void test_bad_beginning_is_refused_at_its_first_byte(void **state)
{
	struct proxy_header h;
	const char *why;

	(void)state;
	assert_int_equal(read_copy(SPAN("G"), &h, &why), PROXY_HEADER_BAD);
	assert_int_equal(read_copy(SPAN("PROXX"), &h, &why), PROXY_HEADER_BAD);
	assert_int_equal(read_copy(SPAN("\r\n\r\n\1"), &h, &why), PROXY_HEADER_BAD);
	assert_int_equal(read_copy(SPAN(SIGNATURE "\x31"), &h, &why), PROXY_HEADER_BAD);
	assert_int_equal(read_copy(SPAN(SIGNATURE "\x2f"), &h, &why), PROXY_HEADER_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_are_read_or_refused),
		cmocka_unit_test(test_part_of_a_good_header_wants_more_and_of_a_bad_one_is_never_accepted),
		cmocka_unit_test(test_bytes_of_the_connection_behind_the_header_are_left_alone),
		cmocka_unit_test(test_line_may_be_107_bytes_and_no_more),
		cmocka_unit_test(test_longest_binary_header_is_read),
		cmocka_unit_test(test_bad_beginning_is_refused_at_its_first_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
