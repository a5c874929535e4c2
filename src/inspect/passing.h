/*
 * The reasons for which the inside of a tunnel was not read: passing.def.
 */
#ifndef FRESHET_INSPECT_PASSING_H
#define FRESHET_INSPECT_PASSING_H

enum passing {
#define PASSING(id, text, advice) PASSING_##id,
#include "inspect/passing.def"
	PASSING_COUNT
};

/* Constants: for the record, and what can be done about it. */
const char *passing_text(enum passing reason);
const char *passing_advice(enum passing reason);

/* The reason with this text, told by the pointer that passing_text() returned; PASSING_OTHER for any other. */
enum passing passing_of(const char *text);

#endif
