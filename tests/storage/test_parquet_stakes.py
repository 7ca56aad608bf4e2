"""A wallet's stake out of stored events: only what went to the staking program's accounts, in its transactions, counts."""

from datetime import timedelta
from pathlib import Path

import polars as pl
from position_world import COIN, COIN_DECIMALS, OTHER_COIN, START, WALLET, address, event, events_frame

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.stakes import ParquetStakes, Staked
from oof_pipelines.storage.parquet.store import ParquetStore

STAKING, OTHER_PROGRAM = address("staking"), address("another program")
VAULT = next(one for one in (address(f"vault {number}") for number in range(99)) if is_off_curve(one))
FRIEND = next(one for one in (address(f"friend {number}") for number in range(99)) if not is_off_curve(one))


def stored(root: Path, events: list[PositionEvent], calls: dict[str, str]) -> ParquetStore:
    """A store of the wallet's events whose transactions call the staking program, but those in `calls`."""
    store = ParquetStore(root)
    store.write(WALLET_EVENTS.name, wallet_bucket(WALLET), events_frame(events))
    rows = [
        dict.fromkeys(RAW_TRANSACTIONS.columns)
        | {
            "signature": one.signature,
            "slot": one.slot,
            "block_time": START + timedelta(seconds=one.block_time_s - int(START.timestamp())),
            "is_block_time_estimated": False,
            "version": "0",
            "is_failed": False,
            "fee_lamports": 5000,
            "fee_payer": WALLET,
            "program_ids": [calls.get(one.signature, STAKING)],
            "body_zstd": b"",
        }
        for one in events
    ]
    frame = pl.DataFrame(rows, schema=RAW_TRANSACTIONS.columns, strict=False)
    store.write(RAW_TRANSACTIONS.name, START.date(), RAW_TRANSACTIONS.arrange(frame))
    return store


def test_what_is_in_the_programs_accounts_is_staked(tmp_path: Path) -> None:
    bought = event("buy", 1, qty=1_000, usdc=1)
    put_in = event("send", 2, qty=700, counterparty=VAULT)
    taken_out = event("receive", 3, qty=200, counterparty=VAULT)
    given = event("send", 4, qty=50, counterparty=FRIEND)
    lent = event("send", 5, qty=40, counterparty=VAULT)
    other = event("send", 6, qty=30, counterparty=VAULT, mint=OTHER_COIN)
    store = stored(tmp_path, [bought, put_in, taken_out, given, lent, other], {lent.signature: OTHER_PROGRAM})
    assert ParquetStakes(store, STAKING, COIN).staked(WALLET) == Staked(500, COIN_DECIMALS)
    assert ParquetStakes(store, OTHER_PROGRAM, COIN).staked(WALLET) == Staked(40, COIN_DECIMALS)
    assert ParquetStakes(store, STAKING, COIN).staked(FRIEND) == Staked(0, None)


def test_nothing_is_staked_where_no_program_or_no_token_is_set(tmp_path: Path) -> None:
    store = stored(tmp_path, [event("send", 2, qty=700, counterparty=VAULT)], {})
    assert ParquetStakes(store, "", COIN).staked(WALLET) == Staked(0, None)
    assert ParquetStakes(store, STAKING, "").staked(WALLET) == Staked(0, None)
    assert ParquetStakes(ParquetStore(tmp_path / "none"), STAKING, COIN).staked(WALLET) == Staked(0, None)
