/*
 * Credentials of the scheme Basic.
 */
#include "http/credentials.h"

#include "base/base64.h"

/* The text behind "Basic" and blanks; false for another scheme. */
static bool token_of(struct span field, struct span *token)
{
	struct span scheme = SPAN("Basic");

	if (!span_istarts(field, scheme) || field.n == scheme.n || field.p[scheme.n] != ' ')
		return false;
	*token = span_trim(span_from(field, scheme.n));
	return true;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

bool credentials_parse(struct span field, char room[CREDENTIALS_MAX + 1], struct credentials *out, const char **why)
{
	struct span token, text;
	size_t n;

	*why = "Proxy-Authorization is not of the scheme Basic";
	if (!token_of(field, &token))
		return false;
	*why = "the credentials are too long";
	if (BASE64_DECODED_MAX(token.n) > CREDENTIALS_MAX)
		return false;
	*why = "the credentials are not proper base64";
	if (!base64_get(room, token, &n))
		return false;
	text = span_of(room, n);
	*why = "the credentials hold control characters";
	if (has_control(text))
		return false;
	*why = "the credentials are not a user's name, a colon and a password";
	size_t colon = span_find(text, ':');
	if (colon == 0 || colon == text.n)
		return false;
	room[n] = '\0';
	*out = (struct credentials){ span_first(text, colon), span_of(room + colon + 1, n - colon - 1) };
	return true;
}
