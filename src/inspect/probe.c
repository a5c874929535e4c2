/*
 * The A/B probe: which question is next, and what the answers prove.
 */
#include "inspect/probe.h"

#include "http/freshness.h"

/* -- pairs of answers to changed addresses -- */

enum pair_worth {
	PAIR_NONE,    /* not asked, not answered, or an answer to having changed the address */
	PAIR_STORED,  /* a cache answered, although nobody ever asked for this */
	PAIR_DIFFERS, /* from the origin, each time something else */
	PAIR_AGREES,
};

/* An error or a redirect where there was none may be because of the change. */
static bool fits(const struct sight *plain, const struct sight *s)
{
	return sight_is_made(s) && (s->status == plain->status || (s->status < 300 && plain->status >= 300));
}

static enum pair_worth pair_worth(const struct probe *p, enum probe_ask first)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN], *one = &p->sights[first], *two = &p->sights[first + 1];

	if (!fits(plain, one) || !fits(plain, two))
		return PAIR_NONE;
	if (sight_is_stored(one) || sight_is_stored(two))
		return PAIR_STORED;
	return sight_same(one, two) ? PAIR_AGREES : PAIR_DIFFERS;
}

/* The pair that says most; of equals the one with the added parameter, to which fewer sites take exception. */
static enum probe_ask best_pair(const struct probe *p)
{
	return pair_worth(p, PROBE_PATH) > pair_worth(p, PROBE_CHANGED) ? PROBE_PATH : PROBE_CHANGED;
}

/* -- questions -- */

static bool is_open(const struct probe *p, enum probe_ask a)
{
	return p->sights[a].state == SIGHT_UNASKED;
}

static bool is_confirmed(const struct probe *p, enum probe_ask first)
{
	return pair_worth(p, first) == PAIR_AGREES && sight_same(&p->sights[PROBE_PLAIN], &p->sights[first]);
}

/* Nothing contradicts the plain answer.  Where parameters make a difference each time, an equal path proves little. */
static bool is_settled(const struct probe *p)
{
	return is_confirmed(p, best_pair(p)) && pair_worth(p, PROBE_CHANGED) != PAIR_DIFFERS;
}

/* Worth asking, as things stand. */
static bool is_wanted(const struct probe *p, enum probe_ask a)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN];

	switch (a) {
	case PROBE_PLAIN:
		return true;
	case PROBE_CHANGED:
	case PROBE_CHANGED_AGAIN:
		return p->has_query;
	case PROBE_PATH:
	case PROBE_PATH_AGAIN:
		return p->has_path && !is_confirmed(p, PROBE_CHANGED);
	case PROBE_PLAIN_AGAIN:
	case PROBE_TRIPLE:
		return !is_settled(p);
	case PROBE_IF_NONE_MATCH:
		return plain->etag.n && plain->status == 200;
	case PROBE_IF_MODIFIED_SINCE:
		return plain->last_modified_s != TIME_ABSENT && plain->status == 200;
	case PROBE_ASKS:
		break;
	}
	return false;
}

enum probe_ask probe_next(const struct probe *p)
{
	if (p->sights[PROBE_PLAIN].state == SIGHT_FAILED)
		return PROBE_ASKS;
	for (enum probe_ask a = PROBE_PLAIN; a < PROBE_ASKS; a++)
		if (is_open(p, a) && is_wanted(p, a))
			return a;
	return PROBE_ASKS;
}

/* -- conclusions -- */

enum { PROBING_TAKES_S = 2 }; /* so far apart dates may be because one was asked for before the other */

static void measure(const struct probe *p, struct probe_conclusion *out)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN], *witness = &p->sights[out->witness];

	if (sight_is_older(plain, witness)) {
		out->measure = MEASURE_LAST_MODIFIED;
		out->by_s = witness->last_modified_s - plain->last_modified_s;
	} else if (plain->verdict.age_s > 0) {
		out->measure = MEASURE_AGE;
		out->by_s = plain->verdict.age_s;
	} else if (plain->verdict.kind == VERDICT_STALE && plain->verdict.stale_by_s > 0) {
		out->measure = MEASURE_LIFETIME;
		out->by_s = plain->verdict.stale_by_s;
	} else if (plain->date_s != TIME_ABSENT && witness->date_s > plain->date_s + PROBING_TAKES_S) {
		out->measure = MEASURE_DATE;
		out->by_s = witness->date_s - plain->date_s;
	}
}

static void conclude_stale(const struct probe *p, struct probe_conclusion *out)
{
	const struct sight *triple = &p->sights[PROBE_TRIPLE];

	out->verdict = PROBE_STALE;
	out->triple_reaches = sight_same(triple, &p->sights[out->witness]);
	measure(p, out);
}

static void conclude_uncertain(struct probe_conclusion *out, const char *reason)
{
	out->verdict = PROBE_UNCERTAIN;
	out->reason = reason;
}

/* Written differently, the path brings what the plain address brings: is it the parameter that makes the difference? */
static bool pairs_contradict(const struct probe *p)
{
	return best_pair(p) == PROBE_CHANGED && is_confirmed(p, PROBE_PATH);
}

/* What may have made the difference, other than its age; NULL when that is ruled out. */
static const char *other_explanation(const struct probe *p, const struct probe_conclusion *out)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN], *witness = &p->sights[out->witness];

	if (sight_is_older(plain, witness))
		return NULL;
	if (sight_codings_differ(plain, witness))
		return "it came compressed in another way, or not at all, so that the bytes cannot be compared";
	if (sight_perhaps_recoded(plain, witness))
		return "its bytes are others, but compressed, and its validators are the origin's: it may be the same, compressed "
		       "anew";
	if (out->witness == PROBE_TRIPLE || sight_same(&p->sights[PROBE_TRIPLE], witness))
		return NULL;
	if (out->witness == PROBE_PATH && !p->names_file)
		return "with its path written differently it is something else: the site may route by that, or a cache is stale";
	if (pairs_contradict(p) && !sight_is_stored(plain))
		return "with a parameter added it is something else, and only then: the site may heed any parameter, or a "
		       "cache that does not say so overlooks how a path is written";
	return NULL;
}

/* The witness brought something else than the plain address. */
static void conclude_difference(const struct probe *p, struct probe_conclusion *out)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN], *again = &p->sights[PROBE_PLAIN_AGAIN];
	const struct sight *witness = &p->sights[out->witness];
	const char *explanation = other_explanation(p, out);

	if (!sight_is_made(again))
		conclude_uncertain(out, "it could not be asked for a second time");
	else if (sight_same(again, witness))
		conclude_uncertain(out, "it changed while it was being looked at");
	else if (!sight_same(again, plain))
		conclude_uncertain(out, "under its own address it is something else each time");
	else if (explanation)
		conclude_uncertain(out, explanation);
	else
		conclude_stale(p, out);
}

enum validators {
	VALIDATORS_SILENT, /* there are none, or they change each time as well */
	VALIDATORS_SAME,   /* the plain answer has those of the origin's */
	VALIDATORS_OLDER,  /* it has others */
};

/* What does not change from answer to answer can still be held against the plain one. */
static enum validators compare_validators(const struct probe *p, enum probe_ask first)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN], *one = &p->sights[first], *two = &p->sights[first + 1];

	if (one->etag.n && plain->etag.n && span_eq(one->etag, two->etag))
		return sight_same_tag(plain, one) ? VALIDATORS_SAME : VALIDATORS_OLDER;
	if (one->last_modified_s == TIME_ABSENT || !span_eq(one->last_modified, two->last_modified))
		return VALIDATORS_SILENT;
	if (sight_is_older(plain, one))
		return VALIDATORS_OLDER;
	return span_eq(plain->last_modified, one->last_modified) ? VALIDATORS_SAME : VALIDATORS_SILENT;
}

/* Changed addresses bring something else each time. */
static void conclude_dynamic(const struct probe *p, struct probe_conclusion *out)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN];
	bool is_stored = sight_is_stored(plain), is_constant = sight_same(plain, &p->sights[PROBE_PLAIN_AGAIN]);
	enum validators validators = compare_validators(p, out->witness);

	if (plain->verdict.kind == VERDICT_STALE || ((is_stored || is_constant) && validators == VALIDATORS_OLDER)) {
		conclude_stale(p, out);
		return;
	}
	out->verdict = PROBE_DYNAMIC;
	out->open = (is_stored || is_constant) && validators != VALIDATORS_SAME;
	if (!out->open && !is_stored && !is_constant)
		out->reason = "the origin says something else each time, and so it did here: no stored answer shows";
	else if (!out->open)
		out->reason = "it is something else each time, but its validators are those of the origin";
	else if (is_stored)
		out->reason = "the origin says something else each time, but a stored answer came; what it would be now cannot be "
			      "known";
	else
		out->reason = "under changed addresses it is something else each time, under its own always the same: a stored "
			      "answer, or one that shows the address it was asked by";
}

/* Nothing but the triple stands for the origin, and caches are free to overlook it. */
static void conclude_by_triple(const struct probe *p, struct probe_conclusion *out, const char *why)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN], *triple = &p->sights[PROBE_TRIPLE];

	out->witness = PROBE_TRIPLE;
	out->differs = sight_differences(plain, triple);
	if (!sight_is_made(triple)) {
		out->witness = PROBE_PLAIN;
		out->differs = 0;
		conclude_uncertain(out, why);
	} else if (!sight_same(plain, triple)) {
		conclude_difference(p, out);
	} else if (triple->verdict.kind == VERDICT_FRESH || triple->verdict.kind == VERDICT_REVALIDATED) {
		out->verdict = PROBE_FRESH;
	} else {
		conclude_uncertain(out, why);
	}
}

static const char *why_no_pair(const struct probe *p)
{
	return p->has_query || p->has_path ?
		"changed addresses bring an error or a redirect, and caches may overlook the fields that ask for a fresh answer" :
		"a signature or credentials forbid to change the address, and caches may overlook the fields that ask for a "
		"fresh answer";
}

/* A cache answers whatever is asked; only if it heeds the triple something can be known. */
static void conclude_stored_pair(const struct probe *p, struct probe_conclusion *out)
{
	static const char why[] = "a cache answers changed addresses too; only emptying it, or asking the origin by an address of "
		"its own, shows what the origin says";

	conclude_by_triple(p, out, why);
	if (out->verdict == PROBE_UNCERTAIN && out->reason == why)
		out->verdict = PROBE_KEY_IGNORED;
}

/* Two changed addresses brought the same. */
static void conclude_agreement(const struct probe *p, struct probe_conclusion *out)
{
	if (!is_confirmed(p, out->witness)) {
		conclude_difference(p, out);
	} else if (out->witness == PROBE_PATH && pair_worth(p, PROBE_CHANGED) == PAIR_DIFFERS) {
		/* A cache that overlooks how a path is written would look just so. */
		out->witness = PROBE_CHANGED;
		out->differs = sight_differences(&p->sights[PROBE_PLAIN], &p->sights[PROBE_CHANGED]);
		conclude_dynamic(p, out);
	} else {
		out->verdict = PROBE_FRESH;
	}
}

void probe_conclude(const struct probe *p, struct probe_conclusion *out)
{
	const struct sight *plain = &p->sights[PROBE_PLAIN];

	*out = (struct probe_conclusion){ .witness = best_pair(p) };
	if (!sight_is_made(plain)) {
		out->verdict = PROBE_FAILED;
		return;
	}
	if (sight_is_made(&p->sights[out->witness]))
		out->differs = sight_differences(plain, &p->sights[out->witness]);
	switch (pair_worth(p, out->witness)) {
	case PAIR_NONE:
		conclude_by_triple(p, out, why_no_pair(p));
		return;
	case PAIR_STORED:
		conclude_stored_pair(p, out);
		return;
	case PAIR_DIFFERS:
		conclude_dynamic(p, out);
		return;
	case PAIR_AGREES:
		conclude_agreement(p, out);
		return;
	}
}

int probe_exit_status(const struct probe_conclusion *c)
{
	switch (c->verdict) {
	case PROBE_FRESH:
		return 0;
	case PROBE_DYNAMIC:
		return c->open ? 3 : 0;
	case PROBE_STALE:
		return 1;
	case PROBE_FAILED:
		return 2;
	case PROBE_KEY_IGNORED:
	case PROBE_UNCERTAIN:
		break;
	}
	return 3;
}

/* -- names -- */

const char *probe_verdict_name(enum probe_verdict v)
{
	static const char *const names[] = {
		[PROBE_FRESH] = "fresh", [PROBE_DYNAMIC] = "dynamic", [PROBE_STALE] = "stale",
		[PROBE_KEY_IGNORED] = "key ignored", [PROBE_UNCERTAIN] = "uncertain", [PROBE_FAILED] = "failed",
	};

	return names[v];
}

const char *probe_ask_name(enum probe_ask a)
{
	static const char *const names[PROBE_ASKS] = {
		[PROBE_PLAIN] = "plain", [PROBE_CHANGED] = "changed", [PROBE_CHANGED_AGAIN] = "changed again",
		[PROBE_PATH] = "path", [PROBE_PATH_AGAIN] = "path again", [PROBE_PLAIN_AGAIN] = "plain again",
		[PROBE_TRIPLE] = "triple", [PROBE_IF_NONE_MATCH] = "If-None-Match",
		[PROBE_IF_MODIFIED_SINCE] = "If-Modified-Since",
	};

	return names[a];
}

const char *probe_measure_name(enum probe_measure m)
{
	static const char *const names[] = {
		[MEASURE_NONE] = "", [MEASURE_LAST_MODIFIED] = "Last-Modified", [MEASURE_DATE] = "Date",
		[MEASURE_AGE] = "Age", [MEASURE_LIFETIME] = "lifetime",
	};

	return names[m];
}
