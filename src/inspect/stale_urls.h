/*
 * URLs of which a probe has shown that a cache gives out old copies: the latest, bounded in number and size.
 *
 * Pure; secrets in URLs are hidden as they come in.
 */
#ifndef FRESHET_INSPECT_STALE_URLS_H
#define FRESHET_INSPECT_STALE_URLS_H

#include "inspect/json.h"
#include "inspect/probe.h"

enum {
	STALE_URLS_MAX = 200,
	STALE_URL_BYTES = 1024, /* longer ones are cut */
	STALE_URLS_JSON_MAX = STALE_URLS_MAX * (STALE_URL_BYTES * JSON_BYTES_PER_BYTE + 1024),
};

struct stale_url {
	char url[STALE_URL_BYTES];
	uint16_t url_len;
	char layer[24];                      /* who gave it out; "" where it did not say */
	int64_t age_s;                      /* of the copy, by its own words; -1 unknown */
	int64_t by_s;                       /* how much older it was, by `measure` */
	enum probe_measure measure;
	int64_t first_s, last_s;            /* when it was found, since 1970 */
	uint64_t count;                     /* how often */
};

/* All zero at first. */
struct stale_urls {
	struct stale_url items[STALE_URLS_MAX];
	unsigned count;
};

/* A probe's finding, PROBE_STALE; it displaces the one that was seen longest ago where there is no room. */
void stale_urls_add(struct stale_urls *s, struct span url, const struct probe *p, const struct probe_conclusion *c,
	int64_t now_s);

/* [{"url":…}, …], the latest first. */
void stale_urls_json(const struct stale_urls *s, struct json *out);

#endif
