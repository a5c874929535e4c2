/*
 * Heads, there and back: what is read is written, and what was written is read again as the same message, with
 * the fields that were left out gone, and written again as the same bytes.
 */
#include <assert.h>
#include <stdlib.h>

#include "http/h1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct h1_limits limits = { .head_bytes = 4096, .target_bytes = 512, .fields = 32 };
static const struct h1_limits wider = { .head_bytes = 8192, .target_bytes = 512, .fields = 64 };

enum { FIELDS = 64 };

struct head {
	struct field fields[FIELDS];
	struct message m;
	size_t len;
};

static bool head_read(struct head *h, enum method answers, struct span in, const struct h1_limits *l)
{
	struct h1_error error;
	size_t scanned = 0;

	message_init(&h->m, h->fields, FIELDS);
	if (answers == METHOD_OTHER)
		return h1_read_request(in, &scanned, l, NULL, &h->m, &h->len, &error) == H1_OK;
	return h1_read_response(in, &scanned, l, NULL, answers, &h->m, &h->len, &error) == H1_OK;
}

/* Exactly the room asked for, so that a sanitizer sees more being written. */
static struct span head_write(const struct message *m)
{
	struct h1_write w = {
		.framing = m->framing,
		.content_length = m->content_length,
		.connection = m->websocket ? H1_CONNECTION_UPGRADE :
			m->persistent ? H1_CONNECTION_DEFAULT : H1_CONNECTION_CLOSE,
		.target = m->target,
		.te_trailers = m->te_trailers,
	};
	char *out = malloc(h1_head_room(m, &w));

	assert(out);
	size_t n = m->status ? h1_write_response(m, &w, out) : h1_write_request(m, &w, out);
	assert(n <= h1_head_room(m, &w));
	return span_of(out, n);
}

static bool passes(const struct field *f)
{
	return !f->dropped && !(header_flags(f->id) & HEADER_FLAG_FRAMING);
}

/* Every field of a that is passed on, in its order, then only what the writer adds. */
static void check_same_fields(const struct message *a, const struct message *b)
{
	unsigned k = 0;

	for (unsigned i = 0; i < a->field_count; i++) {
		if (!passes(&a->fields[i]))
			continue;
		while (k < b->field_count && !passes(&b->fields[k]))
			k++;
		assert(k < b->field_count);
		assert(span_eq(a->fields[i].name, b->fields[k].name));
		assert(span_eq(a->fields[i].value, b->fields[k].value));
		k++;
	}
	for (; k < b->field_count; k++)
		assert(!passes(&b->fields[k]) || b->fields[k].id == HEADER_HOST);
}

static void check_same_message(const struct message *a, const struct message *b)
{
	assert(span_eq(a->method, b->method) && span_eq(a->target, b->target) && span_eq(a->reason, b->reason));
	assert(a->status == b->status && b->minor == 1);
	assert(a->framing == b->framing && a->content_length == b->content_length);
	assert(a->websocket == b->websocket && a->te_trailers == b->te_trailers);
	assert(a->persistent == b->persistent || a->websocket);
	check_same_fields(a, b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum method answers[] = { METHOD_OTHER, METHOD_GET, METHOD_HEAD, METHOD_CONNECT };
	struct head first, second;

	if (size < 2)
		return 0;
	headers_init();
	enum method kind = answers[data[0] % 4];
	struct span in = span_of((const char *)data + 1, size - 1);
	if (!head_read(&first, kind, in, &limits))
		return 0;
	if (kind == METHOD_OTHER && !message_has(&first.m, HEADER_HOST))
		message_set(&first.m, HEADER_HOST, SPAN("h"), "1.1 needs it");
	struct span once = head_write(&first.m);
	assert(head_read(&second, kind, once, &wider));
	assert(second.len == once.n);
	check_same_message(&first.m, &second.m);
	struct span twice = head_write(&second.m);
	if (!first.m.websocket)
		assert(span_eq(once, twice));
	free((char *)(uintptr_t)once.p);
	free((char *)(uintptr_t)twice.p);
	return 0;
}
