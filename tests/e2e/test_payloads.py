"""The payload table, row by row, over real sockets to one process: tests/payloads/README.md explains it."""
import collections

import pytest

import payloads
from harness import Freshet
from payload_run import check_row

ROWS = payloads.read_all()
RULES = range(1, 13)


@pytest.fixture(scope="module", name="proxy")
def freshet():
    """One process for the whole table; a port that comes again belongs to another origin, no more to be distrusted."""
    with Freshet(pool_distrust="0") as running:
        yield running


def test_the_table_holds_at_least_250_rows_with_names_of_their_own():
    assert len(ROWS) >= 250
    assert [name for name, count in collections.Counter(row.name for row in ROWS).items() if count > 1] == []


def test_no_two_rows_send_the_same():
    sent = collections.defaultdict(list)
    for row in ROWS:
        sent[payloads.text(row.sends), payloads.text([line for kind, lines in row.script if kind == "<"
                                                      for line in lines])].append(row.name)
    assert [names for names in sent.values() if len(names) > 1] == []


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_rows_on_both_sides(rule):
    rows = [row for row in ROWS if rule in row.rules]
    assert [row for row in rows if row.verdict] and [row for row in rows if not row.verdict]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_payload(proxy, row):
    check_row(proxy.port, row)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_payload_in_small_pieces(proxy, row):
    check_row(proxy.port, row, piece=5)
