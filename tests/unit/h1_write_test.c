/*
 * Heads out: what is untouched goes byte for byte, and edits, framing and Connection come out as decided.
 */
#include "h1_rows.h"

#include <stdio.h>

/* A message as read, or made of constants, before it is written. */
struct draft {
	struct reading r;
	struct h1_write w;
	char out[8192];
};

static void draft_request(struct draft *d, const char *head)
{
	read_head(&d->r, AS_REQUEST, head);
	d->w = (struct h1_write){ .framing = d->r.m.framing, .content_length = d->r.m.content_length, .target = SPAN("/t") };
}

static void draft_response(struct draft *d, const char *head)
{
	read_head(&d->r, AS_RESPONSE, head);
	d->w = (struct h1_write){ .framing = d->r.m.framing, .content_length = d->r.m.content_length };
}

/* Writes into a block of exactly the room asked for, so that a sanitizer sees it exceeded. */
static void check_written(struct draft *d, const char *want)
{
	const struct message *m = &d->r.m;
	size_t room = h1_head_room(m, &d->w);
	char *out = malloc(room);

	assert_non_null(out);
	size_t n = m->status ? h1_write_response(m, &d->w, out) : h1_write_request(m, &d->w, out);
	assert_true(n <= room && n <= sizeof(d->out));
	memcpy(d->out, out, n);
	free(out);
	if (!span_eq(span_of(d->out, n), span_str(want)))
		fail_msg("wrote\n%.*sexpected\n%s", (int)n, d->out, want);
}

#define GET_ "GET http://a.example/t HTTP/1.1\r\n"
#define OUT_ "GET /t HTTP/1.1\r\n"
#define HOST_ "Host: a.example\r\n"

static void test_untouched_fields_are_byte_identical(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "x-LOWER:no blank\r\nX:   three\r\nT:\ttab\r\nEmpty:\r\nUtf: \xc3\xa9\r\nX: again\r\n\r\n");
	check_written(&d, OUT_ HOST_ "x-LOWER:no blank\r\nX:   three\r\nT:\ttab\r\nEmpty:\r\nUtf: \xc3\xa9\r\nX: again\r\n\r\n");
}

static void test_blanks_behind_values_are_not_passed_on(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ "Host: a.example  \r\nX: a\t\r\nE:  \t \r\nZ: z\r\n\r\n");
	check_written(&d, OUT_ HOST_ "X: a\r\nE:  \t \r\nZ: z\r\n\r\n");
}

static void test_old_version_is_written_as_1_1(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, "GET http://a.example/t HTTP/1.0\r\nA: b\r\n\r\n");
	check_written(&d, OUT_ "A: b\r\n\r\n");
	draft_response(&d, "HTTP/1.0 200 OK\r\nA: b\r\n\r\n");
	check_written(&d, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
}

static void test_status_line_always_has_its_second_space(void **state)
{
	struct draft d;

	(void)state;
	draft_response(&d, "HTTP/1.1 299\r\n\r\n");
	check_written(&d, "HTTP/1.1 299 \r\n\r\n");
	draft_response(&d, "HTTP/1.1 404 Gone  fishing\r\n\r\n");
	check_written(&d, "HTTP/1.1 404 Gone  fishing\r\n\r\n");
}

static void test_set_takes_the_place_and_spelling_of_the_first_line(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ "A: 1\r\ncache-CONTROL:max-age=0\r\nB: 2\r\nCache-Control: x\r\nHost: a.example\r\nC: 3\r\n\r\n");
	message_set(&d.r.m, HEADER_CACHE_CONTROL, SPAN("no-cache"), "test");
	check_written(&d, OUT_ "A: 1\r\ncache-CONTROL: no-cache\r\nB: 2\r\n" HOST_ "C: 3\r\n\r\n");
}

static void test_set_of_an_absent_field_is_appended_as_we_spell_it(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "A: 1\r\n\r\n");
	message_set(&d.r.m, HEADER_PRAGMA, SPAN("no-cache"), "test");
	message_set(&d.r.m, HEADER_CACHE_CONTROL, SPAN("no-store"), "test");
	check_written(&d, OUT_ HOST_ "A: 1\r\nPragma: no-cache\r\nCache-Control: no-store\r\n\r\n");
}

static void test_set_value_of_any_length_is_written_whole(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	char want[256];
	struct draft d;

	(void)state;
	for (size_t n = 0; n < sizeof(letters); n++) {
		draft_request(&d, GET_ HOST_ "\r\n");
		message_set(&d.r.m, HEADER_PRAGMA, span_of(letters, n), "t");
		snprintf(want, sizeof(want), OUT_ HOST_ "Pragma: %.*s\r\n\r\n", (int)n, letters);
		check_written(&d, want);
	}
}

static void test_remove_takes_every_line(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ "If-None-Match: 1\r\n" HOST_ "IF-NONE-MATCH: 2\r\n\r\n");
	message_remove(&d.r.m, HEADER_IF_NONE_MATCH, "test");
	message_remove(&d.r.m, HEADER_RANGE, "test");
	check_written(&d, OUT_ HOST_ "\r\n");
}

static void test_add_leaves_the_received_lines(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ "via: 1.0 x\r\n" HOST_ "\r\n");
	message_add(&d.r.m, HEADER_VIA, SPAN("1.1 freshet"), "test");
	message_add(&d.r.m, HEADER_VIA, SPAN("1.1 b"), "test");
	check_written(&d, OUT_ "via: 1.0 x\r\n" HOST_ "Via: 1.1 freshet\r\nVia: 1.1 b\r\n\r\n");
}

static void test_set_to_what_is_there_leaves_the_line_as_received(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "pragma:no-cache\r\nA: b\r\n\r\n");
	message_set(&d.r.m, HEADER_PRAGMA, SPAN("no-cache"), "test");
	check_written(&d, OUT_ HOST_ "pragma:no-cache\r\nA: b\r\n\r\n");
}

static void test_empty_value_can_be_set(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "Accept: x\r\n\r\n");
	message_set(&d.r.m, HEADER_ACCEPT, SPAN(""), "test");
	check_written(&d, OUT_ HOST_ "Accept: \r\n\r\n");
}

static void test_hop_by_hop_and_named_fields_stay_here(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "Connection: x-a, keep-alive\r\nKeep-Alive: 5\r\nX-A: 1\r\nProxy-Connection: x\r\n"
		"TE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Authorization: Basic eA==\r\nB: 2\r\n\r\n");
	check_written(&d, OUT_ HOST_ "B: 2\r\n\r\n");
}

static void test_set_brings_back_a_field_that_was_named_away(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "Connection: accept\r\nAccept: x\r\nB: 2\r\n\r\n");
	message_set(&d.r.m, HEADER_ACCEPT, SPAN("x"), "test");
	check_written(&d, OUT_ HOST_ "Accept: x\r\nB: 2\r\n\r\n");
}

static void test_own_hop_by_hop_field_can_be_set_for_the_next_hop(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "Proxy-Authorization: theirs\r\n\r\n");
	message_set(&d.r.m, HEADER_PROXY_AUTHORIZATION, SPAN("ours"), "test");
	check_written(&d, OUT_ HOST_ "Proxy-Authorization: ours\r\n\r\n");
	draft_response(&d, "HTTP/1.1 407 x\r\nProxy-Authenticate: theirs\r\n\r\n");
	message_add(&d.r.m, HEADER_PROXY_AUTHENTICATE, SPAN("Basic realm=\"x\""), "test");
	check_written(&d, "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n");
}

static void test_edits_cannot_touch_framing_or_connection(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, GET_ HOST_ "Content-Length: 5\r\nConnection: close\r\n\r\n");
	message_set(&d.r.m, HEADER_CONTENT_LENGTH, SPAN("7"), "test");
	message_add(&d.r.m, HEADER_CONTENT_LENGTH, SPAN("8"), "test");
	message_set(&d.r.m, HEADER_TRANSFER_ENCODING, SPAN("gzip"), "test");
	message_set(&d.r.m, HEADER_CONNECTION, SPAN("x"), "test");
	message_set(&d.r.m, HEADER_UPGRADE, SPAN("x"), "test");
	check_written(&d, OUT_ HOST_ "Content-Length: 5\r\n\r\n");
}

static void test_framing_is_normalised_in_its_place(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, "POST /t HTTP/1.1\r\ncontent-LENGTH:007\r\n" HOST_ "\r\n");
	check_written(&d, "POST /t HTTP/1.1\r\ncontent-LENGTH: 7\r\n" HOST_ "\r\n");
	draft_request(&d, "POST /t HTTP/1.1\r\nTRANSFER-encoding:  ChUnKeD\r\n" HOST_ "\r\n");
	check_written(&d, "POST /t HTTP/1.1\r\nTRANSFER-encoding: chunked\r\n" HOST_ "\r\n");
}

static void test_other_framing_is_appended(void **state)
{
	struct draft d;

	(void)state;
	draft_response(&d, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n");
	d.w.framing = FRAMING_LENGTH;
	d.w.content_length = UINT64_MAX;
	check_written(&d, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 18446744073709551615\r\n\r\n");
	d.w.framing = FRAMING_CLOSE;
	check_written(&d, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
	draft_response(&d, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n");
	d.w.framing = FRAMING_CHUNKED;
	check_written(&d, "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n");
	draft_response(&d, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
	d.w.framing = FRAMING_CHUNKED;
	check_written(&d, "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void test_length_0_is_said_aloud(void **state)
{
	struct draft d;

	(void)state;
	draft_request(&d, "POST /t HTTP/1.1\r\n" HOST_ "Content-Length: 0\r\n\r\n");
	check_written(&d, "POST /t HTTP/1.1\r\n" HOST_ "Content-Length: 0\r\n\r\n");
	d.w.framing = FRAMING_NONE;
	check_written(&d, "POST /t HTTP/1.1\r\n" HOST_ "\r\n");
}

static void test_head_and_304_keep_their_length_when_asked(void **state)
{
	struct draft d;

	(void)state;
	draft_response(&d, "HTTP/1.1 304 x\r\nContent-Length: 5\r\nA: b\r\n\r\n");
	check_written(&d, "HTTP/1.1 304 x\r\nA: b\r\n\r\n");
	d.w.keep_length = true;
	check_written(&d, "HTTP/1.1 304 x\r\nContent-Length: 5\r\nA: b\r\n\r\n");
	draft_response(&d, "HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n");
	d.w.keep_length = true;
	check_written(&d, "HTTP/1.1 304 x\r\n\r\n");
}

static void test_interim_and_204_carry_no_framing_whatever_is_asked(void **state)
{
	static const char *const heads[] = {
		"HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	static const enum framing framings[] = { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };
	struct draft d;

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++) {
		for (size_t k = 0; k < COUNT(framings); k++) {
			draft_response(&d, heads[i]);
			d.w.framing = framings[k];
			d.w.keep_length = true;
			check_written(&d, i == 1 ? "HTTP/1.1 103 x\r\n\r\n" : "HTTP/1.1 204 x\r\n\r\n");
		}
	}
}

static void test_connection_is_our_own(void **state)
{
	static const struct {
		enum h1_connection connection;
		bool te;
		const char *want;
	} rows[] = {
		{ H1_CONNECTION_DEFAULT, false, OUT_ HOST_ "\r\n" },
		{ H1_CONNECTION_DEFAULT, true, OUT_ HOST_ "Connection: TE\r\nTE: trailers\r\n\r\n" },
		{ H1_CONNECTION_CLOSE, false, OUT_ HOST_ "Connection: close\r\n\r\n" },
		{ H1_CONNECTION_CLOSE, true, OUT_ HOST_ "Connection: close, TE\r\nTE: trailers\r\n\r\n" },
		{ H1_CONNECTION_KEEP_ALIVE, false, OUT_ HOST_ "Connection: keep-alive\r\n\r\n" },
		{ H1_CONNECTION_KEEP_ALIVE, true, OUT_ HOST_ "Connection: keep-alive, TE\r\nTE: trailers\r\n\r\n" },
		{ H1_CONNECTION_UPGRADE, false, OUT_ HOST_ "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n" },
		{ H1_CONNECTION_UPGRADE, true,
		  OUT_ HOST_ "Connection: upgrade, TE\r\nUpgrade: websocket\r\nTE: trailers\r\n\r\n" },
	};
	struct draft d;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		draft_request(&d, GET_ HOST_ "Connection: close, x\r\nUpgrade: h2c\r\nTE: gzip\r\n\r\n");
		d.w.connection = rows[i].connection;
		d.w.te_trailers = rows[i].te;
		check_written(&d, rows[i].want);
	}
}

static void test_message_of_constants_is_written(void **state)
{
	struct draft d = { .w = { .framing = FRAMING_LENGTH, .content_length = 12 } };
	struct message *m = &d.r.m;

	(void)state;
	headers_init();
	message_init(m, d.r.fields, ROW_FIELDS);
	m->status = 502;
	m->reason = SPAN("Bad Gateway");
	assert_true(message_receive(m, SPAN("Content-Type"), SPAN("text/plain")));
	assert_true(message_receive(m, SPAN("X-Any"), SPAN("")));
	assert_true(message_receive(m, SPAN("Proxy-Status"), SPAN_NONE));
	message_set(m, HEADER_CACHE_CONTROL, SPAN("no-store"), "test");
	check_written(&d, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nX-Any: \r\nProxy-Status: \r\n"
		"Cache-Control: no-store\r\nContent-Length: 12\r\n\r\n");
}

static void test_framing_is_written_once_however_often_it_was_given(void **state)
{
	struct draft d = { .w = { .framing = FRAMING_LENGTH, .content_length = 5 } };
	struct message *m = &d.r.m;

	(void)state;
	headers_init();
	message_init(m, d.r.fields, ROW_FIELDS);
	m->status = 200;
	assert_true(message_receive(m, SPAN("Content-Length"), SPAN("5")));
	assert_true(message_receive(m, SPAN("Content-Length"), SPAN("6")));
	check_written(&d, "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n");
	d.w.framing = FRAMING_NONE;
	d.w.keep_length = true;
	check_written(&d, "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\n");
}

/* A run of lines is copied with the line ends between them; two fields that only touch in memory are not one. */
static void test_fields_that_lie_side_by_side_by_chance_are_separate(void **state)
{
	static const char text[] = "AbXXCd";
	struct draft d = { .w = { .target = SPAN("/t") } };
	struct message *m = &d.r.m;

	(void)state;
	message_init(m, d.r.fields, ROW_FIELDS);
	m->method = SPAN("GET");
	assert_true(message_receive(m, span_of(text, 1), span_of(text + 1, 1)));
	assert_true(message_receive(m, span_of(text + 4, 1), span_of(text + 5, 1)));
	check_written(&d, OUT_ "A: b\r\nC: d\r\n\r\n");
}

static void test_kept_message_is_written_like_the_received_one(void **state)
{
	static char memory[4096];
	char head[] = GET_ HOST_ "A:1\r\nB: 2\r\nPragma: x\r\nC:  3 \r\n\r\n";
	struct draft d;
	struct arena a;

	(void)state;
	arena_init(&a, memory, sizeof(memory), 0);
	draft_request(&d, head);
	assert_true(message_keep(&d.r.m, span_str(head), &a));
	memset(head, '?', sizeof(head));
	message_remove(&d.r.m, HEADER_PRAGMA, "test");
	check_written(&d, OUT_ HOST_ "A:1\r\nB: 2\r\nC:  3\r\n\r\n");
}

static void test_room_is_enough_for_edits_of_any_size(void **state)
{
	static char value[2048], want[8192];
	struct draft d;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	draft_request(&d, GET_ HOST_ "\r\n");
	message_set(&d.r.m, HEADER_ACCESS_CONTROL_MAX_AGE, span_str(value), "test");
	message_set(&d.r.m, HEADER_HOST, span_str(value), "test");
	snprintf(want, sizeof(want), OUT_ "Host: %s\r\nAccess-Control-Max-Age: %s\r\n\r\n", value, value);
	check_written(&d, want);
}

static void check_trailers(const struct message *m, const char *want)
{
	size_t room = h1_head_room(m, NULL);
	char *out = malloc(room);

	assert_non_null(out);
	size_t n = h1_write_trailers(m, out);
	assert_true(n <= room);
	if (!span_eq(span_of(out, n), span_str(want)))
		fail_msg("wrote \"%.*s\", expected \"%s\"", (int)n, out, want);
	free(out);
}

static void test_last_chunk_carries_the_trailers_that_may_pass(void **state)
{
	struct reading r;

	(void)state;
	check_trailers(NULL, "0\r\n\r\n");
	read_head(&r, AS_TRAILERS, "\r\n");
	check_trailers(&r.m, "0\r\n\r\n");
	read_head(&r, AS_TRAILERS, "X:a\r\nETag: 1\r\ngrpc-status: 0 \r\nContent-Length: 5\r\n\r\n");
	check_trailers(&r.m, "0\r\nX: a\r\ngrpc-status: 0\r\n\r\n");
}

static void test_chunk_size_is_written_in_hexadecimal(void **state)
{
	char out[H1_CHUNK_HEAD_MAX];

	(void)state;
	assert_true(span_eq(span_of(out, h1_write_chunk_head(1, out)), SPAN("1\r\n")));
	assert_true(span_eq(span_of(out, h1_write_chunk_head(65536, out)), SPAN("10000\r\n")));
	assert_true(span_eq(span_of(out, h1_write_chunk_head(INT64_MAX, out)), SPAN("7fffffffffffffff\r\n")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untouched_fields_are_byte_identical),
		cmocka_unit_test(test_blanks_behind_values_are_not_passed_on),
		cmocka_unit_test(test_old_version_is_written_as_1_1),
		cmocka_unit_test(test_status_line_always_has_its_second_space),
		cmocka_unit_test(test_set_takes_the_place_and_spelling_of_the_first_line),
		cmocka_unit_test(test_set_of_an_absent_field_is_appended_as_we_spell_it),
		cmocka_unit_test(test_set_value_of_any_length_is_written_whole),
		cmocka_unit_test(test_remove_takes_every_line),
		cmocka_unit_test(test_add_leaves_the_received_lines),
		cmocka_unit_test(test_set_to_what_is_there_leaves_the_line_as_received),
		cmocka_unit_test(test_empty_value_can_be_set),
		cmocka_unit_test(test_hop_by_hop_and_named_fields_stay_here),
		cmocka_unit_test(test_set_brings_back_a_field_that_was_named_away),
		cmocka_unit_test(test_own_hop_by_hop_field_can_be_set_for_the_next_hop),
		cmocka_unit_test(test_edits_cannot_touch_framing_or_connection),
		cmocka_unit_test(test_framing_is_normalised_in_its_place),
		cmocka_unit_test(test_other_framing_is_appended),
		cmocka_unit_test(test_length_0_is_said_aloud),
		cmocka_unit_test(test_head_and_304_keep_their_length_when_asked),
		cmocka_unit_test(test_interim_and_204_carry_no_framing_whatever_is_asked),
		cmocka_unit_test(test_connection_is_our_own),
		cmocka_unit_test(test_message_of_constants_is_written),
		cmocka_unit_test(test_framing_is_written_once_however_often_it_was_given),
		cmocka_unit_test(test_fields_that_lie_side_by_side_by_chance_are_separate),
		cmocka_unit_test(test_kept_message_is_written_like_the_received_one),
		cmocka_unit_test(test_room_is_enough_for_edits_of_any_size),
		cmocka_unit_test(test_last_chunk_carries_the_trailers_that_may_pass),
		cmocka_unit_test(test_chunk_size_is_written_in_hexadecimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
