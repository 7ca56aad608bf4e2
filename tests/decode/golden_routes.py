"""What is decoded of a recorded transaction's trades, liquidity, claims and token events, as text that a person can review.

Addresses are their first eight letters, amounts base units. One block a transaction: its signature, then a line a route
with its fees and legs below it, then the other facts. `blocks_of` reads such a file back.
"""

from collections.abc import Iterator
from pathlib import Path

from recorded_bodies import Recorded

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import Claim, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.routes import Route

FOLDER = Path(__file__).parent / "golden_routes"
_LETTERS = 8


def golden_texts(by_signature: dict[str, Recorded]) -> dict[str, dict[str, str]]:
    """Golden file → signature → block, of every transaction that has anything to tell; files are by recording folder."""
    texts: dict[str, dict[str, str]] = {}
    for signature, one in by_signature.items():
        lines = list(_lines(decode_transaction(parse_transaction(one.body))))
        if lines:
            name = one.file.partition("/")[0] + ".txt"
            texts.setdefault(name, {})[signature] = "\n".join(lines)
    return texts


def blocks_of(text: str) -> dict[str, str]:
    """Signature → block of a golden file's text."""
    blocks = [block.partition("\n") for block in text.strip().split("\n\n")]
    return {signature: lines for signature, _, lines in blocks}


def text_of(blocks: dict[str, str]) -> str:
    """The text of a golden file, signatures in order."""
    return "\n\n".join(f"{signature}\n{lines}" for signature, lines in sorted(blocks.items())) + "\n"


def _lines(decoded: Decoded) -> Iterator[str]:
    for route in decoded.routes:
        yield from _route_lines(route)
    routed = {leg.path for route in decoded.routes for leg in route.legs}
    for fact in decoded.facts:
        if isinstance(fact, Leg) and fact.path not in routed:
            yield f"  of no route: {_leg(fact)}"
        elif isinstance(fact, Liquidity):
            yield f"  {_liquidity(fact)}"
        elif isinstance(fact, Claim):
            amount = f"{fact.amount_raw} {_short(fact.mint)}"
            yield f"  {fact.path} {fact.kind} on {fact.venue}{_pool(fact.pool)} by {_short(fact.wallet)}: {amount}"
        elif isinstance(fact, TokenEvent):
            yield f"  {_token_event(fact)}"


def _route_lines(route: Route) -> Iterator[str]:
    to = f" for {_short(route.recipient)}" if route.recipient else ""
    yield f"  {route.path} route via {_name(route.via)} by {_short(route.trader)}{to}: {_sides(route)}"
    if route.fees:
        yield f"    fees {', '.join(_fee(fee) for fee in route.fees)}"
    for leg in route.legs:
        yield f"    {_leg(leg)}"


def _leg(leg: Leg) -> str:
    reserves = f"; reserves {', '.join(_reserve(one) for one in leg.reserves)}" if leg.reserves else ""
    trader = f" by {_short(leg.trader)}" if leg.trader else ""
    return f"{leg.path} leg on {_name(leg.venue)}{_pool(leg.pool)}{trader}: {_sides(leg)}{reserves}"


def _sides(trade: Route | Leg) -> str:
    sold = f"{trade.sold_raw} {_short(trade.sold_mint)}"
    return f"{sold} → {trade.bought_raw} {_short(trade.bought_mint)}"


def _fee(fee: FeePart) -> str:
    to = f" to {_short(fee.recipient)}" if fee.recipient else ""
    return f"{fee.kind} {fee.amount_raw} {_short(fee.mint)} {fee.side}{to}"


def _reserve(reserve: Reserve) -> str:
    before, after = ("?" if raw is None else str(raw) for raw in (reserve.before_raw, reserve.after_raw))
    kind = "" if reserve.kind == "vault" else f"{reserve.kind} "
    return f"{kind}{_short(reserve.mint)} {before} → {after}"


def _liquidity(fact: Liquidity) -> str:
    amounts = ", ".join(f"{raw} {_short(mint)}" for mint, raw in fact.amounts)
    share = f"; share {fact.share_raw} {_short(fact.share_mint)}" if fact.share_mint else ""
    return f"{fact.path} {fact.kind} on {fact.venue}{_pool(fact.pool)} by {_short(fact.wallet)}: {amounts}{share}"


def _token_event(fact: TokenEvent) -> str:
    told = (("quote", fact.quote_mint), ("creator", fact.creator), ("token program", fact.token_program_id))
    words = [f"{word} {_short(value)}" for word, value in told if value]
    words += [
        f"{word} {value!r}"
        for word, value in (("name", fact.name), ("symbol", fact.symbol), ("uri", fact.uri))
        if value
    ]
    more = f", {', '.join(words)}" if words else ""
    return (
        f"{fact.path} {fact.kind} on {fact.venue}{_pool(fact.pool)} by {_short(fact.wallet)}: {_short(fact.mint)}{more}"
    )


def _pool(pool: str) -> str:
    return f" {_short(pool)}" if pool else ""


def _name(program: str) -> str:
    """A program we know by its name, any other by its address."""
    return program if "_" in program or len(program) < _LETTERS * 4 else _short(program)


def _short(address: str) -> str:
    return address[:_LETTERS]
