"""Who lives on the synthetic chain: wallets, mints, an exchange, an issuer; and what a scenario proposes to do.

The cast is fixed and small, and accounts are closed and opened again under the same addresses, so memory stays flat
however long the chain is. What exists is asked of the ledger, never remembered beside it.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from oof_pipelines.testing.synthetic_instructions import (
    NATIVE_MINT,
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    associated_token_address,
)
from oof_pipelines.testing.synthetic_ledger import Ledger

LAMPORTS_A_SOL = 1_000_000_000
# The tip payment accounts every Jito block engine answers to getTipAccounts with.
JITO_TIP_ACCOUNTS = tuple(
    Pubkey.from_string(address)
    for address in (
        "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
        "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
        "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
        "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
        "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
        "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
        "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
        "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
    )
)

_WALLETS = 12
_WALLETS_WITH_NONCE = 4
_HAND_OVER_ACCOUNTS = 6
_PAYER_FLOOR_LAMPORTS = LAMPORTS_A_SOL
_ISSUER_LAMPORTS = 1_000_000 * LAMPORTS_A_SOL
_EXCHANGE_LAMPORTS = 5_000_000 * LAMPORTS_A_SOL
_TIP_ACCOUNT_LAMPORTS = 3 * LAMPORTS_A_SOL


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Somebody who signs. The address is kept because deriving it from the keypair costs a curve multiplication."""

    address: Pubkey
    keypair: Keypair


@dataclass(frozen=True, slots=True)
class Mint:
    """A token of the cast; `signer` is None for wrapped SOL. A transfer fee of 0 bps means no fee extension."""

    address: Pubkey
    signer: Actor | None
    decimals: int
    token_program: Pubkey
    fee_bps: int = 0
    maximum_fee_raw: int = 0

    def transfer_fee_raw(self, amount_raw: int) -> int:
        """The fee withheld from a transfer: rounded up, capped, as Token-2022 computes it."""
        return min(-(-amount_raw * self.fee_bps // 10_000), self.maximum_fee_raw)


@dataclass(frozen=True, slots=True)
class Holding:
    """A token account with a positive balance, in the hands of a wallet of the cast."""

    wallet: Actor
    mint: Mint
    account: Pubkey
    amount_raw: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One transaction to be signed: instructions, who pays, who else signs, and how it is expected to end."""

    payer: Actor
    instructions: list[Instruction]
    signers: list[Actor] = field(default_factory=list)
    nonce: Hash | None = None
    is_failure: bool = False


class World:
    """The cast over one ledger, and the draws that scenarios are made of."""

    def __init__(self, seed: int, ledger: Ledger, dice: Random) -> None:
        self.ledger = ledger
        self.dice = dice
        self._seed = seed
        self.wallets = [self.actor("wallet", index) for index in range(_WALLETS)]
        self.issuer = self.actor("issuer", 0)
        self.exchange = self.actor("exchange", 0)
        self.stranger = self.actor("stranger", 0)
        self.hand_over_accounts = [self.actor("hand over", index) for index in range(_HAND_OVER_ACCOUNTS)]
        self.nonces = [self.actor("nonce", index) for index in range(_WALLETS_WITH_NONCE)]
        self.mints = self._cast_mints()
        self.wrapped_sol = Mint(NATIVE_MINT, None, 9, TOKEN_PROGRAM)
        self.table: AddressLookupTableAccount | None = None
        self.table_slot = 0
        self.nonce_slots: dict[Pubkey, int] = {}
        self._wallet_of_address = {wallet.address: wallet for wallet in self.wallets}
        self._associated: dict[tuple[Pubkey, Pubkey], Pubkey] = {}
        for wallet in self.wallets:
            ledger.fund(wallet.address, dice.randrange(20, 400) * LAMPORTS_A_SOL + dice.randrange(LAMPORTS_A_SOL))
        ledger.fund(self.issuer.address, _ISSUER_LAMPORTS)
        ledger.fund(self.exchange.address, _EXCHANGE_LAMPORTS)
        for tip_account in JITO_TIP_ACCOUNTS:
            ledger.fund(tip_account, _TIP_ACCOUNT_LAMPORTS)

    def actor(self, role: str, index: int) -> Actor:
        """One of the cast: its secret is the SHA-256 of seed, role and index, worthless outside this chain."""
        keypair = Keypair.from_seed(sha256(f"oof synthetic chain/{self._seed}/{role}/{index}".encode()).digest())
        return Actor(keypair.pubkey(), keypair)

    def _cast_mints(self) -> list[Mint]:
        def cast(index: int, decimals: int, program: Pubkey, fee_bps: int = 0, maximum_fee_raw: int = 0) -> Mint:
            signer = self.actor("mint", index)
            return Mint(signer.address, signer, decimals, program, fee_bps, maximum_fee_raw)

        return [
            cast(0, 6, TOKEN_PROGRAM),
            cast(1, 9, TOKEN_PROGRAM),
            cast(2, 0, TOKEN_PROGRAM),
            cast(3, 5, TOKEN_2022_PROGRAM),
            cast(4, 6, TOKEN_2022_PROGRAM, fee_bps=150, maximum_fee_raw=2_000_000),
        ]

    def chance(self, of: int) -> bool:
        """True one time in `of`."""
        return self.dice.randrange(of) == 0

    def amount(self, most: int) -> int:
        """A positive amount up to `most`, small ones as likely as large ones by order of magnitude."""
        bits = self.dice.randrange(max(1, most.bit_length() - 16), most.bit_length() + 1)
        return min(most, 1 + self.dice.getrandbits(bits))

    def payer(self) -> Actor | None:
        """A wallet that can pay a fee and some rent, or None when all of them are poor."""
        start = self.dice.randrange(_WALLETS)
        for wallet in self.wallets[start:] + self.wallets[:start]:
            if self.spendable_lamports(wallet) > 0:
                return wallet
        return None

    def spendable_lamports(self, wallet: Actor) -> int:
        """What a wallet may send away and still have one SOL for fees and rent; never negative."""
        return max(0, self.ledger.lamports(wallet.address) - _PAYER_FLOOR_LAMPORTS)

    def other_wallets(self, than: Actor, count: int) -> list[Actor]:
        """`count` different wallets, none of them the given one."""
        return self.dice.sample([wallet for wallet in self.wallets if wallet is not than], count)

    def wallet_of(self, address: Pubkey) -> Actor:
        """The wallet with an address; KeyError for an address outside the cast."""
        return self._wallet_of_address[address]

    def associated(self, owner: Pubkey, mint: Mint) -> Pubkey:
        """The associated token account of an owner and a mint (its derivation is slow, so it is kept)."""
        key = (owner, mint.address)
        if key not in self._associated:
            self._associated[key] = associated_token_address(owner, mint.address, mint.token_program)
        return self._associated[key]

    def has_associated(self, owner: Pubkey, mint: Mint) -> bool:
        """Whether that account exists now."""
        return self.ledger.token_account(self.associated(owner, mint)) is not None

    def issued_mints(self) -> list[Mint]:
        """The mints that exist by now, wrapped SOL not among them."""
        return [mint for mint in self.mints if self.ledger.mint(mint.address) is not None]

    def holding(self, mints: list[Mint]) -> Holding | None:
        """Some wallet's positive balance in one of the mints, or None when nobody has any."""
        start = self.dice.randrange(_WALLETS)
        for mint in self.dice.sample(mints, len(mints)):
            for wallet in self.wallets[start:] + self.wallets[:start]:
                account = self.associated(wallet.address, mint)
                state = self.ledger.token_account(account)
                if state is not None and state.amount_raw > 0:
                    return Holding(wallet, mint, account, state.amount_raw)
        return None
