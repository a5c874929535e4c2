/*
 * What piercing has cost, told to the operator: how much was asked twice, and with which hosts for nothing.
 */
#ifndef FRESHET_PROXY_PIERCE_SUMMARY_H
#define FRESHET_PROXY_PIERCE_SUMMARY_H

#include "proxy/pierced_hosts.h"

enum { PIERCE_SUMMARY_EVERY_S = 3600 };

/* Says it in the log, if anything was asked again since *told exchanges were; updates *told. */
void pierce_summary_log(struct pierced_hosts *h, uint64_t *told);

#endif
