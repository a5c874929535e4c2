/*
 * Hides secrets in what is shown of exchanges: values of fields and of query parameters, by their names (redact.def).
 *
 * Pure.  Names and structure stay, so that one still sees which cookie there was; each value becomes "***", however long
 * it was.  What is a secret under another name is not known here, and stays.
 */
#ifndef FRESHET_INSPECT_REDACT_H
#define FRESHET_INSPECT_REDACT_H

#include "inspect/line.h"
#include "inspect/record.h"

/* Appends a URL or a target, or any text that may hold some; users and passwords in them are hidden, too. */
void redact_url(struct line *l, struct span url);

/* Appends the value of the field of that name. */
void redact_value(struct line *l, struct span name, struct span value);

/* Hides the secrets in the record's URL, which is cut where it grew too long by that. */
void redact_record(struct record *r);

#endif
