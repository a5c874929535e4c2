/*
 * What a record takes from a message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/record.h"

#define WHY "for the test"

static struct field fields[8];

static void message_with(struct message *m, const char *name, const char *value)
{
	headers_init();
	message_init(m, fields, sizeof(fields) / sizeof(fields[0]));
	assert_true(message_receive(m, span_str(name), span_str(value)));
}

static void test_edits_are_copied_in_order(void **state)
{
	struct message m;
	struct record r = { .request_edit_count = 7 };

	(void)state;
	message_with(&m, "If-None-Match", "\"a\"");
	message_set(&m, HEADER_CACHE_CONTROL, SPAN("no-cache"), WHY);
	message_remove(&m, HEADER_IF_NONE_MATCH, WHY);
	message_add(&m, HEADER_VIA, SPAN("1.1 freshet"), WHY);
	r.request_edit_count = record_edits(r.request_edits, &m);

	assert_int_equal(r.request_edit_count, 3);
	assert_int_equal(r.request_edits[0].op, EDIT_SET);
	assert_int_equal(r.request_edits[0].id, HEADER_CACHE_CONTROL);
	assert_int_equal(r.request_edits[1].op, EDIT_REMOVE);
	assert_int_equal(r.request_edits[1].id, HEADER_IF_NONE_MATCH);
	assert_int_equal(r.request_edits[2].op, EDIT_ADD);
	assert_int_equal(r.request_edits[2].id, HEADER_VIA);
	assert_int_equal(r.response_edit_count, 0);
}

static void test_edits_that_changed_nothing_are_left_out(void **state)
{
	struct message m;
	struct record r = { .response_edit_count = 7 };

	(void)state;
	message_with(&m, "Pragma", "no-cache");
	message_set(&m, HEADER_PRAGMA, SPAN("no-cache"), WHY);
	message_remove(&m, HEADER_AGE, WHY);
	r.response_edit_count = record_edits(r.response_edits, &m);
	assert_int_equal(r.response_edit_count, 0);

	message_set(&m, HEADER_EXPIRES, SPAN("0"), WHY);
	r.response_edit_count = record_edits(r.response_edits, &m);
	assert_int_equal(r.response_edit_count, 1);
	assert_int_equal(r.response_edits[0].id, HEADER_EXPIRES);
	assert_int_equal(r.request_edit_count, 0);
}

static void test_as_many_edits_as_a_message_can_have_are_copied(void **state)
{
	struct message m;
	struct record r = { .mode = MODE_BUST };

	(void)state;
	message_with(&m, "Age", "1");
	for (unsigned i = 0; i < MESSAGE_EDITS_MAX; i++)
		message_add(&m, HEADER_VIA, SPAN("x"), WHY);
	r.request_edit_count = record_edits(r.request_edits, &m);
	assert_int_equal(r.request_edit_count, MESSAGE_EDITS_MAX);
	assert_int_equal(r.request_edits[MESSAGE_EDITS_MAX - 1].id, HEADER_VIA);
	assert_int_equal(r.response_edit_count, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits_are_copied_in_order),
		cmocka_unit_test(test_edits_that_changed_nothing_are_left_out),
		cmocka_unit_test(test_as_many_edits_as_a_message_can_have_are_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
