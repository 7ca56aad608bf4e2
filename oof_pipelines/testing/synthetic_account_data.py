"""Bytes of accounts, as programs write them: token accounts, mints, and the pools of the written ledger.

The layouts are written out here once more, by the programs' own structs (see decode/accounts for where they are told of), so
that what reads accounts is tried against what somebody else has written.
"""

from struct import pack

from solders.pubkey import Pubkey

from oof_pipelines.testing import synthetic_pumpfun, synthetic_pumpswap, synthetic_raydium_cpmm, synthetic_raydium_v4
from oof_pipelines.testing.synthetic_instructions import NATIVE_MINT
from oof_pipelines.testing.synthetic_pools import Pool, anchor_tag, made_up_address
from oof_pipelines.testing.synthetic_pumpfun import PumpCurve
from oof_pipelines.testing.synthetic_pumpswap import PumpSwapPool
from oof_pipelines.testing.synthetic_raydium_cpmm import CpmmPool
from oof_pipelines.testing.synthetic_raydium_v4 import RaydiumV4Pool
from oof_pipelines.testing.synthetic_world import Mint
from oof_pipelines.testing.synthetic_written_ledger import TOKEN_ACCOUNT_RENT_LAMPORTS, TokenHolding

PUMP_SUPPLY_RAW = 10**15
_NO_KEY = bytes(32)
_INITIALIZED = 1


def token_account_bytes(holding: TokenHolding) -> bytes:
    """A plain token account: no delegate, nobody else to close it; under wrapped SOL lies a deposit."""
    is_native = holding.mint == NATIVE_MINT
    native = pack("<IQ", int(is_native), TOKEN_ACCOUNT_RENT_LAMPORTS if is_native else 0)
    begin = bytes(holding.mint) + bytes(holding.owner) + pack("<Q", holding.amount_raw)
    return begin + pack("<I", 0) + _NO_KEY + bytes([_INITIALIZED]) + native + pack("<QI", 0, 0) + _NO_KEY


def mint_bytes(mint: Mint, supply_raw: int) -> bytes:
    """A plain mint without authorities."""
    return pack("<I", 0) + _NO_KEY + pack("<QBB", supply_raw, mint.decimals, _INITIALIZED) + pack("<I", 0) + _NO_KEY


def pool_bytes(pool: Pool) -> tuple[Pubkey, bytes]:
    """The program that owns the pool's account, and its data as they are now."""
    if isinstance(pool, PumpCurve):
        return synthetic_pumpfun.PROGRAM, _curve(pool)
    if isinstance(pool, PumpSwapPool):
        return synthetic_pumpswap.PROGRAM, _pumpswap(pool)
    if isinstance(pool, CpmmPool):
        return synthetic_raydium_cpmm.PROGRAM, _cpmm(pool)
    if isinstance(pool, RaydiumV4Pool):
        return synthetic_raydium_v4.PROGRAM, _raydium_v4(pool)
    raise TypeError(f"{type(pool).__name__} has no account here")


def vaults_of(pool: Pool) -> tuple[Pubkey, ...]:
    """The accounts whose balances are the pool's: token accounts, and a curve itself for its lamports."""
    if isinstance(pool, PumpCurve):
        return pool.address, pool.accounts["associated_bonding_curve"]
    if isinstance(pool, PumpSwapPool):
        return pool.accounts["pool_base_token_account"], pool.accounts["pool_quote_token_account"]
    if isinstance(pool, CpmmPool):
        return pool.base_vault, pool.quote_vault
    if isinstance(pool, RaydiumV4Pool):
        return pool.accounts["coin_vault"], pool.accounts["pc_vault"]
    raise TypeError(f"{type(pool).__name__} has no vaults here")


def _curve(pool: PumpCurve) -> bytes:
    virtual_raw, virtual_lamports = pool.reserves_raw()
    real_raw = max(0, virtual_raw - 279_900_000_000_000)
    real_lamports = virtual_lamports - 30_000_000_000
    amounts = pack("<5Q?", virtual_raw, virtual_lamports, real_raw, real_lamports, PUMP_SUPPLY_RAW, False)
    told = anchor_tag("account", "BondingCurve") + amounts + bytes(pool.creator) + pack("<??", False, False) + _NO_KEY
    return told + bytes(151 - len(told))


def _pumpswap(pool: PumpSwapPool) -> bytes:
    begin = pack("<BH", 255, 0) + bytes(pool.creator) + bytes(pool.base.address) + bytes(pool.quote.address)
    vaults = b"".join(bytes(vault) for vault in vaults_of(pool))
    lp_mint = bytes(made_up_address("pumpswap", str(pool.address), "lp mint"))
    told = begin + lp_mint + vaults + pack("<Q", 4_193_388_282_703) + bytes(pool.creator) + pack("<??", False, False)
    return anchor_tag("account", "Pool") + told + bytes(301 - 8 - len(told))


def _cpmm(pool: CpmmPool) -> bytes:
    sides = sorted(
        ((pool.base, pool.base_vault), (pool.quote, pool.quote_vault)), key=lambda one: bytes(one[0].address)
    )
    (mint_0, vault_0), (mint_1, vault_1) = sides
    keys = (
        pool.static_accounts[-1],
        made_up_address("cpmm", str(pool.address), "creator"),
        vault_0,
        vault_1,
        pool.lp_mint.address,
        mint_0.address,
        mint_1.address,
        mint_0.token_program,
        mint_1.token_program,
        pool.observation,
    )
    told = anchor_tag("account", "PoolState") + b"".join(map(bytes, keys))
    told += pack("<5B", 255, 0, pool.lp_mint.decimals, mint_0.decimals, mint_1.decimals)
    told += pack("<7Q", pool.supply[0], 0, 0, 0, 0, 0, 0)
    return told + bytes(637 - len(told))


def _raydium_v4(pool: RaydiumV4Pool) -> bytes:
    told = pack("<16Q", 6, 254, 7, 3, pool.base.decimals, pool.quote.decimals, 1, 0, 1, 500, 1, 1, 1, 1, 10**9, 10**9)
    told += pack("<8Q", 5, 10_000, 25, 10_000, 12, 100, 25, 10_000)
    told += bytes(336 - len(told))
    parts = pool.accounts
    keys = (
        parts["coin_vault"],
        parts["pc_vault"],
        pool.base.address,
        pool.quote.address,
        made_up_address("raydium v4", str(pool.address), "lp mint"),
        parts["open_orders"],
        parts["market"],
        parts["market_program"],
        parts["target_orders"],
    )
    told += b"".join(map(bytes, keys)) + bytes(64) + bytes(made_up_address("raydium v4", str(pool.address), "owner"))
    return told + pack("<4Q", 10**12, 0, 0, 0)
