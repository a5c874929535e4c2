/*
 * Heads in: what is taken and what is refused, the same at every split, and what a head means.
 */
#include "h1_rows.h"

#include <stdio.h>

#define H "Host: a.example\r\n"

static void test_requests_that_everybody_reads_alike_are_taken(void **state)
{
	static const struct h1_row rows[] = {
		{ "origin form", BYTES("GET / HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "absolute form", BYTES("GET http://a.example/x?y=z HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "absolute form without path", BYTES("GET http://a.example HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "absolute form with port", BYTES("GET http://a.example:8080/ HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "IPv6 target", BYTES("GET http://[2001:db8::1]:80/ HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"), TAKEN },
		{ "underscore in host", BYTES("GET http://my_host/ HTTP/1.1\r\nHost: my_host\r\n\r\n"), TAKEN },
		{ "query behind the host", BYTES("GET http://a.example?x=1 HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "asterisk form", BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "CONNECT", BYTES("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"), TAKEN },
		{ "CONNECT to IPv6", BYTES("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"), TAKEN },
		{ "CONNECT of 1.0 without Host", BYTES("CONNECT a.example:443 HTTP/1.0\r\n\r\n"), TAKEN },
		{ "CONNECT with a length of 0", BYTES("CONNECT a.example:443 HTTP/1.0\r\nContent-Length: 0\r\n\r\n"), TAKEN },
		{ "1.0 without Host", BYTES("GET http://a.example/ HTTP/1.0\r\n\r\n"), TAKEN },
		{ "1.0 with Host", BYTES("GET / HTTP/1.0\r\n" H "\r\n"), TAKEN },
		{ "one empty line before", BYTES("\r\nGET / HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "QUERY", BYTES("QUERY /q HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"), TAKEN },
		{ "WebDAV", BYTES("VERSION-CONTROL /x HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "RPC over HTTP", BYTES("RPC_IN_DATA /rpc HTTP/1.1\r\n" H "Content-Length: 1073741824\r\n\r\n"), TAKEN },
		{ "SOURCE, special to llhttp", BYTES("SOURCE /ice HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "a method of odd token bytes", BYTES("!#$%&'*+-.^_`|~a1 /x HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "a method of one letter", BYTES("x / HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "lower-case method", BYTES("get / HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "odd but printable target", BYTES("GET /a\"b<c>d\\e^f`g{h|i}j~k[l] HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "two slashes", BYTES("GET //x//y HTTP/1.1\r\n" H "\r\n"), TAKEN },
		{ "no blank behind the colon", BYTES("GET / HTTP/1.1\r\nHost:a.example\r\nX:y\r\n\r\n"), TAKEN },
		{ "blanks around the value", BYTES("GET / HTTP/1.1\r\n" H "X: \t y \t \r\n\r\n"), TAKEN },
		{ "empty value", BYTES("GET / HTTP/1.1\r\n" H "X:\r\nY: \r\nZ:\t\t\r\n\r\n"), TAKEN },
		{ "bytes beyond ASCII in a value", BYTES("GET / HTTP/1.1\r\n" H "X: \x80\xff\xc3\xa9\r\n\r\n"), TAKEN },
		{ "odd token bytes in a name", BYTES("GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~9: x\r\n\r\n"), TAKEN },
		{ "long name", BYTES("GET / HTTP/1.1\r\n" H "X-abcdefghijklmnopqrstuvwxyz-0123456789: x\r\n\r\n"), TAKEN },
		{ "colons in a value", BYTES("GET / HTTP/1.1\r\n" H "X::::\r\n\r\n"), TAKEN },
		{ "Content-Length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"), TAKEN },
		{ "length 0", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), TAKEN },
		{ "leading zeros", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 007\r\n\r\n"), TAKEN },
		{ "18 digits", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 999999999999999999\r\n\r\n"), TAKEN },
		{ "chunked", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"), TAKEN },
		{ "chunked in any case", BYTES("POST / HTTP/1.1\r\n" H "tRANSFER-eNCODING: CHUNKED\r\n\r\n"), TAKEN },
		{ "body with GET", BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"), TAKEN },
		{ "Host with port", BYTES("GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n"), TAKEN },
		{ "Host with empty port", BYTES("GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n"), TAKEN },
		{ "empty Host, absolute form", BYTES("GET http://a.example/ HTTP/1.1\r\nHost:\r\n\r\n"), TAKEN },
		{ "WebSocket", BYTES("GET / HTTP/1.1\r\n" H "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), TAKEN },
		{ "Upgrade to h2c", BYTES("GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), TAKEN },
		{ "close and keep-alive", BYTES("GET / HTTP/1.1\r\n" H "Connection: close, keep-alive\r\n\r\n"), TAKEN },
		{ "body behind the head", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n\x00\n"), TAKEN },
		{ "pipelined", BYTES("GET / HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n"), TAKEN },
		{ "nothing", BYTES(""), INCOMPLETE },
		{ "the empty line only", BYTES("\r\n"), INCOMPLETE },
		{ "half the empty line", BYTES("\r"), INCOMPLETE },
		{ "half a method", BYTES("GE"), INCOMPLETE },
		{ "request line only", BYTES("GET / HTTP/1.1\r\n"), INCOMPLETE },
		{ "half a line end", BYTES("GET / HTTP/1.1\r"), INCOMPLETE },
		{ "half a name", BYTES("GET / HTTP/1.1\r\nHo"), INCOMPLETE },
		{ "no empty line", BYTES("GET / HTTP/1.1\r\n" H), INCOMPLETE },
		{ "half the last empty line", BYTES("GET / HTTP/1.1\r\n" H "\r"), INCOMPLETE },
		{ "one byte of TLS", BYTES("\x16"), INCOMPLETE },
	};

	(void)state;
	check_rows(AS_REQUEST, rows, COUNT(rows));
}

static void test_request_lines_that_are_read_differently_are_refused(void **state)
{
	static const struct h1_row rows[] = {
		{ "bare LF", BYTES("GET / HTTP/1.1\nHost: a\n\n"), SYNTAX },
		{ "bare LF behind the request line", BYTES("GET / HTTP/1.1\n" H "\r\n"), SYNTAX },
		{ "bare CR behind the request line", BYTES("GET / HTTP/1.1\r" H "\r\n"), SYNTAX },
		{ "CR in the target", BYTES("GET /\rx HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "two empty lines before", BYTES("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "LF before", BYTES("\nGET / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "CR before", BYTES("\rGET / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "blank before", BYTES(" GET / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "two spaces behind the method", BYTES("GET  / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "two spaces behind the target", BYTES("GET /  HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "tab behind the method", BYTES("GET\t/ HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "tab behind the target", BYTES("GET /\tHTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "space at the end", BYTES("GET / HTTP/1.1 \r\n" H "\r\n"), SYNTAX },
		{ "something behind the version", BYTES("GET / HTTP/1.1 x\r\n" H "\r\n"), SYNTAX },
		{ "space in the target", BYTES("GET /a b HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "tab in the target", BYTES("GET /a\tb HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "form feed in the target", BYTES("GET /a\fb HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "NUL in the target", BYTES("GET /a\0b HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "DEL in the target", BYTES("GET /a\x7f HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "UTF-8 in the target", BYTES("GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "fragment", BYTES("GET /a#b HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "fragment, absolute form", BYTES("GET http://a.example/#x HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "no target", BYTES("GET HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "method only", BYTES("GET\r\n" H "\r\n"), SYNTAX },
		{ "HTTP/0.9 request", BYTES("GET /x\r\n"), SYNTAX },
		{ "HTTP/0.9 request with fields", BYTES("GET /x\r\n" H "\r\n"), SYNTAX },
		{ "HTTP/0.9 request with bare LF", BYTES("GET /x\n" H "\r\n"), SYNTAX },
		{ "no method", BYTES(" / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "bracket in the method", BYTES("GE[T / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "colon in the method", BYTES("GET: / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "UTF-8 in the method", BYTES("G\xc3\x89T / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "a response", BYTES("HTTP/1.1 200 OK\r\n\r\n"), SYNTAX },
		{ "ICE", BYTES("SOURCE /x ICE/1.0\r\n" H "\r\n"), SYNTAX },
		{ "RTSP", BYTES("DESCRIBE rtsp://x RTSP/1.0\r\n" H "\r\n"), SYNTAX },
		{ "HTTP without number", BYTES("GET / HTTP/\r\n" H "\r\n"), SYNTAX },
		{ "letters for the number", BYTES("GET / HTTP/a.b\r\n" H "\r\n"), SYNTAX },
		{ "dot without minor", BYTES("GET / HTTP/1.\r\n" H "\r\n"), SYNTAX },
		{ "letter behind the number", BYTES("GET / HTTP/1.1x\r\n" H "\r\n"), SYNTAX },
		{ "HTTPS for HTTP", BYTES("GET / HTTPS/1.1\r\n" H "\r\n"), SYNTAX },
		{ "0.9", BYTES("GET / HTTP/0.9\r\n" H "\r\n"), VERSION },
		{ "1.2", BYTES("GET / HTTP/1.2\r\n" H "\r\n"), VERSION },
		{ "1.10", BYTES("GET / HTTP/1.10\r\n" H "\r\n"), VERSION },
		{ "01.1", BYTES("GET / HTTP/01.1\r\n" H "\r\n"), VERSION },
		{ "2.0", BYTES("GET / HTTP/2.0\r\n" H "\r\n"), VERSION },
		{ "2", BYTES("GET / HTTP/2\r\n" H "\r\n"), VERSION },
		{ "3.7", BYTES("GET / HTTP/3.7\r\n" H "\r\n"), VERSION },
		{ "lower-case http", BYTES("GET / http/1.1\r\n" H "\r\n"), VERSION },
		{ "HTTP/2 preface", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), VERSION },
		{ "TLS hello", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), TLS },
		{ "TLS alert", BYTES("\x15\x03\x03\x00\x02\x02\x28"), TLS },
		{ "SOCKS5", BYTES("\x05\x01\x00"), SYNTAX },
		{ "SOCKS4", BYTES("\x04\x01\x00\x50\x7f\x00\x00\x01\x00"), SYNTAX },
		{ "almost TLS", BYTES("\x16\x04\x01"), SYNTAX },
		{ "brace first", BYTES("{"), SYNTAX },
	};

	(void)state;
	check_rows(AS_REQUEST, rows, COUNT(rows));
}

#define P "POST / HTTP/1.1\r\n" H

static void test_fields_that_are_read_differently_are_refused(void **state)
{
	static const struct h1_row rows[] = {
		{ "bare LF behind a field", BYTES(P "X: y\nZ: z\r\n\r\n"), SYNTAX },
		{ "bare LF as empty line", BYTES(P "X: y\r\n\n"), SYNTAX },
		{ "bare CR behind a field", BYTES(P "X: y\rZ: z\r\n\r\n"), SYNTAX },
		{ "CR and another byte as empty line", BYTES(P "\rXContent-Length: 5\r\n\r\n"), SYNTAX },
		{ "CR CR LF", BYTES(P "X: y\r\r\n\r\n"), SYNTAX },
		{ "CR eats a byte of a field", BYTES(P "X:\rContent-Length: 5\r\n\r\n"), SYNTAX },
		{ "NUL in a value", BYTES(P "X: a\0b\r\n\r\n"), SYNTAX },
		{ "control byte in a value", BYTES(P "X: a\x01" "b\r\n\r\n"), SYNTAX },
		{ "vertical tab in a value", BYTES(P "X: a\vb\r\n\r\n"), SYNTAX },
		{ "escape in a value", BYTES(P "X: \x1b[2J\r\n\r\n"), SYNTAX },
		{ "DEL in a value", BYTES(P "X: a\x7f\r\n\r\n"), SYNTAX },
		{ "folded field", BYTES(P "X: a\r\n b\r\n\r\n"), SYNTAX },
		{ "folded with a tab", BYTES(P "X: a\r\n\tb\r\n\r\n"), SYNTAX },
		{ "folded length", BYTES(P "X: a\r\n Content-Length: 5\r\n\r\n"), SYNTAX },
		{ "folded coding", BYTES(P "Transfer-Encoding:\r\n chunked\r\n\r\n"), FRAMING },
		{ "first field begins with a blank", BYTES("GET / HTTP/1.1\r\n X: a\r\n" H "\r\n"), SYNTAX },
		{ "line of blanks", BYTES(P "X: a\r\n \r\n\r\n"), SYNTAX },
		{ "blank before the colon", BYTES(P "X : a\r\n\r\n"), SYNTAX },
		{ "tab before the colon", BYTES(P "X\t: a\r\n\r\n"), SYNTAX },
		{ "blank before the colon of a length", BYTES(P "Content-Length : 5\r\n\r\n"), SYNTAX },
		{ "blank before the colon of a coding", BYTES(P "Transfer-Encoding : chunked\r\n\r\n"), SYNTAX },
		{ "blank inside a name", BYTES(P "Content Length: 5\r\n\r\n"), SYNTAX },
		{ "no name", BYTES(P ": a\r\n\r\n"), SYNTAX },
		{ "no colon", BYTES(P "X\r\n\r\n"), SYNTAX },
		{ "no colon but a value", BYTES(P "X a\r\n\r\n"), SYNTAX },
		{ "bracket in a name", BYTES(P "X[]: a\r\n\r\n"), SYNTAX },
		{ "at sign in a name", BYTES(P "X@: a\r\n\r\n"), SYNTAX },
		{ "quote in a name", BYTES(P "\"X\": a\r\n\r\n"), SYNTAX },
		{ "NUL in a name", BYTES(P "X\0: a\r\n\r\n"), SYNTAX },
		{ "UTF-8 in a name", BYTES(P "X\xc3\xa9: a\r\n\r\n"), SYNTAX },
		{ "UTF-8 byte order mark", BYTES(P "\xef\xbb\xbfX: a\r\n\r\n"), SYNTAX },
		{ "no Host", BYTES("GET / HTTP/1.1\r\nX: a\r\n\r\n"), SYNTAX },
		{ "no Host, absolute form", BYTES("GET http://a.example/ HTTP/1.1\r\n\r\n"), SYNTAX },
		{ "no Host, CONNECT", BYTES("CONNECT a.example:443 HTTP/1.1\r\n\r\n"), SYNTAX },
		{ "two Hosts", BYTES("GET / HTTP/1.1\r\n" H "Host: b.example\r\n\r\n"), SYNTAX },
		{ "two equal Hosts", BYTES("GET / HTTP/1.1\r\n" H H "\r\n"), SYNTAX },
		{ "two Hosts of 1.0", BYTES("GET / HTTP/1.0\r\n" H H "\r\n"), SYNTAX },
		{ "empty Host", BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), SYNTAX },
		{ "empty Host, asterisk", BYTES("OPTIONS * HTTP/1.1\r\nHost: \r\n\r\n"), SYNTAX },
		{ "empty Host, CONNECT", BYTES("CONNECT a.example:443 HTTP/1.1\r\nHost:\r\n\r\n"), SYNTAX },
		{ "blank in Host", BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), SYNTAX },
		{ "list of Hosts", BYTES("GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n"), SYNTAX },
		{ "user in Host", BYTES("GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n"), SYNTAX },
		{ "path in Host", BYTES("GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n"), SYNTAX },
		{ "URL in Host", BYTES("GET / HTTP/1.1\r\nHost: http://a.example\r\n\r\n"), SYNTAX },
		{ "letters for the port", BYTES("GET / HTTP/1.1\r\nHost: a.example:http\r\n\r\n"), SYNTAX },
		{ "port too large", BYTES("GET / HTTP/1.1\r\nHost: a.example:65536\r\n\r\n"), SYNTAX },
		{ "port only", BYTES("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), SYNTAX },
		{ "two ports", BYTES("GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n"), SYNTAX },
		{ "bare IPv6", BYTES("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"), SYNTAX },
		{ "IPv6 not closed", BYTES("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), SYNTAX },
		{ "empty brackets", BYTES("GET / HTTP/1.1\r\nHost: []\r\n\r\n"), SYNTAX },
		{ "letters behind the brackets", BYTES("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), SYNTAX },
		{ "UTF-8 in Host", BYTES("GET / HTTP/1.1\r\nHost: \xc3\xa9.example\r\n\r\n"), SYNTAX },
	};

	(void)state;
	check_rows(AS_REQUEST, rows, COUNT(rows));
}

#define TE "Transfer-Encoding: chunked\r\n"

static void test_ambiguous_framing_is_refused(void **state)
{
	static const struct h1_row rows[] = {
		{ "length and chunked", BYTES(P "Content-Length: 5\r\n" TE "\r\n"), FRAMING },
		{ "chunked and length", BYTES(P TE "Content-Length: 5\r\n\r\n"), FRAMING },
		{ "length 0 and chunked", BYTES(P "Content-Length: 0\r\n" TE "\r\n"), FRAMING },
		{ "two lengths", BYTES(P "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), FRAMING },
		{ "two equal lengths", BYTES(P "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), FRAMING },
		{ "list of lengths", BYTES(P "Content-Length: 5, 5\r\n\r\n"), FRAMING },
		{ "positive sign", BYTES(P "Content-Length: +5\r\n\r\n"), FRAMING },
		{ "negative length", BYTES(P "Content-Length: -5\r\n\r\n"), FRAMING },
		{ "hexadecimal length", BYTES(P "Content-Length: 0x5\r\n\r\n"), FRAMING },
		{ "empty length", BYTES(P "Content-Length:\r\n\r\n"), FRAMING },
		{ "blank inside the length", BYTES(P "Content-Length: 1 0\r\n\r\n"), FRAMING },
		{ "letters behind the length", BYTES(P "Content-Length: 5x\r\n\r\n"), FRAMING },
		{ "fraction", BYTES(P "Content-Length: 5.0\r\n\r\n"), FRAMING },
		{ "19 digits", BYTES(P "Content-Length: 1000000000000000000\r\n\r\n"), FRAMING },
		{ "length over 2^64", BYTES(P "Content-Length: 18446744073709551621\r\n\r\n"), FRAMING },
		{ "quoted length", BYTES(P "Content-Length: \"5\"\r\n\r\n"), FRAMING },
		{ "tab behind the length, which llhttp refuses", BYTES(P "Content-Length: 5\t\r\n\r\n"), FRAMING },
		{ "two codings", BYTES(P TE TE "\r\n"), FRAMING },
		{ "coding list", BYTES(P "Transfer-Encoding: gzip, chunked\r\n\r\n"), FRAMING },
		{ "chunked first", BYTES(P "Transfer-Encoding: chunked, gzip\r\n\r\n"), FRAMING },
		{ "chunked twice", BYTES(P "Transfer-Encoding: chunked, chunked\r\n\r\n"), FRAMING },
		{ "identity", BYTES(P "Transfer-Encoding: identity\r\n\r\n"), FRAMING },
		{ "identity and chunked", BYTES(P "Transfer-Encoding: identity\r\n" TE "\r\n"), FRAMING },
		{ "a longer word", BYTES(P "Transfer-Encoding: xchunked\r\n\r\n"), FRAMING },
		{ "a longer word in a list", BYTES(P "Transfer-Encoding: xchunked, chunked\r\n\r\n"), FRAMING },
		{ "empty element first", BYTES(P "Transfer-Encoding: , chunked\r\n\r\n"), FRAMING },
		{ "empty coding", BYTES(P "Transfer-Encoding:\r\n\r\n"), FRAMING },
		{ "quoted coding", BYTES(P "Transfer-Encoding: \"chunked\"\r\n\r\n"), FRAMING },
		{ "parameter", BYTES(P "Transfer-Encoding: chunked;a=b\r\n\r\n"), FRAMING },
		{ "chunked of 1.0", BYTES("POST / HTTP/1.0\r\n" H TE "\r\n"), FRAMING },
		{ "chunked of 1.0 with length", BYTES("POST / HTTP/1.0\r\n" TE "Content-Length: 5\r\n\r\n"), FRAMING },
		{ "CONNECT with a body", BYTES("CONNECT a:1 HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n"), FRAMING },
		{ "CONNECT, chunked", BYTES("CONNECT a:1 HTTP/1.1\r\n" H TE "\r\n"), FRAMING },
	};

	(void)state;
	check_rows(AS_REQUEST, rows, COUNT(rows));
}

static void test_responses_are_taken_or_refused(void **state)
{
	static const struct h1_row rows[] = {
		{ "usual", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), TAKEN },
		{ "1.0", BYTES("HTTP/1.0 200 OK\r\n\r\n"), TAKEN },
		{ "empty reason", BYTES("HTTP/1.1 200 \r\n\r\n"), TAKEN },
		{ "no reason and no space", BYTES("HTTP/1.1 200\r\nX: y\r\n\r\n"), TAKEN },
		{ "reason of several words", BYTES("HTTP/1.1 404 Not really  found\t.\r\n\r\n"), TAKEN },
		{ "reason beyond ASCII", BYTES("HTTP/1.1 200 \xc3\xa9t\xc3\xa9\r\n\r\n"), TAKEN },
		{ "unknown status", BYTES("HTTP/1.1 299 x\r\n\r\n"), TAKEN },
		{ "status over 599", BYTES("HTTP/1.1 999 x\r\n\r\n"), TAKEN },
		{ "interim", BYTES("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), TAKEN },
		{ "switching", BYTES("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81"), TAKEN },
		{ "chunked", BYTES("HTTP/1.1 200 OK\r\n" TE "\r\n"), TAKEN },
		{ "204 with a length", BYTES("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"), TAKEN },
		{ "304 with a length", BYTES("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"), TAKEN },
		{ "a Host field, strange but harmless", BYTES("HTTP/1.1 200 OK\r\nHost: a, b\r\n\r\n"), TAKEN },
		{ "half", BYTES("HTTP/1.1 200 OK\r\n"), INCOMPLETE },
		{ "first letters", BYTES("HTT"), INCOMPLETE },
		{ "bare LF", BYTES("HTTP/1.1 200 OK\n\n"), SYNTAX },
		{ "bare CR behind the status line", BYTES("HTTP/1.1 200 OK\rX: y\r\n\r\n"), SYNTAX },
		{ "CR and another byte as empty line", BYTES("HTTP/1.1 200 OK\r\n\rX\r\n\r\n"), SYNTAX },
		{ "empty line before", BYTES("\r\nHTTP/1.1 200 OK\r\n\r\n"), SYNTAX },
		{ "blank before", BYTES(" HTTP/1.1 200 OK\r\n\r\n"), SYNTAX },
		{ "two digits", BYTES("HTTP/1.1 20\r\n\r\n"), SYNTAX },
		{ "two digits and a reason", BYTES("HTTP/1.1 20 OK\r\n\r\n"), SYNTAX },
		{ "four digits", BYTES("HTTP/1.1 2000 OK\r\n\r\n"), SYNTAX },
		{ "leading zero", BYTES("HTTP/1.1 099 x\r\n\r\n"), SYNTAX },
		{ "letters", BYTES("HTTP/1.1 2xx OK\r\n\r\n"), SYNTAX },
		{ "sign", BYTES("HTTP/1.1 +20 OK\r\n\r\n"), SYNTAX },
		{ "no status", BYTES("HTTP/1.1\r\n\r\n"), SYNTAX },
		{ "space for the status", BYTES("HTTP/1.1 \r\n\r\n"), SYNTAX },
		{ "two spaces", BYTES("HTTP/1.1  200 OK\r\n\r\n"), SYNTAX },
		{ "tab behind the version", BYTES("HTTP/1.1\t200 OK\r\n\r\n"), SYNTAX },
		{ "tab behind the status", BYTES("HTTP/1.1 200\tOK\r\n\r\n"), SYNTAX },
		{ "NUL in the reason", BYTES("HTTP/1.1 200 O\0K\r\n\r\n"), SYNTAX },
		{ "control byte in the reason", BYTES("HTTP/1.1 200 O\x08K\r\n\r\n"), SYNTAX },
		{ "ICY", BYTES("ICY 200 OK\r\n\r\n"), SYNTAX },
		{ "a request", BYTES("GET / HTTP/1.1\r\n" H "\r\n"), SYNTAX },
		{ "no HTTP at all", BYTES("SSH-2.0-OpenSSH_9.2\r\n"), SYNTAX },
		{ "a page without head", BYTES("<html>"), SYNTAX },
		{ "0.9", BYTES("HTTP/0.9 200 OK\r\n\r\n"), VERSION },
		{ "1.2", BYTES("HTTP/1.2 200 OK\r\n\r\n"), VERSION },
		{ "2.0", BYTES("HTTP/2.0 200 OK\r\n\r\n"), VERSION },
		{ "2", BYTES("HTTP/2 200\r\n\r\n"), VERSION },
		{ "TLS alert", BYTES("\x15\x03\x01\x00\x02\x02\x46"), TLS },
		{ "TLS hello", BYTES("\x16\x03\x03\x00\x7a"), TLS },
		{ "folded field", BYTES("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n"), SYNTAX },
		{ "blank before the colon", BYTES("HTTP/1.1 200 OK\r\nX : a\r\n\r\n"), SYNTAX },
		{ "length and chunked", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" TE "\r\n"), FRAMING },
		{ "two lengths", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"), FRAMING },
		{ "gzip, chunked", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), FRAMING },
		{ "gzip", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), FRAMING },
		{ "chunked of 1.0", BYTES("HTTP/1.0 200 OK\r\n" TE "\r\n"), FRAMING },
		{ "length of 204 not a number", BYTES("HTTP/1.1 204 x\r\nContent-Length: x\r\n\r\n"), FRAMING },
	};

	(void)state;
	check_rows(AS_RESPONSE, rows, COUNT(rows));
}

static const char *const framing_names[] = { "none", "length", "chunked", "close" };

/* Words for what the codec found: framing, length, persistence and the marks. */
static void describe(const struct message *m, char out[128])
{
	snprintf(out, 128, "%s %llu%s%s%s%s", framing_names[m->framing], (unsigned long long)m->content_length,
		 m->persistent ? " persistent" : "", m->websocket ? " websocket" : "",
		 m->expect_continue ? " expect" : "", m->te_trailers ? " trailers" : "");
}

struct meaning_row {
	const char *head, *want;
};

static void check_meaning(int as, const struct meaning_row *rows, size_t n)
{
	struct reading r;
	char got[128];

	for (size_t i = 0; i < n; i++) {
		read_head(&r, as, rows[i].head);
		describe(&r.m, got);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("\"%s\" means \"%s\", expected \"%s\"", rows[i].head, got, rows[i].want);
	}
}

#define G "GET / HTTP/1.1\r\n" H
#define OLD "GET / HTTP/1.0\r\n"
#define WS "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n"

static void test_requests_mean_what_they_say(void **state)
{
	static const struct meaning_row rows[] = {
		{ G "\r\n", "none 0 persistent" },
		{ OLD "\r\n", "none 0" },
		{ G "Content-Length: 5\r\n\r\n", "length 5 persistent" },
		{ G "Content-Length: 0\r\n\r\n", "length 0 persistent" },
		{ G "Content-Length: 0012\r\n\r\n", "length 12 persistent" },
		{ G TE "\r\n", "chunked 0 persistent" },
		{ "QUERY / HTTP/1.1\r\n" H TE "\r\n", "chunked 0 persistent" },
		{ "CONNECT a:443 HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "none 0" },
		{ G "Connection: close\r\n\r\n", "none 0" },
		{ G "Connection: CLOSE\r\n\r\n", "none 0" },
		{ G "Connection: close\t\r\n\r\n", "none 0" },
		{ G "Connection: x,close ,y\r\n\r\n", "none 0" },
		{ G "Connection: x\r\nConnection: close\r\n\r\n", "none 0" },
		{ G "Connection: close, keep-alive\r\n\r\n", "none 0" },
		{ G "Connection: closed\r\n\r\n", "none 0 persistent" },
		{ G "Connection: keep-alive\r\n\r\n", "none 0 persistent" },
		{ G "Connection:\r\n\r\n", "none 0 persistent" },
		{ OLD "Connection: keep-alive\r\n\r\n", "none 0 persistent" },
		{ OLD "Connection: Keep-Alive\r\n\r\n", "none 0 persistent" },
		{ OLD "Connection: close, keep-alive\r\n\r\n", "none 0" },
		{ G "Proxy-Connection: close\r\n\r\n", "none 0" },
		{ G "Proxy-Connection: keep-alive\r\n\r\n", "none 0 persistent" },
		{ OLD "Proxy-Connection: keep-alive\r\n\r\n", "none 0 persistent" },
		{ OLD "Proxy-Connection: keep-alive\r\nConnection: x\r\n\r\n", "none 0" },
		{ G WS "Connection: Upgrade\r\n\r\n", "none 0 persistent websocket" },
		{ G WS "Connection: keep-alive, upgrade\r\n\r\n", "none 0 persistent websocket" },
		{ G "Upgrade: h2c, WebSocket\r\nSec-WebSocket-Key: x\r\nConnection: upgrade\r\n\r\n",
		  "none 0 persistent websocket" },
		{ G WS "\r\n", "none 0 persistent" },
		{ G WS "Connection: keep-alive\r\n\r\n", "none 0 persistent" },
		{ G "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", "none 0 persistent" },
		{ G "Upgrade: h2c\r\nSec-WebSocket-Key: x\r\nConnection: upgrade\r\n\r\n", "none 0 persistent" },
		{ G WS "Connection: upgrade\r\nContent-Length: 5\r\n\r\n", "length 5 persistent" },
		{ P WS "Connection: upgrade\r\n\r\n", "none 0 persistent" },
		{ OLD WS "Connection: upgrade, keep-alive\r\n\r\n", "none 0 persistent" },
		{ P "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", "length 1 persistent expect" },
		{ P "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", "length 1 persistent expect" },
		{ P "Expect: something\r\nContent-Length: 1\r\n\r\n", "length 1 persistent" },
		{ "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "length 1" },
		{ G "TE: trailers\r\nConnection: TE\r\n\r\n", "none 0 persistent trailers" },
		{ G "TE: gzip, trailers\r\n\r\n", "none 0 persistent trailers" },
		{ G "TE: gzip\r\n\r\n", "none 0 persistent" },
	};

	(void)state;
	check_meaning(AS_REQUEST, rows, COUNT(rows));
}

static void test_responses_mean_what_they_say(void **state)
{
	static const struct meaning_row rows[] = {
		{ "HTTP/1.1 200 OK\r\n\r\n", "close 0" },
		{ "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", "close 0" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "length 5 persistent" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "length 0 persistent" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", "length 5" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\t\r\n\r\n", "length 5" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nProxy-Connection: close\r\n\r\n", "length 5" },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", "length 5" },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", "length 5 persistent" },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nProxy-Connection: keep-alive\r\n\r\n", "length 5" },
		{ "HTTP/1.1 200 OK\r\n" TE "\r\n", "chunked 0 persistent" },
		{ "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 204 x\r\n" TE "\r\n", "none 0 persistent" },
		{ "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 304 x\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 304 x\r\nConnection: close\r\n\r\n", "none 0" },
		{ "HTTP/1.1 100 Continue\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 103 x\r\nContent-Length: 5\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 103 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "none 0 persistent websocket" },
		{ "HTTP/1.1 101 x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n", "none 0 persistent websocket" },
		{ "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n", "none 0 persistent" },
		{ "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\n",
		  "length 1 persistent" },
		{ "HTTP/1.1 206 x\r\nContent-Length: 5\r\n\r\n", "length 5 persistent" },
	};

	(void)state;
	check_meaning(AS_RESPONSE, rows, COUNT(rows));
}

static enum framing framing_for(enum method request, const char *head)
{
	struct reading r;

	reading_begin(&r, AS_RESPONSE);
	assert_int_equal(h1_read_response(span_str(head), &r.scanned, &row_limits, NULL, request, &r.m, &r.len, &r.error), H1_OK);
	return r.m.framing;
}

static void test_response_framing_depends_on_the_request(void **state)
{
	const char *sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", *chunked = "HTTP/1.1 200 OK\r\n" TE "\r\n";
	const char *bare = "HTTP/1.1 200 OK\r\n\r\n", *failed = "HTTP/1.1 502 x\r\nContent-Length: 5\r\n\r\n";

	(void)state;
	assert_int_equal(framing_for(METHOD_HEAD, sized), FRAMING_NONE);
	assert_int_equal(framing_for(METHOD_HEAD, chunked), FRAMING_NONE);
	assert_int_equal(framing_for(METHOD_HEAD, bare), FRAMING_NONE);
	assert_int_equal(framing_for(METHOD_CONNECT, sized), FRAMING_NONE);
	assert_int_equal(framing_for(METHOD_CONNECT, chunked), FRAMING_NONE);
	assert_int_equal(framing_for(METHOD_CONNECT, bare), FRAMING_NONE);
	assert_int_equal(framing_for(METHOD_CONNECT, failed), FRAMING_LENGTH);
	assert_int_equal(framing_for(METHOD_POST, sized), FRAMING_LENGTH);
}

static void test_head_answer_without_length_can_be_persistent(void **state)
{
	struct reading r;

	(void)state;
	reading_begin(&r, AS_RESPONSE);
	assert_int_equal(h1_read_response(SPAN("HTTP/1.1 200 OK\r\n\r\n"), &r.scanned, &row_limits, NULL, METHOD_HEAD, &r.m, &r.len,
			 &r.error), H1_OK);
	assert_true(r.m.persistent);
}

static void assert_span(struct span got, const char *want)
{
	if (!span_eq(got, span_str(want)))
		fail_msg("got \"%.*s\", expected \"%s\"", SPAN_ARG(got), want);
}

static void test_start_line_and_fields_are_taken_apart(void **state)
{
	const char *text = "\r\nPROPFIND http://a.example/x HTTP/1.1\r\nHost:a.example\r\nEmpty: \r\nx-Any:\t v  w \r\n\r\nrest";
	struct reading r;

	(void)state;
	read_head(&r, AS_REQUEST, text);
	assert_span(r.m.method, "PROPFIND");
	assert_int_equal(r.m.method_id, METHOD_OTHER);
	assert_span(r.m.target, "http://a.example/x");
	assert_int_equal(r.m.minor, 1);
	assert_int_equal(r.m.field_count, 3);
	assert_span(r.m.fields[0].name, "Host");
	assert_span(r.m.fields[0].value, "a.example");
	assert_int_equal(r.m.fields[0].id, HEADER_HOST);
	assert_span(r.m.fields[1].name, "Empty");
	assert_span(r.m.fields[1].value, "");
	assert_span(r.m.fields[2].name, "x-Any");
	assert_span(r.m.fields[2].value, "v  w");
	assert_int_equal(r.m.fields[2].id, HEADER_OTHER);
	assert_span(span_from(span_str(text), r.len), "rest");

	read_head(&r, AS_RESPONSE, "HTTP/1.0 404 Not Found\r\n\r\n");
	assert_int_equal(r.m.status, 404);
	assert_int_equal(r.m.minor, 0);
	assert_span(r.m.reason, "Not Found");
}

static void test_method_is_known_by_name(void **state)
{
	struct reading r;

	(void)state;
	read_head(&r, AS_REQUEST, "QUERY / HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(r.m.method_id, METHOD_QUERY);
	assert_span(r.m.method, "QUERY");
	read_head(&r, AS_REQUEST, "DELETE / HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(r.m.method_id, METHOD_DELETE);
}

/* The names of the fields that are not passed on, each followed by a blank. */
static void dropped_names(const struct message *m, char out[256])
{
	size_t n = 0;

	out[0] = 0;
	for (unsigned i = 0; i < m->field_count; i++)
		if (m->fields[i].dropped)
			n += (size_t)snprintf(out + n, 256 - n, "%.*s ", SPAN_ARG(m->fields[i].name));
}

static void test_hop_by_hop_and_named_fields_are_dropped(void **state)
{
	static const struct meaning_row rows[] = {
		{ G "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nAccept: x\r\n\r\n", "Connection Keep-Alive " },
		{ G "Proxy-Connection: keep-alive\r\nProxy-Authorization: x\r\n\r\n", "Proxy-Connection Proxy-Authorization " },
		{ G "TE: trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n", "TE Upgrade HTTP2-Settings " },
		{ G "Connection: x-a, X-B\r\nX-A: 1\r\nx-b: 2\r\nX-C: 3\r\nX-A: 4\r\n\r\n", "Connection X-A x-b X-A " },
		{ G "X-A: 1\r\nConnection: x-a\r\n\r\n", "X-A Connection " },
		{ G "Connection: accept\r\nAccept: x\r\n\r\n", "Connection Accept " },
		{ G "Connection: \"x-a\"\r\nX-A: 1\r\n\r\n", "Connection " },
		{ G "Connection: host, cookie, cache-control, content-length, etag\r\nCookie: x\r\nCache-Control: x\r\n"
		  "Content-Length: 0\r\nETag: x\r\n\r\n", "Connection " },
		{ G "Connection: close, upgrade, keep-alive, te\r\nClose: x\r\n\r\n", "Connection " },
		{ G WS "Connection: upgrade\r\n\r\n", "Upgrade Connection " },
		{ G "Proxy-Connection: x-a\r\nX-A: 1\r\nConnection: x-b\r\nX-B: 1\r\n\r\n", "Proxy-Connection Connection X-B " },
	};
	struct reading r;
	char got[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		read_head(&r, AS_REQUEST, rows[i].head);
		dropped_names(&r.m, got);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("\"%s\" drops \"%s\", expected \"%s\"", rows[i].head, got, rows[i].want);
	}
}

/* "GET /aaa… HTTP/1.1", fields x1: … xn:, padded with one of `pad` bytes. */
static enum verdict sized_request(size_t target, unsigned fields, size_t pad, bool whole)
{
	static char text[32 * 1024];
	struct reading r;
	size_t n = (size_t)snprintf(text, sizeof(text), "GET /");

	memset(text + n, 'a', target - 1);
	n += target - 1;
	n += (size_t)snprintf(text + n, sizeof(text) - n, " HTTP/1.1\r\n" H);
	for (unsigned i = 1; i < fields; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "x%u: y\r\n", i);
	if (pad) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "pad: ");
		memset(text + n, 'p', pad);
		n += pad;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	if (whole)
		return reading_all(&r, AS_REQUEST, "sized", span_of(text, n), 11);
	reading_begin(&r, AS_REQUEST);
	return reading_feed(&r, AS_REQUEST, span_of(text, n - 4));
}

static void test_limits_are_exact(void **state)
{
	(void)state;
	assert_int_equal(sized_request(1024, 1, 0, true), TAKEN);
	assert_int_equal(sized_request(1025, 1, 0, true), TARGET_TOO_LONG);
	assert_int_equal(sized_request(10, 40, 0, true), TAKEN);
	assert_int_equal(sized_request(10, 41, 0, true), TOO_LARGE);
	/* "GET " 10 " HTTP/1.1\r\n" Host, "pad: " pad CRLF CRLF */
	size_t rest = 4 + 10 + 11 + sizeof(H) - 1 + 5 + 4;
	assert_int_equal(sized_request(10, 1, 4096 - rest, true), TAKEN);
	assert_int_equal(sized_request(10, 1, 4096 - rest + 1, true), TOO_LARGE);
}

static void test_too_long_is_told_before_the_head_is_complete(void **state)
{
	static char text[8192];
	struct reading r;

	(void)state;
	memset(text, 'a', sizeof(text));
	reading_begin(&r, AS_REQUEST);
	assert_int_equal(reading_feed(&r, AS_REQUEST, span_of(text, 65)), SYNTAX);
	memcpy(text, "GET /", 5);
	reading_begin(&r, AS_REQUEST);
	assert_int_equal(reading_feed(&r, AS_REQUEST, span_of(text, 900)), INCOMPLETE);
	assert_int_equal(reading_feed(&r, AS_REQUEST, span_of(text, 1100)), TARGET_TOO_LONG);
	memcpy(text, "HTTP/1.1 200 a", 14);
	reading_begin(&r, AS_RESPONSE);
	assert_int_equal(reading_feed(&r, AS_RESPONSE, span_of(text, 4096)), INCOMPLETE);
	assert_int_equal(reading_feed(&r, AS_RESPONSE, span_of(text, 4097)), TOO_LARGE);
	assert_int_equal(sized_request(10, 1, 6000, false), TOO_LARGE);
}

static void test_message_with_less_room_than_the_limit_is_no_overflow(void **state)
{
	struct reading r;

	(void)state;
	reading_begin(&r, AS_REQUEST);
	r.m.field_max = 2;
	assert_int_equal(reading_feed(&r, AS_REQUEST, SPAN(G "A: 1\r\nB: 2\r\n\r\n")), TOO_LARGE);
}

static void test_connection_that_names_a_hundred_fields_is_refused(void **state)
{
	static char text[4096];
	struct reading r;
	int n = snprintf(text, sizeof(text), G "Connection: ");

	(void)state;
	for (int i = 0; i < 101; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "x%d,", i);
	snprintf(text + n, sizeof(text) - (size_t)n, "\r\n\r\n");
	assert_int_equal(reading_all(&r, AS_REQUEST, "names", span_str(text), 5), SYNTAX);
}

static void test_next_head_is_read_with_the_same_offset_variable(void **state)
{
	static const char text[] = G "A: 1\r\n\r\n" P "B: 2\r\n\r\n";
	struct span in = span_of(text, sizeof(text) - 1);
	struct reading r;

	(void)state;
	reading_begin(&r, AS_REQUEST);
	assert_int_equal(reading_feed(&r, AS_REQUEST, span_first(in, 20)), INCOMPLETE);
	assert_int_equal(reading_feed(&r, AS_REQUEST, in), TAKEN);
	size_t first = r.len;
	message_init(&r.m, r.fields, ROW_FIELDS);
	assert_int_equal(reading_feed(&r, AS_REQUEST, span_from(in, first)), TAKEN);
	assert_int_equal(first + r.len, in.n);
	assert_int_equal(r.m.method_id, METHOD_POST);
}

static void test_linked_llhttp_is_the_strict_machine(void **state)
{
	(void)state;
	assert_true(h1_self_test());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_that_everybody_reads_alike_are_taken),
		cmocka_unit_test(test_request_lines_that_are_read_differently_are_refused),
		cmocka_unit_test(test_fields_that_are_read_differently_are_refused),
		cmocka_unit_test(test_ambiguous_framing_is_refused),
		cmocka_unit_test(test_responses_are_taken_or_refused),
		cmocka_unit_test(test_requests_mean_what_they_say),
		cmocka_unit_test(test_responses_mean_what_they_say),
		cmocka_unit_test(test_response_framing_depends_on_the_request),
		cmocka_unit_test(test_head_answer_without_length_can_be_persistent),
		cmocka_unit_test(test_start_line_and_fields_are_taken_apart),
		cmocka_unit_test(test_method_is_known_by_name),
		cmocka_unit_test(test_hop_by_hop_and_named_fields_are_dropped),
		cmocka_unit_test(test_limits_are_exact),
		cmocka_unit_test(test_too_long_is_told_before_the_head_is_complete),
		cmocka_unit_test(test_message_with_less_room_than_the_limit_is_no_overflow),
		cmocka_unit_test(test_connection_that_names_a_hundred_fields_is_refused),
		cmocka_unit_test(test_next_head_is_read_with_the_same_offset_variable),
		cmocka_unit_test(test_linked_llhttp_is_the_strict_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
