"""What happened to each wallet's holdings, by day and by wallet bucket. See positions/events.py for what the columns mean."""

import pandera.polars as pa
import polars as pl

from oof_pipelines.positions.events import KINDS
from oof_pipelines.storage.parquet.dataset import IN_CHAIN_ORDER, PLACE, RAW_AMOUNT, make_dataset

_WALLET = {"wallet": pa.Column(pl.String)}
_WHERE = {
    "log_idx": pa.Column(pl.Int32),
    "path": pa.Column(pl.String),
    # The events of one wallet in one transaction, in the order in which they apply.
    "seq": pa.Column(pl.Int32, pa.Check.ge(0)),
}
_DECIMALS = pa.Column(pl.Int16, pa.Check.in_range(0, 255), nullable=True)
_WHAT = {
    "kind": pa.Column(pl.String, pa.Check.isin(list(KINDS))),
    "mint": pa.Column(pl.String),
    "decimals": _DECIMALS,
    "qty_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
    "other_mint": pa.Column(pl.String),
    "other_decimals": _DECIMALS,
    "other_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0), nullable=True),
    "counterparty": pa.Column(pl.String),
    "venue": pa.Column(pl.String),
    "network_fee_lamports": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
    "tip_lamports": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
    # Negative where more of a deposit came back than was paid.
    "rent_lamports": pa.Column(RAW_AMOUNT),
    "is_escrow": pa.Column(pl.Boolean),
}

POSITION_EVENTS = make_dataset(
    "position_events",
    {**PLACE, **_WHERE, **_WALLET, **_WHAT},
    key=("signature", "wallet", "seq"),
    sort_by=(*IN_CHAIN_ORDER, "wallet", "seq"),
)

WALLET_EVENTS = make_dataset(
    "wallet_events",
    {**_WALLET, **PLACE, **_WHERE, **_WHAT},
    key=("wallet", "signature", "seq"),
    sort_by=("wallet", *IN_CHAIN_ORDER, "seq"),
    partition_column="bucket",
)
