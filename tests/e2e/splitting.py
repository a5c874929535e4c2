"""The messages that test_splitting sends in two pieces, cut at every byte.

Each row is (name, bytes) with {url} and {host} to be filled in for requests.
"""
from harness import chunked

HOST = "Host: {host}\r\n"

REQUESTS = {
    "get": "GET {url} HTTP/1.1\r\n" + HOST + "\r\n",
    "get-with-fields": "GET {url}?a=b HTTP/1.1\r\n" + HOST
    + "Accept: */*\r\nCache-Control: max-age=0\r\nIf-None-Match: \"v\"\r\n\r\n",
    "leading-empty-line": "\r\nGET {url} HTTP/1.1\r\n" + HOST + "\r\n",
    "head": "HEAD {url} HTTP/1.1\r\n" + HOST + "\r\n",
    "http-1.0-keep-alive": "GET {url} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "post-length": "POST {url} HTTP/1.1\r\n" + HOST + "Content-Length: 11\r\n\r\nhello world",
    "post-empty": "POST {url} HTTP/1.1\r\n" + HOST + "Content-Length: 0\r\n\r\n",
    "post-chunked": "POST {url} HTTP/1.1\r\n" + HOST
    + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00B;e=1\r\n chunked wo\r\n3\r\nrld\r\n0\r\n\r\n",
    "put-chunked-trailers": "PUT {url} HTTP/1.1\r\n" + HOST
    + "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n1\r\nx\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
    "unknown-method": "QUERY {url} HTTP/1.1\r\n" + HOST + "Content-Length: 4\r\n\r\n{{}}{{}}",
    "connection-fields": "GET {url} HTTP/1.1\r\n" + HOST
    + "Connection: X-Drop , keep-alive\r\nX-Drop: 1\r\nX-Keep:  2 \r\n\r\n",
    "stripped-upgrade": "GET {url} HTTP/1.1\r\n" + HOST + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "pipelined-pair": "POST {url} HTTP/1.1\r\n" + HOST + "Content-Length: 3\r\n\r\nabcGET {url}/2 HTTP/1.1\r\n"
    + HOST + "\r\n",
}

# Each of these is refused; the connection ends.
BAD_REQUESTS = {
    "bare-lf": "GET {url} HTTP/1.1\nHost: {host}\r\n\r\n",
    "obs-fold": "GET {url} HTTP/1.1\r\n" + HOST + "X-A: 1\r\n  2\r\n\r\n",
    "two-lengths": "POST {url} HTTP/1.1\r\n" + HOST + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "length-and-chunked": "POST {url} HTTP/1.1\r\n" + HOST
    + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "blank-before-colon": "GET {url} HTTP/1.1\r\n" + HOST + "X-A : 1\r\n\r\n",
    "http-3.7": "GET {url} HTTP/3.7\r\n" + HOST + "\r\n",
}

OK = "HTTP/1.1 200 OK\r\n"

RESPONSES = {
    "length": OK + "Content-Length: 11\r\n\r\nhello world",
    "length-zero": OK + "Content-Length: 0\r\n\r\n",
    "policy-fields": OK + "Cache-Control: max-age=60\r\nETag: \"v\"\r\nExpires: 1\r\nAge: 4\r\n"
    "Content-Length: 2\r\n\r\nok",
    "chunked": OK + "Transfer-Encoding: chunked\r\n\r\n" + chunked(b"hello", b" ", b"world").decode(),
    "chunked-extensions": OK + "Transfer-Encoding: chunked\r\n\r\n0005;a=b\r\nhello\r\n00;z\r\n\r\n",
    "chunked-trailers": OK + "Transfer-Encoding: chunked\r\n\r\n"
    + chunked(b"x", trailers=["X-A: 1", "Expires: 9", "X-B: 2"]).decode(),
    "chunked-empty": OK + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no-content": "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "not-modified": "HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\nContent-Length: 7\r\n\r\n",
    "interim-then-final": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK
    + "Content-Length: 2\r\n\r\nok",
    "no-reason": "HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno",
    "origin-says-close": OK + "Connection: close\r\nContent-Length: 3\r\n\r\nbye",
    "http-1.0": "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold",
    "many-cookies": OK + "Set-Cookie: a=1\r\nset-cookie: b=2\r\nSET-COOKIE: c=3\r\nContent-Length: 1\r\n\r\n.",
}

# These end with the connection: the origin closes behind them.
CLOSING_RESPONSES = {
    "until-close": OK + "X-A: 1\r\n\r\nall until the end",
    "http-1.0-until-close": "HTTP/1.0 200 OK\r\n\r\nold until the end",
}

# Each of these is malformed: the client gets a 502 instead.
BAD_RESPONSES = {
    "bare-lf": "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "not-http": "SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "two-lengths": OK + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "obs-fold": OK + "X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
}
