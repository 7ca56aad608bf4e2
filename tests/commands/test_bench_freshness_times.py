"""From when a moment counts, which stage took how long, and what is said of what was never served."""

from oof_pipelines.commands.bench_freshness_times import (
    AT_ONCE,
    BY_PRICES,
    Announced,
    Chain,
    Measured,
    Refreshed,
    SeenMoment,
    Timed,
    time_moments,
    time_positions,
)


def announced(number: int, *, pool: str = "p", trader: str = "w", is_measured: bool = True) -> Announced:
    """The n-th transaction, ten seconds after the one before; heard after 20 ms, stored after 100 ms."""
    at_ms = 1_000_000 + 10_000 * number
    return Announced(f"s{number}", trader, pool, 1_000 + 10 * number, is_measured, at_ms, at_ms + 20, at_ms + 100)


def refreshed(at_ms: int, *, wallet: str = "w", newest_block_s: int = 10_000) -> Refreshed:
    """Begun at the time given, read 10 ms later, served 50 ms after the beginning."""
    return Refreshed(wallet, newest_block_s, at_ms, at_ms + 10, at_ms + 50)


def bad_route(number: int, seen_ms: int, **best: str) -> SeenMoment:
    return SeenMoment("BadRoute", "w", f"s{number}", {"best": {"pool": "q", **best}}, seen_ms)


CHAIN = [announced(0), announced(1, pool="q"), announced(2), announced(3, pool="q"), announced(4)]


def test_a_bad_route_is_known_at_once_or_with_the_next_trade_of_the_better_pool() -> None:
    chain = Chain(CHAIN)
    unproven = bad_route(2, 0, state_at_s="1010", is_proven_by_next_state="false")
    assert chain.cause(unproven) == CHAIN[2]
    proven = bad_route(2, 0, state_at_s="1010", is_proven_by_next_state="true")
    assert chain.cause(proven) == CHAIN[3]
    # So fresh a state is believed at once, and proven later.
    fresh = bad_route(2, 0, state_at_s="1016", is_proven_by_next_state="true")
    assert chain.cause(fresh) == CHAIN[2]
    assert chain.cause(bad_route(4, 0, state_at_s="1010", is_proven_by_next_state="true")) is None
    assert chain.cause(bad_route(9, 0)) is None


def test_a_moment_of_a_price_is_known_with_the_first_transaction_after_its_minute() -> None:
    chain = Chain(CHAIN)
    assert chain.cause(SeenMoment("S2E", "w", "s0", {"peak": {"end_s": "1020"}}, 0)) == CHAIN[2]
    assert chain.cause(SeenMoment("BHD", "w", "s0", {"trough": {"end_s": "1021"}}, 0)) == CHAIN[3]
    assert chain.cause(SeenMoment("S2E", "w", "s3", {"peak": {"end_s": "1020"}}, 0)) == CHAIN[3], "its own is later"
    assert chain.cause(SeenMoment("S2E", "w", "s0", {"peak": {"end_s": "1100"}}, 0)) is None


def test_the_stages_of_a_moment_add_up_to_the_whole() -> None:
    at_ms = CHAIN[2].announced_ms
    moment = bad_route(2, at_ms + 900, state_at_s="1019", is_proven_by_next_state="false")
    turns = [refreshed(at_ms - 5_000), refreshed(at_ms + 600), refreshed(at_ms + 5_000)]
    measured = time_moments(Chain(CHAIN), [moment], turns)
    (timed,) = measured[AT_ONCE].timed
    assert timed.total_ms == 900
    assert timed.stages_ms == {"heard": 20, "fetched, stored": 80, "waited": 500, "made": 50, "seen": 250}
    assert sum(timed.stages_ms.values()) == timed.total_ms
    assert measured[BY_PRICES].timed == []


def test_what_comes_before_the_rate_is_not_measured() -> None:
    lead = [announced(0, is_measured=False), announced(1)]
    moments = [bad_route(0, 1_000_900), bad_route(1, 1_010_900)]
    assert len(time_moments(Chain(lead), moments, [])[AT_ONCE].timed) == 1
    assert len(time_positions(lead, [refreshed(1_020_000)]).timed) == 1


def test_positions_count_from_the_first_turn_that_knew_the_transaction() -> None:
    one = announced(0)
    turns = [
        refreshed(one.announced_ms + 80),  # began and read before it was stored
        refreshed(one.announced_ms + 200, newest_block_s=one.block_time_s - 1),  # did not see it
        refreshed(one.announced_ms + 300, wallet="another"),
        refreshed(one.announced_ms + 400),
    ]
    measured = time_positions([one], turns)
    (timed,) = measured.timed
    assert timed.total_ms == 450
    assert timed.stages_ms["waited"] == 300
    assert time_positions([one], turns[:3]).missing == 1
    never_stored = Announced("s", "w", "p", 1_000, True, 0)
    assert time_positions([never_stored], turns).missing == 1


def test_percentiles_are_of_what_was_measured() -> None:
    measured = Measured([Timed(ms, {"waited": ms // 2, "made": ms - ms // 2}) for ms in range(100, 0, -1)])
    assert (measured.percentile_ms(50), measured.percentile_ms(95)) == (50, 95)
    assert measured.stage_shares_percent() == {"heard": 0, "fetched, stored": 0, "waited": 50, "made": 50, "seen": 0}
    few = Measured([Timed(ms, {}) for ms in (1, 2, 3)], missing=1)
    assert (few.percentile_ms(50), few.percentile_ms(75), few.percentile_ms(95)) == (2, 3, None)
    assert Measured().percentile_ms(95) is None
    assert Measured().stage_shares_percent() == {}
    assert Measured([Timed(7, {})]).percentile_ms(95) == 7
