"""What a written ledger's transactions do to accounts, as a Geyser plugin tells it: a row a written account.

Whoever lands transactions calls `landed` after each; what it changed is read off the ledger. A pool that is traded with for
the first time is told of with its mint, before what its vaults hold.
"""

from collections.abc import Iterable, Iterator

from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from oof_pipelines.testing.recorded_accounts import PlacedUpdate
from oof_pipelines.testing.recorded_geyser.account_updates import AccountUpdate
from oof_pipelines.testing.synthetic_account_data import (
    PUMP_SUPPLY_RAW,
    mint_bytes,
    pool_bytes,
    token_account_bytes,
    vaults_of,
)
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction
from oof_pipelines.testing.synthetic_pools import Pool
from oof_pipelines.testing.synthetic_pumpfun import PumpCurve
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedger

_MINT_RENT_LAMPORTS = 1_461_600
_POOL_RENT_LAMPORTS = 3_000_000


class AccountWrites:
    """Collects `updates`, in the order in which they were written. `pools` are those of the ledger."""

    def __init__(self, ledger: WrittenLedger, pools: Iterable[Pool]) -> None:
        self._ledger = ledger
        self._pool_of_vault = {vault: pool for pool in pools for vault in vaults_of(pool)}
        self._supply_raw = {
            pool.address: PUMP_SUPPLY_RAW if isinstance(pool, PumpCurve) else pool.reserves_raw()[0]
            for pool in self._pool_of_vault.values()
        }
        self._discovered: set[Pubkey] = set()
        self._write_version = 0
        self.updates: list[PlacedUpdate] = []

    def landed(self, transaction: SyntheticTransaction) -> None:
        """Tell of everything that the transaction wrote."""
        changed = self._ledger.changed_accounts()
        of_vaults = [self._pool_of_vault[one] for one in changed if one in self._pool_of_vault]
        traded = {pool.address: pool for pool in of_vaults}
        for pool in traded.values():
            self._add_all(transaction, self._pool(pool))
        for account in changed:
            # A curve's lamports are in its own account, which is told already.
            if account not in traded:
                self._add_all(transaction, [self._account(account)])

    def _pool(self, pool: Pool) -> Iterator[tuple[Pubkey, Pubkey, int, bytes]]:
        if pool.address not in self._discovered:
            self._discovered.add(pool.address)
            data = mint_bytes(pool.base, self._supply_raw[pool.address])
            yield pool.base.address, pool.base.token_program, _MINT_RENT_LAMPORTS, data
        program, data = pool_bytes(pool)
        yield pool.address, program, self._ledger.lamports(pool.address) or _POOL_RENT_LAMPORTS, data

    def _account(self, account: Pubkey) -> tuple[Pubkey, Pubkey, int, bytes]:
        holding = self._ledger.holding(account)
        lamports = self._ledger.lamports(account)
        if holding is None:
            return account, SYSTEM_PROGRAM, lamports, b""
        return account, holding.token_program, lamports, token_account_bytes(holding)

    def _add_all(self, transaction: SyntheticTransaction, written: Iterable[tuple[Pubkey, Pubkey, int, bytes]]) -> None:
        for account, owner, lamports, data in written:
            self._write_version += 1
            update = AccountUpdate(str(account), str(owner), lamports, data, self._write_version, transaction.signature)
            self.updates.append((transaction.slot, update))
