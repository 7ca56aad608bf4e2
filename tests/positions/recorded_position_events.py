"""The events of wallets in recorded transactions, and as text that a person can review.

`python tests/positions/recorded_position_events.py` (with tests/ on the path) writes golden_position_events.txt anew.
"""

from collections.abc import Iterable
from pathlib import Path

from market.recorded_events import recorded_bodies
from recorded_data import FIXTURES

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.from_decoded import position_events_of

GOLDEN = Path(__file__).with_name("golden_position_events.txt")
_LETTERS = 8

CHOSEN = {
    "pump.fun: bought and sold at once; the fees on top are cost, and come off what was got": (
        "33LHUzKfhBvU68kYib22oFx2XdQKQZ2sfvTmmdCFEr6YidyP8S3WwAurjz6Suewvr2WUByV79K3stNCZDe7wq3De"
    ),
    "PumpSwap: sold through a bot, which takes its fee": (
        "UeaUs9PGyH7oimBqjGshUuZUj5nEoKZnwwrBb5JTq8LNj8YVFQDES7hBEv3WAYWm3qmxASWZddRjLKefh1vcrLJ"
    ),
    "Moonshot: sold, with a tip": (
        "3hbuxW9jyQ1fNt4HNz3dx2DYD2mqPXFPYymqjDajHmFfPd7AYdQo2x9iDcu5d8oX4iGKmYJAaFcqUsVx7nEL6iuk"
    ),
    "pump.fun: made and bought by its maker; deposits, and a tip": (
        "4HbY43S9UigSctrfxY5nszgf3ozN1f4kPQYaqaFLZaCDhwa55rauuRmhP85u67U7dBvGFwB5C6stmkH2b1TNxgQh"
    ),
    "a route of a token for dollars: a sale and a purchase": (
        "2pbFktFoaNbT7WuoqtsY4C7onBuntwazTjVbadbzZxyh49yVBH5szn4igTgqSgp2jS9S3S2ryFivXAegopaheKSs"
    ),
    "bought in one pool and sold in another, within one transaction": (
        "3TwHo76yayZoTt8Q9dtpQQzrYXvGRkkH5YBXAHdtkBDMWepqz5SsRqkKQGwysUKHoVhBSuRSX2k9RPXrkeLMPn72"
    ),
    "a circle: the dollars gained cost nothing": (
        "4EmApvbskh14aSi4KMMHAu37HW8JGvEzSkcRXweRd6vsomLAcFmVbuddoeG4ZUaAdDBwYmUDBysJoYXCBWdoXpPT"
    ),
    "a circle through five pools, with a rest of one of the mints": (
        "GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ"
    ),
    "a route whose dollars go to another wallet, paid for by a third": (
        "4DPfdCKCd3MLtWTUnBa2LSEXRjXo2nF79R4ediFuTL2sU38DfETX1c6yhAk6KofGhjdPEBGJtrzh8QZEiFvwe7Ng"
    ),
    "a limit order filled by a keeper with what its maker had put aside": (
        "3HdFhHNyf2uKrW6zb6FeYZpjcRyvprQuQH4oVkmc4uuCAhoEUAEkPHgUzRubf8npmHnziRs4HokFTgAkGPyzso6D"
    ),
    "bought, and burned": ("36B2ToBixbLxRv4EFBNGhMLX6NWAxh5C1yF31WsJNgCTNYKuRy9BsnfZQDiX4hE7NH9yYFEsJnVxQJmZFABnGuPE"),
    "PumpSwap: liquidity put in": (
        "63PQNtzDQdBDnf7FMC4jafDPhDVZHHhZwhJAbCT25efDgXt4H3fxPSQCAacV5Psaz5aKrRk35ubc97oQuozg9rwV"
    ),
    "PumpSwap: all liquidity taken out": (
        "2Z6pDoWEVYwf4v4fzNVNLW1c2DzEK24WhpyK45ZBkZBiUBogVCfG67U5b1ff6W3ixKPotLTB2k5FTKCKgNtKYJgv"
    ),
    "DLMM: a position emptied, its fees claimed, its deposit back": (
        "5TjXcSVPadYrApvVxZRhZLd8QQ2eX5Qb22c17rnKEobMYMaL44xW23Nko7dZWpf7hF8nCz7xoxjnD1yzzzmqTiJP"
    ),
    "a concentrated position closed: liquidity, fees, and its token burned": (
        "4BQLJva7QLyRq7ToDu2TXDrkFmdpzwQZ7WAhCVeheu6BgKfkGaVXbbxxPPB8RZZASPnYyek261dNFE77wGbBERur"
    ),
    "dollars sent": "4LXpF3MCdp69iFmD27Sn812UNpqFPHM4qXH7Y12E964p9GHXvwMe1XEmyasogVT2N4XEctdQQLf1sHY6Gvsa5sFX",
    "dollars sent, paid for by another": (
        "65MevEhHuXZzwQ8VftyQUmbgbs41bj2KMhf6zDM5hqsXN6jxsHYniHbi7MMWQ4kitcgfRdsuYe1s7zAqtzPYXZVG"
    ),
    "a coin made and minted to its maker": (
        "4JpccouRXyZqsrRFdkTpX2nxFRXoH6UwW7zjR2QHsd51F2chC9PxK3y7pPyQv2pjESFgJiA5xRTCgfLb7Bqdt3B"
    ),
    "failed": "5CKaQoPLJgonNz1tKvCxuGSiAcJkDTvxKoU9Tb5ZsekTetgYatN4BZ7u1a3eq5wneFncsZ47x2NwXtSrWyBvHZzK",
}


def decoded_recordings(fixtures: Path) -> list[Decoded]:
    """Every recorded transaction, decoded."""
    return [decode_transaction(parse_transaction(body)) for body in recorded_bodies(fixtures).values()]


def events_of_decoded(decoded: Decoded) -> list[PositionEvent]:
    """The events, at slot 0 and time 0 where the recording does not say."""
    transaction = decoded.transaction
    place = (transaction.signature, transaction.slot or 0, transaction.tx_index, transaction.block_time_s or 0)
    return position_events_of(*place, decoded)


def rendered(events: Iterable[PositionEvent]) -> str:
    """A line an event: whose, where, what, for what, with whom, its costs; addresses by their first letters."""
    lines = []
    for event in events:
        parts = [event.wallet[:_LETTERS], f"{event.seq}", event.path, event.kind]
        parts += [f"{event.qty_raw}", f"{event.mint[:_LETTERS]}/{event.decimals}"]
        if event.other_mint:
            parts += ["for", f"{event.other_raw}", f"{event.other_mint[:_LETTERS]}/{event.other_decimals}"]
        if event.counterparty:
            parts.append(f"with={event.counterparty[:_LETTERS]}")
        if event.is_escrow:
            parts.append("kept")
        if event.venue:
            parts.append(f"at={event.venue}")
        costs = {
            "network_fee": event.network_fee_lamports,
            "tip": event.tip_lamports,
            "rent": event.rent_lamports,
        }
        parts += [f"{name}={lamports}" for name, lamports in costs.items() if lamports]
        lines.append(" ".join(parts))
    return "\n".join(lines)


def golden_text(fixtures: Path) -> str:
    """The golden file: a title, a signature and its events, for each that was chosen."""
    bodies = recorded_bodies(fixtures, CHOSEN.values())
    blocks = [
        f"# {title}\n{signature}\n"
        f"{rendered(events_of_decoded(decode_transaction(parse_transaction(bodies[signature]))))}"
        for title, signature in CHOSEN.items()
    ]
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(golden_text(FIXTURES), encoding="utf-8")
