"""Trades on pump.fun bonding curves, as the program took, told and made them from May to the autumn of 2025.

Layout and arithmetic: the Anchor IDL of pump 0.1.0 and the public documentation of pump-fun (PUMP_PROGRAM_README, fees). The
curve is a constant product of virtual reserves; a buyer pays one lamport more than it asks for. Fees are on top, rounded up:
95 basis points to the protocol and 5 to the creator's vault. A sale is paid out of the curve by no instruction.
"""

from dataclasses import dataclass
from struct import pack

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from oof_pipelines.testing.synthetic_instructions import TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_pools import (
    ALL_PARTS,
    Fill,
    anchor_tag,
    constant_product_out,
    derived_address,
    divided_up,
    made_up_address,
    seats,
)
from oof_pipelines.testing.synthetic_world import Actor, Mint
from oof_pipelines.testing.synthetic_written_calls import event_call, send_lamports, send_tokens_unchecked
from oof_pipelines.testing.synthetic_written_ledger import WRAPPED_SOL, WrittenLedger
from oof_pipelines.testing.synthetic_written_transaction import TransactionWriter

PROGRAM = Pubkey.from_string("6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P")
FIRST_VIRTUAL_LAMPORTS = 30_000_000_000
FIRST_VIRTUAL_RAW = 1_073_000_000_000_000
_SUPPLY_RAW = 1_000_000_000_000_000
_NEVER_SOLD_RAW = 206_900_000_000_000
"""What of a coin's thousand million is for the pool that comes after the curve."""

_EVENT_AUTHORITY = Pubkey.from_string("Ce6TQqeHC9p8KetsN6JsjHK7UTZk7nasjjnr7XxXp9F1")
_FIXED = {
    "global": Pubkey.from_string("4wTV1YmiEkRvAtNtsSGPtUrqRYQMe5SKy2uB4Jjaxnjf"),
    "fee_recipient": Pubkey.from_string("CebN5WGQ4jvEPvsVU4EoHEpgzq1VV7AbicfhtW4xC9iM"),
    "system_program": SYSTEM_PROGRAM,
    "token_program": TOKEN_PROGRAM,
    "event_authority": _EVENT_AUTHORITY,
    "program": PROGRAM,
}
_PROTOCOL_BPS, _CREATOR_BPS = 95, 5
_BUY = (
    "global fee_recipient mint bonding_curve associated_bonding_curve associated_user user system_program token_program"
    " creator_vault event_authority program"
)
_SELL = (
    "global fee_recipient mint bonding_curve associated_bonding_curve associated_user user system_program creator_vault"
    " token_program event_authority program"
)
_WRITABLE = "fee_recipient bonding_curve associated_bonding_curve associated_user user creator_vault"
_CURVE_RENT_LAMPORTS = 1_231_920


@dataclass(frozen=True)
class PumpCurve:
    """A coin's curve. Its virtual reserves follow from what it holds: lamports beyond its rent, and coins."""

    ledger: WrittenLedger
    address: Pubkey
    base: Mint
    accounts: dict[str, Pubkey]
    creator: Pubkey
    venue: str = "pumpfun"
    quote: Mint = WRAPPED_SOL
    takes_wrapped_sol: bool = False

    @classmethod
    def made(cls, ledger: WrittenLedger, name: str, base: Mint, sold_lamports: int) -> "PumpCurve":
        """A curve into which that much was paid already before the chain begins."""
        creator = made_up_address("pumpfun", name, "creator")
        address = derived_address(PROGRAM, b"bonding-curve", bytes(base.address))
        vault = derived_address(PROGRAM, b"creator-vault", bytes(creator))
        out_raw = constant_product_out(sold_lamports, FIRST_VIRTUAL_LAMPORTS, FIRST_VIRTUAL_RAW)
        ledger.fund(address, _CURVE_RENT_LAMPORTS + sold_lamports)
        ledger.fund(vault, 890_880)
        if not ledger.lamports(_FIXED["fee_recipient"]):
            ledger.fund(_FIXED["fee_recipient"], 1_000_000_000)
        accounts = _FIXED | {
            "mint": base.address,
            "bonding_curve": address,
            "associated_bonding_curve": ledger.endow(address, base, _SUPPLY_RAW - out_raw),
            "creator_vault": vault,
        }
        return cls(ledger, address, base, accounts, creator)

    @property
    def static_accounts(self) -> tuple[Pubkey, ...]:
        return tuple(account for name, account in self.accounts.items() if name != "program")

    @property
    def virtual_lamports(self) -> int:
        return FIRST_VIRTUAL_LAMPORTS + self.ledger.lamports(self.address) - _CURVE_RENT_LAMPORTS

    @property
    def virtual_raw(self) -> int:
        held_raw = self.ledger.tokens_raw(self.accounts["associated_bonding_curve"])
        return FIRST_VIRTUAL_RAW - _SUPPLY_RAW + held_raw

    def reserves_raw(self) -> tuple[int, int]:
        return self.virtual_raw, self.virtual_lamports

    def best_buy_raw(self, spend_raw: int) -> int:
        most_raw = self.virtual_raw - (FIRST_VIRTUAL_RAW - _SUPPLY_RAW) - _NEVER_SOLD_RAW
        before_fees = max(0, (spend_raw - 4) * ALL_PARTS // (ALL_PARTS + _PROTOCOL_BPS + _CREATOR_BPS))
        return min(constant_product_out(before_fees, self.virtual_lamports, self.virtual_raw), most_raw)

    def best_sell_raw(self, base_raw: int) -> int:
        lamports = constant_product_out(base_raw, self.virtual_raw, self.virtual_lamports)
        return lamports - sum(_fees(lamports))

    def buy(self, writer: TransactionWriter, trader: Actor, spend_raw: int, now_s: int) -> Fill:
        base_raw = self.best_buy_raw(spend_raw)
        lamports = self.virtual_lamports * base_raw // (self.virtual_raw - base_raw) + 1
        protocol_lamports, creator_lamports = fees = _fees(lamports)
        named = self._named(trader)
        data = anchor_tag("global", "buy") + pack("<QQ", base_raw, spend_raw)
        call = Instruction(PROGRAM, data, seats(_BUY, named, signer="user", writable=_WRITABLE))
        with writer.call(call, "Instruction: Buy", units=33_000):
            vault, account = named["associated_bonding_curve"], named["associated_user"]
            send_tokens_unchecked(writer, vault, account, self.address, self.base, base_raw)
            send_lamports(writer, trader.address, named["fee_recipient"], protocol_lamports)
            send_lamports(writer, trader.address, named["creator_vault"], creator_lamports)
            send_lamports(writer, trader.address, self.address, lamports)
            told = self._told(trader, lamports, base_raw, fees, now_s, is_buy=True)
            event_call(writer, PROGRAM, _EVENT_AUTHORITY, told, is_logged=True)
        return Fill(base_raw, lamports, lamports + sum(fees), base_raw)

    def sell(self, writer: TransactionWriter, trader: Actor, base_raw: int, now_s: int) -> Fill:
        lamports = constant_product_out(base_raw, self.virtual_raw, self.virtual_lamports)
        protocol_lamports, creator_lamports = fees = _fees(lamports)
        got_lamports = lamports - sum(fees)
        named = self._named(trader)
        data = anchor_tag("global", "sell") + pack("<QQ", base_raw, got_lamports * 99 // 100)
        call = Instruction(PROGRAM, data, seats(_SELL, named, signer="user", writable=_WRITABLE))
        with writer.call(call, "Instruction: Sell", units=27_000):
            vault, account = named["associated_bonding_curve"], named["associated_user"]
            send_tokens_unchecked(writer, account, vault, trader.address, self.base, base_raw)
            shares = (
                (trader.address, got_lamports),
                (named["fee_recipient"], protocol_lamports),
                (named["creator_vault"], creator_lamports),
            )
            for recipient, share_lamports in shares:
                self.ledger.move_lamports(self.address, recipient, share_lamports)
            told = self._told(trader, lamports, base_raw, fees, now_s, is_buy=False)
            event_call(writer, PROGRAM, _EVENT_AUTHORITY, told, is_logged=True)
        return Fill(base_raw, lamports, base_raw, got_lamports)

    def _named(self, trader: Actor) -> dict[str, Pubkey]:
        account = self.ledger.associated(trader.address, self.base)
        return self.accounts | {"user": trader.address, "associated_user": account}

    def _told(
        self, trader: Actor, lamports: int, base_raw: int, fees: tuple[int, int], now_s: int, *, is_buy: bool
    ) -> bytes:
        """A TradeEvent up to the creator's fee, with the reserves after the trade."""
        protocol_lamports, creator_lamports = fees
        real_lamports = self.virtual_lamports - FIRST_VIRTUAL_LAMPORTS
        real_raw = max(0, self.virtual_raw - (FIRST_VIRTUAL_RAW - _SUPPLY_RAW) - _NEVER_SOLD_RAW)
        told = anchor_tag("event", "TradeEvent") + bytes(self.base.address)
        told += pack("<QQ?", lamports, base_raw, is_buy) + bytes(trader.address)
        told += pack("<q4Q", now_s, self.virtual_lamports, self.virtual_raw, real_lamports, real_raw)
        told += bytes(self.accounts["fee_recipient"]) + pack("<QQ", _PROTOCOL_BPS, protocol_lamports)
        return told + bytes(self.creator) + pack("<QQ", _CREATOR_BPS, creator_lamports)


def _fees(lamports: int) -> tuple[int, int]:
    """(protocol's, creator's)."""
    protocol_lamports, creator_lamports = (
        divided_up(lamports * bps, ALL_PARTS) for bps in (_PROTOCOL_BPS, _CREATOR_BPS)
    )
    return protocol_lamports, creator_lamports
