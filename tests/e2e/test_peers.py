"""Whatever freshet forwards means the same to nginx, HAProxy and Python's http.server.

Method, target, Host, body and the number of requests on the connection: the bytes are those of the payload table,
which test_payloads holds against what freshet really sends.  Behind each goes a probe, as on a pooled connection.
"""
import pytest

import payloads
from payload_run import PROBE_SEEN
from peers import HaproxyReader, HttpServerReader, NginxReader, our_reading

PORT = 31080
PROBE = payloads.wire(PROBE_SEEN, PORT)


def forwarded(row):
    return b"".join(payloads.wire(lines, PORT) for lines in row.forwarded)


def rows_that_forward():
    """One row for each different thing that reaches an origin as HTTP."""
    rows = [row for row in payloads.read_all() if row.reaches_origin and "becomes a tunnel" not in row.notes]
    return list({forwarded(row): row for row in reversed(rows)}.values())[::-1]


ROWS = rows_that_forward()
WHOLE = [row for row in ROWS if len(our_reading(forwarded(row))) == len(row.forwarded)]
CUT = [row for row in ROWS if row not in WHOLE]


@pytest.fixture(scope="module", params=[NginxReader, HaproxyReader, HttpServerReader], ids=lambda peer: peer.name)
def peer(request):
    with request.param() as running:
        yield running


def test_most_forwarded_requests_are_whole():
    assert len(WHOLE) >= 80
    assert all(row.origin_is_closed for row in CUT)


@pytest.mark.parametrize("row", WHOLE, ids=[row.name for row in WHOLE])
def test_peer_reads_what_was_forwarded(peer, row):
    data = forwarded(row) + PROBE
    expected = our_reading(data)
    opinion = peer.read(data, [reading.method for reading in expected])
    if f"{peer.name} refuses" in row.notes:
        assert opinion.requests == [] and opinion.statuses[0] >= 400
    else:
        assert opinion.requests == expected
        assert opinion.statuses == [200] * len(expected)


@pytest.mark.parametrize("row", CUT, ids=[row.name for row in CUT])
def test_peer_never_takes_a_cut_upload_for_a_whole_one(peer, row):
    data = forwarded(row)
    assert our_reading(data) == []
    assert peer.read(data, []).requests == []
