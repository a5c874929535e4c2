/*
 * How a script begins, as far as text put in front of it must take care (ECMAScript 2024, sections 11.2.1 and 12.5).
 *
 * Two things mean something at the very beginning only: a hashbang, and the directive "use strict".  Reads nothing but
 * blanks, comments and string literals; knows nothing of the rest of the language.
 */
#ifndef FRESHET_POLICY_SCRIPT_OPENING_H
#define FRESHET_POLICY_SCRIPT_OPENING_H

#include "base/span.h"

enum script_opening {
	SCRIPT_UNDECIDED, /* more of it has to be seen */
	SCRIPT_PLAIN,
	SCRIPT_STRICT,    /* "use strict" is among its directives */
};

/* Whether there are such directives.  `whole`: nothing follows; then the answer is never SCRIPT_UNDECIDED. */
enum script_opening script_opening(struct span start, bool whole);

/* Whether the first line is a hashbang: "#!", behind a byte order mark or not.  Two bytes or five decide. */
bool script_has_hashbang(struct span start);

#endif
