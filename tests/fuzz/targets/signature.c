/*
 * Signed fields: "target LF Authorization LF Signature LF Signature-Input".  Whatever is found to be covered must be
 * named somewhere in the input, but for Azure's fixed list.
 */
#include <assert.h>

#include "policy/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span line_next(struct span *rest)
{
	struct span line = span_first(*rest, span_find(*rest, '\n'));

	*rest = span_from(*rest, line.n + 1);
	return line;
}

static bool holds(struct span text, struct span name)
{
	for (size_t i = 0; i + name.n <= text.n; i++)
		if (span_ieq(span_of(text.p + i, name.n), name))
			return true;
	return false;
}

static struct span spelling(enum header id)
{
	return id == HEADER_TARGETED_CACHE_CONTROL ? SPAN("-cache-control") : header_name(id);
}

/* Schemes that name no fields. */
static bool covers_fixed_fields(struct span authorization)
{
	return span_istarts(authorization, SPAN("AWS ")) || span_istarts(authorization, SPAN("OSS ")) ||
	       span_istarts(authorization, SPAN("OBS ")) || span_istarts(authorization, SPAN("GOOG1 "));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct span names[] = {
		{ "Authorization", 13 }, { "Signature", 9 }, { "Signature-Input", 15 },
	};
	struct span in = span_of((const char *)data, size), rest = in;
	struct field fields[3];
	struct message m;
	uint64_t covered[2] = { 0, 0 };

	headers_init();
	message_init(&m, fields, 3);
	m.target = line_next(&rest);
	for (size_t i = 0; i < 3; i++)
		assert(message_receive(&m, names[i], line_next(&rest)));
	signature_fields(&m, covered);
	assert(!(covered[0] & 1));
	/* Authorization and Signature are always there. */
	assert(signature_forbids_url(&m));
	if (holds(in, SPAN("SharedKey")) || covers_fixed_fields(m.fields[0].value))
		return 0;
	for (unsigned id = 1; id < 128; id++)
		if (covered[id >> 6] >> (id & 63) & 1)
			assert(id < HEADER_COUNT && holds(in, spelling((enum header)id)));
	return 0;
}
