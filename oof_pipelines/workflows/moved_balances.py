"""What moved on wallets' accounts by transaction, and where a balance does not go on from where it ended."""

import polars as pl

from oof_pipelines.chain.moves import RESIDUAL_PATH

MOVED_COLUMNS = {
    "signature": pl.String(),
    "owner": pl.String(),
    "asset": pl.String(),
    "at_s": pl.Int64(),
    "moved_raw": pl.Int128(),
    "residual_raw": pl.Int128(),
}
"""A row for each transaction, owner and asset: what came in and what went out added up, and how much of it is residual."""

_TRANSACTION = ("owner", "account", "asset", "slot", "tx_index", "signature")
_ACCOUNT = ("owner", "account", "asset")


def moved(moves: pl.DataFrame) -> pl.DataFrame:
    """`moves` (signature, owner, asset, block_time, path, delta_raw) summed up, in `MOVED_COLUMNS`.

    In 128 bits no sum of amounts that fit 64 goes over.
    """
    raw = pl.col("delta_raw").cast(pl.Int128).abs()
    return (
        moves.group_by("signature", "owner", "asset")
        .agg(
            at_s=pl.col("block_time").first().dt.epoch("s"),
            moved_raw=raw.sum(),
            residual_raw=raw.filter(pl.col("path") == RESIDUAL_PATH).sum(),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in MOVED_COLUMNS.items())
        .sort("signature", "owner", "asset")
    )


def balance_gaps(moves: pl.DataFrame) -> dict[str, int]:
    """Owner → how many times one of his accounts has another balance before a transaction than after the one before it.

    Something that is not among `moves` lies in between, then. Slots in which an account has several transactions, one of
    them of unknown place, say nothing. Owners without any are not there.
    """
    if moves.is_empty():
        return {}
    balances = moves.with_columns(pl.col("delta_raw", "balance_raw").cast(pl.Int128)).sort("seq")
    ends = (
        balances.group_by(_TRANSACTION, maintain_order=True)
        .agg(
            before=(pl.col("balance_raw") - pl.col("delta_raw")).first(),
            after=pl.col("balance_raw").last(),
        )
        .sort(_TRANSACTION)
    )
    in_slot = (*_ACCOUNT, "slot")
    is_ordered = (pl.len().over(in_slot) == 1) | (pl.col("tx_index").is_not_null().all().over(in_slot))
    found = ends.with_columns(is_ordered=is_ordered).with_columns(
        is_gap=(pl.col("before") != pl.col("after").shift(1).over(_ACCOUNT))
        & pl.col("is_ordered")
        & pl.col("is_ordered").shift(1).over(_ACCOUNT)
    )
    counts = found.filter("is_gap").group_by("owner").len().sort("owner")
    return dict(zip(counts["owner"], counts["len"], strict=True))
