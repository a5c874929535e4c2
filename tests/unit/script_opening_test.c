/*
 * How scripts begin: hashbangs and directives, however few bytes of them are there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/script_opening.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What more bytes would not change is decided at some byte, and stays so. */
static void check(const char *script, enum script_opening expected)
{
	struct span s = span_str(script);

	if (script_opening(s, true) != expected)
		fail_msg("%s: got %d, expected %d", script, script_opening(s, true), expected);
	for (size_t n = 0; n <= s.n; n++) {
		enum script_opening early = script_opening(span_first(s, n), false);

		if (early != SCRIPT_UNDECIDED && early != expected)
			fail_msg("%s: got %d from its first %zu bytes", script, early, n);
	}
}

static void test_directive_is_found_behind_all_that_may_stand_before_it(void **unused)
{
	static const char *const strict[] = {
		"\"use strict\"", "'use strict';f()", "\"use strict\"\nf()", "'use strict' ;", "'use strict'/*\n*/f()",
		"'use strict'//\r!function(){}()", "\xef\xbb\xbf'use strict';", "#!/usr/bin/env node\n'use strict';",
		" \t\v\f\xc2\xa0\r\n\xe2\x80\xa8\xe2\x80\xa9'use strict';", "/* a licence **/ // and more\n'use strict';",
		"/**/'use strict';", "'use asm';'use strict';", "\"it's\"\n'use strict'\nvar a", "'a\\'b';'use strict';",
		"'a\\\nb';\"use strict\";",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(strict); i++)
		check(strict[i], SCRIPT_STRICT);
}

static void test_what_only_looks_like_a_directive_is_none(void **unused)
{
	static const char *const plain[] = {
		"", " ", "f()", ";'use strict';", "('use strict')", "'use strict'.length", "'use strict'\n.length",
		"'use strict' + f()", "'use strict'\n+ f()", "'use strict', f()", "'use strict' f", "'use  strict';",
		"'use\\x20strict';", "`use strict`;", "'use strict", "'use strict\n'", "// 'use strict';",
		"/* 'use strict'; */", "/* 'use strict'; ", "/", "/a/.test('use strict')", "#!'use strict'", "f();'use strict';",
		"'a' + 'b';'use strict';", "\xe2\x82\xac='use strict';", "\xc3\xa9", "\xe2\x80",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(plain); i++)
		check(plain[i], SCRIPT_PLAIN);
}

static void test_nothing_is_decided_before_it_can_be(void **unused)
{
	static const char *const cut[] = {
		"", "#", "#!node", "#!node\n", "\xef", "\xef\xbb\xbf", "/", "//", "/* *", "'use strict", "'use strict'",
		"'use strict'\n", "'use strict' /", "'use asm';", "'a\\", "\xe2\x80", "\xc2",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cut); i++)
		if (script_opening(span_str(cut[i]), false) != SCRIPT_UNDECIDED)
			fail_msg("%s: decided too early", cut[i]);
	assert_int_equal(script_opening(SPAN("'use strict';"), false), SCRIPT_STRICT);
	assert_int_equal(script_opening(SPAN("f"), false), SCRIPT_PLAIN);
}

static void test_hashbang_counts_at_the_very_beginning_only(void **unused)
{
	(void)unused;
	assert_true(script_has_hashbang(SPAN("#!/usr/bin/node")));
	assert_true(script_has_hashbang(SPAN("\xef\xbb\xbf#!")));
	assert_false(script_has_hashbang(SPAN("")));
	assert_false(script_has_hashbang(SPAN("#")));
	assert_false(script_has_hashbang(SPAN(" #!")));
	assert_false(script_has_hashbang(SPAN("\n#!")));
	assert_false(script_has_hashbang(SPAN("#private")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directive_is_found_behind_all_that_may_stand_before_it),
		cmocka_unit_test(test_what_only_looks_like_a_directive_is_none),
		cmocka_unit_test(test_nothing_is_decided_before_it_can_be),
		cmocka_unit_test(test_hashbang_counts_at_the_very_beginning_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
