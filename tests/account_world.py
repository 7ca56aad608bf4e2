"""A small chain of trades in a folder, with what it wrote into accounts."""

import json
from pathlib import Path
from typing import Any

from oof_pipelines.chain.body import read_body
from oof_pipelines.decode.accounts.registry import READERS
from oof_pipelines.testing.recorded_accounts import PlacedUpdate, write_accounts
from oof_pipelines.testing.synthetic_account_writes import AccountWrites
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction, write_transactions
from oof_pipelines.testing.synthetic_trading import Trading, generate_trading

POOL_PROGRAMS = tuple(reader.program_ids[0] for reader in READERS if reader.name != "token")


class AccountWorld:
    """`transactions` in the order of the chain, `updates` in the order of the writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writes: AccountWrites | None = None
        self.transactions: list[SyntheticTransaction] = []

        def follow(trading: Trading) -> Any:
            self.writes = AccountWrites(trading.ledger, trading.pools)
            return self.landed

        made = generate_trading(
            5, 6, 120, start_slot=430_000_000, start_time_s=1_782_948_000, days=1, on_trading=follow
        )
        write_transactions(folder, made, "base64")
        write_accounts(folder, self.updates)

    def landed(self, transaction: SyntheticTransaction) -> None:
        assert self.writes is not None
        self.transactions.append(transaction)
        self.writes.landed(transaction)

    @property
    def updates(self) -> list[PlacedUpdate]:
        assert self.writes is not None
        return self.writes.updates

    @property
    def payer(self) -> str:
        """Who pays for the first transaction."""
        return read_body(json.dumps(self.transactions[0].result).encode()).fee_payer
