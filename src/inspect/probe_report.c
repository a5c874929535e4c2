/*
 * What several places have to say together.
 */
#include "inspect/probe_report.h"

/* Dynamic ones differ anyway, and of the others nothing is known. */
static bool is_comparable(const struct probe_place *p)
{
	return p->conclusion.verdict == PROBE_FRESH || p->conclusion.verdict == PROBE_STALE;
}

bool probe_places_differ(const struct probe_place *places, unsigned count)
{
	const struct probe_place *first = NULL;

	for (unsigned i = 0; i < count; i++) {
		if (!is_comparable(&places[i]))
			continue;
		if (first && !sight_same(&first->probe.sights[PROBE_PLAIN], &places[i].probe.sights[PROBE_PLAIN]))
			return true;
		first = &places[i];
	}
	return false;
}

int probe_graver_status(int a, int b)
{
	static const unsigned gravity[] = { [0] = 0, [1] = 3, [2] = 2, [3] = 1 };

	return gravity[a] > gravity[b] ? a : b;
}

int probe_report_exit_status(const struct probe_report *r)
{
	int worst = r->places_differ ? 3 : 0;

	for (unsigned i = 0; i < r->place_count; i++)
		worst = probe_graver_status(worst, probe_exit_status(&r->places[i].conclusion));
	return worst;
}
