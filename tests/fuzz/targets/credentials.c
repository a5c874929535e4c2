/*
 * Proxy-Authorization: whatever comes, what was accepted lies in the room, holds no control characters, and put
 * together again is the same text.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/base64.h"
#include "http/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct span field, const char *room, const struct credentials *c)
{
	char text[BASE64_LEN(CREDENTIALS_MAX)];

	assert(c->user.n > 0 && c->user.p == room);
	assert(c->password.p == room + c->user.n + 1 && c->password.p[-1] == ':');
	assert(strlen(room) == c->user.n + 1 + c->password.n);
	assert(span_find(c->user, ':') == c->user.n);
	for (const char *p = room; *p; p++)
		assert((unsigned char)*p >= 0x20 && *p != 0x7f);
	struct span again = span_of(text, base64_put(text, span_str(room)));
	struct span token = span_trim(span_from(field, 5));
	assert(span_eq(again, token));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const void *bytes = data;
	char *room = malloc(CREDENTIALS_MAX + 1);
	struct credentials c;
	const char *why = NULL;

	if (room && credentials_parse(span_of(bytes, size), room, &c, &why))
		check(span_of(bytes, size), room, &c);
	else
		assert(!room || (why && *why));
	free(room);
	return 0;
}
