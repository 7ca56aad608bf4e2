"""What each Parquet dataset holds: the single source of its columns, types, order of rows and key.

Amounts are Decimal(38,0) in base units; instants are UTC in microseconds. No column tells when a row was written, so that
the same input gives the same bytes.
"""

import pandera.polars as pa
import polars as pl

from oof_pipelines.decode.anchor_events import CALL, LOG
from oof_pipelines.decode.facts import INSIDE, ON_TOP
from oof_pipelines.storage.parquet.dataset import IN_CHAIN_ORDER, INSTANT, PLACE, RAW_AMOUNT, make_dataset
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS, WALLET_EVENTS
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, POSITION_DATASETS
from oof_pipelines.storage.parquet.price_schemas import PRICE_DATASETS

RAW_TRANSACTIONS = make_dataset(
    "raw_transactions",
    {
        **PLACE,
        "is_block_time_estimated": pa.Column(pl.Boolean),
        "version": pa.Column(pl.String, pa.Check.isin(["legacy", "0"])),
        "is_failed": pa.Column(pl.Boolean),
        "fee_lamports": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
        "fee_payer": pa.Column(pl.String),
        "program_ids": pa.Column(pl.List(pl.String)),
        "body_zstd": pa.Column(pl.Binary),
    },
    key=("signature",),
    sort_by=IN_CHAIN_ORDER,
)

RAW_LOGS = make_dataset(
    "raw_logs",
    {
        **PLACE,
        "program_id": pa.Column(pl.String),
        "is_failed": pa.Column(pl.Boolean),
        "logs": pa.Column(pl.List(pl.String)),
    },
    key=("signature",),
    sort_by=IN_CHAIN_ORDER,
)

# What an action is, without whose it is. `log_idx` orders within a transaction: see chain/moves.py.
_DEED = {
    "log_idx": pa.Column(pl.Int32),
    "path": pa.Column(pl.String),
    "program_id": pa.Column(pl.String),
    "venue": pa.Column(pl.String),
    "kind": pa.Column(pl.String),
}
_AMOUNTS = {
    "asset": pa.Column(pl.String),
    "amount_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
    "bought_asset": pa.Column(pl.String),
    "bought_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
}

ACTIONS = make_dataset(
    "actions",
    {
        "id": pa.Column(pl.String),
        **PLACE,
        **_DEED,
        "wallet": pa.Column(pl.String),
        "counterparty": pa.Column(pl.String),
        **_AMOUNTS,
        "paths": pa.Column(pl.List(pl.String)),
    },
    key=("id",),
    sort_by=(*IN_CHAIN_ORDER, "log_idx", "kind", "id"),
)

MOVES = make_dataset(
    "moves",
    {
        **PLACE,
        "seq": pa.Column(pl.Int32, pa.Check.ge(0)),
        "log_idx": pa.Column(pl.Int32),
        "path": pa.Column(pl.String),
        "account": pa.Column(pl.String),
        "owner": pa.Column(pl.String),
        "asset": pa.Column(pl.String),
        "delta_raw": pa.Column(RAW_AMOUNT),
        "balance_raw": pa.Column(RAW_AMOUNT, nullable=True),
        "kind": pa.Column(pl.String),
        "is_virtual": pa.Column(pl.Boolean),
    },
    key=("signature", "seq"),
    sort_by=(*IN_CHAIN_ORDER, "seq"),
)

PARTICIPANTS = make_dataset(
    "participants",
    {**PLACE, "wallet": pa.Column(pl.String), "roles": pa.Column(pl.List(pl.String))},
    key=("signature", "wallet"),
    sort_by=(*IN_CHAIN_ORDER, "wallet"),
)

TOKEN_FACTS = make_dataset(
    "token_facts",
    {
        "mint": pa.Column(pl.String),
        "decimals": pa.Column(pl.Int16, pa.Check.in_range(0, 255)),
        "token_program": pa.Column(pl.String),
        "first_slot": pa.Column(pl.Int64, pa.Check.ge(0)),
        "first_block_time": pa.Column(INSTANT),
        "first_signature": pa.Column(pl.String),
    },
    key=("mint",),
    sort_by=("mint",),
)

_SHOWN_RESERVE = pa.Column(RAW_AMOUNT, pa.Check.ge(0), nullable=True)

SWAPS = make_dataset(
    "swaps",
    {
        **PLACE,
        "log_idx": pa.Column(pl.Int32),
        "path": pa.Column(pl.String),
        "is_route": pa.Column(pl.Boolean),
        "ordinal": pa.Column(pl.Int32, pa.Check.ge(0)),
        "route_path": pa.Column(pl.String),
        "route_ordinal": pa.Column(pl.Int32, pa.Check.ge(0)),
        "program_id": pa.Column(pl.String),
        "via": pa.Column(pl.String),
        "venue": pa.Column(pl.String),
        "pool": pa.Column(pl.String),
        "trader": pa.Column(pl.String),
        "recipient": pa.Column(pl.String),
        "sold_mint": pa.Column(pl.String),
        "sold_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
        "bought_mint": pa.Column(pl.String),
        "bought_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
        "reserve_kind": pa.Column(pl.String, pa.Check.isin(["", "vault", "virtual"])),
        "sold_reserve_before_raw": _SHOWN_RESERVE,
        "sold_reserve_after_raw": _SHOWN_RESERVE,
        "bought_reserve_before_raw": _SHOWN_RESERVE,
        "bought_reserve_after_raw": _SHOWN_RESERVE,
    },
    key=("signature", "path", "is_route", "ordinal"),
    sort_by=(*IN_CHAIN_ORDER, "log_idx", "is_route", "ordinal"),
)

FEE_PARTS = make_dataset(
    "fee_parts",
    {
        **PLACE,
        "log_idx": pa.Column(pl.Int32),
        "path": pa.Column(pl.String),
        "is_route": pa.Column(pl.Boolean),
        "ordinal": pa.Column(pl.Int32, pa.Check.ge(0)),
        "seq": pa.Column(pl.Int32, pa.Check.ge(0)),
        "kind": pa.Column(pl.String),
        "mint": pa.Column(pl.String),
        # Signed: a rebate may come as a negative part.
        "amount_raw": pa.Column(RAW_AMOUNT),
        "side": pa.Column(pl.String, pa.Check.isin([ON_TOP, INSIDE])),
        "recipient": pa.Column(pl.String),
    },
    key=("signature", "path", "is_route", "ordinal", "seq"),
    sort_by=(*IN_CHAIN_ORDER, "log_idx", "is_route", "ordinal", "seq"),
)

# What a call did beside trading. `ordinal` tells apart several of one kind at one path.
_DONE = {
    "log_idx": pa.Column(pl.Int32),
    "path": pa.Column(pl.String),
    "kind": pa.Column(pl.String),
    "ordinal": pa.Column(pl.Int32, pa.Check.ge(0)),
    "program_id": pa.Column(pl.String),
    "venue": pa.Column(pl.String),
}
_DONE_KEY = ("signature", "path", "kind", "ordinal")
_DONE_ORDER = (*IN_CHAIN_ORDER, "log_idx", "kind", "ordinal")

LIQUIDITY = make_dataset(
    "liquidity",
    {
        **PLACE,
        **_DONE,
        "pool": pa.Column(pl.String),
        "wallet": pa.Column(pl.String),
        "mint": pa.Column(pl.String),
        "amount_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
        "share_mint": pa.Column(pl.String),
        "share_raw": pa.Column(RAW_AMOUNT, pa.Check.ge(0)),
    },
    key=_DONE_KEY,
    sort_by=_DONE_ORDER,
)

TOKEN_EVENTS = make_dataset(
    "token_events",
    {
        **PLACE,
        **_DONE,
        "mint": pa.Column(pl.String),
        "wallet": pa.Column(pl.String),
        "pool": pa.Column(pl.String),
        "quote_mint": pa.Column(pl.String),
        "creator": pa.Column(pl.String),
        "name": pa.Column(pl.String),
        "symbol": pa.Column(pl.String),
        "uri": pa.Column(pl.String),
        "token_program": pa.Column(pl.String),
    },
    key=_DONE_KEY,
    sort_by=_DONE_ORDER,
)

ANCHOR_EVENTS = make_dataset(
    "anchor_events",
    {
        **PLACE,
        "log_idx": pa.Column(pl.Int32),
        "path": pa.Column(pl.String),
        "ordinal": pa.Column(pl.Int32, pa.Check.ge(0)),
        "action_id": pa.Column(pl.String),
        "program_id": pa.Column(pl.String),
        "wallet": pa.Column(pl.String),
        "source": pa.Column(pl.String, pa.Check.isin([LOG, CALL])),
        "discriminator": pa.Column(pl.String),
        "data_base64": pa.Column(pl.String),
    },
    key=("signature", "path", "ordinal"),
    sort_by=(*IN_CHAIN_ORDER, "log_idx", "ordinal"),
)
"""What configured programs emitted, byte for byte: each is an action of kind anchor_event, `action_id`."""

WALLET_ACTIONS = make_dataset(
    "wallet_actions",
    {
        "wallet": pa.Column(pl.String),
        **PLACE,
        **_DEED,
        "id": pa.Column(pl.String),
        "is_counterparty": pa.Column(pl.Boolean),
        "other_wallet": pa.Column(pl.String),
        **_AMOUNTS,
    },
    key=("wallet", "id"),
    sort_by=("wallet", *IN_CHAIN_ORDER, "log_idx", "kind", "id"),
    partition_column="bucket",
)

RAW_DATASETS = {dataset.name: dataset for dataset in (RAW_TRANSACTIONS, RAW_LOGS)}
"""Filled from the inbox."""

TOLD_DATASETS = {
    dataset.name: dataset for dataset in (SWAPS, FEE_PARTS, LIQUIDITY, TOKEN_EVENTS, MARKET_EVENTS, ANCHOR_EVENTS)
}
"""What programs say happened: trades with their fees, liquidity, the steps of a token's life; and as the market's stream."""

DECODED_DATASETS = {
    **{dataset.name: dataset for dataset in (ACTIONS, MOVES, PARTICIPANTS, TOKEN_FACTS)},
    **TOLD_DATASETS,
    POSITION_EVENTS.name: POSITION_EVENTS,
}
"""Decoded from a day's raw_transactions."""

WALLET_DATASETS = {dataset.name: dataset for dataset in (WALLET_ACTIONS, WALLET_EVENTS)}
"""By wallet bucket, from the decoded days."""

MARKET_DATASETS = {dataset.name: dataset for dataset in (MARKET_EVENTS, RISK_FLAGS)}
"""The market's stream, by day."""

DATASETS = {
    **RAW_DATASETS,
    **DECODED_DATASETS,
    **WALLET_DATASETS,
    **POSITION_DATASETS,
    **MOMENT_DATASETS,
    **MARKET_DATASETS,
    **PRICE_DATASETS,
    FEATURES_1M.name: FEATURES_1M,
}
