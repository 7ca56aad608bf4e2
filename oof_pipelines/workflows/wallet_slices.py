"""A day's actions as wallets see them: a row for whose action it is and one for the other side, in 64 buckets."""

import hashlib
import io

import polars as pl

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.storage.parquet.schemas import WALLET_ACTIONS


def wallet_rows(actions: pl.DataFrame) -> pl.DataFrame:
    """The wallet_actions rows of an actions frame, with their `bucket`. Nobody is the other side of himself."""
    columns = list(WALLET_ACTIONS.columns)
    own = actions.with_columns(is_counterparty=False, other_wallet="counterparty")
    other = actions.filter((pl.col("counterparty") != "") & (pl.col("counterparty") != pl.col("wallet"))).with_columns(
        wallet="counterparty", other_wallet="wallet", is_counterparty=True
    )
    rows = pl.concat([own.select(columns), other.select(columns)])
    return rows.with_columns(bucket=_buckets(rows["wallet"]))


def slices_of(actions: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Bucket → the rows it has of a day's actions, in the order of its file; buckets without any are not there."""
    parts = wallet_rows(actions).partition_by("bucket", as_dict=True, include_key=False, maintain_order=True)
    return {int(key[0]): WALLET_ACTIONS.arrange(part) for key, part in sorted(parts.items())}


def slice_digests(actions: pl.DataFrame) -> dict[int, str]:
    """Bucket → digest of its slice, for the buckets that a day touches."""
    return {bucket: digest(rows) for bucket, rows in slices_of(actions).items()}


def digest(rows: pl.DataFrame) -> str:
    """SHA-256 over the rows as CSV: equal rows, equal digest, whatever wrote them.

    Texts are quoted and unknown values are not, so that other rows never have the same text.
    """
    text = io.BytesIO()
    rows.write_csv(text, include_header=False, quote_style="non_numeric", null_value="~")
    return hashlib.sha256(text.getbuffer()).hexdigest()


def _buckets(wallets: pl.Series) -> pl.Series:
    """Each wallet's bucket; every distinct wallet is hashed once."""
    distinct = wallets.unique()
    numbers = pl.Series([wallet_bucket(wallet) for wallet in distinct], dtype=pl.Int16)
    return wallets.replace_strict(distinct, numbers, return_dtype=pl.Int16)
