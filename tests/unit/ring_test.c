/*
 * The ring of records, alone and between two threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inspect/ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SLOTS = 64, MANY = 1000000 };

static struct ring *new_ring(void)
{
	struct ring *ring = ring_new(SLOTS);

	assert_non_null(ring);
	return ring;
}

static bool put(struct ring *ring, uint64_t id)
{
	struct record *r = ring_reserve(ring);

	if (!r)
		return false;
	r->exchange_id = id;
	ring_commit(ring);
	return true;
}

static void fill(struct ring *ring, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_true(put(ring, i));
}

static void test_records_come_out_in_order(void **state)
{
	struct ring *ring = new_ring();

	(void)state;
	for (uint64_t id = 0; id < 5 * SLOTS; id += 3) {
		for (unsigned i = 0; i < 3; i++)
			assert_true(put(ring, id + i));
		for (unsigned i = 0; i < 3; i++) {
			const struct record *r = ring_peek(ring);

			assert_non_null(r);
			assert_int_equal(r->exchange_id, id + i);
			ring_release(ring);
		}
		assert_null(ring_peek(ring));
	}
	ring_free(ring);
}

static void test_full_ring_refuses_and_counts_until_one_is_released(void **state)
{
	struct ring *ring = new_ring();

	(void)state;
	fill(ring, SLOTS);
	assert_int_equal(ring_lost(ring), 0);
	assert_null(ring_reserve(ring));
	assert_null(ring_reserve(ring));
	assert_int_equal(ring_lost(ring), 2);
	assert_int_equal(ring_lost(ring), 0);

	assert_int_equal(ring_peek(ring)->exchange_id, 0);
	ring_release(ring);
	assert_true(put(ring, SLOTS));
	assert_null(ring_reserve(ring));
	assert_int_equal(ring_lost(ring), 1);
	ring_free(ring);
}

static void test_reserved_record_is_not_seen_before_commit(void **state)
{
	struct ring *ring = new_ring();
	struct record *r = ring_reserve(ring);

	(void)state;
	assert_non_null(r);
	assert_null(ring_peek(ring));
	assert_ptr_equal(ring_reserve(ring), r);
	ring_commit(ring);
	assert_ptr_equal(ring_peek(ring), r);
	ring_free(ring);
}

static void test_busy_consumer_is_not_woken(void **state)
{
	struct ring *ring = new_ring();

	(void)state;
	assert_false(ring_should_wake(ring));
	fill(ring, SLOTS);
	assert_false(ring_should_wake(ring));
	ring_free(ring);
}

static void test_sleeping_consumer_is_woken_once(void **state)
{
	struct ring *ring = new_ring();

	(void)state;
	assert_true(ring_rest(ring, RING_SLEEP));
	assert_false(ring_should_wake(ring)); /* nothing was committed */
	fill(ring, 1);
	assert_true(ring_should_wake(ring));
	assert_false(ring_should_wake(ring));
	fill(ring, 1);
	assert_false(ring_should_wake(ring));
	ring_free(ring);
}

static void test_napping_consumer_is_woken_when_half_is_taken(void **state)
{
	struct ring *ring = new_ring();

	(void)state;
	assert_true(ring_rest(ring, RING_NAP));
	fill(ring, SLOTS / 2 - 1);
	assert_false(ring_should_wake(ring));
	fill(ring, 1);
	assert_true(ring_should_wake(ring));
	assert_false(ring_should_wake(ring));
	ring_free(ring);
}

static void test_consumer_does_not_sleep_over_records_nor_nap_over_many(void **state)
{
	struct ring *ring = new_ring();

	(void)state;
	fill(ring, 1);
	assert_false(ring_rest(ring, RING_SLEEP));
	assert_true(ring_rest(ring, RING_NAP));
	ring_awake(ring);
	fill(ring, SLOTS / 2);
	assert_false(ring_rest(ring, RING_NAP));
	ring_free(ring);
}

static void test_awake_consumer_takes_its_rest_back(void **state)
{
	struct ring *ring = new_ring();

	(void)state;
	assert_true(ring_rest(ring, RING_SLEEP));
	ring_awake(ring);
	fill(ring, 1);
	assert_false(ring_should_wake(ring));
	ring_free(ring);
}

/* ---- two threads */

struct pair {
	struct ring *ring;
	bool patient; /* the producer tries again until there is room */
	atomic_uint woken, done;
	uint64_t refused;

	/* The consumer's. */
	uint64_t taken, lost, next, slept, missed;
};

static struct record *reserve(struct pair *pair)
{
	struct record *r = ring_reserve(pair->ring);

	for (; !r; r = ring_reserve(pair->ring)) {
		pair->refused++;
		if (ring_should_wake(pair->ring))
			atomic_store(&pair->woken, 1);
		sched_yield();
		if (!pair->patient)
			break;
	}
	return r;
}

static void *produce(void *arg)
{
	struct pair *pair = arg;

	for (uint64_t id = 0; id < MANY; id++) {
		struct record *r = reserve(pair);

		if (r) {
			r->exchange_id = id;
			r->request_body_bytes = id * 3;
			r->url_len = (uint16_t)(id % RECORD_URL_MAX);
			ring_commit(pair->ring);
		}
		if (ring_should_wake(pair->ring))
			atomic_store(&pair->woken, 1);
	}
	atomic_store(&pair->done, 1);
	return NULL;
}

/* Sleeps for real: without a wake-up it does not go on before the producer ended. */
static void sleep_until_woken(struct pair *pair)
{
	if (ring_rest(pair->ring, RING_SLEEP)) {
		pair->slept++;
		while (!atomic_load(&pair->woken) && !atomic_load(&pair->done))
			sched_yield();
		if (!atomic_exchange(&pair->woken, 0) && ring_peek(pair->ring))
			pair->missed++;
	}
	ring_awake(pair->ring);
}

static void take_all(struct pair *pair)
{
	const struct record *r;

	for (; (r = ring_peek(pair->ring)); ring_release(pair->ring)) {
		if (r->exchange_id < pair->next || r->request_body_bytes != r->exchange_id * 3 ||
			r->url_len != r->exchange_id % RECORD_URL_MAX)
			fail_msg("record %ju where at least %ju is due", (uintmax_t)r->exchange_id,
				(uintmax_t)pair->next);
		pair->next = r->exchange_id + 1;
		pair->taken++;
	}
	pair->lost += ring_lost(pair->ring);
}

static void run_pair(struct pair *pair)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, produce, pair), 0);
	for (bool last = false; !last;) {
		last = atomic_load(&pair->done);
		take_all(pair);
		if (!last)
			sleep_until_woken(pair);
	}
	pthread_join(thread, NULL);
	take_all(pair);
	ring_free(pair->ring);
	assert_int_equal(pair->missed, 0);
	assert_int_equal(pair->lost, pair->refused);
}

static void test_a_million_records_cross_threads_whole_and_in_order(void **state)
{
	struct pair pair = { .ring = new_ring(), .patient = true };

	(void)state;
	run_pair(&pair);
	assert_int_equal(pair.taken, MANY);
	assert_int_equal(pair.next, MANY);
	assert_true(pair.slept > 0);
}

static void test_every_record_that_finds_no_room_is_counted_as_lost(void **state)
{
	struct pair pair = { .ring = new_ring(), .patient = false };

	(void)state;
	run_pair(&pair);
	assert_true(pair.taken > 0);
	assert_int_equal(pair.taken + pair.lost, MANY);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_out_in_order),
		cmocka_unit_test(test_full_ring_refuses_and_counts_until_one_is_released),
		cmocka_unit_test(test_reserved_record_is_not_seen_before_commit),
		cmocka_unit_test(test_busy_consumer_is_not_woken),
		cmocka_unit_test(test_sleeping_consumer_is_woken_once),
		cmocka_unit_test(test_napping_consumer_is_woken_when_half_is_taken),
		cmocka_unit_test(test_consumer_does_not_sleep_over_records_nor_nap_over_many),
		cmocka_unit_test(test_awake_consumer_takes_its_rest_back),
		cmocka_unit_test(test_a_million_records_cross_threads_whole_and_in_order),
		cmocka_unit_test(test_every_record_that_finds_no_room_is_counted_as_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
