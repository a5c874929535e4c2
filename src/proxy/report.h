/*
 * From an exchange to its record and trace.
 */
#ifndef FRESHET_PROXY_REPORT_H
#define FRESHET_PROXY_REPORT_H

#include "inspect/history.h"
#include "inspect/trace.h"

struct exchange;

/* Keeps a copy of a head that is about to be sent, or was read and will be gone; with a history only. */
void report_head(struct exchange *x, enum trace_head which, struct span head);

/* The same for both heads of the response, with the edits that lie between them. */
void report_response(struct exchange *x, struct span received, struct span sent);

/* Its number, unique within the process: the first who tells of it gives it one. */
uint64_t report_id(struct exchange *x);

/* The record as far as it is known; borrowed from the worker until the next report.  Without edits. */
void report_so_far(struct exchange *x, struct past *out);

/* Puts a record on the worker's ring, if there is one and it has room, and into its history, if there is one. */
void report_exchange(struct exchange *x);

#endif
