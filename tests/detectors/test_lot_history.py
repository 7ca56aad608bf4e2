"""When units left their lots: the history ends where the position engine's own lots are."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from moment_inputs import T0, WALLET, Story
from msgspec.structs import replace

from oof_pipelines.detectors.lot_history import held_lots
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.valued import PositionRules

RULES = PositionRules(exchanges=frozenset({"exchange"}), owner_set=frozenset({WALLET, "second"}))
ALONE = PositionRules(exchanges=frozenset({"exchange"}))
UNREALIZED = PositionRules(frozenset({"exchange"}), False, RULES.owner_set)
WITHIN = ("within", "taxed", "multiplied", "from_nobody_known", "sold_on")
ESCROW_KINDS = ("to_escrow", "from_escrow", "to_exchange_escrow", "from_exchange_escrow")
KINDS = (
    *("buy", "sell", "send", "receive", "burn", "lp_add", "lp_remove", "claim", "to_exchange", "from_exchange"),
    *("within", "taxed", "multiplied", "from_nobody_known", "sold_on"),
    *ESCROW_KINDS,
)
"""The second line is of two wallets of one owner in one transaction: all that is sent arrives, or less, or more, the giver is
not known, or what arrives is sold at once."""
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 60), st.sampled_from(["A", "B"])), max_size=40)


def told(steps: list[tuple[str, int, str]]) -> Story:
    story = Story()
    for number, (kind, units_raw, mint) in enumerate(steps):
        at_s = T0 + number
        if kind == "buy":
            story.buy(at_s, units_raw, "10", mint=mint)
        elif kind == "sell":
            story.sell(at_s, units_raw, "10", mint=mint)
        elif kind == "burn":
            story.burn(at_s, units_raw, mint=mint)
        elif kind == "claim":
            story.receive(at_s, units_raw, mint=mint)
            last = story.valued[-1]
            story.valued[-1] = replace(last, event=replace(last.event, kind="claim"), value_usd_e18=7 * units_raw)
        elif kind in WITHIN:
            within(story, kind, at_s, units_raw, mint)
        elif kind in ("lp_add", "lp_remove"):
            (story.lp_add if kind == "lp_add" else story.lp_remove)(at_s, units_raw, "pool", mint=mint)
        elif kind in ("receive", "from_exchange"):
            story.receive(at_s, units_raw, mint=mint, sender="exchange" if kind == "from_exchange" else "")
        elif kind in ESCROW_KINDS:
            other = "exchange" if "exchange" in kind else "pool"
            if kind.startswith("to"):
                story.send(at_s, units_raw, mint=mint, recipient=other)
            else:
                story.receive(at_s, units_raw, mint=mint, sender=other)
            last = story.valued[-1]
            story.valued[-1] = replace(last, event=replace(last.event, is_escrow=True))
        else:
            story.send(at_s, units_raw, mint=mint, recipient="exchange" if kind == "to_exchange" else "")
    return story


def within(story: Story, kind: str, at_s: int, units_raw: int, mint: str) -> None:
    """A transfer between the two wallets of the owner."""
    arriving_raw = units_raw + {"taxed": -(units_raw // 10), "multiplied": 3}.get(kind, 0)
    story.pass_on(at_s, units_raw, arriving_raw, "second", mint=mint)
    last = story.valued[-1]
    if kind == "from_nobody_known":
        story.valued[-1] = replace(last, event=replace(last.event, counterparty=""))
    elif kind == "sold_on":
        story.sell(at_s, units_raw, "10", mint=mint)
        sale = story.valued[-1]
        place = {"signature": last.event.signature, "slot": last.event.slot, "wallet": "second", "seq": 1}
        story.valued[-1] = replace(sale, event=replace(sale.event, **place))


@settings(max_examples=300, deadline=None)
@given(STEPS, st.sampled_from([RULES, ALONE, UNREALIZED]))
@example([("buy", 9, "A"), ("lp_add", 9, "A"), ("buy", 5, "A"), ("lp_remove", 9, "A"), ("sell", 10, "A")], RULES)
@example([("buy", 9, "A"), ("to_escrow", 9, "A"), ("buy", 5, "A"), ("from_escrow", 11, "A"), ("sell", 10, "A")], RULES)
@example(
    [("buy", 9, "A"), ("lp_add", 5, "A"), ("lp_remove", 8, "A"), ("send", 10, "A"), ("from_exchange", 4, "A")], RULES
)
@example([("buy", 30, "A"), ("taxed", 30, "A"), ("sell", 27, "A")], RULES)
@example([("buy", 30, "A"), ("lp_add", 9, "A"), ("from_nobody_known", 12, "A"), ("multiplied", 4, "A")], RULES)
def test_what_is_held_at_the_end_is_what_the_book_holds(
    steps: list[tuple[str, int, str]], rules: PositionRules
) -> None:
    story = told(steps)
    book = Book(rules)
    for one in story.valued:
        book.step(one)
    booked = sorted(
        (
            lot.wallet,
            lot.mint,
            lot.signature,
            lot.qty_initial_raw,
            lot.qty_remaining_raw + lot.qty_in_pool_raw,
            str(lot.cost_usd_e18),
        )
        for lot in book.lots()
    )
    end_s = T0 + len(steps)
    history = sorted(
        (lot.wallet, lot.mint, lot.signature, lot.qty_raw, lot.held_raw(end_s), str(lot.cost_usd_e18))
        for lot in held_lots(story.valued, rules)
    )
    assert history == booked


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 40))
def test_the_past_is_what_it_was(steps: list[tuple[str, int, str]], until: int) -> None:
    """What a lot held at an instant does not depend on what came after."""
    whole, part = told(steps), told(steps[:until])
    at_s = T0 + len(steps[:until]) - 1
    before, after = (
        {(lot.mint, lot.signature): lot.held_raw(at_s) for lot in held_lots(story.valued, RULES)}
        for story in (part, whole)
    )
    assert {key: units for key, units in after.items() if key in before} == before
    assert not any(units for key, units in after.items() if key not in before)


def test_held_counts_from_the_entry_and_the_second_of_leaving_is_over() -> None:
    story = Story()
    story.buy(T0, 100, "1")
    story.sell(T0 + 10, 30, "1")
    story.sell(T0 + 20, 70, "1")
    [lot] = held_lots(story.valued, PositionRules())
    assert [lot.held_raw(T0 + second) for second in (-1, 0, 9, 10, 19, 20)] == [0, 100, 100, 70, 70, 0]


def test_what_is_lost_between_an_owners_wallets_left_when_it_was_sent() -> None:
    story = Story()
    story.buy(T0, 1_000, "1")
    story.pass_on(T0 + 10, 1_000, 900, "second")
    story.sell(T0 + 20, 900, "1")
    [lot] = held_lots(story.valued, RULES)
    assert [lot.held_raw(T0 + second) for second in (9, 10, 19, 20)] == [1_000, 900, 900, 0]
    [alone] = held_lots(story.valued[:2], ALONE)
    assert alone.held_raw(T0 + 10) == 0, "to somebody else all of it left"


def test_what_is_gained_between_an_owners_wallets_has_no_known_cost() -> None:
    story = Story()
    story.buy(T0, 1_000, "1")
    story.pass_on(T0 + 10, 1_000, 1_500, "second")
    bought, gained = held_lots(story.valued, RULES)
    assert (bought.qty_raw, bought.held_raw(T0 + 10)) == (1_000, 1_000)
    assert (gained.wallet, gained.qty_raw, gained.cost_usd_e18, gained.price_source) == ("second", 500, None, "")
