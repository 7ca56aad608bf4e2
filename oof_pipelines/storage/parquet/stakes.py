"""A wallet's staked balance, read from its stored events and the programs that their transactions call."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.positions.chain_order import in_chain_order
from oof_pipelines.positions.events import RECEIVE, SEND, PositionEvent
from oof_pipelines.positions.stakes import StakeMove, staked_raw
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.minute_candles import read_unchanged
from oof_pipelines.storage.parquet.position_event_rows import position_events_in
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore


@dataclass(frozen=True, slots=True)
class Staked:
    """Base units staked; `decimals` is None where the wallet has no event of the token."""

    raw: int
    decimals: int | None


class ParquetStakes:
    """Staked balances of `mint` in `program`; nothing is staked where either is ''."""

    def __init__(self, store: ParquetStore, program: str, mint: str) -> None:
        self._store = store
        self._program = program
        self._mint = mint

    def staked(self, wallet: str) -> Staked:
        """What is stored of the wallet's stake."""
        events = self._events(wallet) if self._program and self._mint else []
        calling = self._calling({event.signature: _day(event) for event in events})
        moves = [
            StakeMove(event.kind, event.counterparty, event.qty_raw)
            for event in events
            if event.signature in calling and event.counterparty and is_off_curve(event.counterparty)
        ]
        decimals = next((event.decimals for event in reversed(events) if event.decimals is not None), None)
        return Staked(staked_raw(moves), decimals)

    def _events(self, wallet: str) -> list[PositionEvent]:
        where = (pl.col("wallet") == wallet) & (pl.col("mint") == self._mint) & pl.col("kind").is_in([SEND, RECEIVE])
        events: list[PositionEvent] = []
        bucket = wallet_bucket(wallet)
        for rows in self._store.batches(WALLET_EVENTS.name, bucket, columns=list(WALLET_EVENTS.columns), where=where):
            events += position_events_in(rows)
        return in_chain_order(events, lambda event: event)

    def _calling(self, days: dict[str, date]) -> set[str]:
        """Those of the signatures (with the day of each) whose transactions call the program."""
        stored = set(self._store.days(RAW_TRANSACTIONS.name))
        paths = [self._store.path(RAW_TRANSACTIONS.name, day) for day in sorted(set(days.values()) & stored)]
        if not paths:
            return set()
        found = read_unchanged(
            RAW_TRANSACTIONS.name,
            paths,
            lambda: (
                pl.scan_parquet(paths, hive_partitioning=False, glob=False)
                .filter(pl.col("signature").is_in(sorted(days)) & pl.col("program_ids").list.contains(self._program))
                .select("signature")
            ),
        )
        return set(found["signature"])


def _day(event: PositionEvent) -> date:
    return date.fromordinal(_EPOCH_ORDINAL + event.block_time_s // _DAY_S)


_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_DAY_S = 86_400
