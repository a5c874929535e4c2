/*
 * Signed fields, found where the signing schemes list them.
 */
#include "policy/signature.h"

#define NAME(literal) { literal, sizeof(literal) - 1 }

/* Parameters of Authorization and Signature that list field names. */
static const struct span list_parameters[] = {
	NAME("SignedHeaders"),     /* AWS4-HMAC-SHA256, AWS4-ECDSA-P256-SHA256, GOOG4-…, ACS3-…, TC3-…, HMAC-SHA256 */
	NAME("headers"),           /* draft-cavage-http-signatures */
	NAME("AdditionalHeaders"), /* OSS4-HMAC-SHA256 */
	NAME("q-header-list"),     /* Tencent's object store */
};

/* The same in the query of a presigned URL. */
static const struct span list_query_keys[] = {
	NAME("X-Amz-SignedHeaders"),
	NAME("X-Goog-SignedHeaders"),
	NAME("x-oss-additional-headers"),
	NAME("q-header-list"),
};

/* What Azure's Shared Key signs of the fields known here, whether listed or not. */
static const enum header shared_key_fields[] = {
	HEADER_CONTENT_ENCODING, HEADER_CONTENT_LENGTH, HEADER_CONTENT_TYPE, HEADER_DATE, HEADER_IF_MATCH,
	HEADER_IF_MODIFIED_SINCE, HEADER_IF_NONE_MATCH, HEADER_IF_UNMODIFIED_SINCE, HEADER_RANGE,
};

/* Older schemes that sign the same fixed fields, and others by prefix ("x-amz-"), which freshet never touches. */
static const struct span fixed_schemes[] = {
	NAME("AWS "), NAME("GOOG1 "), NAME("OSS "), NAME("OBS "),
};

static void cover(uint64_t fields[2], enum header id)
{
	if (id != HEADER_OTHER)
		fields[id >> 6] |= UINT64_C(1) << (id & 63);
}

static bool is_one_of(struct span name, const struct span *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (name.n == names[i].n && span_ieq(name, names[i]))
			return true;
	return false;
}

/* The length of the separator of field names at the front of s: a blank, a semicolon as such or escaped; or 0. */
static size_t separator_length(struct span s)
{
	if (s.p[0] == ';' || s.p[0] == ' ' || s.p[0] == '\t')
		return 1;
	return span_istarts(s, SPAN("%3B")) ? 3 : 0;
}

static void cover_list(uint64_t fields[2], struct span list)
{
	size_t start = 0;

	for (size_t i = 0; i < list.n;) {
		size_t separator = separator_length(span_from(list, i));

		if (separator) {
			cover(fields, header_lookup(span_of(list.p + start, i - start)));
			start = i + separator;
		}
		i += separator ? separator : 1;
	}
	cover(fields, header_lookup(span_from(list, start)));
}

/* The offset of the quote that ends a string whose text begins at `at`, or s.n. */
static size_t string_end(struct span s, size_t at)
{
	while (at < s.n && s.p[at] != '"')
		at += s.p[at] == '\\' ? 2 : 1;
	return at < s.n ? at : s.n;
}

/* Schemes separate parameters by commas, ampersands, or blanks only. */
static bool separates_parameters(char c)
{
	return c == ',' || c == '&' || c == ' ' || c == '\t';
}

/* Takes the next run without separators off *rest; a quoted string holds none. */
static bool parameter_next(struct span *rest, struct span *parameter)
{
	size_t start = 0, end;

	while (start < rest->n && separates_parameters(rest->p[start]))
		start++;
	if (start == rest->n)
		return false;
	for (end = start; end < rest->n && !separates_parameters(rest->p[end]); end++)
		if (rest->p[end] == '"')
			end = string_end(*rest, end + 1);
	if (end > rest->n)
		end = rest->n;
	*parameter = span_of(rest->p + start, end - start);
	*rest = span_from(*rest, end);
	return true;
}

static struct span unquote(struct span s)
{
	if (s.n && s.p[0] == '"')
		return span_of(s.p + 1, string_end(s, 1) - 1);
	return s;
}

static void cover_parameters(uint64_t fields[2], struct span value)
{
	struct span parameter;

	while (parameter_next(&value, &parameter)) {
		size_t equals = span_find(parameter, '=');

		if (is_one_of(span_first(parameter, equals), list_parameters,
			    sizeof(list_parameters) / sizeof(list_parameters[0])))
			cover_list(fields, unquote(span_from(parameter, equals + 1)));
	}
}

static void cover_authorization(uint64_t fields[2], struct span value)
{
	/* The usual ones first, and for speed: their credentials are long and have no parameters. */
	if (span_istarts(value, SPAN("Bearer ")) || span_istarts(value, SPAN("Basic ")))
		return;
	if (span_istarts(value, SPAN("SharedKey ")) || span_istarts(value, SPAN("SharedKeyLite "))) {
		for (size_t i = 0; i < sizeof(shared_key_fields) / sizeof(shared_key_fields[0]); i++)
			cover(fields, shared_key_fields[i]);
		return;
	}
	for (size_t i = 0; i < sizeof(fixed_schemes) / sizeof(fixed_schemes[0]); i++)
		if (span_istarts(value, fixed_schemes[i])) {
			cover(fields, HEADER_CONTENT_TYPE);
			cover(fields, HEADER_DATE);
			return;
		}
	cover_parameters(fields, value);
}

/*
 * The strings of the inner lists: sig1=("@method" "cache-control";sf);keyid="x" (RFC 9421 section 4.1).  A string
 * right after "=" is the value of a parameter.
 */
static void cover_components(uint64_t fields[2], struct span input)
{
	bool in_list = false;

	for (size_t i = 0; i < input.n; i++) {
		if (input.p[i] == '(') {
			in_list = true;
		} else if (input.p[i] == ')') {
			in_list = false;
		} else if (input.p[i] == '"') {
			size_t end = string_end(input, i + 1);

			if (in_list && input.p[i - 1] != '=')
				cover(fields, header_lookup(span_of(input.p + i + 1, end - i - 1)));
			i = end;
		}
	}
}

static void cover_query(uint64_t fields[2], struct span target)
{
	struct span query = span_from(target, span_find(target, '?') + 1);

	while (query.n) {
		size_t end = span_find(query, '&');
		struct span pair = span_first(query, end);
		size_t equals = span_find(pair, '=');

		if (is_one_of(span_first(pair, equals), list_query_keys,
			    sizeof(list_query_keys) / sizeof(list_query_keys[0])))
			cover_list(fields, span_from(pair, equals + 1));
		query = span_from(query, end + 1);
	}
}

void signature_fields(const struct message *request, uint64_t fields[2])
{
	cover_query(fields, request->target);
	if (!message_has(request, HEADER_AUTHORIZATION) && !message_has(request, HEADER_SIGNATURE) &&
		!message_has(request, HEADER_SIGNATURE_INPUT))
		return;
	for (unsigned i = 0; i < request->field_count; i++) {
		const struct field *f = &request->fields[i];

		if (f->id == HEADER_AUTHORIZATION)
			cover_authorization(fields, f->value);
		else if (f->id == HEADER_SIGNATURE)
			cover_parameters(fields, f->value);
		else if (f->id == HEADER_SIGNATURE_INPUT)
			cover_components(fields, f->value);
	}
}
