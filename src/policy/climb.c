/*
 * Up the ladder on evidence, back to the original where a server takes offence.
 */
#include "policy/climb.h"

/*
 * What servers and their guards say to URLs they do not like; also 500, from those that stumble.  The others are about
 * the client's credentials for us, its conditions, its haste, or a gateway's view of the origin, not the URL.
 */
static bool is_refusal(unsigned status)
{
	switch (status) {
	case 407: /* Proxy Authentication Required */
	case 408: /* Request Timeout */
	case 412: /* Precondition Failed */
	case 416: /* Range Not Satisfiable */
	case 417: /* Expectation Failed */
	case 425: /* Too Early */
	case 428: /* Precondition Required */
	case 429: /* Too Many Requests */
	case 431: /* Request Header Fields Too Large */
	case 451: /* Unavailable For Legal Reasons */
		return false;
	}
	return (status >= 400 && status <= 499) || status == 500 || status == 501;
}

static bool is_missing(unsigned status)
{
	return status == 404 || status == 410;
}

static bool is_success(unsigned status)
{
	return status >= 200 && status <= 299;
}

/* Something else than the original: another route of the server took the changed path. */
static bool is_another(const struct climb *c, const struct climb_answer *a)
{
	return c->known && c->at == RUNG_PATH && is_success(c->status) &&
	       a->status < 500 && (!is_success(a->status) || (c->type && a->type && c->type != a->type));
}

static bool is_refused(const struct climb *c, const struct climb_answer *a)
{
	return a->looping || is_refusal(a->status) || is_another(c, a);
}

/* The lowest that is left.  Empty parameters are for those who mind others. */
static enum rung next_rung(const struct climb *c, unsigned rungs)
{
	rungs &= ~(unsigned)(c->tried | c->lesson.refused);
	if (!((c->failed | c->lesson.refused) & RUNG_BIT(RUNG_QUERY)))
		rungs &= ~RUNG_BIT(RUNG_EMPTY);
	for (enum rung r = RUNG_PATH; r < RUNG_COUNT; r++)
		if (rungs & RUNG_BIT(r))
			return r;
	return RUNG_ORIGINAL;
}

void climb_begin(struct climb *c, const struct climb_lesson *lesson, bool always, unsigned rungs)
{
	*c = (struct climb){ .lesson = *lesson, .always = always };
	if (lesson->worked)
		rungs &= ~(RUNG_BIT(lesson->worked) - 1);
	if (lesson->worked || always)
		c->at = next_rung(c, rungs);
}

static bool again(struct climb *c, enum rung rung)
{
	c->at = rung;
	c->repeats++;
	return true;
}

static void learn_refused(struct climb *c, enum rung rung)
{
	c->lesson.refused |= (uint8_t)RUNG_BIT(rung);
	if (c->lesson.worked == rung)
		c->lesson.worked = RUNG_ORIGINAL;
}

/* No rung is left. */
static bool give_in(struct climb *c, const struct climb_answer *a)
{
	bool refused = c->failed & RUNG_BIT(c->at), confirmed = refused && c->known && a->status == c->status;

	c->unpierced = a->cached || !confirmed;
	if (a->cached && c->tried & ~c->failed & RUNG_BIT(RUNG_QUERY))
		c->lesson.futile = !c->lesson.worked;
	if (!refused || confirmed)
		return false; /* nothing better to be had */
	c->last = true;
	return again(c, RUNG_ORIGINAL);
}

static bool climb(struct climb *c, const struct climb_answer *a)
{
	enum rung next;

	c->tried |= (uint8_t)RUNG_BIT(c->at);
	next = c->lesson.futile || c->repeats >= CLIMB_REPEATS_MAX - 1 ? RUNG_ORIGINAL : next_rung(c, a->rungs);
	return next ? again(c, next) : give_in(c, a);
}

/*
 * A rung that is known to work finds no such page, and a cache still has a copy.  It may be gone, or be told by its exact
 * URL: a different change is to say, and where there is none the word of the first is taken.
 */
static bool ask_whether_gone(struct climb *c, const struct climb_answer *a, enum rung suspect)
{
	enum rung other = next_rung(c, a->rungs);

	c->doubted = other ? suspect : RUNG_ORIGINAL;
	c->believed = !other;
	return again(c, other ? other : suspect);
}

/* After a refusal: whose fault was it?  Settled when this answer is the client's. */
static bool judge_suspect(struct climb *c, const struct climb_answer *a, bool *settled)
{
	enum rung suspect = c->suspect;
	bool trusted = suspect == c->lesson.worked;

	c->suspect = RUNG_ORIGINAL;
	*settled = is_refusal(a->status) && (trusted || !a->cached);
	if (*settled || is_refusal(a->status))
		return false;
	if (trusted && a->cached && c->missing)
		return ask_whether_gone(c, a, suspect);
	learn_refused(c, suspect);
	return false;
}

static bool take_original(struct climb *c, const struct climb_answer *a)
{
	bool settled = false;

	c->known = true;
	c->status = (uint16_t)a->status;
	c->type = a->type;
	if (c->suspect && judge_suspect(c, a, &settled))
		return true;
	if (settled || (!a->cached && !c->always))
		return false;
	return climb(c, a);
}

static bool take_refusal(struct climb *c, const struct climb_answer *a)
{
	c->failed |= (uint8_t)RUNG_BIT(c->at);
	if (c->known) {
		if (!is_refusal(c->status))
			learn_refused(c, c->at);
		return climb(c, a);
	}
	c->tried |= (uint8_t)RUNG_BIT(c->at);
	c->suspect = c->at;
	c->missing = is_missing(a->status);
	return again(c, RUNG_ORIGINAL);
}

static bool take_pierced(struct climb *c, const struct climb_answer *a)
{
	if (c->doubted && is_missing(a->status))
		return false; /* gone, by two different changes */
	if (c->doubted)
		learn_refused(c, c->doubted);
	c->doubted = RUNG_ORIGINAL;
	if (!c->believed && is_refused(c, a))
		return take_refusal(c, a);
	if (a->cached && !c->same_piece)
		return climb(c, a);
	if (a->status < 400 && (!c->lesson.worked || c->repeats))
		c->lesson.worked = (uint8_t)c->at;
	return false;
}

bool climb_take(struct climb *c, const struct climb_answer *a)
{
	if (c->last || a->stream)
		return false;
	return c->at == RUNG_ORIGINAL ? take_original(c, a) : take_pierced(c, a);
}

bool climb_take_nothing(struct climb *c)
{
	if (c->at == RUNG_ORIGINAL || c->repeats >= CLIMB_REPEATS_MAX)
		return false;
	c->failed |= (uint8_t)RUNG_BIT(c->at);
	c->tried |= (uint8_t)RUNG_BIT(c->at);
	c->suspect = c->known ? RUNG_ORIGINAL : c->at;
	c->last = c->known;
	if (c->known)
		learn_refused(c, c->at);
	return again(c, RUNG_ORIGINAL);
}

enum climb_outcome climb_outcome(const struct climb *c, enum rung rung, enum rung delivered)
{
	if (rung == delivered)
		return CLIMB_PASSED;
	if (c->failed & RUNG_BIT(rung))
		return CLIMB_REFUSED;
	if (c->tried & RUNG_BIT(rung))
		return CLIMB_CACHED;
	return c->at == rung ? CLIMB_UNANSWERED : CLIMB_UNTRIED;
}
