/*
 * The cookie between freshet and the client that keeps a browser from taking a page out of its history.
 *
 * Chromium keeps pages that were left, and shows them again on Back without asking anybody, also those with no-store.  It
 * gives one up when a cookie of that page's origin that scripts cannot see (HttpOnly) has changed since the page came:
 * a login may have ended.  So a cookie goes out that is another one each time, with pages and with what they load from
 * their own origin, which marks the page itself.  It lives for a second only, and is taken off requests.
 *
 * Pure.
 */
#ifndef FRESHET_POLICY_HISTORY_H
#define FRESHET_POLICY_HISTORY_H

#include "base/arena.h"
#include "http/message.h"

/*
 * Whether the answer to this request is to carry it: a page in a tab, and what a page loads from its own origin.  Where
 * the browser does not say what it wants (Sec-Fetch-Dest), as by http, everything.
 */
bool history_wants_cookie(const struct message *request);

/* Set-Cookie's value for the answer; no two stamps give the same.  Empty when the arena is full. */
struct span history_cookie(const struct message *request, uint64_t stamp, struct arena *a);

/* Whether the request brings it back. */
bool history_has_cookie(const struct message *request);

/* Its other cookies, all lines together; empty without any, and when the arena is full. */
struct span history_other_cookies(const struct message *request, struct arena *a);

#endif
