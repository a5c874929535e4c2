/*
 * Failures by address.
 */
#include "base/throttle.h"

static void who_is(const struct address *a, uint8_t who[16])
{
	memcpy(who, a->ip, 16);
	if (!address_is_v4(a))
		memset(who + 8, 0, 8); /* the rest a host chooses for itself */
}

static size_t set_of(const struct throttle *t, const uint8_t who[16])
{
	const void *text = who;
	struct secret_digest d = secret_digest(&t->key, span_of(text, 16));

	return d.bytes[0] % THROTTLE_SETS;
}

static bool is_forgotten(const struct throttle_entry *e, int64_t now_us)
{
	return !e->failures || (now_us >= e->until_us && now_us - e->last_us > THROTTLE_FORGET_US);
}

static const struct throttle_entry *find(const struct throttle_entry set[THROTTLE_WAYS], const uint8_t who[16],
	int64_t now_us)
{
	for (size_t i = 0; i < THROTTLE_WAYS; i++)
		if (!is_forgotten(&set[i], now_us) && memcmp(set[i].who, who, 16) == 0)
			return &set[i];
	return NULL;
}

/* The address's own entry, else one that is free, else the one that failed longest ago. */
static struct throttle_entry *take(struct throttle_entry set[THROTTLE_WAYS], const uint8_t who[16], int64_t now_us)
{
	const struct throttle_entry *own = find(set, who, now_us);
	struct throttle_entry *e = &set[own ? own - set : 0];

	if (own)
		return e;
	for (size_t i = 0; i < THROTTLE_WAYS; i++) {
		if (is_forgotten(&set[i], now_us)) {
			e = &set[i];
			break;
		}
		if (set[i].last_us < e->last_us)
			e = &set[i];
	}
	*e = (struct throttle_entry){ .failures = 0 };
	memcpy(e->who, who, 16);
	return e;
}

static int64_t pause_after(unsigned failures)
{
	int64_t pause_us = THROTTLE_FIRST_US;

	if (failures < THROTTLE_FREE)
		return 0;
	for (unsigned i = THROTTLE_FREE; i < failures && pause_us < THROTTLE_LONGEST_US; i++)
		pause_us *= 2;
	return pause_us < THROTTLE_LONGEST_US ? pause_us : THROTTLE_LONGEST_US;
}

void throttle_init(struct throttle *t, const struct secret_key *key)
{
	memset(t, 0, sizeof(*t));
	t->key = *key;
}

int64_t throttle_wait_us(const struct throttle *t, const struct address *a, int64_t now_us)
{
	uint8_t who[16];

	who_is(a, who);
	const struct throttle_entry *e = find(t->entries[set_of(t, who)], who, now_us);
	return e && e->until_us > now_us ? e->until_us - now_us : 0;
}

int64_t throttle_fail(struct throttle *t, const struct address *a, int64_t now_us)
{
	uint8_t who[16];

	who_is(a, who);
	struct throttle_entry *e = take(t->entries[set_of(t, who)], who, now_us);
	if (e->failures < 1000)
		e->failures++;
	int64_t pause_us = pause_after(e->failures);
	e->last_us = now_us;
	e->until_us = now_us + pause_us;
	return pause_us;
}
