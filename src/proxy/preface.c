/*
 * Puts text and script together.
 */
#include "proxy/preface.h"

#include "policy/script_opening.h"

/*
 * A script whose directives begin later, behind a long licence, counts as not strict: it then runs like so many that
 * never say so.
 */
enum { HELD_MAX = 8 * 1024 };

/* Both forms of each take the same room. */
#define STRICT SPAN("\"use strict\";\n")
#define SLOPPY SPAN("             \n")
#define COMMENT SPAN("//")
#define NO_COMMENT SPAN("  ")

struct preface {
	size_t text_len;
	size_t held;  /* of the script's beginning */
	char *bytes;  /* STRICT or SLOPPY, the text, COMMENT or not, room for HELD_MAX */
};

struct preface *preface_new(struct arena *arena, struct span text)
{
	struct preface *p = arena_alloc(arena, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct preface){ .text_len = text.n };
	p->bytes = arena_alloc(arena, preface_len(p) + HELD_MAX);
	if (!p->bytes)
		return NULL;
	memcpy(p->bytes + STRICT.n, text.p, text.n);
	return p;
}

size_t preface_len(const struct preface *p)
{
	return STRICT.n + p->text_len + COMMENT.n;
}

static void hold(struct preface *p, struct span *body)
{
	size_t room = HELD_MAX - p->held;
	struct span more = span_first(*body, room);

	if (more.n)
		memcpy(p->bytes + preface_len(p) + p->held, more.p, more.n);
	p->held += more.n;
	*body = span_from(*body, more.n);
}

static void put_form(struct preface *p, struct span opening, struct span ending)
{
	memcpy(p->bytes, opening.p, opening.n);
	memcpy(p->bytes + STRICT.n + p->text_len, ending.p, ending.n);
}

struct span preface_take(struct preface *p, struct span *body, bool last)
{
	_Static_assert(sizeof("\"use strict\";\n") == sizeof("             \n"), "the length is told before the form");
	hold(p, body);
	struct span script = span_of(p->bytes + preface_len(p), p->held);
	enum script_opening opening = script_opening(script, (last && !body->n) || p->held == HELD_MAX);

	if (opening == SCRIPT_UNDECIDED)
		return SPAN_NONE;
	put_form(p, opening == SCRIPT_STRICT ? STRICT : SLOPPY, script_has_hashbang(script) ? COMMENT : NO_COMMENT);
	return span_of(p->bytes, preface_len(p) + p->held);
}
