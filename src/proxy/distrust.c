/*
 * The table of origins that are not trusted with a second request on a connection.  Closes no connections itself: see
 * origin_distrust().
 */
#include "proxy/distrust.h"

#include "base/log.h"

enum { TELL_PERIOD_US = 60 * 1000 * 1000, TELL_MAX = 60 };

void distrust_add(struct distrust *d, uint32_t hash, int64_t until_us)
{
	d->slots[hash % DISTRUST_SLOTS] = (struct distrust_slot){ .until_us = until_us, .hash = hash };
}

int64_t distrust_until(const struct distrust *d, uint32_t hash)
{
	const struct distrust_slot *slot = &d->slots[hash % DISTRUST_SLOTS];

	return slot->hash == hash ? slot->until_us : 0;
}

void distrust_tell(struct distrust *d, int64_t now_us, struct span host, uint16_t port, const char *what)
{
	if (now_us - d->telling_us > TELL_PERIOD_US) {
		d->telling_us = now_us;
		d->told = 0;
	}
	if (d->told >= TELL_MAX) {
		d->untold++;
		return;
	}
	d->told++;
	log_warn("origin %.*s:%u: %s (%u more such lines left out)", SPAN_ARG(host), port, what, d->untold);
	d->untold = 0;
}
