/*
 * A report on answers whose fields are the input's lines.  Whatever they hold, the text is for any terminal, the JSON is
 * strict, both have room, and lifetimes and ages stay in their range.
 */
#include <assert.h>

#include "../../json_check.h"
#include "inspect/probe_report.h"

enum { NOW_S = 1795348800, STATUS_MIN = 200 }; /* 2026-11-22 12:00:00 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char text[PROBE_REPORT_BYTES];

static void read_head(struct message *m, struct span rest)
{
	while (rest.n) {
		struct span line = span_first(rest, span_find(rest, '\n'));
		size_t colon = span_find(line, ':');

		rest = span_from(rest, line.n + 1);
		if (!message_receive(m, span_first(line, colon), span_trim(span_from(line, colon + 1))))
			return;
	}
}

/* The input's bits decide which questions were answered alike. */
static void lead(struct probe *p, const struct message *m, struct span bits)
{
	for (enum probe_ask a = probe_next(p); a != PROBE_ASKS; a = probe_next(p)) {
		struct sight *s = &p->sights[a];

		sight_read(s, m, NOW_S);
		s->state = SIGHT_MADE;
		s->hash[0] = bits.n > a ? bits.p[a] & 3 : 0;
		if (s->hash[0] == 3)
			s->state = SIGHT_FAILED;
	}
}

static void check_keeping(const struct keeping *k)
{
	assert(k->fresh.age_s >= 0 && k->fresh.age_s <= DELTA_SECONDS_MAX);
	assert(k->fresh.lifetime_s >= 0 && k->fresh.lifetime_s <= DELTA_SECONDS_MAX);
}

static void check_text(const struct probe_report *r)
{
	struct line l = line_of(text, sizeof(text));

	probe_report_text(r, false, &l);
	assert(!l.cut);
	for (size_t i = 0; i < l.n; i++)
		assert((l.p[i] >= ' ' && l.p[i] <= '~') || l.p[i] == '\n');
}

static void check_json(const struct probe_report *r)
{
	struct line l = line_of(text, sizeof(text));

	assert(probe_report_json(r, &l));
	assert(json_check(span_of(l.p, l.n - 1)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct caching_circumstances about = { .request_time_s = NOW_S, .response_time_s = NOW_S };
	struct span input = span_of((const char *)data, size);
	struct probe_place p = { .probe = { .has_query = true, .has_path = true }, .failure = "no answer" };
	struct probe_report r = { .url = input, .places = &p, .place_count = 1 };
	struct field fields[32];
	struct message m;

	headers_init();
	message_init(&m, fields, 32);
	m.status = STATUS_MIN + (size ? data[0] : 0u);
	read_head(&m, input);
	caching_read(&m, &about, &p.caching);
	check_keeping(&p.caching.browser);
	check_keeping(&p.caching.shared);
	notes_take(&p.caching, &p.notes);
	lead(&p.probe, &m, input);
	probe_conclude(&p.probe, &p.conclusion);
	check_text(&r);
	check_json(&r);
	return 0;
}
