/*
 * Verdicts on a response whose fields are the input's lines.  Whatever they hold, a hit anywhere is no fresh answer, what
 * is not understood makes none either, and names can be put between quotes.
 */
#include <assert.h>

#include "policy/evidence.h"

enum { NOW_S = 1795348800 }; /* 2026-11-22 12:00:00 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name, size_t size)
{
	size_t n = strnlen(name, size);

	assert(n < size);
	for (size_t i = 0; i < n; i++)
		assert(name[i] > ' ' && name[i] < 0x7f && name[i] != '"' && name[i] != '\\' && name[i] != ',');
}

static void check_verdict(const struct verdict *v, const struct layers *said)
{
	bool hit = false, doubtful = said->overflow;

	for (unsigned i = 0; i < said->count; i++) {
		hit = hit || said->words[i].outcome == LAYER_HIT || said->words[i].outcome == LAYER_STALE;
		doubtful = doubtful || said->words[i].outcome == LAYER_UNKNOWN;
	}
	assert(v->kind != VERDICT_NONE && v->age_s >= -1 && v->stale_by_s >= -1);
	if (hit)
		assert(v->kind == VERDICT_FROM_CACHE || v->kind == VERDICT_STALE);
	if (doubtful)
		assert(v->kind != VERDICT_FRESH && v->kind != VERDICT_REVALIDATED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of((const char *)data, size);
	char text[VERDICT_TEXT_MAX], layer[VERDICT_LAYER_TEXT_MAX];
	struct field fields[32];
	struct layers said;
	struct message m;
	struct verdict v;

	headers_init();
	message_init(&m, fields, 32);
	m.status = 200;
	while (rest.n) {
		struct span line = span_first(rest, span_find(rest, '\n'));
		size_t colon = span_find(line, ':');

		rest = span_from(rest, line.n + 1);
		if (!message_receive(&m, span_first(line, colon), span_trim(span_from(line, colon + 1))))
			break;
	}
	layers_read(&m, &said);
	evidence_judge(&m, NOW_S, &v);
	check_verdict(&v, &said);
	check_name(v.layer, sizeof(v.layer));
	assert(verdict_format(&v, text) == strlen(text));
	assert(v.layer_count <= VERDICT_LAYERS_MAX);
	for (unsigned i = 0; i < v.layer_count; i++) {
		check_name(v.layers[i].name, sizeof(v.layers[i].name));
		assert(verdict_layer_format(&v.layers[i], layer) == strlen(layer));
	}
	return 0;
}
