/* Plans and bodies from numbers. */
#include "plan.h"

#include <string.h>

const struct fault_kind fault_kinds[FAULT_COUNT] = {
#define FAULT(id, name, weight, outcome) [FAULT_##id] = { name, weight, OUTCOME_##outcome },
#include "faults.def"
#undef FAULT
};

const char *const verb_names[] = { "GET", "HEAD", "POST", "PUT" };

enum { SMALL_ENOUGH_FOR_ONE_SEND = 8 * 1024 };

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t dice_next(struct dice *d)
{
	return mix(d->state += 0x9e3779b97f4a7c15u);
}

uint64_t dice_below(struct dice *d, uint64_t limit)
{
	return dice_next(d) % limit;
}

bool dice_percent(struct dice *d, unsigned percent)
{
	return dice_below(d, 100) < percent;
}

struct dice dice_of(uint64_t a, uint64_t b)
{
	return (struct dice){ mix(a + 1) ^ mix(b * 0x9e3779b97f4a7c15u + 7) };
}

/* Mostly small, sometimes some MiB: about 60 KiB in the mean. */
static size_t pick_size(struct dice *d)
{
	unsigned whim = (unsigned)dice_below(d, 1000);
	size_t most = whim < 450 ? 1000 : whim < 700 ? 16000 : whim < 940 ? 130000 : whim < 993 ? 1 << 20 : 4 << 20;

	return dice_percent(d, 4) ? 0 : (size_t)dice_below(d, most);
}

static enum fault pick_fault(struct dice *d)
{
	unsigned total = 0, i;

	for (i = 0; i < FAULT_COUNT; i++)
		total += fault_kinds[i].weight;
	unsigned whim = (unsigned)dice_below(d, total);
	for (i = 0; whim >= fault_kinds[i].weight; i++)
		whim -= fault_kinds[i].weight;
	return (enum fault)i;
}

/* Makes the rest fit the fault, where it would have no effect or one that nobody could see. */
static void settle(struct plan *p)
{
	switch (p->fault) {
	case FAULT_EXTRA:
		/* In one send with the answer: a stranger that comes later could not be told from the next answer. */
		p->down_bytes %= SMALL_ENOUGH_FOR_ONE_SEND;
		if (p->down_framing == BODY_CLOSE)
			p->down_framing = BODY_LENGTH;
		break;
	case FAULT_RESET_UPLOAD:
	case FAULT_EARLY:
		if (!plan_has_upload(p))
			p->fault = FAULT_RESET;
		break;
	case FAULT_BAD_CHUNK:
		p->down_framing = BODY_CHUNKED;
		/* fallthrough */
	case FAULT_CUT:
	case FAULT_STALL:
		p->down_bytes += 1000;
		p->ends_by_reset = p->ends_by_reset || p->down_framing == BODY_CLOSE;
		if (p->verb == VERB_HEAD)
			p->fault = FAULT_NONE;
		break;
	default:
		break;
	}
	if (p->verb == VERB_HEAD)
		p->down_framing = BODY_LENGTH;
}

struct plan plan_of(uint64_t id)
{
	struct dice d = dice_of(id, 0);
	unsigned whim = (unsigned)dice_below(&d, 100);
	struct plan p = {
		.id = id,
		.verb = whim < 55 ? VERB_GET : whim < 62 ? VERB_HEAD : whim < 84 ? VERB_POST : VERB_PUT,
		.fault = pick_fault(&d),
	};

	whim = (unsigned)dice_below(&d, 100);
	p.down_framing = whim < 55 ? BODY_LENGTH : whim < 90 ? BODY_CHUNKED : BODY_CLOSE;
	p.down_bytes = pick_size(&d);
	p.up_bytes = plan_has_upload(&p) ? pick_size(&d) + 1 : 0;
	p.up_chunked = plan_has_upload(&p) && dice_percent(&d, 40);
	p.ends_by_reset = dice_percent(&d, 50);
	settle(&p);
	return p;
}

bool plan_has_upload(const struct plan *p)
{
	return p->verb == VERB_POST || p->verb == VERB_PUT;
}

/* -- bodies: eight bytes at a time -- */

static uint64_t word_of(uint64_t id, enum direction d, uint64_t offset)
{
	return mix(id * 2 + d + (offset / 8) * 0x9e3779b97f4a7c15u);
}

/* The bytes from `offset` up to the next multiple of eight, at most n; returns how many. */
static size_t some_bytes(uint64_t id, enum direction d, uint64_t offset, char bytes[8], size_t n)
{
	uint64_t word = word_of(id, d, offset);
	size_t skip = offset % 8, have = 8 - skip < n ? 8 - skip : n;

	word >>= 8 * skip;
	for (size_t i = 0; i < have; i++, word >>= 8)
		bytes[i] = (char)(word & 0xff);
	return have;
}

void body_fill(uint64_t id, enum direction d, uint64_t offset, char *out, size_t n)
{
	while (n) {
		char bytes[8];
		size_t have = some_bytes(id, d, offset, bytes, n);

		memcpy(out, bytes, have);
		out += have;
		offset += have;
		n -= have;
	}
}

bool body_matches(uint64_t id, enum direction d, uint64_t offset, const char *in, size_t n)
{
	while (n) {
		char bytes[8];
		size_t have = some_bytes(id, d, offset, bytes, n);

		if (memcmp(in, bytes, have) != 0)
			return false;
		in += have;
		offset += have;
		n -= have;
	}
	return true;
}
