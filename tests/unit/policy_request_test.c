/*
 * What each mode does to requests: the request table, row by row.
 */
#include "policy_heads.h"

static const struct policy_settings bust = { .mode = MODE_BUST };
static const struct policy_settings heal = { .mode = MODE_BUST, .heal = true };
static const struct policy_settings revalidate = { .mode = MODE_REVALIDATE };
static const struct policy_settings observe = { .mode = MODE_OBSERVE };
static const struct policy_settings off = { .mode = MODE_OFF };
#define NETWORKS "akamai-x-cache-on, akamai-x-cache-remote-on, akamai-x-check-cacheable, akamai-x-get-cache-key"

static const char *const safe_methods[] = { "GET", "HEAD", "QUERY" };
static const char *const other_methods[] = { "POST",  "PUT",     "PATCH",    "DELETE", "OPTIONS",
					     "TRACE", "CONNECT", "PROPFIND", "get" };

struct row {
	const char *name, *sent, *expected;
};

static char room[4096];

/* The written head; *state as policy left it. */
static const char *edited(const struct policy_settings *settings, const char *method, const char *lines,
	struct policy_state *state, char out[HEAD_TEXT_MAX])
{
	static struct head h;
	struct arena arena;

	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&h, method, "/r", lines);
	policy_request(state, settings, &h.m, &arena);
	return head_write(&h.m, out);
}

static void check(const struct policy_settings *settings, const char *method, const struct row *rows, size_t count)
{
	char out[HEAD_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		struct policy_state state;

		assert_text(rows[i].name, edited(settings, method, rows[i].sent, &state, out), rows[i].expected);
		assert_null(state.not_busted);
	}
}

static void test_busted_safe_request_asks_the_origin_for_everything(void **unused)
{
	static const struct row rows[] = {
		{ "nothing there", "", TRIPLE },
		{ "seed", TRIPLE, TRIPLE },
		{ "order and place kept", "Host: a\ncache-control: max-age=0\nX: 1\nPRAGMA: x",
			"Host: a\ncache-control: no-cache, no-store, must-revalidate\nX: 1\n"
			"PRAGMA: no-cache\nExpires: 0" },
		{ "several lines become one",
			"Cache-Control: only-if-cached\nA: 1\nCache-Control: max-stale=9\nExpires: 5\nExpires: 0",
			"Cache-Control: no-cache, no-store, must-revalidate\nA: 1\nExpires: 0\nPragma: no-cache" },
		{ "entity tag condition", "If-None-Match: \"a\", W/\"b\"", TRIPLE },
		{ "both conditions", "If-None-Match: *\nIf-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT",
			TRIPLE },
		{ "lost-update guards stay",
			"If-Match: \"a\"\nIf-Unmodified-Since: Thu, 01 Jan 2026 00:00:00 GMT",
			"If-Match: \"a\"\nIf-Unmodified-Since: Thu, 01 Jan 2026 00:00:00 GMT\n" TRIPLE },
		{ "plain range stays", "Range: bytes=9-", "Range: bytes=9-\n" TRIPLE },
		{ "range pair goes as a pair", "Range: bytes=9-\nIf-Range: \"a\"", TRIPLE },
		{ "lonely If-Range goes", "If-Range: \"a\"", TRIPLE },
		{ "dictionary fields go", "Available-Dictionary: :a=:\nDictionary-ID: \"x\"", TRIPLE },
		{ "dictionary codings go", "Accept-Encoding: gzip, dcb, br;q=0.5,DCZ ;q=1",
			"Accept-Encoding: gzip, br;q=0.5\n" TRIPLE },
		{ "codings on several lines", "Accept-Encoding: dcb\nB: 1\nAccept-Encoding: gzip , zstd",
			"Accept-Encoding: gzip, zstd\nB: 1\n" TRIPLE },
		{ "nothing but dictionary codings", "Accept-Encoding: dcb, dcz", TRIPLE },
		{ "tight list", "Accept-Encoding: a,b,c,dcb,d,e", "Accept-Encoding: a, b, c, d, e\n" TRIPLE },
		{ "look-alike codings", "Accept-Encoding: dcbx,xdcz, dc,gzip",
			"Accept-Encoding: dcbx,xdcz, dc,gzip\n" TRIPLE },
		{ "other codings byte for byte", "Accept-Encoding: gzip,deflate ,  br",
			"Accept-Encoding: gzip,deflate ,  br\n" TRIPLE },
		{ "websocket handshake", "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: x",
			"Sec-WebSocket-Key: x\n" TRIPLE },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(safe_methods); i++)
		check(&bust, safe_methods[i], rows, COUNT(rows));
}

#define CONDITIONS                                                                                        \
	"If-None-Match: *\nIf-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT\nIf-Match: \"a\"\n"           \
	"If-Unmodified-Since: Thu, 01 Jan 2026 00:00:00 GMT\nRange: bytes=0-1\nIf-Range: \"a\"\n"         \
	"Available-Dictionary: :a=:\nDictionary-ID: \"x\"\nAccept-Encoding: dcb, gzip"

static void test_other_methods_get_the_triple_and_keep_all_else(void **unused)
{
	static const struct row rows[] = {
		{ "nothing there", "", TRIPLE },
		{ "conditions", CONDITIONS, CONDITIONS "\n" TRIPLE },
		{ "old directives", "Cache-Control: max-stale\nPragma: x\nExpires: x", TRIPLE },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(other_methods); i++)
		check(&bust, other_methods[i], rows, COUNT(rows));
}

static void test_heal_leaves_out_no_store_only(void **unused)
{
	static const struct row rows[] = {
		{ "nothing there", "", "Cache-Control: no-cache\nPragma: no-cache\nExpires: 0" },
		{ "conditions go all the same", "If-None-Match: \"a\"\nCache-Control: no-store",
			"Cache-Control: no-cache\nPragma: no-cache\nExpires: 0" },
	};

	(void)unused;
	check(&heal, "GET", rows, COUNT(rows));
}

static void test_revalidate_keeps_what_the_client_asked_about(void **unused)
{
	static const struct row rows[] = {
		{ "nothing there", "", "Cache-Control: no-cache\nPragma: no-cache" },
		{ "conditions", CONDITIONS, CONDITIONS "\nCache-Control: no-cache\nPragma: no-cache" },
		{ "offline demands go", "Cache-Control: only-if-cached, max-stale=60\nExpires: 7",
			"Cache-Control: no-cache\nExpires: 7\nPragma: no-cache" },
	};
	char out[HEAD_TEXT_MAX];
	struct policy_state state;

	(void)unused;
	for (size_t i = 0; i < COUNT(safe_methods); i++)
		check(&revalidate, safe_methods[i], rows, COUNT(rows));
	for (size_t i = 0; i < COUNT(other_methods); i++)
		check(&revalidate, other_methods[i], rows, COUNT(rows));
	edited(&revalidate, "GET", CONDITIONS, &state, out);
	assert_false(state.busted);
	assert_false(state.modified_since_removed);
	assert_ptr_equal(state.settings, &revalidate);
}

static void test_passive_modes_edit_nothing_and_say_so(void **unused)
{
	char out[HEAD_TEXT_MAX];
	struct policy_state state;

	(void)unused;
	assert_text("off", edited(&off, "GET", CONDITIONS, &state, out), CONDITIONS);
	assert_string_equal(state.not_busted, "mode = off");
	assert_false(state.busted || state.modified_since_removed);
	assert_text("observe", edited(&observe, "GET", CONDITIONS, &state, out), CONDITIONS);
	assert_string_equal(state.not_busted, "mode = observe");
	assert_false(state.busted || state.modified_since_removed);
}

static void test_bust_remembers_that_the_date_condition_was_removed(void **unused)
{
	static const struct {
		const char *method, *sent;
		bool removed;
	} rows[] = {
		{ "GET", "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT", true },
		{ "HEAD", "If-Modified-Since: junk", true },
		{ "GET", "If-None-Match: \"a\"", false },
		{ "POST", "If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[HEAD_TEXT_MAX];
		struct policy_state state = { .modified_since_removed = true };

		edited(&bust, rows[i].method, rows[i].sent, &state, out);
		assert_true(state.busted);
		if (state.modified_since_removed != rows[i].removed)
			fail_msg("%s %s: removed %d", rows[i].method, rows[i].sent, state.modified_since_removed);
	}
}

#define SIGV4(names) \
	"Authorization: AWS4-HMAC-SHA256 Credential=A/s3/aws4_request, SignedHeaders=" names ", Signature=0"

static void test_signed_fields_stay_and_the_others_are_busted(void **unused)
{
	static const struct row rows[] = {
		{ "signed Cache-Control", SIGV4("cache-control;host") "\nCache-Control: max-age=1\nPragma: x",
			SIGV4("cache-control;host") "\nCache-Control: max-age=1\nPragma: no-cache\nExpires: 0" },
		{ "signed and absent",
			SIGV4("expires"),
			SIGV4("expires") "\nCache-Control: no-cache, no-store, must-revalidate\nPragma: no-cache" },
		{ "signed condition", SIGV4("if-none-match") "\nIf-None-Match: \"a\"\nIf-Modified-Since: x",
			SIGV4("if-none-match") "\nIf-None-Match: \"a\"\n" TRIPLE },
		{ "signed range keeps the pair", SIGV4("range") "\nRange: bytes=1-\nIf-Range: \"a\"",
			SIGV4("range") "\nRange: bytes=1-\nIf-Range: \"a\"\n" TRIPLE },
		{ "signed If-Range keeps the pair", SIGV4("if-range") "\nRange: bytes=1-\nIf-Range: \"a\"",
			SIGV4("if-range") "\nRange: bytes=1-\nIf-Range: \"a\"\n" TRIPLE },
		{ "signed codings", SIGV4("accept-encoding") "\nAccept-Encoding: dcb, br",
			SIGV4("accept-encoding") "\nAccept-Encoding: dcb, br\n" TRIPLE },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[HEAD_TEXT_MAX];
		struct policy_state state;

		assert_text(rows[i].name, edited(&bust, "GET", rows[i].sent, &state, out), rows[i].expected);
		assert_non_null(state.not_busted);
		assert_string_equal(state.not_busted, "a signed field was left as it was");
		assert_true(state.busted);
	}
}

static void test_signature_that_prevents_no_edit_is_no_reason(void **unused)
{
	static const struct row rows[] = {
		{ "names other fields", SIGV4("host;x-amz-date"), SIGV4("host;x-amz-date") "\n" TRIPLE },
		{ "names absent conditions",
			SIGV4("if-none-match;range"), SIGV4("if-none-match;range") "\n" TRIPLE },
		{ "signed range without a pair", SIGV4("range") "\nRange: bytes=1-",
			SIGV4("range") "\nRange: bytes=1-\n" TRIPLE },
		{ "signed field says it already", SIGV4("pragma") "\nPragma: no-cache",
			SIGV4("pragma") "\nPragma: no-cache\n"
			"Cache-Control: no-cache, no-store, must-revalidate\nExpires: 0" },
		{ "signed codings without dictionaries", SIGV4("accept-encoding") "\nAccept-Encoding: br",
			SIGV4("accept-encoding") "\nAccept-Encoding: br\n" TRIPLE },
	};

	(void)unused;
	check(&bust, "GET", rows, COUNT(rows));
}

static void test_signed_date_condition_is_not_taken_for_removed(void **unused)
{
	char out[HEAD_TEXT_MAX];
	struct policy_state state;

	(void)unused;
	edited(&bust, "GET", SIGV4("if-modified-since") "\nIf-Modified-Since: x", &state, out);
	assert_false(state.modified_since_removed);
}

static void test_revalidate_respects_signatures_too(void **unused)
{
	char out[HEAD_TEXT_MAX];
	struct policy_state state;

	(void)unused;
	assert_text("revalidate",
		edited(&revalidate, "GET", SIGV4("cache-control") "\nCache-Control: max-age=1", &state, out),
		SIGV4("cache-control") "\nCache-Control: max-age=1\nPragma: no-cache");
	assert_non_null(state.not_busted);
}

static void test_full_arena_still_removes_dictionary_codings(void **unused)
{
	static struct head h;
	char out[HEAD_TEXT_MAX], tiny[1];
	struct arena arena;
	struct policy_state state;

	(void)unused;
	arena_init(&arena, tiny, sizeof(tiny), 0);
	head_read_request(&h, "GET", "/", "Accept-Encoding: gzip, dcb");
	policy_request(&state, &bust, &h.m, &arena);
	assert_text("full arena", head_write(&h.m, out), "Accept-Encoding: identity\n" TRIPLE);
}

static void test_values_made_in_the_arena_stay_whole(void **unused)
{
	static struct head h;
	char out[HEAD_TEXT_MAX];
	struct arena arena;
	struct policy_state state;

	(void)unused;
	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&h, "GET", "/", "Accept-Encoding: a,b,c,d,e,f,g,dcb\nAccept-Encoding: h,i,j,k,l,m,n");
	policy_request(&state, &bust, &h.m, &arena);
	void *next = arena_alloc(&arena, 256);
	assert_non_null(next);
	memset(next, '#', 256);
	assert_text("two lines", head_write(&h.m, out),
		"Accept-Encoding: a, b, c, d, e, f, g, h, i, j, k, l, m, n\n" TRIPLE);
}

static void test_every_edit_tells_its_rule(void **unused)
{
	static struct head h;
	struct arena arena;
	struct policy_state state;

	(void)unused;
	arena_init(&arena, room, sizeof(room), 0);
	head_read_request(&h, "GET", "/", CONDITIONS);
	policy_request(&state, &bust, &h.m, &arena);
	assert_true(h.m.edit_count >= 8);
	for (unsigned i = 0; i < h.m.edit_count; i++) {
		assert_true(h.m.edits[i].effective);
		assert_int_equal(strncmp(h.m.edits[i].why, "bust: ", 6), 0);
	}
}

static void test_speculative_request_is_refused_while_busting(void **unused)
{
	static const struct {
		const char *method, *sent;
		bool refused;
	} rows[] = {
		{ "GET", "Sec-Purpose: prefetch", true },
		{ "GET", "Sec-Purpose: prefetch;prerender", true },
		{ "HEAD", "sec-purpose: prefetch; anonymous-client-ip", true },
		{ "QUERY", "Sec-Purpose: x, Prefetch", true },
		{ "GET", "Purpose: prefetch", true },
		{ "GET", "X-Moz: prefetch", true },
		{ "GET", "Sec-Purpose: x\nSec-Purpose: prefetch", true },
		{ "POST", "Sec-Purpose: prefetch", false },
		{ "OPTIONS", "Purpose: prefetch", false },
		{ "GET", "Sec-Purpose: prefetching", false },
		{ "GET", "Sec-Purpose: x;prefetch", false },
		{ "GET", "Sec-Purpose:", false },
		{ "GET", "X-Purpose: preview", true },
		{ "GET", "X-Purpose: prefetch\nSec-Purpose: x", true },
		{ "GET", "X-Purpose: x\nSec-Purpose: previews", false },
		{ "GET", "", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		static struct head h;

		head_read_request(&h, rows[i].method, "/", rows[i].sent);
		const char *reason = policy_refuses(&bust, &h.m);
		if ((reason != NULL) != rows[i].refused)
			fail_msg("%s %s: %s", rows[i].method, rows[i].sent, reason ? reason : "not refused");
		assert_null(policy_refuses(&revalidate, &h.m));
		assert_null(policy_refuses(&observe, &h.m));
		assert_null(policy_refuses(&off, &h.m));
	}
}

static void test_delivery_networks_are_asked_in_every_mode_but_off(void **unused)
{
	static const struct {
		const char *name;
		enum mode mode;
		const char *method, *sent, *expected;
	} rows[] = {
		{ "bust", MODE_BUST, "GET", "", "Cache-Control: no-cache, no-store, must-revalidate\n"
			"Pragma: no-cache, " NETWORKS "\nExpires: 0\nFastly-Debug: 1" },
		{ "revalidate", MODE_REVALIDATE, "HEAD", "Pragma: x",
			"Pragma: no-cache, " NETWORKS "\nCache-Control: no-cache\nFastly-Debug: 1" },
		{ "observe", MODE_OBSERVE, "GET", "Cache-Control: x",
			"Cache-Control: x\nFastly-Debug: 1\nPragma: " NETWORKS },
		{ "observe keeps the client's Pragma", MODE_OBSERVE, "GET", "Pragma: x",
			"Pragma: x\nFastly-Debug: 1\nPragma: " NETWORKS },
		{ "off", MODE_OFF, "GET", "Pragma: x", "Pragma: x" },
		{ "no cache answers a POST", MODE_BUST, "POST", "", TRIPLE },
		{ "client that asks itself", MODE_OBSERVE, "GET", "Fastly-Debug: secret",
			"Fastly-Debug: secret\nPragma: " NETWORKS },
		{ "signed Pragma", MODE_OBSERVE, "GET", SIGV4("pragma") "\nPragma: x",
			SIGV4("pragma") "\nPragma: x\nFastly-Debug: 1" },
		{ "signed busted Pragma", MODE_BUST, "GET", SIGV4("pragma") "\nPragma: no-cache",
			SIGV4("pragma") "\nPragma: no-cache\n"
			"Cache-Control: no-cache, no-store, must-revalidate\nExpires: 0\nFastly-Debug: 1" },
		{ "signed Fastly-Debug", MODE_OBSERVE, "GET", SIGV4("fastly-debug"),
			SIGV4("fastly-debug") "\nPragma: " NETWORKS },
	};
	char out[HEAD_TEXT_MAX];

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policy_settings asking = { .mode = rows[i].mode, .ask_networks = true };
		struct policy_state state;

		assert_text(rows[i].name, edited(&asking, rows[i].method, rows[i].sent, &state, out),
			rows[i].expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busted_safe_request_asks_the_origin_for_everything),
		cmocka_unit_test(test_other_methods_get_the_triple_and_keep_all_else),
		cmocka_unit_test(test_heal_leaves_out_no_store_only),
		cmocka_unit_test(test_revalidate_keeps_what_the_client_asked_about),
		cmocka_unit_test(test_passive_modes_edit_nothing_and_say_so),
		cmocka_unit_test(test_bust_remembers_that_the_date_condition_was_removed),
		cmocka_unit_test(test_signed_fields_stay_and_the_others_are_busted),
		cmocka_unit_test(test_signature_that_prevents_no_edit_is_no_reason),
		cmocka_unit_test(test_signed_date_condition_is_not_taken_for_removed),
		cmocka_unit_test(test_revalidate_respects_signatures_too),
		cmocka_unit_test(test_full_arena_still_removes_dictionary_codings),
		cmocka_unit_test(test_values_made_in_the_arena_stay_whole),
		cmocka_unit_test(test_every_edit_tells_its_rule),
		cmocka_unit_test(test_speculative_request_is_refused_while_busting),
		cmocka_unit_test(test_delivery_networks_are_asked_in_every_mode_but_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
