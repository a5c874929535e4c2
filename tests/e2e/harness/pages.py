"""What real browsers are shown."""
import itertools

from .http1 import response


def changing_page():
    """A page and a script that say they may be kept for an hour, and differ at each request."""
    count = itertools.count(1)

    def answer(request):
        if request.target == "/":
            body, kind = b"<html><body>visit<script src=/app.js></script></body></html>", "text/html"
        elif request.target == "/app.js":
            body, kind = b"document.body.append(' number %d');" % next(count), "text/javascript"
        else:
            return response(b"", status="404 Not Found")
        return response(body, "Cache-Control: public, max-age=3600", f"Content-Type: {kind}",
                        "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT", 'ETag: "same"')
    return answer
