/*
 * The llhttp that fits the processor.
 *
 * Where llhttp is compiled from its sources for x86-64, its machine is there twice: once for every processor, once
 * for those with SSE 4.2, whose instructions it uses for names and values.  They are the same machine, state by
 * state; other files call llhttp and need not know.
 */
#include "http/h1.h"

#ifdef LLHTTP_SSE42

int llhttp__internal_execute(llhttp__internal_t *parser, const char *p, const char *end);
int llhttp_plain_execute(llhttp__internal_t *parser, const char *p, const char *end);
int llhttp_sse42_execute(llhttp__internal_t *parser, const char *p, const char *end);

int llhttp__internal_execute(llhttp__internal_t *parser, const char *p, const char *end)
{
	return __builtin_cpu_supports("sse4.2") ? llhttp_sse42_execute(parser, p, end) :
						  llhttp_plain_execute(parser, p, end);
}

#endif
