/*
 * Chunked transfer coding in: bodies decoded in place by llhttp, trailer sections read by guard and llhttp.
 *
 * llhttp reads chunks only as part of a message, so each decoder starts it with a head of our own.  It is paused
 * at the zero chunk: the trailer section is collected whole by the caller and then read in one go.
 */
#include "http/guard.h"

enum {
	FRAMING_BYTES_MAX = 16 * 1024, /* more than the body pays for */
	FRAMING_BYTES_FREE = 16,       /* for each piece of body, however small: a size line and two line ends */
};

/* What the callbacks work on during one call. */
struct feed {
	struct h1_chunked *c;
	char *out;                /* where the next body byte goes */
	const char *mark;         /* input before it is accounted for */
	const struct message *m;  /* trailers: what the guard found */
	unsigned next;            /* trailers: its next field */
	const char *reason;       /* set by a callback that refuses */
};

static const char too_much_framing[] = "chunk sizes and extensions over the limit";

/* Counts the framing between the last body byte and `at`. */
static bool framing_fits(struct feed *f, const char *at)
{
	size_t n = (size_t)(at - f->mark);

	f->mark = at;
	if (n > FRAMING_BYTES_MAX - f->c->framing_bytes) {
		f->reason = too_much_framing;
		return false;
	}
	f->c->framing_bytes += (uint32_t)n;
	return true;
}

/* A byte of body pays for one of framing, so that a trickle of body does not carry a stream of extensions. */
static void pay_framing(struct h1_chunked *c, size_t n)
{
	size_t paid = n + FRAMING_BYTES_FREE;

	c->framing_bytes = paid < c->framing_bytes ? c->framing_bytes - (uint32_t)paid : 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t n)
{
	struct feed *f = parser->data;

	if (!n)
		return 0;
	if (!framing_fits(f, at))
		return -1;
	if (f->out != at)
		memmove(f->out, at, n);
	f->out += n;
	f->mark = at + n;
	pay_framing(f->c, n);
	return 0;
}

static int on_chunk_header(llhttp_t *parser)
{
	struct feed *f = parser->data;

	if (parser->content_length > INT64_MAX) {
		f->reason = "a chunk size over 2^63-1";
		return -1;
	}
	return parser->content_length ? 0 : HPE_PAUSED;
}

static int on_trailer_name(llhttp_t *parser, const char *at, size_t n)
{
	struct feed *f = parser->data;

	if (!f)
		return 0; /* the head of our own */
	if (f->next >= f->m->field_count || f->m->fields[f->next].name.p != at || f->m->fields[f->next].name.n != n)
		return -1;
	f->next++;
	return 0;
}

static int on_end(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

static const llhttp_settings_t chunked_settings = {
	.on_body = on_body,
	.on_chunk_header = on_chunk_header,
	.on_header_field = on_trailer_name,
	.on_message_complete = on_end,
};

void h1_chunked_init(struct h1_chunked *c)
{
	static const char head[] = "POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n";

	c->framing_bytes = 0;
	llhttp_init(&c->parser, HTTP_REQUEST, &chunked_settings);
	(void)llhttp_execute(&c->parser, head, sizeof(head) - 1);
}

enum h1_chunk_result h1_chunked_read(struct h1_chunked *c, char *data, size_t n, size_t *consumed, size_t *body_len,
	const char **reason)
{
	struct feed f = { .c = c, .out = data, .mark = data };

	c->parser.data = &f;
	llhttp_errno_t e = llhttp_execute(&c->parser, data, n);
	c->parser.data = NULL;
	const char *end = e == HPE_OK ? data + n : llhttp_get_error_pos(&c->parser);
	*body_len = (size_t)(f.out - data);
	*consumed = (size_t)(end - data);
	if ((e == HPE_OK || e == HPE_PAUSED) && framing_fits(&f, end))
		return e == HPE_OK ? H1_CHUNK_MORE : H1_CHUNK_TRAILERS;
	*reason = f.reason ? f.reason : llhttp_get_error_reason(&c->parser);
	return H1_CHUNK_BAD;
}

static void drop_trailers(struct message *m)
{
	const unsigned barred = HEADER_FLAG_HOP | HEADER_FLAG_FRAMING | HEADER_FLAG_CACHING | HEADER_FLAG_ROUTING;

	for (unsigned i = 0; i < m->field_count; i++)
		if (header_flags(m->fields[i].id) & barred)
			m->fields[i].dropped = "not allowed in trailers";
}

enum h1_result h1_read_trailers(struct h1_chunked *c, struct span in, size_t *scanned, const struct h1_limits *limits,
	struct message *m, size_t *len, struct h1_error *error)
{
	struct guard g;
	enum h1_result r = guard_read(GUARD_TRAILERS, in, scanned, limits, NULL, m, &g, error);

	if (r != H1_OK)
		return r;
	struct feed f = { .c = c, .m = m };
	c->parser.data = &f;
	llhttp_resume(&c->parser);
	llhttp_errno_t e = llhttp_execute(&c->parser, in.p, g.len);
	c->parser.data = NULL;
	if (e != HPE_PAUSED || llhttp_get_error_pos(&c->parser) != in.p + g.len || f.next != m->field_count) {
		*error = (struct h1_error){ .fault = H1_FAULT_FRAMING, .reason = "a trailer section that llhttp refuses" };
		return H1_BAD;
	}
	drop_trailers(m);
	*len = g.len;
	return H1_OK;
}
