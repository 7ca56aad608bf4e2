"""When units left their lots: the history ends where the position engine's own lots are."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from moment_inputs import T0, WALLET, Story
from msgspec.structs import replace

from oof_pipelines.detectors.lot_history import held_lots
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.valued import PositionRules

RULES = PositionRules(exchanges=frozenset({"exchange"}), owner_set=frozenset({WALLET, "second"}))
ESCROW_KINDS = ("to_escrow", "from_escrow", "to_exchange_escrow", "from_exchange_escrow")
KINDS = (
    *("buy", "sell", "send", "receive", "burn", "lp_add", "lp_remove", "within", "to_exchange", "from_exchange"),
    *ESCROW_KINDS,
)
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
            recipient = {"within": "second", "to_exchange": "exchange"}.get(kind, "")
            story.send(at_s, units_raw, mint=mint, recipient=recipient)
    return story


@settings(max_examples=150, deadline=None)
@given(STEPS)
@example([("buy", 9, "A"), ("lp_add", 9, "A"), ("buy", 5, "A"), ("lp_remove", 9, "A"), ("sell", 10, "A")])
@example([("buy", 9, "A"), ("to_escrow", 9, "A"), ("buy", 5, "A"), ("from_escrow", 11, "A"), ("sell", 10, "A")])
@example([("buy", 9, "A"), ("lp_add", 5, "A"), ("lp_remove", 8, "A"), ("send", 10, "A"), ("from_exchange", 4, "A")])
def test_what_is_held_at_the_end_is_what_the_book_holds(steps: list[tuple[str, int, str]]) -> None:
    # A transfer within the owner set whose other end is missing is a loss to the book; in a chain each has both ends.
    steps = [step for step in steps if step[0] != "within"]
    story = told(steps)
    book = Book(RULES)
    for one in story.valued:
        book.step(one)
    booked = sorted(
        (
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
        (lot.mint, lot.signature, lot.qty_raw, lot.held_raw(end_s), str(lot.cost_usd_e18))
        for lot in held_lots(story.valued, RULES)
    )
    assert history == booked


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 40))
def test_the_past_is_what_it_was(steps: list[tuple[str, int, str]], until: int) -> None:
    """What a lot held at an instant does not depend on what came after."""
    whole, part = told(steps), told(steps[:until])
    at_s = T0 + len(steps[:until]) - 1
    before = {(lot.mint, lot.signature): lot.held_raw(at_s) for lot in held_lots(part.valued, RULES)}
    after = {(lot.mint, lot.signature): lot.held_raw(at_s) for lot in held_lots(whole.valued, RULES)}
    assert {key: units for key, units in after.items() if key in before} == before
    assert not any(units for key, units in after.items() if key not in before)


def test_held_counts_from_the_entry_and_the_second_of_leaving_is_over() -> None:
    story = Story()
    story.buy(T0, 100, "1")
    story.sell(T0 + 10, 30, "1")
    story.sell(T0 + 20, 70, "1")
    [lot] = held_lots(story.valued, PositionRules())
    assert [lot.held_raw(T0 + second) for second in (-1, 0, 9, 10, 19, 20)] == [0, 100, 100, 70, 70, 0]
