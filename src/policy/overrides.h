/*
 * Settings that are changed while freshet runs, for the sites that a pattern names, and beside the configuration.
 *
 * Pure.  A list of them is immutable, reference counted across threads, and made anew by every change; who holds one goes
 * on with it.
 */
#ifndef FRESHET_POLICY_OVERRIDES_H
#define FRESHET_POLICY_OVERRIDES_H

#include "policy/policy.h"

enum override_kind { OVERRIDE_MODE, OVERRIDE_PIERCE, OVERRIDE_INTERCEPT };

enum { OVERRIDE_KINDS = OVERRIDE_INTERCEPT + 1, OVERRIDES_MAX = 64, OVERRIDE_SITE_MAX = 512 };

#define OVERRIDE_FOREVER INT64_MAX

/* One setting, for one pattern; all other settings of the sites that it names stay. */
struct override {
	struct span site;        /* as in site sections (policy/pattern.h); its host in lower case */
	enum override_kind kind;
	unsigned value;          /* of enum mode, pierce or intercept */
	int64_t until_us;        /* monotonic; OVERRIDE_FOREVER: until it is taken back */
};

/* The option that it overrides, and the words for its values, as in the configuration.  Empty beyond the last value. */
struct span override_name(enum override_kind kind);
struct span override_value_name(enum override_kind kind, unsigned value);

/* The other way round; false for a word that is none. */
bool override_kind_find(struct span name, enum override_kind *out) MUST_CHECK;
bool override_value_find(enum override_kind kind, struct span name, unsigned *out) MUST_CHECK;

/* Whether the pattern can be, and suits the kind.  False with *why (constant); also where memory is out. */
bool override_check(const struct override *o, const char **why) MUST_CHECK;

struct overrides;

/* An empty list, with one reference.  NULL when memory is out. */
struct overrides *overrides_new(void) MUST_CHECK;
void overrides_get(struct overrides *o);
void overrides_put(struct overrides *o); /* NULL is fine */

size_t overrides_count(const struct overrides *o);
const struct override *overrides_at(const struct overrides *o, size_t i); /* the newest is the first */

/*
 * A list with one more, which replaces what there is of the same pattern and kind.  All of it is copied.  NULL with *why
 * (constant) when the pattern cannot be or does not suit the kind, there are too many, or memory is out.
 */
struct overrides *overrides_with(const struct overrides *o, const struct override *more, const char **why) MUST_CHECK;

/* A list without those of this site, of one kind or, with kind NULL, all.  NULL when memory is out. */
struct overrides *overrides_without(const struct overrides *o, struct span site, const enum override_kind *kind) MUST_CHECK;

/* A list without those whose time is over. */
struct overrides *overrides_unexpired(const struct overrides *o, int64_t now_us) MUST_CHECK;

/* When the first of them expires; OVERRIDE_FOREVER when none does. */
int64_t overrides_first_end(const struct overrides *o);

/* The newest of its kind that names this target; NULL when none does. */
const struct override *overrides_find(const struct overrides *o, enum override_kind kind, const struct target *target);

/* Whether one of them has https read somewhere. */
bool overrides_intercept(const struct overrides *o);

#define OVERRIDE_BIT(kind) (1u << (kind))

/* Changes the settings as far as some of them name the target.  Bits of those that they decide, 0 none. */
unsigned overrides_apply(const struct overrides *o, const struct target *target, struct policy_settings *settings) MUST_CHECK;

/* "mode,pierce", constant; NULL for no bits. */
const char *override_kinds_text(unsigned bits);

#endif
