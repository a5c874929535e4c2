"""A strict judge of HTTP Archives: HAR 1.2 as its specification and the JSON schemas made from it have it.

Knows nothing of freshet but its creator's name for custom fields.
"""
import ipaddress
import re

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
# RFC 3986, absolute: what it may be made of, and "%" only in front of two digits.
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//[A-Za-z0-9._~!$&'()*+,;=:@%\[\]-]*)?([A-Za-z0-9._~!$&'()*+,;=:@%/-]*)"
                 r"(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?(#[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?\Z")
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Invalid(AssertionError):
    """What is wrong, and where."""


def check(where, condition):
    if not condition:
        raise Invalid(where)


def text(where, value):
    check(f"{where}: {value!r} is no text", isinstance(value, str))


def integer(where, value):
    check(f"{where}: {value!r} is no integer", isinstance(value, int) and not isinstance(value, bool))
    check(f"{where}: {value!r} is less than -1", value >= -1)


def duration(where, value):
    check(f"{where}: {value!r} is no number", isinstance(value, (int, float)) and not isinstance(value, bool))
    check(f"{where}: {value!r} is neither a duration nor -1", value >= 0 or value == -1)


def boolean(where, value):
    check(f"{where}: {value!r} is neither true nor false", isinstance(value, bool))


def date(where, value):
    text(where, value)
    check(f"{where}: {value!r} is no date", DATE.match(value))


def uri(where, value):
    text(where, value)
    check(f"{where}: {value!r} is no URI", URI.match(value) and not BAD_PERCENT.search(value))


def address(where, value):
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise Invalid(f"{where}: {value!r} is no address") from None


def members(required, **optional):
    """An object with just these members, and custom ones whose names begin with "_"."""
    rules = {**required, "comment": text, **optional}

    def judge(where, value):
        check(f"{where} is no object", isinstance(value, dict))
        for name in required:
            check(f"{where}.{name} is missing", name in value)
        for name, member in value.items():
            if not name.startswith("_"):
                check(f"{where}.{name} is not in HAR 1.2", name in rules)
                rules[name](f"{where}.{name}", member)
    return judge


def each(rule):
    def judge(where, value):
        check(f"{where} is no list", isinstance(value, list))
        for number, item in enumerate(value):
            rule(f"{where}[{number}]", item)
    return judge


def nothing_known(where, value):
    members({})(where, value)


pair = members({"name": text, "value": text})
cookie = members({"name": text, "value": text}, path=text, domain=text, expires=date, httpOnly=boolean, secure=boolean)
request = members({"method": text, "url": uri, "httpVersion": text, "cookies": each(cookie), "headers": each(pair),
                   "queryString": each(pair), "headersSize": integer, "bodySize": integer})
content = members({"size": integer, "mimeType": text})
response = members({"status": integer, "statusText": text, "httpVersion": text, "cookies": each(cookie),
                    "headers": each(pair), "content": content, "redirectURL": text, "headersSize": integer,
                    "bodySize": integer})
timings = members({"send": duration, "wait": duration, "receive": duration},
                  blocked=duration, dns=duration, connect=duration, ssl=duration)
plain_entry = members({"startedDateTime": date, "time": duration, "request": request, "response": response,
                       "cache": nothing_known, "timings": timings}, serverIPAddress=address, connection=text)


def entry(where, value):
    plain_entry(where, value)
    parts = [value["timings"].get(name, -1) for name in ("blocked", "dns", "connect", "send", "wait", "receive")]
    check(f"{where}.time is not the sum of its parts", abs(value["time"] - sum(p for p in parts if p >= 0)) < 0.0005)
    for name in ("send", "wait", "receive"):
        check(f"{where}.timings.{name} is negative", value["timings"][name] >= 0)


log = members({"version": text, "creator": members({"name": text, "version": text}), "entries": each(entry)})


def validate(archive):
    """Raises Invalid unless it is a whole HAR 1.2; returns its entries."""
    check("archive.log is all there may be", list(archive) == ["log"])
    log("log", archive["log"])
    check("log.version is not 1.2", archive["log"]["version"] == "1.2")
    return archive["log"]["entries"]
