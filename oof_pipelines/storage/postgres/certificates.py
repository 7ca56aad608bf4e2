"""Coverage certificates in Postgres, a row a wallet, replaced by each analysis of it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS, session_options

_CONNECT_TIMEOUT_SECONDS = 10
_EXACT = Context(prec=120)
_DOLLAR_PLACES = 18

# Whoever takes part in a transaction that could be read is a participant, its fee payer at least.
_UNDECODED = """
select count(*) from wallet_signatures w join tx_raw t on t.sig = w.signature
where w.wallet = %(wallet)s and t.ts <= %(until)s and (%(since)s::timestamptz is null or t.ts >= %(since)s)
  and not exists (select from participants p where p.sig = t.sig)
"""

_COLUMNS = (
    "wallet",
    "as_of",
    "since",
    "last_slot",
    "proven_until",
    "listed_at",
    "is_complete",
    "reasons",
    "accounts_enumerated",
    "accounts_proven",
    "accounts_left_out",
    "accounts_found_by_balances",
    "listed_transactions",
    "transactions",
    "failed_transactions",
    "waiting",
    "quarantined",
    "provisional",
    "undecoded_transactions",
    "unordered_transactions",
    "balance_gaps",
    "residual_transactions",
    "unknown_basis_share",
    "unpriced_sales",
    "mints_left_out",
)
"""Fields of a certificate that are columns of the same name."""
_VALUE_COLUMNS = (
    "undecoded_program_transactions",
    "moved_lamports",
    "residual_lamports",
    "undecoded_lamports",
    "unvalued_moves",
    "residual_share_of_lamports",
    "residual_share_of_usd",
    "undecoded_share_of_lamports",
    "undecoded_share_of_usd",
)
_DOLLAR_COLUMNS = ("moved_usd", "residual_usd", "undecoded_usd")
_RANGE_COLUMNS = {"listing_json": "listing", "token_accounts_json": "token_accounts", "gaps_json": "gaps"}
_ALL = (*_COLUMNS, *_VALUE_COLUMNS, *_DOLLAR_COLUMNS, *_RANGE_COLUMNS)

_REPLACE = f"""
insert into coverage_certificates ({", ".join(_ALL)})
values ({", ".join(f"%({name})s" for name in _ALL)})
on conflict (wallet) do update set
    {", ".join(f"{name} = excluded.{name}" for name in _ALL if name != "wallet")}, certified_at = now()
"""  # noqa: S608 - names of this file


class PostgresCertificates:
    """Writes `coverage_certificates` on one connection. Use as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._connection = psycopg.connect(
            database_url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof certificates",
            options=session_options(database_url, FOLD_STATEMENT_TIMEOUT_SECONDS),
        )

    def __enter__(self) -> "PostgresCertificates":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def undecoded(self, wallet: str, since: datetime | None, until: datetime) -> int:
        """How many of the wallet's listed and stored transactions nobody could read, or has read yet."""
        bounds = {"wallet": wallet, "since": since, "until": until}
        row = self._connection.execute(_UNDECODED, bounds).fetchone()
        assert row is not None
        return int(row[0])

    def replace(self, certificates: Sequence[msgspec.Struct]) -> None:
        """Keep these (structs with the fields of `Certificate`), all or none, in place of those of the same wallets."""
        with self._connection.transaction():
            for one in sorted(certificates, key=lambda one: str(getattr(one, "wallet"))):  # noqa: B009 - of any struct
                self._connection.execute(_REPLACE, _row(one))


def _row(certificate: Any) -> dict[str, Any]:
    value = certificate.value
    return {
        **{name: getattr(certificate, name) for name in _COLUMNS},
        **{name: getattr(value, name) for name in _VALUE_COLUMNS},
        **{name: Decimal(getattr(value, f"{name}_e18")).scaleb(-_DOLLAR_PLACES, _EXACT) for name in _DOLLAR_COLUMNS},
        **{column: Jsonb(msgspec.to_builtins(getattr(certificate, name))) for column, name in _RANGE_COLUMNS.items()},
    }
