"""Headless Chromium, led by its DevTools protocol over a pipe.

One process serves many tests: each takes a context of its own, which has its own proxy, cache, cookies and service
workers and shares nothing with the others.  Its processes end with the `with` block.
"""
import base64
import fcntl
import itertools
import json
import os
import queue
import signal
import subprocess
import threading
import time

FLAGS = ("--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-extensions --disable-dev-shm-usage "
         "--remote-debugging-pipe").split()
TIMEOUT_S = 60


class ProtocolError(Exception):
    """Chromium refused a command, or a script threw."""


def away(descriptor):
    """The same under a number that leaves 3 and 4 free for what it is to become."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


class Pipe:
    """The DevTools protocol: JSON messages that end with NUL, on descriptors 3 and 4 of the browser."""

    def __init__(self, command, env):
        from_us, self.out = os.pipe()
        self.inp, from_it = os.pipe()
        from_us, from_it = away(from_us), away(from_it)
        moves = f'exec "$@" 3<&{from_us} 4>&{from_it} {from_us}<&- {from_it}>&-'
        self.process = subprocess.Popen(["/bin/bash", "-c", moves, "chromium", *command], env=env,
                                        pass_fds=(from_us, from_it), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True)
        os.close(from_us)
        os.close(from_it)
        self.count = itertools.count(1)
        self.lock = threading.Lock()
        self.answers = {}
        self.sessions = {}
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        rest = b""
        while data := os.read(self.inp, 1 << 16):
            *messages, rest = (rest + data).split(b"\0")
            for message in messages:
                self.take(json.loads(message))

    def take(self, message):
        if "id" in message:
            self.answers.pop(message["id"]).put(message)
        elif (page := self.sessions.get(message.get("sessionId"))) is not None:
            page.take(message["method"], message["params"])

    def call(self, method, session=None, timeout_s=TIMEOUT_S, **params):
        number, answer = next(self.count), queue.Queue()
        self.answers[number] = answer
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        with self.lock:
            os.write(self.out, json.dumps(message).encode() + b"\0")
        try:
            got = answer.get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"Chromium did not answer {method} within {timeout_s} s") from None
        if "error" in got:
            raise ProtocolError(f"{method}: {got['error']}")
        return got["result"]

    def close(self):
        """The browser and all that it started, which is a process group of its own."""
        try:
            self.call("Browser.close")
            self.process.wait(10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)
        os.close(self.out)
        self.reader.join(5)
        os.close(self.inp)


class Page:
    """One tab."""

    def __init__(self, pipe, context):
        self.pipe = pipe
        where = {"browserContextId": context} if context else {}
        self.target = pipe.call("Target.createTarget", url="about:blank", **where)["targetId"]
        self.session = pipe.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.events = []
        pipe.sessions[self.session] = self
        self.call("Page.enable")
        self.call("Network.enable")

    def call(self, method, **params):
        return self.pipe.call(method, self.session, **params)

    def close(self):
        """And with it what its process holds in memory."""
        self.pipe.call("Target.closeTarget", targetId=self.target)

    def take(self, method, params):
        self.events.append((method, params))

    def seen(self, method):
        """The parameters of all events of that name so far."""
        return [params for name, params in list(self.events) if name == method]

    def visit(self, url):
        """Go there by address; back when the document and what belongs to it are loaded."""
        self.leave(lambda: self.call("Page.navigate", url=url))

    def follow(self, url):
        """Go there as by a link on the page."""
        self.leave(lambda: self.evaluate(f"void setTimeout(() => location.href = {json.dumps(url)})"))

    def reload(self):
        self.leave(lambda: self.call("Page.reload"))

    def back(self):
        """The button; a page that Chromium has stored comes back without a request."""
        history = self.call("Page.getNavigationHistory")
        entry = history["entries"][history["currentIndex"] - 1]["id"]
        self.leave(lambda: self.call("Page.navigateToHistoryEntry", entryId=entry))

    def leave(self, action):
        """Do what makes the page another one, and wait until that is complete."""
        before = len(self.seen("Page.frameNavigated"))
        answer = action()
        if answer and answer.get("errorText"):
            raise ProtocolError(answer["errorText"])
        self.wait(lambda: len(self.seen("Page.frameNavigated")) > before)
        self.wait_for("document.readyState == 'complete'")

    def restored(self):
        """Whether the last navigation took a stored page (the back-forward cache)."""
        return self.seen("Page.frameNavigated")[-1]["type"] == "BackForwardCacheRestore"

    def evaluate(self, script):
        """The value of an expression in the page; a promise's when it is one."""
        got = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in got:
            raise ProtocolError(got["exceptionDetails"].get("exception", {}).get("description", got))
        return got["result"].get("value")

    def picture(self, file, width, height, dark=False):
        """A PNG of it as wide and high, on a phone where that is narrow, by day or by night."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def text(self):
        return self.evaluate("document.body.innerText")

    def fetch(self, url, **options):
        """The text of an answer to the page's own fetch()."""
        return self.evaluate(f"fetch({json.dumps(url)}, {json.dumps(options)}).then(r => r.text())")

    def wait_for(self, script):
        """Until an expression in the page is true."""
        return self.wait(lambda: self.attempt(script), script)

    def attempt(self, script):
        try:
            return self.evaluate(script)
        except ProtocolError:  # the page is being replaced
            return None

    @staticmethod
    def wait(fact, about="a navigation"):
        end = time.monotonic() + TIMEOUT_S
        while not (value := fact()):
            assert time.monotonic() < end, f"Chromium: {about} did not come about"
            time.sleep(0.01)
        return value


class Context:
    """A profile in memory behind one proxy; None goes without."""

    def __init__(self, pipe, proxy):
        self.pipe = pipe
        options = {"proxyServer": f"127.0.0.1:{proxy.port}", "proxyBypassList": "<-loopback>"} if proxy else {}
        self.number = pipe.call("Target.createBrowserContext", **options)["browserContextId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pipe.call("Target.disposeBrowserContext", browserContextId=self.number)

    def page(self):
        return Page(self.pipe, self.number)


class Chromium:
    """The browser, which trusts the given authorities.  With `home` kept, its profile outlives it."""

    def __init__(self, home, authorities=(), flags=()):
        self.home = home
        self.flags = flags
        database = home / ".pki" / "nssdb"
        if not database.exists():
            database.mkdir(parents=True)
            self.certutil("-N", "--empty-password")
        for number, file in enumerate(authorities):
            self.certutil("-A", "-t", "C,,", "-n", f"authority {number}", "-i", str(file))

    def certutil(self, *arguments):
        return subprocess.run(["certutil", *arguments, "-d", f"sql:{self.home}/.pki/nssdb"], check=True, timeout=20,
                              capture_output=True).stdout

    def __enter__(self):
        command = ["chromium", *FLAGS, *self.flags, f"--user-data-dir={self.home}/profile", "about:blank"]
        self.pipe = Pipe(command, {"PATH": os.environ["PATH"], "HOME": str(self.home)})
        self.pipe.call("Browser.getVersion", timeout_s=60)
        return self

    def __exit__(self, *_):
        self.pipe.close()

    def context(self, proxy=None):
        return Context(self.pipe, proxy)

    def page(self):
        """In the profile itself, which is on disk."""
        return Page(self.pipe, None)
