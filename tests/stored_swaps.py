"""Swaps put straight into the serving tables, for tests that only want to know what was traded when."""

from datetime import datetime, timedelta

import psycopg

NEWEST = datetime.fromisoformat("2025-10-17T12:00:00+00:00")
"""When the newest stored transaction was."""


def store_swaps(url: str, swaps: list[tuple[str, str, int]], newest: datetime = NEWEST) -> None:
    """(sold mint, bought mint, days ago) each in a transaction of its own, counted back from `newest`.

    The bought mint is sighted that day too.
    """
    with psycopg.connect(url, connect_timeout=10) as connection:
        for number, (sold, bought, days) in enumerate(swaps):
            at = newest - timedelta(days=days)
            connection.execute(
                "insert into tx_raw (sig, slot, ts, status, size_bytes, is_block_time_estimated) "
                "values (%s, 1, %s, 'ok', 1, false)",
                (f"sig{number}", at),
            )
            connection.execute(
                "insert into actions (id, sig, log_idx, slot, ts, program_id, kind, mint, path, venue, wallet, "
                "counterparty, amount_raw, bought_mint, bought_raw, paths) "
                "values (%s, %s, 1, 1, %s, 'p', 'swap', %s, '0', '', 'w', '', 1, %s, 1, '{}')",
                (f"id{number}", f"sig{number}", at, sold, bought),
            )
            connection.execute(
                "insert into token_sightings (mint, day, decimals, token_program, first_slot, first_block_time, first_sig) "
                "values (%s, %s, 6, '', 1, %s, %s) on conflict do nothing",
                (bought, at.date(), at, f"sig{number}"),
            )
