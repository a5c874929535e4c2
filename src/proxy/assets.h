/*
 * What is sent to browsers as it is: the .js, .css, .html and .svg files of the source, which the Makefile turns into text of
 * the program.
 */
#ifndef FRESHET_PROXY_ASSETS_H
#define FRESHET_PROXY_ASSETS_H

#include "base/span.h"

extern const struct span service_worker_kill_js, service_worker_prelude_js;

/* The pages; src/live/. */
extern const struct span page_css, page_js;
extern const struct span live_html, live_css, live_js, stream_js, rows_js, filter_js, detail_js, picture_js, sentence_js, words_js,
	element_js, icon_svg, copy_as_js, copy_shell_js, copy_code_js, copy_view_js, export_js, proxy_pac_js,
	connect_html, connect_css, connect_js, switches_html, switches_css, switches_js;
extern const struct span check_html, check_css, check_js, check_words_js, check_stale_js;

#endif
