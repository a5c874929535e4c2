/*
 * Copies of text.
 */
#include "config/copy.h"

#include <stdlib.h>

char *text_copy(struct span text)
{
	char *copy = malloc(text.n + 1);

	if (!copy)
		return NULL;
	if (text.n)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return copy;
}
