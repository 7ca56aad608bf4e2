"""The market's events of recorded transactions, and as text that a person can review.

`python tests/market/recorded_events.py` (with tests/ on the path) writes golden_events.txt anew.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from recorded_data import FIXTURES

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.market.events import MarketEvent
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.testing.recorded_node.recording_files import find_recording_files, read_recording_file
from oof_pipelines.testing.recorded_node.recordings import KnownFacts, cut_recording

GOLDEN = Path(__file__).with_name("golden_events.txt")
_FOLDERS = ("tx_base64", "tx_block_element", "tx_json", "tx_json_parsed", "ws_block_subscribe")
_LETTERS = 8

CHOSEN = {
    "pump.fun: made and bought by its maker, told in a node's words": (
        "52ar89rghM8EwKZkxFnBMC4LaMReqtVdpxqXxGWBCMYV1DnYdLrdsqJo8Hbn9KjVpckAokqGNHzTSVfK5xuLepdC"
    ),
    "pump.fun: a Token-2022 coin made and bought": (
        "4HbY43S9UigSctrfxY5nszgf3ozN1f4kPQYaqaFLZaCDhwa55rauuRmhP85u67U7dBvGFwB5C6stmkH2b1TNxgQh"
    ),
    "pump.fun: migrated to a PumpSwap pool, and the pool's first buy": (
        "2ffHb9AXeKNVs3KSusTHTY3GTPnUJ2WLr48pjHDZjhMYfLC9P6XWXMuDkev13X49qLp6A5CkDmAJciJgieQUFidV"
    ),
    "PumpSwap: all liquidity taken out": (
        "2Z6pDoWEVYwf4v4fzNVNLW1c2DzEK24WhpyK45ZBkZBiUBogVCfG67U5b1ff6W3ixKPotLTB2k5FTKCKgNtKYJgv"
    ),
    "Raydium v4: called directly": (
        "2XgzfkWeDeua4oemWXrj3JzhxVsV4mGsqVZfETSbhn6hGFuLvi2fjdK2TGcmuQQnZSEjUmMmPjUnCFWDebGJcgWQ"
    ),
    "Raydium v4: a pool made": (
        "62pyLB3E5cJEWh3Y6KQc5sGozqzmadrAQ7AbBwLiZnngTiSQ1LuMZ56M6MhNskZuvFxDMiosgGyDdesVUz4mG8ng"
    ),
    "LaunchLab: made and bought": (
        "mqSGNwKK8GZW7PztnYDat3F85BWf7JRWfm5k4ToKpKzkoGmQgyr2bwpm47md7jLck4Yc7pmXuciE73Tf8dT74u8"
    ),
    "Jupiter: three hops paid for by another": (
        "4DPfdCKCd3MLtWTUnBa2LSEXRjXo2nF79R4ediFuTL2sU38DfETX1c6yhAk6KofGhjdPEBGJtrzh8QZEiFvwe7Ng"
    ),
    "a router: one coin sold in three pools, two of them for SOL that goes on to dollars": (
        "2pbFktFoaNbT7WuoqtsY4C7onBuntwazTjVbadbzZxyh49yVBH5szn4igTgqSgp2jS9S3S2ryFivXAegopaheKSs"
    ),
    "a circle through five pools of coins and coins": (
        "GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ"
    ),
    "a mint made and both authorities given up": (
        "4JpccouRXyZqsrRFdkTpX2nxFRXoH6UwW7zjR2QHsd51F2chC9PxK3y7pPyQv2pjESFgJiA5xRTCgfLb7Bqdt3B"
    ),
}


def recorded_bodies(fixtures: Path, signatures: Iterable[str] = ()) -> dict[str, bytes]:
    """Signature → body, of every recorded transaction or of those named; of one recorded several times the first."""
    wanted = set(signatures)
    found: dict[str, bytes] = {}
    for folder in _FOLDERS:
        for path in find_recording_files(fixtures / folder):
            named = path.name.partition(".")[0]
            if path.name.endswith(".expected.json") or (wanted and folder.startswith("tx_") and named not in wanted):
                continue
            text, _ = read_recording_file(path)
            for one in cut_recording(text, KnownFacts()).transactions:
                found.setdefault(parse_transaction(one.body).signature, one.body)
    return {signature: body for signature, body in found.items() if not wanted or signature in wanted}


def events_of_body(body: bytes) -> list[MarketEvent]:
    """The events, at slot 0 and time 0 where the recording does not say."""
    decoded = decode_transaction(parse_transaction(body))
    transaction = decoded.transaction
    place = (transaction.signature, transaction.slot or 0, transaction.tx_index, transaction.block_time_s or 0)
    return market_events_of(*place, decoded)


def rendered(events: Iterable[MarketEvent]) -> str:
    """A line an event: where it stands, its kind, its fields that say something; addresses by their first letters."""
    lines = []
    for event in events:
        place = event.place
        fields = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "place"}
        told = " ".join(f"{name}={_short(value)}" for name, value in fields.items() if value is not None)
        outer, inner = divmod(place.log_idx, 65_536)
        path = f"{outer}.{inner - 1}" if inner else str(outer)
        lines.append(f"{path}#{place.ordinal} {event.KIND} {told}")
    return "\n".join(lines)


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value[:_LETTERS] if is_pubkey(value) else json.dumps(value)
    return str(value)


def golden_text(fixtures: Path) -> str:
    """The golden file: a title, a signature and its events, for each that was chosen."""
    bodies = recorded_bodies(fixtures, CHOSEN.values())
    blocks = [
        f"# {title}\n{signature}\n{rendered(events_of_body(bodies[signature]))}" for title, signature in CHOSEN.items()
    ]
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(golden_text(FIXTURES), encoding="utf-8")
