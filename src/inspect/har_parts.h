/*
 * The lists that HAR makes of heads: fields, cookies, parameters of a URL; and URLs as it wants them.
 *
 * Pure.  Each json function writes one value.  Without secrets these are replaced first, so that nothing of them gets into
 * what is taken apart.
 */
#ifndef FRESHET_INSPECT_HAR_PARTS_H
#define FRESHET_INSPECT_HAR_PARTS_H

#include "inspect/json.h"

/* The fields of a head: its lines without the first. */
void har_put_fields(struct json *j, struct span head, bool with_secrets);

/* Those of Cookie, and of Set-Cookie; now_s decides the century of two-digit years. */
void har_put_request_cookies(struct json *j, struct span head, bool with_secrets);
void har_put_response_cookies(struct json *j, struct span head, bool with_secrets, int64_t now_s);

/* The parameters of a URL, decoded; it is shown as it is given. */
void har_put_query(struct json *j, struct span url);

/* Appends a URL, with what a URL cannot hold (RFC 3986) percent-encoded. */
void har_write_url(struct line *l, struct span url);

/* The value of a field, without secrets or as it is: `out` has room for three times the line.  Empty where there is none. */
struct span har_field(struct span head, struct span name, bool with_secrets, char *out, size_t max);

#endif
