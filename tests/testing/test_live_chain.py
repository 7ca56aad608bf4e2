"""The market as of now: its rate, its clock, that it is the same each time, and that its trades are what they say."""

from collections import Counter
from itertools import pairwise

import pytest

from oof_pipelines.chain.body import read_body
from oof_pipelines.chain.slot_clock import estimate_slot
from oof_pipelines.testing.live_chain import generate_live

START_S = 1_790_000_000


@pytest.mark.parametrize("rate", [1, 10])
def test_it_has_a_lead_and_then_its_rate(rate: int) -> None:
    chain = list(generate_live(1, rate, 20, start_time_s=START_S, lead_seconds=5))
    assert [one.is_lead for one in chain] == [True] * 5 + [False] * (20 * rate)
    a_second = Counter(one.transaction.block_time_s for one in chain)
    assert set(a_second) == set(range(START_S, START_S + 25))
    assert all(a_second[START_S + 5 + second] == rate for second in range(20))
    places = [(one.transaction.slot, one.transaction.index_in_slot) for one in chain]
    assert places == sorted(set(places))
    assert places[0][0] == estimate_slot(START_S)
    assert all(after - before <= 3 for (before, _), (after, _) in pairwise(places))


def test_the_same_arguments_give_the_same_bytes() -> None:
    def told(seed: int) -> list[bytes]:
        chain = generate_live(seed, 5, 6, start_time_s=START_S)
        return [one.transaction.to_json_bytes() for one in chain]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_traders_pay_for_their_trades_in_one_of_two_pools_of_a_coin() -> None:
    chain = list(generate_live(3, 10, 30, start_time_s=START_S))
    assert len({one.transaction.signature for one in chain}) == len(chain)
    for one in chain:
        body = read_body(one.transaction.to_json_bytes())
        assert body.fee_payer == one.trader
        assert not body.is_failed
        assert one.pool.encode() in one.transaction.to_json_bytes("json")
    assert len({one.pool for one in chain}) == 20
    busiest = Counter(one.trader for one in chain).most_common(1)[0][1]
    assert 1 < busiest < 90, "no trader is alone, and the whale is not the market"


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="rate, seconds and lead"):
        list(generate_live(1, 0, 5, start_time_s=START_S))
