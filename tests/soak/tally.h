/*
 * What either program of the soak test counts, and how it tells what went wrong: a line "FAIL …" at once, a line
 * "TALLY name=number …" at the end.
 */
#ifndef SOAK_TALLY_H
#define SOAK_TALLY_H

#include <stdint.h>

void tally_add(const char *name, uint64_t n); /* `name`: a constant or one that stays */
void tally_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tally_print(void);

#endif
