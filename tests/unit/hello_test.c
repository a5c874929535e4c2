/*
 * ClientHellos: what is read of them, and what is refused, however the bytes are cut into records and pieces.
 *
 * Those of real clients lie in the fuzzer's corpus.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tls/hello.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal) { "" literal, sizeof(literal) - 1 }
#define CORPUS "tests/fuzz/corpus/client_hello/"

/* Extensions: type, length, content. */
#define NAMED "\0\0\0\x11\0\x0f\0\0\x0c" "example.test"
#define ALPN_BOTH "\0\x10\0\x0e\0\x0c\2h2\x08http/1.1"
#define ALPN_H2 "\0\x10\0\5\0\3\2h2"
#define VERSIONS "\0\x2b\0\7\6\xfa\xfa\3\4\3\3"
#define ECH "\xfe\x0d\0\4\0\1\2\3"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

enum { RECORD_MAX = 16384, WORK_BYTES = 6 * (HELLO_BYTES_MAX + 64) };

static const char *const progress_names[] = { "more", "whole", "not TLS", "bad" };

/* From memory of just that size, so that the address sanitizer sees a read too far. */
static enum hello_progress read_copy(const char *p, size_t n, struct hello *h)
{
	const char *why = NULL;
	char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	if (n)
		memcpy(copy, p, n);
	enum hello_progress progress = hello_read(span_of(copy, n), h, &why);
	free(copy);
	if (progress == HELLO_BAD)
		assert_true(why && *why);
	return progress;
}

/* -- building -- */

struct bytes {
	size_t n;
	char p[WORK_BYTES];
};

static void add(struct bytes *b, struct span s)
{
	assert_true(s.n <= sizeof(b->p) - b->n);
	if (s.n)
		memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

static void add_number(struct bytes *b, size_t number, unsigned bytes)
{
	while (bytes--) {
		char byte = (char)(number >> 8 * bytes & 0xff);

		add(b, span_of(&byte, 1));
	}
}

/* Version, random, session, ciphers, compressions. */
static void add_fixed(struct bytes *b, size_t version)
{
	add_number(b, version, 2);
	add(b, SPAN("0123456789abcdef0123456789abcdef" "\4abcd" "\0\4\x13\1\xc0\x2b" "\1\0"));
}

/* A handshake message in records of `size` bytes. */
static void put_in_records(struct bytes *out, struct span body, size_t size)
{
	static struct bytes message;

	message.n = 0;
	add_number(&message, 1, 1);
	add_number(&message, body.n, 3);
	add(&message, body);
	out->n = 0;
	for (size_t at = 0; at < message.n; at += size) {
		struct span part = span_first(span_from(span_of(message.p, message.n), at), size);

		add(out, SPAN("\x16\3\1"));
		add_number(out, part.n, 2);
		add(out, part);
	}
}

static void put_hello(struct bytes *out, size_t version, struct span extensions, size_t record_size)
{
	static struct bytes body;

	body.n = 0;
	add_fixed(&body, version);
	add_number(&body, extensions.n, 2);
	add(&body, extensions);
	put_in_records(out, span_of(body.p, body.n), record_size);
}

/* -- what is read -- */

struct row {
	const char *name;
	struct span extensions;
	const char *server;
	bool has_alpn, has_http1, is_encrypted;
	uint16_t version;
};

static const struct row good[] = {
	{ "no extension", BYTES(""), "", false, false, false, 0x0303 },
	{ "name", BYTES(NAMED), "example.test", false, false, false, 0x0303 },
	{ "capitals become small", BYTES("\0\0\0\x0b\0\x09\0\0\6" "A.TeST"), "a.test", false, false, false, 0x0303 },
	{ "final dot is left out", BYTES("\0\0\0\x0c\0\x0a\0\0\7" "a.test."), "a.test", false, false, false, 0x0303 },
	{ "underscore, hyphen, digits", BYTES("\0\0\0\x0a\0\x08\0\0\5" "_a-1b"), "_a-1b", false, false, false, 0x0303 },
	{ "IDNA as A-label", BYTES("\0\0\0\x0f\0\x0d\0\0\x0a" "xn--80ak6a"), "xn--80ak6a", false, false, false, 0x0303 },
	{ "name of 200 bytes", BYTES("\0\0\0\xce\0\xcc\0\0\xc9" "a" HUNDRED HUNDRED), "a" HUNDRED HUNDRED, false, false, false, 0x0303 },
	{ "address in place of a name is left out", BYTES("\0\0\0\x0e\0\x0c\0\0\x09" "192.0.2.1"), "", false, false, false, 0x0303 },
	{ "ALPN", BYTES(ALPN_BOTH), "", true, true, false, 0x0303 },
	{ "ALPN without HTTP/1.1", BYTES(ALPN_H2), "", true, false, false, 0x0303 },
	{ "ALPN, 1.1 before", BYTES("\0\x10\0\x0e\0\x0c\x08http/1.1\2h2"), "", true, true, false, 0x0303 },
	{ "ALPN, HTTP/1.0 is another", BYTES("\0\x10\0\x0b\0\x09\x08http/1.0"), "", true, false, false, 0x0303 },
	{ "ALPN, capitals are another", BYTES("\0\x10\0\x0b\0\x09\x08HTTP/1.1"), "", true, false, false, 0x0303 },
	{ "ALPN, name that goes on", BYTES("\0\x10\0\x0c\0\x0a\x09http/1.1x"), "", true, false, false, 0x0303 },
	{ "versions with GREASE", BYTES(VERSIONS), "", false, false, false, 0x0304 },
	{ "versions replace the old field", BYTES("\0\x2b\0\3\2\3\2"), "", false, false, false, 0x0302 },
	{ "versions, drafts only", BYTES("\0\x2b\0\3\2\x7f\x1c"), "", false, false, false, 0 },
	{ "encrypted", BYTES(ECH), "", false, false, true, 0x0303 },
	{ "all of them", BYTES(ECH VERSIONS NAMED ALPN_BOTH), "example.test", true, true, true, 0x0304 },
	{ "unknown, empty, twice", BYTES("\xaa\xaa\0\0" NAMED "\xaa\xaa\0\0"), "example.test", false, false, false, 0x0303 },
};

static void check(const char *name, const struct row *want, const struct hello *h)
{
	if (strcmp(h->name, want->server) != 0 || h->name_len != strlen(want->server))
		fail_msg("%s: name \"%s\", not \"%s\"", name, h->name, want->server);
	if (h->has_alpn != want->has_alpn || h->has_alpn_http1 != want->has_http1 || h->is_encrypted != want->is_encrypted)
		fail_msg("%s: ALPN %d, HTTP/1.1 %d, encrypted %d", name, h->has_alpn, h->has_alpn_http1, h->is_encrypted);
	if (h->version != want->version)
		fail_msg("%s: version %04x, not %04x", name, h->version, want->version);
}

/* Whole with the last byte only, and then as the row says. */
static void check_pieces(const struct row *row, const struct bytes *b, size_t step)
{
	struct hello h;

	for (size_t n = 0; n < b->n; n += n + step < b->n ? step : 1) {
		enum hello_progress progress = read_copy(b->p, n, &h);

		if (progress != HELLO_MORE)
			fail_msg("%s: %s after %zu of %zu bytes", row->name, progress_names[progress], n, b->n);
	}
	enum hello_progress progress = read_copy(b->p, b->n, &h);
	if (progress != HELLO_WHOLE)
		fail_msg("%s: %s", row->name, progress_names[progress]);
	check(row->name, row, &h);
}

static void test_facts_are_read_and_every_beginning_is_incomplete(void **state)
{
	static struct bytes b;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		put_hello(&b, 0x0303, good[i].extensions, RECORD_MAX);
		check_pieces(&good[i], &b, 1);
	}
}

static void test_records_may_be_as_small_as_one_byte(void **state)
{
	static struct bytes b;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		for (size_t size = 1; size < 12; size++) {
			put_hello(&b, 0x0303, good[i].extensions, size);
			check_pieces(&good[i], &b, size == 1 ? 1 : 7);
		}
}

static void test_bytes_behind_the_hello_change_nothing(void **state)
{
	static struct bytes b;
	struct hello h;

	(void)state;
	put_hello(&b, 0x0303, good[1].extensions, RECORD_MAX);
	add(&b, SPAN("\x14\3\3\0\1\1 and more"));
	assert_int_equal(read_copy(b.p, b.n, &h), HELLO_WHOLE);
	check("bytes behind", &good[1], &h);
}

static void test_versions_of_old_hellos(void **state)
{
	static const uint16_t versions[][2] = { { 0x0300, 0x0300 }, { 0x0301, 0x0301 }, { 0x0302, 0x0302 }, { 0x0304, 0x0303 } };
	static struct bytes b;
	struct hello h;

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		put_hello(&b, versions[i][0], SPAN(NAMED), RECORD_MAX);
		assert_int_equal(read_copy(b.p, b.n, &h), HELLO_WHOLE);
		assert_int_equal(h.version, versions[i][1]);
	}
}

static void test_hello_without_room_for_extensions_is_fine(void **state)
{
	static struct bytes body, b;
	struct row want = { "no extensions at all", BYTES(""), "", false, false, false, 0x0301 };

	(void)state;
	body.n = 0;
	add_fixed(&body, 0x0301);
	put_in_records(&b, span_of(body.p, body.n), RECORD_MAX);
	check_pieces(&want, &b, 1);
}

/* A padding extension (RFC 7685) makes it any size. */
static void put_sized(struct bytes *out, size_t body_bytes)
{
	static struct bytes padding;
	size_t fixed = 2 + 32 + 5 + 6 + 2 + 2;

	padding.n = 0;
	add(&padding, SPAN(NAMED));
	add_number(&padding, 21, 2);
	add_number(&padding, body_bytes - fixed - padding.n - 2, 2);
	while (padding.n < body_bytes - fixed)
		add_number(&padding, 0, 1);
	put_hello(out, 0x0303, span_of(padding.p, padding.n), 4000);
}

static void test_largest_hello_is_read_and_a_larger_one_refused_early(void **state)
{
	static struct bytes b;
	struct hello h;

	(void)state;
	put_sized(&b, HELLO_BYTES_MAX);
	check_pieces(&good[1], &b, 1009);
	put_sized(&b, HELLO_BYTES_MAX + 1);
	assert_int_equal(read_copy(b.p, b.n, &h), HELLO_BAD);
	assert_int_equal(read_copy(b.p, 5 + 4, &h), HELLO_BAD);
	assert_int_equal(read_copy(b.p, 5 + 3, &h), HELLO_MORE);
}

/* -- what is not -- */

struct refused {
	const char *name;
	struct span extensions;
};

static const struct refused bad_extensions[] = {
	{ "half a type", BYTES("\0") },
	{ "no length", BYTES("\0\0") },
	{ "half a length", BYTES("\0\0\0") },
	{ "longer than all", BYTES("\0\x17\0\1") },
	{ "a byte behind the last", BYTES(NAMED "\0") },
	{ "name, empty extension", BYTES("\0\0\0\0") },
	{ "name, half a list length", BYTES("\0\0\0\1\0") },
	{ "name, empty list", BYTES("\0\0\0\2\0\0") },
	{ "name, list longer than the extension", BYTES("\0\0\0\6\0\5\0\0\1a") },
	{ "name, list shorter than the extension", BYTES("\0\0\0\7\0\4\0\0\1ab") },
	{ "name, type only", BYTES("\0\0\0\3\0\1\0") },
	{ "name, half a length", BYTES("\0\0\0\4\0\2\0\0") },
	{ "name, longer than the list", BYTES("\0\0\0\6\0\4\0\0\2a") },
	{ "name, shorter than the list", BYTES("\0\0\0\7\0\5\0\0\1ab") },
	{ "name, of another type", BYTES("\0\0\0\6\0\4\1\0\1a") },
	{ "name, two in the list", BYTES("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b") },
	{ "name, two extensions", BYTES(NAMED NAMED) },
	{ "name, two extensions, the first an address", BYTES("\0\0\0\x0c\0\x0a\0\0\7" "1.2.3.4" NAMED) },
	{ "name, empty", BYTES("\0\0\0\5\0\3\0\0\0") },
	{ "name, only a dot", BYTES("\0\0\0\6\0\4\0\0\1.") },
	{ "name, begins with a dot", BYTES("\0\0\0\7\0\5\0\0\2.a") },
	{ "name, two dots", BYTES("\0\0\0\x09\0\7\0\0\4a..b") },
	{ "name, two final dots", BYTES("\0\0\0\x08\0\6\0\0\3a..") },
	{ "name, NUL", BYTES("\0\0\0\x08\0\6\0\0\3a\0b") },
	{ "name, blank", BYTES("\0\0\0\x08\0\6\0\0\3a b") },
	{ "name, slash", BYTES("\0\0\0\x08\0\6\0\0\3a/b") },
	{ "name, port", BYTES("\0\0\0\x08\0\6\0\0\3a:1") },
	{ "name, asterisk", BYTES("\0\0\0\x08\0\6\0\0\3*.b") },
	{ "name, UTF-8", BYTES("\0\0\0\x08\0\6\0\0\3\xc3\xa9" "b") },
	{ "name, IPv6 address", BYTES("\0\0\0\x08\0\6\0\0\3::1") },
	{ "name, 256 bytes", BYTES("\0\0\1\5\1\3\0\1\0" HUNDRED HUNDRED TEN TEN TEN TEN TEN "012345") },
	{ "ALPN, empty extension", BYTES("\0\x10\0\0") },
	{ "ALPN, empty list", BYTES("\0\x10\0\2\0\0") },
	{ "ALPN, list longer than the extension", BYTES("\0\x10\0\5\0\4\2h2") },
	{ "ALPN, list shorter than the extension", BYTES("\0\x10\0\6\0\3\2h2x") },
	{ "ALPN, empty protocol", BYTES("\0\x10\0\6\0\4\2h2\0") },
	{ "ALPN, protocol longer than the list", BYTES("\0\x10\0\5\0\3\3h2") },
	{ "ALPN, twice", BYTES(ALPN_H2 ALPN_BOTH) },
	{ "versions, empty extension", BYTES("\0\x2b\0\0") },
	{ "versions, empty list", BYTES("\0\x2b\0\1\0") },
	{ "versions, half of one", BYTES("\0\x2b\0\4\3\3\4\3") },
	{ "versions, list longer than the extension", BYTES("\0\x2b\0\3\4\3\4") },
	{ "versions, list shorter than the extension", BYTES("\0\x2b\0\4\2\3\4\3") },
	{ "versions, twice", BYTES(VERSIONS VERSIONS) },
	{ "encrypted, twice", BYTES(ECH ECH) },
};

static void test_malformed_extensions_are_refused_with_the_last_byte(void **state)
{
	static struct bytes b;
	struct hello h;

	(void)state;
	for (size_t i = 0; i < COUNT(bad_extensions); i++) {
		put_hello(&b, 0x0303, bad_extensions[i].extensions, RECORD_MAX);
		enum hello_progress whole = read_copy(b.p, b.n, &h), before = read_copy(b.p, b.n - 1, &h);

		if (whole != HELLO_BAD || before != HELLO_MORE)
			fail_msg("%s: %s, and %s without the last byte", bad_extensions[i].name, progress_names[whole],
				progress_names[before]);
	}
}

#define RANDOM "0123456789abcdef0123456789abcdef"

static const struct refused bad_bodies[] = {
	{ "empty", BYTES("") },
	{ "half a version", BYTES("\3") },
	{ "no random", BYTES("\3\3") },
	{ "short random", BYTES("\3\3" TEN TEN TEN "1") },
	{ "no session", BYTES("\3\3" RANDOM) },
	{ "session longer than all", BYTES("\3\3" RANDOM "\1") },
	{ "session of 33 bytes", BYTES("\3\3" RANDOM "\x21" TEN TEN TEN "abc" "\0\2\x13\1" "\1\0") },
	{ "no ciphers", BYTES("\3\3" RANDOM "\0") },
	{ "empty ciphers", BYTES("\3\3" RANDOM "\0" "\0\0" "\1\0") },
	{ "half a cipher", BYTES("\3\3" RANDOM "\0" "\0\3\x13\1\x13" "\1\0") },
	{ "ciphers longer than all", BYTES("\3\3" RANDOM "\0" "\0\6\x13\1" "\1\0") },
	{ "no compressions", BYTES("\3\3" RANDOM "\0" "\0\2\x13\1") },
	{ "empty compressions", BYTES("\3\3" RANDOM "\0" "\0\2\x13\1" "\0") },
	{ "compressions longer than all", BYTES("\3\3" RANDOM "\0" "\0\2\x13\1" "\2\0") },
	{ "half a length of extensions", BYTES("\3\3" RANDOM "\0" "\0\2\x13\1" "\1\0" "\0") },
	{ "extensions longer than the message", BYTES("\3\3" RANDOM "\0" "\0\2\x13\1" "\1\0" "\0\5\0\x17\0\0") },
	{ "extensions shorter than the message", BYTES("\3\3" RANDOM "\0" "\0\2\x13\1" "\1\0" "\0\4\0\x17\0\0\0") },
};

static void test_malformed_messages_are_refused(void **state)
{
	static struct bytes b;
	struct hello h;

	(void)state;
	for (size_t i = 0; i < COUNT(bad_bodies); i++) {
		put_in_records(&b, bad_bodies[i].extensions, RECORD_MAX);
		enum hello_progress progress = read_copy(b.p, b.n, &h);

		if (progress != HELLO_BAD)
			fail_msg("%s: %s", bad_bodies[i].name, progress_names[progress]);
	}
}

static const struct {
	const char *name;
	struct span bytes;
	enum hello_progress want;
} raw[] = {
	{ "nothing", BYTES(""), HELLO_MORE },
	{ "handshake", BYTES("\x16"), HELLO_MORE },
	{ "HTTP", BYTES("GET / HTTP/1.1\r\n\r\n"), HELLO_NOT_TLS },
	{ "first byte of HTTP", BYTES("G"), HELLO_NOT_TLS },
	{ "HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\n"), HELLO_NOT_TLS },
	{ "SSH", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), HELLO_NOT_TLS },
	{ "SSL 2", BYTES("\x80\x2e\1\3\1\0\x15\0\0\0\x10"), HELLO_NOT_TLS },
	{ "alert", BYTES("\x15\3\1\0\2\2\x28"), HELLO_NOT_TLS },
	{ "application data", BYTES("\x17\3\3\0\1x"), HELLO_NOT_TLS },
	{ "handshake of another version", BYTES("\x16\2"), HELLO_NOT_TLS },
	{ "handshake of a version to come", BYTES("\x16\3\5"), HELLO_NOT_TLS },
	{ "ServerHello", BYTES("\x16\3\3\0\x04\2"), HELLO_NOT_TLS },
	{ "empty record", BYTES("\x16\3\1\0\0"), HELLO_BAD },
	{ "record too large", BYTES("\x16\3\1\x40\1"), HELLO_BAD },
	{ "empty record in the middle", BYTES("\x16\3\1\0\1\1" "\x16\3\1\0\0"), HELLO_BAD },
	{ "alert in the middle", BYTES("\x16\3\1\0\1\1" "\x15\3\1\0\2"), HELLO_BAD },
	{ "another version in the middle", BYTES("\x16\3\1\0\1\1" "\x16\2\1\0\2"), HELLO_BAD },
	{ "half a record's head in the middle", BYTES("\x16\3\1\0\1\1" "\x15\3\1\0"), HELLO_MORE },
	{ "message too large", BYTES("\x16\3\1\0\4\1\0\x40\1"), HELLO_BAD },
	{ "message far too large", BYTES("\x16\3\1\0\4\1\xff\xff\xff"), HELLO_BAD },
};

static void test_what_is_no_hello_is_known_by_its_first_bytes(void **state)
{
	struct hello h;

	(void)state;
	for (size_t i = 0; i < COUNT(raw); i++) {
		enum hello_progress progress = read_copy(raw[i].bytes.p, raw[i].bytes.n, &h);

		if (progress != raw[i].want)
			fail_msg("%s: %s, not %s", raw[i].name, progress_names[progress], progress_names[raw[i].want]);
	}
}

/* -- real ones -- */

static const struct row real[] = {
	{ "chromium", BYTES(""), "example.test", true, true, true, 0x0304 }, /* ML-KEM: more than a segment; ECH GREASE */
	{ "curl-openssl", BYTES(""), "example.test", true, true, false, 0x0304 },
	{ "gnutls", BYTES(""), "example.test", false, false, false, 0x0304 },
	{ "node", BYTES(""), "example.test", false, false, false, 0x0304 },
	{ "openssl-tls10", BYTES(""), "example.test", false, false, false, 0x0301 },
};

static void load(const char *name, struct bytes *out)
{
	char path[128];

	snprintf(path, sizeof(path), CORPUS "%s", name);
	FILE *f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: cannot be opened", path);
	out->n = fread(out->p, 1, sizeof(out->p), f);
	fclose(f);
}

static void test_hellos_of_real_clients_are_read_in_pieces_and_small_records(void **state)
{
	static struct bytes b, again;

	(void)state;
	for (size_t i = 0; i < COUNT(real); i++) {
		load(real[i].name, &b);
		check_pieces(&real[i], &b, 1);
		put_in_records(&again, span_of(b.p + 9, b.n - 9), 1);
		check_pieces(&real[i], &again, 61);
	}
}

static void test_post_quantum_hello_is_larger_than_a_segment(void **state)
{
	static struct bytes b;

	(void)state;
	load("chromium", &b);
	assert_true(b.n > 1460);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_are_read_and_every_beginning_is_incomplete),
		cmocka_unit_test(test_records_may_be_as_small_as_one_byte),
		cmocka_unit_test(test_bytes_behind_the_hello_change_nothing),
		cmocka_unit_test(test_versions_of_old_hellos),
		cmocka_unit_test(test_hello_without_room_for_extensions_is_fine),
		cmocka_unit_test(test_largest_hello_is_read_and_a_larger_one_refused_early),
		cmocka_unit_test(test_malformed_extensions_are_refused_with_the_last_byte),
		cmocka_unit_test(test_malformed_messages_are_refused),
		cmocka_unit_test(test_what_is_no_hello_is_known_by_its_first_bytes),
		cmocka_unit_test(test_hellos_of_real_clients_are_read_in_pieces_and_small_records),
		cmocka_unit_test(test_post_quantum_hello_is_larger_than_a_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
