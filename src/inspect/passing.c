/*
 * The reasons for which the inside of a tunnel was not read.
 */
#include "inspect/passing.h"

#include <stddef.h>

static const char *const texts[] = {
#define PASSING(id, text, advice) text,
#include "inspect/passing.def"
};

static const char *const advices[] = {
#define PASSING(id, text, advice) advice,
#include "inspect/passing.def"
};

const char *passing_text(enum passing reason)
{
	return texts[reason];
}

const char *passing_advice(enum passing reason)
{
	return advices[reason];
}

enum passing passing_of(const char *text)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i] == text)
			return (enum passing)i;
	return PASSING_OTHER;
}
