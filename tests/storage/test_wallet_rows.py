"""Some wallets' events out of a bucket's file: the same as of the whole file, of the version that is there, and in bounds."""

from pathlib import Path

import pytest
from position_world import address, event, events_frame

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.storage.parquet import store as store_module
from oof_pipelines.storage.parquet import wallet_rows as module
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.store import DamagedPartitionError, ParquetStore
from oof_pipelines.storage.parquet.wallet_rows import ParquetWalletRows

WALLETS = sorted(address(f"w{number}") for number in range(40))


def events_of(wallet: str, count: int) -> list[PositionEvent]:
    return [event("buy", minute, wallet=wallet, qty=minute + 1, usdc=1) for minute in range(count)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ParquetStore:
    """A bucket of 40 wallets of five events each, in groups of 16 rows."""
    monkeypatch.setattr(store_module, "ROWS_A_GROUP", 16)
    made = ParquetStore(tmp_path)
    made.write(WALLET_EVENTS.name, 7, events_frame([one for wallet in WALLETS for one in events_of(wallet, 5)]))
    return made


def test_wallets_have_their_events_in_the_order_of_the_file(store: ParquetStore) -> None:
    rows = ParquetWalletRows(store)
    asked = [WALLETS[0], WALLETS[17], WALLETS[-1], address("nobody")]
    assert rows.events(7, asked) == {wallet: events_of(wallet, 5 if wallet in WALLETS else 0) for wallet in asked}
    assert rows.events(7, WALLETS) == {wallet: events_of(wallet, 5) for wallet in WALLETS}
    assert rows.events(8, asked) == {wallet: [] for wallet in asked}


def test_only_groups_that_may_hold_them_are_read(store: ParquetStore, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    decode = module.position_events_in

    def counted(frame):  # type: ignore[no-untyped-def]
        read.append(frame.height)
        return decode(frame)

    monkeypatch.setattr(module, "position_events_in", counted)
    rows = ParquetWalletRows(store)
    rows.events(7, [WALLETS[20]])
    rows.events(7, [WALLETS[20]])
    assert read == [5], "once for the two"


def test_a_file_that_was_replaced_is_read_again(store: ParquetStore) -> None:
    rows = ParquetWalletRows(store)
    wallet = WALLETS[3]
    assert len(rows.events(7, [wallet])[wallet]) == 5
    store.write(WALLET_EVENTS.name, 7, events_frame(events_of(wallet, 8)))
    assert rows.events(7, [wallet, WALLETS[4]]) == {wallet: events_of(wallet, 8), WALLETS[4]: []}


def test_what_was_asked_for_longest_ago_is_dropped(store: ParquetStore) -> None:
    rows = ParquetWalletRows(store, most_kept=30)
    for wallet in WALLETS:
        assert rows.events(7, [wallet]) == {wallet: events_of(wallet, 5)}
    assert rows._kept <= 30
    assert rows.events(7, WALLETS) == {wallet: events_of(wallet, 5) for wallet in WALLETS}, "what is wanted now stays"


def test_a_damaged_file_is_named(store: ParquetStore) -> None:
    store.path(WALLET_EVENTS.name, 7).write_bytes(b"no Parquet")
    with pytest.raises(DamagedPartitionError, match="bucket=07"):
        ParquetWalletRows(store).events(7, [WALLETS[0]])
