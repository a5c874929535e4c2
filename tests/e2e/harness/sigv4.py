"""AWS Signature Version 4 from both ends: what a client sends, and an origin that computes it again from what arrived."""
import hashlib
import hmac
import re
import urllib.parse

KEY, SECRET, REGION, SERVICE = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"
DATE, TIME = "20261122", "20261122T120000Z"
SCOPE = f"{DATE}/{REGION}/{SERVICE}/aws4_request"
UNSIGNED = "UNSIGNED-PAYLOAD"


def canonical_query(query):
    pairs = (pair.partition("=")[::2] for pair in query.split("&") if pair)
    return "&".join(f"{key}={value}" for key, value in sorted(pairs) if key != "X-Amz-Signature")


def signature(method, target, values, signed):
    """values: of each signed field, a list of its lines."""
    path, _, query = target.partition("?")
    fields = "".join(f"{name}:{','.join(re.sub(' +', ' ', value.strip()) for value in values(name))}\n"
                     for name in signed)
    request = "\n".join([method, path, canonical_query(query), fields, ";".join(signed), UNSIGNED])
    text = "\n".join(["AWS4-HMAC-SHA256", TIME, SCOPE, hashlib.sha256(request.encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in SCOPE.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def signed_fields(method, host, target, fields):
    """Field lines of a request whose Authorization signs Host and all the given fields."""
    values = {"host": host, "x-amz-date": TIME, "x-amz-content-sha256": UNSIGNED,
              **{name.lower(): value for name, value in fields.items()}}
    signed = sorted(values)
    proof = signature(method, target, lambda name: [values[name]], signed)
    lines = [f"{name}: {value}" for name, value in values.items() if name != "host"]
    return [*lines, f"Authorization: AWS4-HMAC-SHA256 Credential={KEY}/{SCOPE}, SignedHeaders={';'.join(signed)}, "
                    f"Signature={proof}"]


def presigned(host, path, fields=()):
    """A target for GET with the signature in its query; fields are names that it covers beside Host, with values."""
    values = {"host": host, **{name.lower(): value for name, value in dict(fields).items()}}
    signed = sorted(values)
    query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{KEY}/{SCOPE}", "X-Amz-Date": TIME,
             "X-Amz-Expires": "900", "X-Amz-SignedHeaders": ";".join(signed), "response-content-type": "a/b"}
    target = path + "?" + "&".join(f"{key}={urllib.parse.quote(value, safe='')}" for key, value in query.items())
    return f"{target}&X-Amz-Signature={signature('GET', target, lambda name: [values[name]], signed)}"


def verify(request):
    """Whether what arrived is what was signed."""
    query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))
    if "X-Amz-Signature" in query:
        signed, proof = query["X-Amz-SignedHeaders"], query["X-Amz-Signature"]
    else:
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=\S+, SignedHeaders=(\S+), Signature=(\w+)",
                             request.one("Authorization"))
        signed, proof = found.groups()
    return hmac.compare_digest(proof, signature(request.method, request.target, request.all, signed.split(";")))
