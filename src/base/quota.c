/*
 * So many a minute.
 */
#include "base/quota.h"

#define MINUTE_US (60 * INT64_C(1000000))

bool quota_take(struct quota *q, unsigned per_minute, int64_t now_us)
{
	if (now_us - q->began_us >= MINUTE_US)
		*q = (struct quota){ .began_us = now_us };
	if (q->taken >= per_minute)
		return false;
	q->taken++;
	return true;
}
