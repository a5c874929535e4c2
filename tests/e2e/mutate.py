"""Messages from a grammar, with mistakes: for the fuzzer of live exchanges.

A message is a list of tokens, each with its kind, so that a mutation knows what it changes: it repeats a field,
lies about a length, swaps two lines, where random bytes would nearly always stop at the first check.  The authority
is only ever replaced by others on this machine: nothing leaves it.
"""

METHODS = [b"GET", b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"QUERY", b"PURGE"]
NASTY = [
    b"", b" ", b"\t", b"\r", b"\n", b"\r\n", b"\0", b"\x0b", b"\x7f", b"\xff", b":", b",", b";", b'"', b"\\",
    b"0", b"-1", b"+1", b"0x1", b"1e1", b"9" * 19, b"F" * 17, b"chunked", b"\r\n\r\n", b"\r\n ", b"%00",
    b"#", b"/../"]
FRAMING_FIELDS = [
    b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: +5", b"Content-Length: 5, 5",
    b"Content-Length:", b"Content-Length : 5", b"content-length: 5 ", b"Content-Length: 0005",
    b"Content-Length: 18446744073709551617", b"Transfer-Encoding: chunked", b"Transfer-Encoding:\tchunked",
    b"Transfer-Encoding: Chunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding:",
    b"X: y\rTransfer-Encoding: chunked", b"Transfer-Encoding:\r\n chunked"]
ORDINARY_FIELDS = [
    b"Connection: close", b"Connection: keep-alive", b"Upgrade: h2c", b"Expect: 100-continue", b"TE: trailers",
    b"Trailer: X-T", b"Range: bytes=0-1", b"If-Match: \"a\"", b"If-None-Match: *", b"Cache-Control: max-age=1",
    b"Max-Forwards: 0", b"Proxy-Connection: close", b"Via: 1.1 other", b"Accept-Encoding: dcb",
    b"X-Long: " + b"l" * 3000]
REQUEST_FIELDS = FRAMING_FIELDS + ORDINARY_FIELDS + [
    b"Host: elsewhere.invalid", b"Host:", b"Connection: Host, Content-Length",
    b"Connection: Transfer-Encoding", b"Connection: upgrade", b"Upgrade: websocket", b"Expect: nonsense",
    b"Sec-Purpose: prefetch", b": empty", b"no colon",
    b" folded", b"\tfolded", b"X Y: z", b"X-\xff: 1", b"X-High: \xff\xfe",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"]
RESPONSE_FIELDS = FRAMING_FIELDS + [
    b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length, Transfer-Encoding",
    b"Age: 7", b"ETag: \"e\"", b"Cache-Control: max-age=9", b"Set-Cookie: a=b", b"Vary: *",
    b"Upgrade: websocket", b"Location: /x", b"Trailer: ETag", b"X-Long: " + b"l" * 3000, b": empty",
    b"no colon", b" folded", b"X-High: \xff", b"Date: nonsense", b"Warning: 110 - x"]
STATUSES = [b"200 OK"] * 12 + [
    b"404 Not Found", b"204 No Content", b"304 Not Modified", b"206 Partial Content", b"301 Moved",
    b"500 Oops", b"200", b"200 ", b"100 Continue", b"101 Switching", b"103 Early", b"999 Odd", b"99 No",
    b"1000 No", b"2O0 OK"]
VERSIONS = [
    b"HTTP/1.0", b"HTTP/1.1", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.1 ", b"HTTP/01.1",
    b"ICY"]
PREFIXES = [b"", b"http:", b"http:/", b"HTTP://", b"https://", b"ftp://", b"http://user:pw@", b"//"]
AUTHORITIES = [
    b"", b"unknown.invalid", b"127.0.0.1:1", b"[::1]:1", b"127.0.0.1:99999", b"127.0.0.1:", b"[::1", b"a b",
    b"0:0"]
CHUNK_SIZES = [
    b"0", b"00000", b"1", b"-1", b"+5", b"5 ", b" 5", b"0x5", b"5;a=b", b"5;", b'5;"\n"',
    b"fffffffffffffffff", b"G", b"", b"7fffffffffffffff", b"5\n", b"5\r"]

REPLACEMENTS = {
    "method": METHODS + [b"get", b"G(T", b""], "gap": [b"  ", b"\t", b"", b"\x0b"], "prefix": PREFIXES,
    "authority": AUTHORITIES, "path": [b"", b"*", b"?q", b"/#f", b"/a b", b"/\xff"], "version": VERSIONS,
    "eol": [b"\n", b"\r", b"", b"\r\r\n", b"\r\n\r\n", b"\n\r"], "status": STATUSES, "size": CHUNK_SIZES,
    "data": NASTY}


class Mutator:
    """Draws messages and their mutations from one stream of numbers."""

    def __init__(self, rnd):
        self.rnd = rnd

    # -- the grammar: lists of [kind, bytes]

    def request(self, authority, token):
        rnd = self.rnd
        method = rnd.choice(METHODS)
        body = self.body(token) if method in (b"POST", b"PUT", b"QUERY") or rnd.random() < 0.1 else None
        tokens = [["method", method], ["gap", b" "], ["prefix", b"http://"], ["authority", authority],
                  ["path", b"/f/" + token], ["gap", b" "],
                  ["version", b"HTTP/1.0" if rnd.random() < 0.1 else b"HTTP/1.1"], ["eol", b"\r\n"]]
        fields = [b"Host: " + authority, b"X-Id: " + token, b"Accept: */*"]
        fields += [rnd.choice(ORDINARY_FIELDS) for _ in range(rnd.randint(0, 2))]
        chunked = tokens[6][1] != b"HTTP/1.0" and rnd.random() < 0.5
        return self.with_body(tokens, fields, body, token, chunked)

    def response(self, method, token):
        rnd = self.rnd
        tokens = [["version", b"HTTP/1.1"], ["gap", b" "], ["status", b"200 OK"], ["eol", b"\r\n"]]
        fields = [b"X-Id: " + token, b"Cache-Control: max-age=60", b"Server: fuzz"]
        if method == "HEAD":
            return self.with_body(tokens, fields + [b"Content-Length: 7"], None, token, chunked=False)
        if rnd.random() < 0.1:  # its end is the connection's
            tokens = self.with_body(tokens, fields + [b"Connection: close"], None, token, False)
            return tokens + [["data", self.body(token)]]
        return self.with_body(tokens, fields, self.body(token), token, chunked=rnd.random() < 0.5)

    def body(self, token):
        return token * self.rnd.choice([0, 1, 1, 2, 5, 50])

    def with_body(self, tokens, fields, body, token, chunked):
        if body is not None:
            fields.append(b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body))
        self.rnd.shuffle(fields)
        for field in fields:
            tokens += [["field", field], ["eol", b"\r\n"]]
        tokens.append(["eol", b"\r\n"])
        if body is None:
            return tokens
        if not chunked:
            return tokens + [["data", body]]
        while body:
            cut = self.rnd.randint(1, len(body))
            tokens += [["size", b"%x" % cut], ["eol", b"\r\n"], ["data", body[:cut]], ["eol", b"\r\n"]]
            body = body[cut:]
        tokens += [["size", b"0"], ["eol", b"\r\n"]]
        if self.rnd.random() < 0.2:
            tokens += [["field", b"X-T: " + token], ["eol", b"\r\n"]]
        return tokens + [["eol", b"\r\n"]]

    # -- mistakes

    def mutate(self, tokens, is_request):
        """A few mistakes, or none."""
        for _ in range(self.rnd.choice([0, 0, 0, 0, 0, 1, 1, 1, 2, 4])):
            mistake = self.rnd.choice([self.replace, self.replace, self.add_field, self.add_field, self.nasty,
                                       self.flip, self.drop, self.repeat, self.swap, self.cut])
            mistake(tokens, is_request)
        return b"".join(data for _, data in tokens)

    def replace(self, tokens, is_request):
        """One token by another that could stand there."""
        token = self.rnd.choice(tokens)
        kinds = REPLACEMENTS | {"field": REQUEST_FIELDS if is_request else RESPONSE_FIELDS}
        token[1] = self.rnd.choice(kinds[token[0]])

    def add_field(self, tokens, is_request):
        ends = [number for number, token in enumerate(tokens) if token[0] == "eol"]
        if ends:
            at = self.rnd.choice(ends) + 1
            fields = REQUEST_FIELDS if is_request else RESPONSE_FIELDS
            tokens[at:at] = [["field", self.rnd.choice(fields)], ["eol", b"\r\n"]]

    def nasty(self, tokens, _):
        """Something awkward inside a token."""
        token = self.rnd.choice(tokens)
        if token[0] != "authority":
            at = self.rnd.randint(0, len(token[1]))
            token[1] = token[1][:at] + self.rnd.choice(NASTY) + token[1][at:]

    def flip(self, tokens, _):
        token = self.rnd.choice(tokens)
        if token[1] and token[0] != "authority":
            data = bytearray(token[1])
            data[self.rnd.randrange(len(data))] ^= 1 << self.rnd.randrange(8)
            token[1] = bytes(data)

    def drop(self, tokens, _):
        if len(tokens) > 1:
            del tokens[self.rnd.randrange(len(tokens))]

    def repeat(self, tokens, _):
        """Lines, chunks or a whole part of the message again."""
        at = self.rnd.randrange(len(tokens))
        part = [list(token) for token in tokens[at:at + self.rnd.choice([1, 2, 2, 4, 8])]]
        tokens[at:at] = part

    def swap(self, tokens, _):
        one, other = (self.rnd.randrange(len(tokens)) for _ in range(2))
        tokens[one], tokens[other] = tokens[other], tokens[one]

    def cut(self, tokens, _):
        """The rest does not come."""
        if self.rnd.random() < 0.3:
            del tokens[self.rnd.randint(1, len(tokens)):]

    def pieces(self, data, most=4):
        """The same bytes in a few pieces."""
        cuts = sorted(self.rnd.randint(0, len(data)) for _ in range(self.rnd.choice([0, 0, 1, 1, 2, most - 1])))
        return [part for part in (data[a:b] for a, b in zip([0] + cuts, cuts + [len(data)])) if part]
