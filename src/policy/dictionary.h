/*
 * Compression by a dictionary that the client has stored (RFC 9842): the codings that ask for it.
 *
 * Pure.
 */
#ifndef FRESHET_POLICY_DICTIONARY_H
#define FRESHET_POLICY_DICTIONARY_H

#include "base/arena.h"
#include "http/message.h"

/* Whether Accept-Encoding, in any of its lines, names dcb or dcz. */
bool dictionary_codings_named(const struct message *request);

/* All its lines as one, without them: empty when there are no others, "identity" when the arena is full. */
struct span dictionary_other_codings(const struct message *request, struct arena *a);

#endif
