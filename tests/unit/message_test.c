/*
 * Heads as data: what was received, and the edits that lie on top of it without changing it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/message.h"

enum { ROOM = 8 };

struct draft {
	struct field fields[ROOM];
	struct message m;
};

static void draft_init(struct draft *d)
{
	headers_init();
	message_init(&d->m, d->fields, ROOM);
	assert_true(message_receive(&d->m, SPAN("Accept"), SPAN("a")));
	assert_true(message_receive(&d->m, SPAN("X-Own"), SPAN("b")));
	assert_true(message_receive(&d->m, SPAN("accept"), SPAN("c, D;q=1, \"e, f\"")));
}

static void test_first_line_is_found_in_any_case(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	assert_true(message_has(&d.m, HEADER_ACCEPT));
	assert_false(message_has(&d.m, HEADER_HOST));
	assert_ptr_equal(message_field(&d.m, HEADER_ACCEPT), &d.fields[0]);
	assert_null(message_field(&d.m, HEADER_HOST));
	assert_true(span_eq(message_value(&d.m, HEADER_ACCEPT), SPAN("a")));
	assert_int_equal(message_value(&d.m, HEADER_HOST).n, 0);
	assert_int_equal(d.fields[1].id, HEADER_OTHER);
}

static void test_lines_of_one_field_are_found_one_after_the_other(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	assert_true(message_receive(&d.m, SPAN("Host"), SPAN("a.example")));
	assert_true(message_repeats(&d.m, HEADER_ACCEPT));
	assert_false(message_repeats(&d.m, HEADER_HOST));
	assert_ptr_equal(message_next(&d.m, &d.fields[0]), &d.fields[2]);
	assert_null(message_next(&d.m, &d.fields[2]));
	assert_null(message_next(&d.m, message_field(&d.m, HEADER_HOST)));
}

static void test_lists_are_searched_over_all_lines(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	assert_true(message_list_has(&d.m, HEADER_ACCEPT, SPAN("A")));
	assert_true(message_list_has(&d.m, HEADER_ACCEPT, SPAN("C")));
	assert_false(message_list_has(&d.m, HEADER_ACCEPT, SPAN("d")));
	assert_false(message_list_has(&d.m, HEADER_ACCEPT, SPAN("f")));
	assert_false(message_list_has(&d.m, HEADER_TE, SPAN("a")));
}

static void test_full_message_takes_no_more_fields(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	for (int i = 3; i < ROOM; i++)
		assert_true(message_receive(&d.m, SPAN("x"), SPAN("y")));
	assert_false(message_receive(&d.m, SPAN("Host"), SPAN("y")));
	assert_int_equal(d.m.field_count, ROOM);
	assert_false(message_has(&d.m, HEADER_HOST));
}

static void test_every_known_field_has_its_own_bit(void **state)
{
	(void)state;
	headers_init();
	for (unsigned id = 1; id < HEADER_COUNT; id++) {
		struct field one[1];
		struct message m;

		message_init(&m, one, 1);
		assert_true(message_receive(&m, header_name((enum header)id), SPAN("x")));
		for (unsigned other = 1; other < HEADER_COUNT; other++)
			assert_int_equal(message_has(&m, (enum header)other), other == id);
	}
}

static void test_later_edit_replaces_the_earlier(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	message_set(&d.m, HEADER_ACCEPT, SPAN("1"), "first");
	message_set(&d.m, HEADER_PRAGMA, SPAN("x"), "other");
	message_remove(&d.m, HEADER_ACCEPT, "second");
	assert_int_equal(d.m.edit_count, 2);
	assert_int_equal(message_edit(&d.m, HEADER_ACCEPT)->op, EDIT_REMOVE);
	assert_string_equal(message_edit(&d.m, HEADER_ACCEPT)->why, "second");
	assert_string_equal(message_edit(&d.m, HEADER_PRAGMA)->why, "other");
	assert_null(message_edit(&d.m, HEADER_HOST));
}

static void test_additions_accumulate_and_decide_nothing(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	message_add(&d.m, HEADER_VIA, SPAN("1"), "first");
	message_add(&d.m, HEADER_VIA, SPAN("2"), "second");
	assert_int_equal(d.m.edit_count, 2);
	assert_null(message_edit(&d.m, HEADER_VIA));
	assert_true(d.m.edits[0].effective && d.m.edits[1].effective);
}

static void test_edit_knows_whether_it_changes_anything(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	assert_true(message_receive(&d.m, SPAN("Pragma"), SPAN("no-cache")));
	message_remove(&d.m, HEADER_HOST, "absent");
	assert_false(message_edit(&d.m, HEADER_HOST)->effective);
	message_remove(&d.m, HEADER_ACCEPT, "there");
	assert_true(message_edit(&d.m, HEADER_ACCEPT)->effective);
	message_set(&d.m, HEADER_PRAGMA, SPAN("no-cache"), "same");
	assert_false(message_edit(&d.m, HEADER_PRAGMA)->effective);
	message_set(&d.m, HEADER_PRAGMA, SPAN("x"), "other");
	assert_true(message_edit(&d.m, HEADER_PRAGMA)->effective);
	message_set(&d.m, HEADER_ACCEPT, SPAN("a"), "the same, but of two lines");
	assert_true(message_edit(&d.m, HEADER_ACCEPT)->effective);
	message_set(&d.m, HEADER_EXPIRES, SPAN("0"), "absent");
	assert_true(message_edit(&d.m, HEADER_EXPIRES)->effective);
	d.fields[3].dropped = "test";
	message_set(&d.m, HEADER_PRAGMA, SPAN("no-cache"), "the line is left out");
	assert_true(message_edit(&d.m, HEADER_PRAGMA)->effective);
}

static void test_edits_leave_received_fields_alone(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	message_set(&d.m, HEADER_ACCEPT, SPAN("z"), "test");
	message_remove(&d.m, HEADER_ACCEPT, "test");
	assert_int_equal(d.m.field_count, 3);
	assert_true(span_eq(message_value(&d.m, HEADER_ACCEPT), SPAN("a")));
}

static void test_kept_message_outlives_its_head(void **state)
{
	static char memory[1024];
	char head[] = "GET /t\r\nHost: a\r\n";
	struct field fields[2];
	struct message m;
	struct arena a;

	(void)state;
	headers_init();
	arena_init(&a, memory, sizeof(memory), 0);
	message_init(&m, fields, 2);
	m.method = span_of(head, 3);
	m.target = span_of(head + 4, 2);
	assert_true(message_receive(&m, span_of(head + 8, 4), span_of(head + 14, 1)));
	assert_true(message_receive(&m, SPAN("Static"), SPAN("stays")));
	fields[0].joined = true;
	assert_true(message_keep(&m, span_of(head, sizeof(head) - 1), &a));
	memset(head, '?', sizeof(head));
	memset(fields, 0, sizeof(fields));
	assert_true(span_eq(m.method, SPAN("GET")));
	assert_true(span_eq(m.target, SPAN("/t")));
	assert_int_equal(m.reason.n, 0);
	assert_true(span_eq(m.fields[0].name, SPAN("Host")));
	assert_true(span_eq(m.fields[0].value, SPAN("a")));
	assert_true(m.fields[0].joined);
	assert_ptr_equal(m.fields[0].value.p, m.fields[0].name.p + 6);
	assert_true(span_eq(m.fields[1].value, SPAN("stays")));
	assert_false(message_receive(&m, SPAN("x"), SPAN("no room any more")));
}

static void test_message_is_not_kept_in_a_full_arena(void **state)
{
	static char memory[64];
	struct draft d;
	struct arena a;

	(void)state;
	draft_init(&d);
	arena_init(&a, memory, sizeof(memory), 0);
	assert_false(message_keep(&d.m, SPAN("head"), &a));
}

static void test_methods_are_known_by_their_exact_names(void **state)
{
	static const struct {
		struct span name;
		enum method id;
		bool safe, idempotent, bustable;
	} rows[] = {
		{ { "GET", 3 }, METHOD_GET, true, true, true },
		{ { "HEAD", 4 }, METHOD_HEAD, true, true, true },
		{ { "QUERY", 5 }, METHOD_QUERY, true, true, true },
		{ { "OPTIONS", 7 }, METHOD_OPTIONS, true, true, false },
		{ { "TRACE", 5 }, METHOD_TRACE, true, true, false },
		{ { "PUT", 3 }, METHOD_PUT, false, true, false },
		{ { "DELETE", 6 }, METHOD_DELETE, false, true, false },
		{ { "POST", 4 }, METHOD_POST, false, false, false },
		{ { "PATCH", 5 }, METHOD_PATCH, false, false, false },
		{ { "CONNECT", 7 }, METHOD_CONNECT, false, false, false },
		{ { "get", 3 }, METHOD_OTHER, false, false, false },
		{ { "GETS", 4 }, METHOD_OTHER, false, false, false },
		{ { "", 0 }, METHOD_OTHER, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum method id = method_lookup(rows[i].name);

		if (id != rows[i].id || method_is_safe(id) != rows[i].safe ||
			method_is_idempotent(id) != rows[i].idempotent || method_is_bustable(id) != rows[i].bustable)
			fail_msg("method \"%.*s\" is taken for %d", SPAN_ARG(rows[i].name), (int)id);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_line_is_found_in_any_case),
		cmocka_unit_test(test_lines_of_one_field_are_found_one_after_the_other),
		cmocka_unit_test(test_lists_are_searched_over_all_lines),
		cmocka_unit_test(test_full_message_takes_no_more_fields),
		cmocka_unit_test(test_every_known_field_has_its_own_bit),
		cmocka_unit_test(test_later_edit_replaces_the_earlier),
		cmocka_unit_test(test_additions_accumulate_and_decide_nothing),
		cmocka_unit_test(test_edit_knows_whether_it_changes_anything),
		cmocka_unit_test(test_edits_leave_received_fields_alone),
		cmocka_unit_test(test_kept_message_outlives_its_head),
		cmocka_unit_test(test_message_is_not_kept_in_a_full_arena),
		cmocka_unit_test(test_methods_are_known_by_their_exact_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
