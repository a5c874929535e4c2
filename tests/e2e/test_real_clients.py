"""Programs that people really use: curl, wget, nginx as the origin, Chromium."""
import os
import subprocess

import pytest

from harness import Freshet, Origin, response
from harness.nginx import Nginx
from harness.pages import changing_page

TRIPLE = "no-cache, no-store, must-revalidate"
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def run(proxy, *command, timeout_s=20):
    address = f"http://127.0.0.1:{proxy.port}"
    env = {"PATH": os.environ["PATH"], "http_proxy": address, "https_proxy": address,
           "HOME": str(proxy.directory)}
    return subprocess.run(command, env=env, capture_output=True, timeout=timeout_s, check=True,
                          cwd=proxy.directory)


def test_curl_fetches_through_the_proxy(proxy, origin):
    done = run(proxy, "curl", "-sS", "-i", origin.url("/c"))
    assert b"hello" in done.stdout
    assert TRIPLE.encode() in done.stdout
    assert origin.last.one("Cache-Control") == TRIPLE


def test_curl_reuses_its_connection_for_many_urls(proxy, origin):
    done = run(proxy, "curl", "-sS", "-w", "%{num_connects} ", "-o", "/dev/null", origin.url("/1"), "-o",
               "/dev/null", origin.url("/2"))
    assert done.stdout.split() == [b"1", b"0"]


def test_curl_uploads_a_file(proxy, origin):
    origin.answer = lambda request: response(b"%d" % len(request.body))
    path = proxy.directory / "upload"
    path.write_bytes(b"u" * 2_000_000)
    done = run(proxy, "curl", "-sS", "-T", str(path), origin.url("/up"))
    assert done.stdout == b"2000000"


def test_curl_posts_with_expect_continue(proxy, origin):
    origin.answer = lambda request: response(request.body[:3])
    path = proxy.directory / "post"
    path.write_bytes(b"abc" * 500_000)
    done = run(proxy, "curl", "-sS", "-H", "Expect: 100-continue", "--data-binary", f"@{path}",
               origin.url("/post"))
    assert done.stdout == b"abc"


def test_curl_tunnels_with_proxytunnel(proxy, origin):
    done = run(proxy, "curl", "-sS", "-p", origin.url("/tunnelled"))
    assert done.stdout == b"hello"
    assert not origin.last.has("Via")


def test_curl_speaks_http_1_0(proxy, origin):
    origin.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n\r\n"
    assert run(proxy, "curl", "-sS", "-0", origin.url()).stdout == b"old"


def test_curl_with_a_date_condition_takes_the_answer_of_a_stuck_origin(proxy, origin):
    origin.answer = lambda request: response(b"new text", f"Last-Modified: {DATE}",
                                             "Date: Sun, 22 Nov 2026 12:00:00 GMT")
    done = run(proxy, "curl", "-sS", "-z", "Sat, 01 Aug 2026 00:00:00 GMT", origin.url("/stuck"))
    assert done.stdout == b"new text"


def test_curl_sees_a_truncated_body_as_an_error(proxy):
    with Origin(script=lambda conn: (conn.read_request(),
                                     conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"))) as origin:
        with pytest.raises(subprocess.CalledProcessError) as failed:
            run(proxy, "curl", "-sS", origin.url())
    assert failed.value.returncode in (18, 56)


def test_wget_mirrors_changes_through_timestamping(proxy, origin):
    """wget -N compares Last-Modified itself: the second text must still arrive."""
    texts = iter([b"first text", b"other text"])

    def answer(_):
        return response(next(texts), f"Last-Modified: {DATE}", "Date: Sun, 22 Nov 2026 12:00:00 GMT")
    origin.answer = answer
    for expected in (b"first text", b"other text"):
        run(proxy, "wget", "-q", "-N", "-P", str(proxy.directory), origin.url("/file.txt"))
        assert (proxy.directory / "file.txt").read_bytes() == expected


@pytest.fixture(scope="module")
def nginx():
    with Nginx() as running:
        yield running


def test_nginx_files_arrive_intact(proxy, nginx):
    content = os.urandom(3_000_000)
    nginx.write("big.bin", content)
    assert run(proxy, "curl", "-sS", nginx.url("/big.bin")).stdout == content


def test_nginx_never_answers_not_modified_to_a_busted_request(proxy, nginx):
    nginx.write("page.html", b"<p>page</p>")
    for _ in range(2):
        done = run(proxy, "curl", "-sS", "-w", "%{http_code}", "--etag-save", "tag", "--etag-compare", "tag",
                   nginx.url("/page.html"))
        assert done.stdout == b"<p>page</p>200"


def test_nginx_serves_resumed_downloads(proxy, nginx):
    nginx.write("resume.bin", bytes(range(256)) * 100)
    path = proxy.directory / "resume.bin"
    path.write_bytes((bytes(range(256)) * 100)[:10000])
    run(proxy, "curl", "-sS", "-C", "-", "-o", str(path), nginx.url("/resume.bin"))
    assert path.read_bytes() == bytes(range(256)) * 100


def test_nginx_compressed_and_chunked_answers_arrive(proxy, nginx):
    nginx.write("text.html", b"<p>" + b"words " * 10000)
    done = run(proxy, "curl", "-sS", "--compressed", nginx.url("/text.html"))
    assert done.stdout == b"<p>" + b"words " * 10000


def test_nginx_missing_page_passes_as_it_is(proxy, nginx):
    done = run(proxy, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", nginx.url("/missing"))
    assert done.stdout == b"404"


def visits(chromium, proxy, url):
    """What the page says at the first visit and, in the same profile, at the second."""
    with chromium.context(proxy) as context:
        for page in (context.page(), context.page()):
            page.visit(url)
            yield page.text()


def test_chromium_shows_the_new_content_at_the_second_visit(chromium, proxy):
    with Origin(changing_page()) as origin:
        assert list(visits(chromium, proxy, origin.url())) == ["visit number 1", "visit number 2"]


def test_chromium_without_busting_would_show_the_old_content(chromium):
    """The control: the same page through mode off is served from the browser's cache."""
    with Origin(changing_page()) as origin, Freshet(mode="off") as proxy:
        assert list(visits(chromium, proxy, origin.url())) == ["visit number 1", "visit number 1"]
