"""A decoded day as wallets see it, in 64 buckets: actions, a row for whose it is and one for the other side, and events."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS, WALLET_EVENTS
from oof_pipelines.storage.parquet.schemas import ACTIONS, WALLET_ACTIONS

Frames = Mapping[str, pl.DataFrame]
"""Dataset → frame."""

DAY_DATASETS = (ACTIONS.name, POSITION_EVENTS.name)
"""What the slices of a day are made of."""


@dataclass(frozen=True, slots=True)
class WalletSlice:
    """What a bucket has of a day: rows of wallet_actions and of wallet_events, in the order of their files."""

    actions: pl.DataFrame
    events: pl.DataFrame

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """Dataset → its rows."""
        return {WALLET_ACTIONS.name: self.actions, WALLET_EVENTS.name: self.events}

    @property
    def height(self) -> int:
        return self.actions.height + self.events.height

    @property
    def sha256(self) -> str:
        """One digest of both. Without events it is that of the actions, as of days that were decoded before events were."""
        of_actions = digest(self.actions)
        if self.events.is_empty():
            return of_actions
        return hashlib.sha256(f"{of_actions} {digest(self.events)}".encode()).hexdigest()


EMPTY_SLICE = WalletSlice(pl.DataFrame(schema=WALLET_ACTIONS.columns), pl.DataFrame(schema=WALLET_EVENTS.columns))


def wallet_rows(actions: pl.DataFrame) -> pl.DataFrame:
    """The wallet_actions rows of an actions frame, with their `bucket`. Nobody is the other side of himself."""
    columns = list(WALLET_ACTIONS.columns)
    own = actions.with_columns(is_counterparty=False, other_wallet="counterparty")
    other = actions.filter((pl.col("counterparty") != "") & (pl.col("counterparty") != pl.col("wallet"))).with_columns(
        wallet="counterparty", other_wallet="wallet", is_counterparty=True
    )
    rows = pl.concat([own.select(columns), other.select(columns)])
    return rows.with_columns(bucket=_buckets(rows["wallet"]))


def event_rows(events: pl.DataFrame) -> pl.DataFrame:
    """The wallet_events rows of a position_events frame, with their `bucket`."""
    return events.select(list(WALLET_EVENTS.columns)).with_columns(bucket=_buckets(events["wallet"]))


def slices_of(frames: Frames) -> dict[int, WalletSlice]:
    """Bucket → what it has of a day whose `actions` and `position_events` these are; buckets without any are not there."""
    actions = _parts(WALLET_ACTIONS, wallet_rows(frames[ACTIONS.name]))
    events = _parts(WALLET_EVENTS, event_rows(frames[POSITION_EVENTS.name]))
    return {
        bucket: WalletSlice(actions.get(bucket, EMPTY_SLICE.actions), events.get(bucket, EMPTY_SLICE.events))
        for bucket in sorted(actions.keys() | events.keys())
    }


def slice_digests(frames: Frames) -> dict[int, str]:
    """Bucket → digest of its slice, for the buckets that a day touches."""
    return {bucket: part.sha256 for bucket, part in slices_of(frames).items()}


def digest(rows: pl.DataFrame) -> str:
    """SHA-256 over the rows as CSV: equal rows, equal digest, whatever wrote them.

    Texts are quoted and unknown values are not, so that other rows never have the same text.
    """
    text = io.BytesIO()
    rows.write_csv(text, include_header=False, quote_style="non_numeric", null_value="~")
    return hashlib.sha256(text.getbuffer()).hexdigest()


def _parts(dataset: Dataset, rows: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Bucket → its rows in the dataset's order: a day is sorted once, not once a bucket."""
    in_order = rows.sort(list(dataset.sort_by), nulls_last=True)
    parts = in_order.partition_by("bucket", as_dict=True, include_key=False, maintain_order=True)
    return {int(key[0]): part for key, part in parts.items()}


def _buckets(wallets: pl.Series) -> pl.Series:
    """Each wallet's bucket; every distinct wallet is hashed once."""
    distinct = wallets.unique()
    numbers = pl.Series([wallet_bucket(wallet) for wallet in distinct], dtype=pl.Int16)
    return wallets.replace_strict(distinct, numbers, return_dtype=pl.Int16)
