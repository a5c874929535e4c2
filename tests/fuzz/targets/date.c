/*
 * HTTP dates: what is accepted survives being written and read again, and what is written is always accepted.
 */
#include <assert.h>
#include <stdint.h>

#include "http/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t NOW = 1795368001; /* 2026-11-22 17:20:01 */

static void check_round_trip(int64_t s)
{
	char text[HTTP_DATE_BYTES], again[HTTP_DATE_BYTES];
	int64_t back;

	assert(http_date_format(s, text) == HTTP_DATE_BYTES);
	assert(http_date_parse(span_of(text, sizeof(text)), NOW, &back));
	http_date_format(back, again);
	assert(memcmp(text, again, sizeof(text)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const void *bytes = data;
	int64_t s = 4711, any;

	if (http_date_parse(span_of(bytes, size), NOW, &s)) {
		char text[HTTP_DATE_BYTES];
		int64_t back = 0;

		http_date_format(s, text);
		assert(http_date_parse(span_of(text, sizeof(text)), NOW, &back));
		/* 9999-12-31 23:59:60 is the one time that cannot be written. */
		assert(back == s || (s == 253402300800 && back == s - 1));
	} else {
		assert(s == 4711);
	}
	if (size >= sizeof(any)) {
		memcpy(&any, data, sizeof(any));
		check_round_trip(any);
		check_round_trip(any % 253402300800);
	}
	return 0;
}
