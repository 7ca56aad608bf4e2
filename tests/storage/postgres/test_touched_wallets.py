"""Touched wallets: who is touched by what, what is taken back, what is served where files and what waits meet."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from decoded_home import use_inbox
from refreshed_world import Make, made_worlds, trading_rows

from oof_pipelines.position_work import open_position_work
from oof_pipelines.refresh_interfaces import Asked, RefreshedWallet
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.touched_wallets import RefreshIsRunningError
from oof_pipelines.workflows.refresh_wallets import make_wallets, wallet_events

make = pytest.fixture(made_worlds)


def test_what_vanishes_leaves_nothing_behind_within_a_refresh(make: Make) -> None:
    rows = trading_rows(4, 4, 150)
    world = make()
    world.hear(rows)
    world.refresh()
    [(signature, wallet)] = world.select(
        "select sig_ref, wallet from oof_moments where kind = 'S2E' order by id limit 1"
    )
    lots = world.select("select count(*) from lots where sig = %s", signature)[0][0]
    trades = world.select("select count(*) from realized_trades where sig = %s", signature)[0][0]
    moments = world.select("select count(*) from oof_moments where sig_ref = %s", signature)[0][0]
    world.retract(signature)
    [(removed, *told)] = world.select(
        "select events_removed, lots_removed, trades_removed, moments_removed, wallets_touched from corrections"
    )
    assert removed > 0
    assert told[:3] == [lots, trades, moments]
    assert told[3] >= 1
    assert ("event",) in world.select("select cause from touched_wallets where wallet = %s", wallet)
    world.refresh()
    for table, column in (("lots", "sig"), ("realized_trades", "sig"), ("oof_moments", "sig_ref")):
        assert world.select(f"select count(*) from {table} where {column} = %s", signature) == [(0,)]
    without = make()
    without.hear([row for row in rows if row.signature != signature])
    without.refresh()
    assert world.tables() == without.tables()


def test_a_moved_transaction_is_told_from_its_new_slot_alone(make: Make) -> None:
    rows = trading_rows()
    world = make()
    world.hear(rows[:40])
    world.refresh()
    [(signature,)] = world.select("select sig from lots order by lot_id limit 1")

    async def move(inbox: PostgresInbox) -> None:
        await inbox.move_slot(signature, 2**40)

    use_inbox(world.url, move)
    assert world.select("select reason, lots_removed > 0 from corrections") == [("moved_slot", True)]
    world.refresh()
    without = make()
    without.hear([row for row in rows[:40] if row.signature != signature])
    without.refresh()
    assert world.tables() == without.tables()


def test_others_trades_touch_who_holds_the_coin_or_sold_it_a_while_later(make: Make) -> None:
    rows = trading_rows(4, 4, 150)
    world = make()
    world.hear(rows[:100])
    world.refresh()
    world.execute("delete from touched_wallets")
    later = rows[100:101]
    world.hear(later)
    concerned = world.select("select wallet, not_before - touched_at from touched_wallets where cause = 'price'")
    assert concerned
    assert {delay for _, delay in concerned} == {timedelta(seconds=20)}
    [(mint,)] = world.select(
        "select distinct mint from hot_market_events where sig = %s and kind = 'trade'", later[0].signature
    )
    held = world.select(
        "select distinct wallet from lots where mint = %s and qty_remaining_raw > 0 "
        "union select wallet from realized_trades where mint = %s",
        mint,
        mint,
    )
    assert {wallet for wallet, _ in concerned} == {wallet for (wallet,) in held}
    # Not yet due: a refresh makes the wallet of the trade alone.
    own = {wallet for (wallet,) in world.select("select wallet from touched_wallets where cause = 'event'")}
    assert world.refresh().served == len(own)


def test_a_touch_while_a_wallet_is_made_is_another_one(make: Make) -> None:
    rows = trading_rows()
    world = make()
    world.hear(rows[:40])
    with world.refreshing() as work:
        taken = work.touched.take(datetime.now(UTC), 500)
        assert taken
        world.hear(rows[40:])
        again = {wallet for (wallet,) in world.select("select wallet from touched_wallets where cause = 'event'")}
        asked = Asked(
            work.touched.newest_block_at(),
            datetime.now(UTC),
            datetime.now(UTC),
            work.touched.notes({one.bucket for one in taken}),
        )
        frames = make_wallets([], *work.market.at(asked.as_of), work.rules, asked.as_of)
        touched_again = {
            wallet
            for one in taken
            for (wallet, version) in world.select(
                "select wallet, version from touched_wallets where wallet = %s and cause = 'event'", one.wallet
            )
            if version != one.versions["event"]
        }
        work.touched.serve(asked, [RefreshedWallet(one, 0, None) for one in taken], frames)
        left = {wallet for (wallet,) in world.select("select wallet from touched_wallets where cause = 'event'")}
        assert touched_again
        assert left == touched_again | (again - {one.wallet for one in taken})


def test_a_bucket_served_from_files_meanwhile_is_read_again(make: Make) -> None:
    rows = trading_rows()
    world = make()
    world.hear(rows[:40])
    with world.refreshing() as work:
        taken = work.touched.take(datetime.now(UTC), 500)
        as_of = work.touched.newest_block_at()
        notes = work.touched.notes({one.bucket for one in taken})
        world.settle()
        cold_tables = world.tables()
        asked = Asked(as_of, datetime.now(UTC), datetime.now(UTC), notes)
        frames = make_wallets([], *work.market.at(as_of), work.rules, as_of)
        assert work.touched.serve(asked, [RefreshedWallet(one, 0, None) for one in taken], frames) == []
        assert world.tables() == cold_tables


def test_files_do_not_overwrite_what_is_fresher(make: Make) -> None:
    rows = trading_rows(4, 4, 150)
    world = make()
    world.hear(rows[:100])
    world.settle()
    world.hear(rows[100:])
    world.refresh()
    fresh = world.tables()
    assert world.select("select count(*) from hot_wallets")[0][0] > 0
    with open_position_work(world.url, world.settings) as work:
        buckets = [bucket for (bucket,) in world.select("select distinct bucket from hot_wallets")]
        assert set(buckets) <= set(work.lagging_positions())
        assert not set(buckets) & set(work.lagging_positions(is_newest_counted=False))
    world.make_cold()
    assert world.tables() == fresh
    world.settle()
    assert world.select("select count(*) from hot_wallets") == [(0,)]


def test_users_marks_outlive_that_a_wallet_is_made_again(make: Make) -> None:
    rows = trading_rows(4, 4, 150)
    world = make()
    world.hear(rows[:-1])
    world.refresh()
    [(moment, wallet)] = world.select("select id, wallet from oof_moments order by id limit 1")
    world.execute(
        "update oof_moments set nft_minted = true, nft_mint = 'n', preview_png_url = 'u' where id = %s", moment
    )
    world.execute("update touched_wallets set not_before = now()")
    world.execute(
        "insert into touched_wallets (wallet, cause, bucket) select wallet, 'event', bucket from hot_wallets "
        "on conflict do nothing"
    )
    world.refresh()
    assert world.select(
        "select nft_minted, nft_mint, preview_png_url, wallet from oof_moments where id = %s", moment
    ) == [(True, "n", "u", wallet)]


def test_one_wallet_that_cannot_be_made_stops_no_other(make: Make) -> None:
    rows = trading_rows()
    world = make()
    world.hear(rows)
    [(wallet,)] = world.select("select wallet from hot_position_events where kind = 'buy' order by wallet limit 1")
    # More than a column has room for, once it is added up.
    world.execute(
        "update hot_position_events set qty_raw = 9e37, other_raw = 9e37 where wallet = %s and kind = 'buy'", wallet
    )
    totals = world.refresh()
    assert totals.failed == 1
    assert totals.served > 1
    [(failures, reason, is_later)] = world.select(
        "select failures, last_error, not_before > now() from touched_wallets where wallet = %s and cause = 'event'",
        wallet,
    )
    assert (failures, is_later) == (1, True)
    assert reason
    assert world.select("select count(*) from lots where wallet = %s", wallet) == [(0,)]


def test_two_do_not_refresh_one_database(make: Make) -> None:
    world = make()
    with world.refreshing(), pytest.raises(RefreshIsRunningError, match="another process"), world.refreshing():
        pass


def test_places_in_a_slot_order_what_waits_and_touch_its_wallets(make: Make) -> None:
    rows = trading_rows()
    wallet_of = {row.signature: row.fee_payer for row in rows}
    first = rows[0]
    twin = next(row for row in rows[1:] if wallet_of[row.signature] == first.fee_payer)
    world = make()
    world.hear([replace(first, tx_index=None), replace(twin, slot=first.slot, tx_index=None)])
    world.refresh()

    async def order(inbox: PostgresInbox) -> None:
        assert await inbox.unplaced_slots([first.signature]) == [first.slot]
        assert await inbox.place_in_slot(first.slot, ["other", twin.signature, first.signature]) == 2
        assert await inbox.unplaced_slots([first.signature]) == []
        assert await inbox.place_in_slot(first.slot, [first.signature, twin.signature]) == 0

    use_inbox(world.url, order)
    assert world.select("select sig, tx_index from tx_raw order by tx_index") == [
        (twin.signature, 1),
        (first.signature, 2),
    ]
    assert (first.fee_payer,) in world.select("select wallet from touched_wallets where cause = 'event'")
    with world.refreshing() as work:
        [taken] = [one for one in work.touched.take(datetime.now(UTC), 50) if one.wallet == first.fee_payer]
        events = wallet_events(work.touched, work.files, [taken])[first.fee_payer]
        signatures = [one.signature for one in events]
        assert signatures == sorted(signatures, key=[twin.signature, first.signature].index)


def test_the_log_tells_for_how_long_what_happened_waited_not_how_long_a_price_did(make: Make) -> None:
    rows = trading_rows()
    world = make()
    world.hear(rows[:40])
    world.execute(
        "insert into touched_wallets (wallet, cause, bucket, touched_at) "
        "select wallet, 'price', bucket, now() - interval '1 hour' from touched_wallets where cause = 'event'"
    )
    world.refresh()
    told = world.select("select distinct cause, served_at - touched_at < interval '30 minutes' from refresh_log")
    assert told == [("event", True)]
    assert world.select(
        "select count(*) from touched_wallets where cause = 'price' and touched_at < now() - interval '9 min'"
    ) == [(0,)]
