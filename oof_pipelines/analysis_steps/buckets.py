"""The buckets that some wallets are in, brought up to the decoded days; the other sixty or so stay as they are."""

from collections.abc import Callable, Iterable
from datetime import date

import polars as pl

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS
from oof_pipelines.storage.parquet.schemas import ACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.update_wallets import DaySlices, InvalidBucketError, update_bucket
from oof_pipelines.workflows.wallet_slices import EMPTY_SLICE, WalletSlice, slices_of

_WALLET_COLUMNS = {ACTIONS.name: ("wallet", "counterparty"), POSITION_EVENTS.name: ("wallet",)}


class BucketSlices(DaySlices):
    """Slices of one bucket alone: of each day only its rows are cut out, where all buckets' would be made for a fold."""

    def __init__(self, store: ParquetStore) -> None:
        super().__init__(store)
        self._files = store

    def get(self, day: date, bucket: int) -> WalletSlice:
        """The bucket's slice of a day, read each time."""
        return slices_of({name: self._rows(name, day, bucket) for name in _WALLET_COLUMNS}).get(bucket, EMPTY_SLICE)

    def _rows(self, dataset: str, day: date, bucket: int) -> pl.DataFrame:
        rows = self._files.read(dataset, day)
        if rows is None:
            return pl.DataFrame(schema={ACTIONS.name: ACTIONS, POSITION_EVENTS.name: POSITION_EVENTS}[dataset].columns)
        columns = _WALLET_COLUMNS[dataset]
        wallets = pl.concat([rows[name] for name in columns]).unique()
        own = pl.Series([wallet for wallet in wallets if wallet_bucket(wallet) == bucket], dtype=pl.String)
        return rows.filter(pl.any_horizontal(pl.col(name).is_in(own.implode()) for name in columns))


def update_buckets_of(
    url: str,
    store: ParquetStore,
    wallets: Iterable[str],
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[int, list[str]]:
    """(how many of the wallets' buckets lagged, a line for each that breaks a check and stays as it was)."""
    failures = []
    with PostgresWalletContents(url) as contents:
        lagging = sorted({wallet_bucket(wallet) for wallet in wallets} & contents.stale_buckets().keys())
        slices = BucketSlices(store)
        for done, bucket in enumerate(lagging, 1):
            try:
                update_bucket(store, contents, slices, bucket)
            except InvalidBucketError as error:
                failures.append(str(error))
            on_progress(done, len(lagging))
    return len(lagging), failures
