"""All detectors over one story: the same bytes whatever the order of the input, and ids that outlive prices and versions."""

import random
import re

import msgspec
from moment_inputs import DAY_S, HOUR_S, MINT, T0, THRESHOLDS, Story, candle
from pool_rows import state

from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.detectors.input import DetectorInput
from oof_pipelines.detectors.moment import KINDS, Moment
from oof_pipelines.detectors.registry import DETECTORS, VERSIONS, detect_moments
from oof_pipelines.detectors.wallet_input import detector_input
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.valued import PositionRules
from oof_pipelines.pricing.windows import PriceWindows

COINS = 10**6
OOF = "OofM1nt"
FALL_AT = T0 + 3 * DAY_S


def story() -> Story:
    """Bought, half sold before a rise, held into a collapse; bought once over a bad route; OOF tokens left lying."""
    told = Story()
    told.receive(T0, 100_000 * COINS, mint=OOF)
    told.buy(T0 + 90, 1_000 * COINS, "1000")
    told.sell(T0 + HOUR_S + 30, 500 * COINS, "600")
    told.swap_sol(T0 + 2 * HOUR_S, 10**9, 4 * 10**9, "200", slot=500)
    return told


CANDLES = [
    *(candle(T0 + hour * HOUR_S - 60, "0.25", mint=OOF) for hour in range(240)),
    candle(T0 + DAY_S, "3"),
    candle(FALL_AT, "0.02"),
    candle(FALL_AT + 2 * HOUR_S, "0.02"),
]
STATES = [state(slot=499, at_s=T0 + 2 * HOUR_S - 1), state(pool="other", slot=498, at_s=T0 + 2 * HOUR_S - 2)]
AS_OF = T0 + 40 * DAY_S


def seen(seed: int | None = None, as_of_s: int = AS_OF) -> DetectorInput:
    valued = story().valued
    book = Book(PositionRules())
    realized = [row for one in valued for row in book.step(one)]
    candles, states = list(CANDLES), list(STATES)
    if seed is not None:
        mixed = random.Random(seed)
        for rows in (valued, realized, candles, states):
            mixed.shuffle(rows)  # type: ignore[arg-type]
    return detector_input(
        valued,
        realized,
        PriceWindows.of(candles),
        THRESHOLDS,
        as_of_s,
        rules=PositionRules(),
        idle_mint=OOF,
        pool_states=states,
    )


def texts(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and texts(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(texts(inner) for inner in value)
    return isinstance(value, str)


def test_a_story_with_each_of_them() -> None:
    moments = detect_moments(seen())
    assert {moment.kind for moment in moments} == set(KINDS)
    assert [moment.kind for moment in moments].count("S2E") == 1
    assert len({moment.id for moment in moments}) == len(moments)
    assert moments == sorted(moments, key=lambda one: (one.t_event_s, one.id))
    for moment in moments:
        assert re.fullmatch("[0-9a-f]{32}", moment.id)
        assert 0 <= moment.severity <= 1
        assert 0 <= moment.confidence <= 1
        assert moment.version == str(VERSIONS[moment.kind])
        assert texts(moment.explain)
        assert moment.explain["detector"] == f"{moment.kind} {moment.version}"
        assert "thresholds" in moment.explain
        assert (moment.pct < 0) == (moment.kind in ("BHD", "Rug"))
        assert moment.pct.as_tuple().exponent == -18
        assert "float" not in {type(value).__name__ for value in msgspec.structs.astuple(moment)}


def test_the_order_of_the_input_is_nothing() -> None:
    wanted = repr(detect_moments(seen()))
    for seed in range(6):
        assert repr(detect_moments(seen(seed))) == wanted


def test_moments_that_are_final_stay_as_they_are() -> None:
    final: dict[str, Moment] = {}
    for days in range(1, 41):
        now = {moment.id: moment for moment in detect_moments(seen(as_of_s=T0 + days * DAY_S))}
        for known_id, known in final.items():
            assert now[known_id] == known, "the whole of it, what explains it too"
        final |= {one.id: one for one in now.values() if one.status == "final"}
    assert {moment.kind for moment in final.values()} == {"S2E", "BHD", "BadRoute", "Rug"}, "OOF tokens lie there still"


def test_each_kind_has_one_detector() -> None:
    assert [detector.kind for detector in DETECTORS] == list(KINDS)
    assert all(isinstance(version, int) and version >= 1 for version in VERSIONS.values())


def test_dollars_themselves_are_no_story() -> None:
    """USDC and USDT are bought and sold like tokens; without candles of their own nothing is said of them."""
    told = Story()
    told.receive(T0, 10**9, mint=USDC_MINT)
    told.swap_for_sol(T0 + 60, 10**9, 5 * 10**9, "1000", mint=USDC_MINT)
    assert detect_moments(told.seen([candle(T0 + DAY_S, "5", mint=MINT)], AS_OF)) == []
