/*
 * Field sections that llhttp has read: a table without chains, where the latest displaces what was in its place.
 */
#include "http/h1_known.h"

/* From the length, and words of the middle and near the end, where sections of equal length differ. */
static unsigned place_of(struct span section)
{
	uint64_t middle, end;

	memcpy(&middle, section.p + section.n / 2, sizeof(middle));
	memcpy(&end, section.p + section.n - 4 - sizeof(end), sizeof(end));
	return (unsigned)(((middle ^ end * 31) + section.n) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % H1_KNOWN_SECTIONS;
}

static bool fits(struct span section)
{
	return section.n >= 32 && section.n <= H1_KNOWN_BYTES;
}

bool h1_known_find(const struct h1_known *k, const struct message *m, struct span section, bool *keep_alive)
{
	if (!fits(section))
		return false;
	const struct h1_known_section *s = &k->sections[place_of(section)];
	if (s->len != section.n || s->method != m->method_id || s->minor != m->minor ||
		memcmp(s->bytes, section.p, section.n) != 0)
		return false;
	*keep_alive = s->keep_alive;
	return true;
}

void h1_known_add(struct h1_known *k, const struct message *m, struct span section, bool keep_alive)
{
	if (!fits(section))
		return;
	struct h1_known_section *s = &k->sections[place_of(section)];
	s->len = (uint16_t)section.n;
	s->method = (uint8_t)m->method_id;
	s->minor = (uint8_t)m->minor;
	s->keep_alive = keep_alive;
	memcpy(s->bytes, section.p, section.n);
}
