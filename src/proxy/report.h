/*
 * From a finished exchange to its record.
 */
#ifndef FRESHET_PROXY_REPORT_H
#define FRESHET_PROXY_REPORT_H

struct exchange;

/* Puts a record on the worker's ring, if there is one and it has room. */
void report_exchange(struct exchange *x);

#endif
