/*
 * What the kernel knows of this process, for /metrics.
 */
#ifndef FRESHET_PROXY_PROCESS_H
#define FRESHET_PROXY_PROCESS_H

#include "inspect/metrics.h"

struct shared;

/* Fills the slots of the metrics that begin with process_. */
void process_measure(const struct shared *shared, uint64_t out[METRIC_SLOTS]);

#endif
