/*
 * The latest exchanges: bounded, the oldest gone first, whole while they are there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/history.h"

#include <stdio.h>
#include <stdlib.h>

static struct record record;
static bool watched;
static char head[TRACE_HEAD_MAX + 10];

/* An exchange whose heads and URL tell its number. */
static void add(struct history *h, uint64_t id, size_t head_bytes)
{
	const struct trace_edit edits[] = { { .why = "a rule", .op = EDIT_SET, .id = HEADER_PRAGMA },
					    { .why = "another", .op = TRACE_DROPPED, .line = (uint16_t)id } };
	struct trace t = { .request = { edits, 1 }, .response = { edits, 2 } };

	record.exchange_id = id;
	record.url_len = (uint16_t)snprintf(record.url, sizeof(record.url), "http://example.org/%d", (int)id);
	memset(head, 'a' + (int)(id % 26), head_bytes);
	for (int i = 0; i < TRACE_HEADS; i++)
		t.heads[i] = span_of(head, head_bytes + (size_t)i);
	history_add(h, &record, &t, watched);
}

static void assert_whole(const struct past *p, uint64_t id, size_t head_bytes)
{
	char url[64];

	snprintf(url, sizeof(url), "http://example.org/%d", (int)id);
	assert_true(span_eq(span_of(p->record->url, p->record->url_len), span_str(url)));
	assert_int_equal(p->record->exchange_id, id);
	assert_int_equal(p->trace.request.count, 1);
	assert_int_equal(p->trace.response.count, 2);
	assert_string_equal(p->trace.response.items[0].why, "a rule");
	assert_int_equal(p->trace.response.items[1].line, id);
	for (size_t i = 0; i < TRACE_HEADS; i++) {
		assert_int_equal(p->trace.heads[i].n, head_bytes + i);
		for (size_t n = 0; n < head_bytes; n++)
			assert_int_equal(p->trace.heads[i].p[n], 'a' + (int)(id % 26));
	}
}

static int set_up(void **state)
{
	*state = malloc(HISTORY_COPY_MAX);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void test_what_was_added_is_read_back_in_order(void **state)
{
	struct history *h = history_new(10, HISTORY_BYTES_MIN);
	uint64_t at = 0;
	struct past p;

	assert_false(history_read(h, &at, *state, &p));
	for (uint64_t id = 100; id < 105; id++)
		add(h, id, 50);
	for (uint64_t id = 100; id < 105; id++, at++) {
		assert_true(history_read(h, &at, *state, &p));
		assert_whole(&p, id, 50);
	}
	assert_false(history_read(h, &at, *state, &p));
	assert_int_equal(at, 5);
	history_free(h);
}

static void test_number_is_bounded_and_readers_are_told_where_it_goes_on(void **state)
{
	struct history *h = history_new(3, HISTORY_BYTES_MIN);
	uint64_t at = 1;
	struct past p;

	for (uint64_t id = 0; id < 8; id++)
		add(h, id, 10);
	assert_true(history_read(h, &at, *state, &p));
	assert_int_equal(at, 5);
	assert_whole(&p, 5, 10);
	history_free(h);
}

/* Sizes of all kinds, so that the ring's end falls everywhere. */
static void test_bytes_are_bounded_and_nothing_is_torn(void **state)
{
	struct history *h = history_new(1000, HISTORY_BYTES_MIN);
	struct past p;

	for (uint64_t id = 0; id < 3000; id++) {
		size_t bytes = (size_t)(id * 7919 % 5000);
		uint64_t at = 0, kept = 0;

		add(h, id, bytes);
		for (; history_read(h, &at, *state, &p); at++, kept++)
			assert_whole(&p, at, (size_t)(at * 7919 % 5000));
		assert_int_equal(at, id + 1);
		assert_true(kept >= 1);
	}
	history_free(h);
}

/* Exchanges of some 5 KiB, through all of a ring of 3 MiB and on: how many are there afterwards. */
static uint64_t kept_of(int64_t microseconds_each, char *room)
{
	struct history *h = history_new(2000, 3 << 20);
	struct past p;
	uint64_t at = 0;

	for (uint64_t id = 0; id < 1000; id++) {
		record.started_us = INT64_C(1700000000000000) + (int64_t)id * microseconds_each;
		add(h, id, 1000);
	}
	assert_true(history_read(h, &at, room, &p));
	assert_whole(&p, at, 1000);
	history_free(h);
	record.started_us = 0;
	return 1000 - at;
}

static void test_flood_that_nobody_watches_keeps_to_memory_that_is_in_use(void **state)
{
	assert_in_range(kept_of(20, *state), 10, 100);
	watched = true;
	assert_in_range(kept_of(20, *state), 500, 700);
	watched = false;
	assert_in_range(kept_of(1000, *state), 500, 700);
}

static void test_clock_that_is_set_back_makes_no_flood(void **state)
{
	assert_in_range(kept_of(-20, *state), 500, 700);
}

static void test_largest_exchange_fits_and_longer_heads_are_cut(void **state)
{
	struct history *h = history_new(4, HISTORY_BYTES_MIN);
	struct past p;

	for (uint64_t id = 0; id < 9; id++) {
		add(h, id, TRACE_HEAD_MAX);
		assert_true(history_find(h, id, *state, &p));
		assert_int_equal(p.trace.heads[TRACE_RESPONSE_SENT].n, TRACE_HEAD_MAX);
	}
	history_free(h);
}

static void test_exchange_is_found_by_its_id_while_it_is_there(void **state)
{
	struct history *h = history_new(4, HISTORY_BYTES_MIN);
	struct past p;

	for (uint64_t id = 10; id < 30; id += 2) /* ids may leave gaps */
		add(h, id, 5);
	for (uint64_t id = 0; id < 40; id++) {
		bool there = id >= 22 && id < 30 && id % 2 == 0;

		assert_int_equal(history_find(h, id, *state, &p), there);
		if (there)
			assert_whole(&p, id, 5);
	}
	history_free(h);
}

static void test_cleared_history_has_nothing_and_goes_on_counting(void **state)
{
	struct history *h = history_new(4, HISTORY_BYTES_MIN);
	uint64_t at = 0;
	struct past p;

	add(h, 1, 5);
	add(h, 2, 5);
	history_clear(h);
	assert_false(history_find(h, 1, *state, &p));
	assert_false(history_read(h, &at, *state, &p));
	assert_int_equal(at, 2);
	add(h, 3, 5);
	assert_true(history_read(h, &at, *state, &p));
	assert_whole(&p, 3, 5);
	history_free(h);
}

static void test_peek_tells_when_the_next_one_ended_and_moves_as_reading_does(void **state)
{
	struct history *h = history_new(2, HISTORY_BYTES_MIN);
	uint64_t at = 0;
	int64_t ended_us = 0;

	(void)state;
	assert_false(history_peek(h, &at, &ended_us));
	for (uint64_t id = 0; id < 3; id++) {
		record.started_us = (int64_t)id * 100;
		record.total_us = 7;
		add(h, id, 50);
	}
	assert_true(history_peek(h, &at, &ended_us));
	assert_int_equal(at, 1); /* the first is gone */
	assert_int_equal(ended_us, 107);
	assert_int_equal(history_end(h), 3);
	at = 9;
	assert_false(history_peek(h, &at, &ended_us));
	assert_int_equal(at, 3);
	history_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_added_is_read_back_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_number_is_bounded_and_readers_are_told_where_it_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bytes_are_bounded_and_nothing_is_torn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flood_that_nobody_watches_keeps_to_memory_that_is_in_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clock_that_is_set_back_makes_no_flood, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_largest_exchange_fits_and_longer_heads_are_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exchange_is_found_by_its_id_while_it_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cleared_history_has_nothing_and_goes_on_counting, set_up, tear_down),
		cmocka_unit_test(test_peek_tells_when_the_next_one_ended_and_moves_as_reading_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
