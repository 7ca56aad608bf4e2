"""Trades on PumpSwap pools, as the program takes, tells and makes them since the autumn of 2025.

Layout and arithmetic: the Anchor IDL of pump_amm 0.1.0 and the public documentation of pump-fun (PUMP_SWAP_README, fees).
Fees are on top of the constant product's quote, each rounded up: 20 basis points stay with the liquidity providers, 5 go to
the protocol, 5 to the coin's creator.
"""

from dataclasses import dataclass
from struct import pack

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from oof_pipelines.testing.synthetic_instructions import ASSOCIATED_TOKEN_PROGRAM, NATIVE_MINT
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
from oof_pipelines.testing.synthetic_written_calls import event_call, send_tokens
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedger
from oof_pipelines.testing.synthetic_written_transaction import TransactionWriter

PROGRAM = Pubkey.from_string("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA")
_EVENT_AUTHORITY = Pubkey.from_string("GS4CU59F31iL7aR2Q8zVS8DRrcRnXX1yjQ66TqNVQnaR")
_FEE_PROGRAM = Pubkey.from_string("pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ")
_FEE_CONFIG = Pubkey.from_string("5PHirr8joyTMp9JMm6nW7hNDVyEYdkzDqazxPD7RaTjx")
_FIXED = {
    "global_config": Pubkey.from_string("ADyA8hdefvWN2dbGGWFotbzWxrAvLW83WG6QCVXvJKqw"),
    "protocol_fee_recipient": Pubkey.from_string("JCRGumoE9Qi5BBgULTgdgTLjSgkCMSbF62ZZfGs84JeU"),
    "system_program": SYSTEM_PROGRAM,
    "associated_token_program": ASSOCIATED_TOKEN_PROGRAM,
    "event_authority": _EVENT_AUTHORITY,
    "program": PROGRAM,
    "global_volume_accumulator": Pubkey.from_string("C2aFPdENg4A2HQsmrd5rTw5TaYBX5Ku887cWjbFKtZpw"),
    "fee_config": _FEE_CONFIG,
    "fee_program": _FEE_PROGRAM,
}
_LP_BPS, _PROTOCOL_BPS, _CREATOR_BPS = 20, 5, 5
_TRADE = (
    "pool user global_config base_mint quote_mint user_base_token_account user_quote_token_account pool_base_token_account"
    " pool_quote_token_account protocol_fee_recipient protocol_fee_recipient_token_account base_token_program"
    " quote_token_program system_program associated_token_program event_authority program coin_creator_vault_ata"
    " coin_creator_vault_authority"
)
_BUY = f"{_TRADE} global_volume_accumulator user_volume_accumulator fee_config fee_program"
_SELL = f"{_TRADE} fee_config fee_program"
_WRITABLE = (
    "pool user user_base_token_account user_quote_token_account pool_base_token_account pool_quote_token_account"
    " protocol_fee_recipient_token_account coin_creator_vault_ata user_volume_accumulator"
)


@dataclass(frozen=True, slots=True)
class _Fees:
    lp_raw: int
    protocol_raw: int
    creator_raw: int

    @classmethod
    def of(cls, quote_raw: int) -> "_Fees":
        return cls(*(divided_up(quote_raw * bps, ALL_PARTS) for bps in (_LP_BPS, _PROTOCOL_BPS, _CREATOR_BPS)))

    @property
    def total_raw(self) -> int:
        return self.lp_raw + self.protocol_raw + self.creator_raw


@dataclass(frozen=True)
class PumpSwapPool:
    """A pool of a coin for a quote."""

    ledger: WrittenLedger
    address: Pubkey
    base: Mint
    quote: Mint
    accounts: dict[str, Pubkey]
    creator: Pubkey
    venue: str = "pumpswap"

    @classmethod
    def made(
        cls, ledger: WrittenLedger, name: str, base: Mint, quote: Mint, base_raw: int, quote_raw: int
    ) -> "PumpSwapPool":
        """A pool that holds these reserves before the chain begins."""
        creator = made_up_address("pumpswap", name, "creator")
        address = derived_address(PROGRAM, b"pool", bytes(creator), bytes(base.address), bytes(quote.address))
        vault_authority = derived_address(PROGRAM, b"creator_vault", bytes(creator))
        accounts = _FIXED | {
            "pool": address,
            "base_mint": base.address,
            "quote_mint": quote.address,
            "base_token_program": base.token_program,
            "quote_token_program": quote.token_program,
            "pool_base_token_account": ledger.endow(address, base, base_raw),
            "pool_quote_token_account": ledger.endow(address, quote, quote_raw),
            "coin_creator_vault_authority": vault_authority,
            "coin_creator_vault_ata": ledger.endow(vault_authority, quote, 0),
        }
        recipient = ledger.associated(_FIXED["protocol_fee_recipient"], quote)
        if ledger.holding(recipient) is None:
            ledger.endow(_FIXED["protocol_fee_recipient"], quote, 0)
        accounts["protocol_fee_recipient_token_account"] = recipient
        return cls(ledger, address, base, quote, accounts, creator)

    @property
    def takes_wrapped_sol(self) -> bool:
        return self.quote.address == NATIVE_MINT

    @property
    def static_accounts(self) -> tuple[Pubkey, ...]:
        return tuple(account for name, account in self.accounts.items() if name != "program")

    def reserves_raw(self) -> tuple[int, int]:
        return (
            self.ledger.tokens_raw(self.accounts["pool_base_token_account"]),
            self.ledger.tokens_raw(self.accounts["pool_quote_token_account"]),
        )

    def best_buy_raw(self, spend_raw: int) -> int:
        base_raw, quote_raw = self.reserves_raw()
        return constant_product_out(_before_fees(spend_raw), quote_raw, base_raw)

    def best_sell_raw(self, base_raw: int) -> int:
        reserve_raw, quote_raw = self.reserves_raw()
        out_raw = constant_product_out(base_raw, reserve_raw, quote_raw)
        return out_raw - _Fees.of(out_raw).total_raw

    def buy(self, writer: TransactionWriter, trader: Actor, spend_raw: int, now_s: int) -> Fill:
        base_reserve_raw, quote_reserve_raw = self.reserves_raw()
        base_raw = self.best_buy_raw(spend_raw)
        quote_raw = divided_up(quote_reserve_raw * base_raw, base_reserve_raw - base_raw)
        fees = _Fees.of(quote_raw)
        paid_raw = quote_raw + fees.total_raw
        named = self._named(trader)
        held = self._held(trader)
        data = anchor_tag("global", "buy") + pack("<QQ?", base_raw, spend_raw, True)
        told = anchor_tag("event", "BuyEvent") + pack("<q2Q", now_s, base_raw, spend_raw)
        told += pack("<4Q", *held, base_reserve_raw, quote_reserve_raw) + pack("<Q", quote_raw)
        told += pack("<4Q", _LP_BPS, fees.lp_raw, _PROTOCOL_BPS, fees.protocol_raw)
        told += pack("<QQ", quote_raw + fees.lp_raw, paid_raw) + self._told_tail(named, fees)
        told += pack("<?QQQqQ", True, 0, 0, paid_raw, now_s, base_raw) + pack("<I", 3) + b"buy"
        call = Instruction(PROGRAM, data, seats(_BUY, named, signer="user", writable=_WRITABLE))
        with writer.call(call, "Instruction: Buy", units=60_000):
            self._ask_fees(writer, quote_raw)
            source = named["pool_base_token_account"]
            send_tokens(writer, source, named["user_base_token_account"], self.address, self.base, base_raw)
            payer = named["user_quote_token_account"]
            self._pay_fees(writer, payer, trader.address, fees, into_pool_raw=quote_raw + fees.lp_raw)
            event_call(writer, PROGRAM, _EVENT_AUTHORITY, told, is_logged=True)
        return Fill(base_raw, quote_raw, paid_raw, base_raw)

    def sell(self, writer: TransactionWriter, trader: Actor, base_raw: int, now_s: int) -> Fill:
        reserves = self.reserves_raw()
        quote_raw = constant_product_out(base_raw, *reserves)
        fees = _Fees.of(quote_raw)
        got_raw = quote_raw - fees.total_raw
        named = self._named(trader)
        held = self._held(trader)
        least_raw = got_raw * 99 // 100
        data = anchor_tag("global", "sell") + pack("<QQ", base_raw, least_raw)
        told = anchor_tag("event", "SellEvent") + pack("<q2Q", now_s, base_raw, least_raw)
        told += pack("<4Q", *held, *reserves) + pack("<Q", quote_raw)
        told += pack("<4Q", _LP_BPS, fees.lp_raw, _PROTOCOL_BPS, fees.protocol_raw)
        told += pack("<QQ", quote_raw - fees.lp_raw, got_raw) + self._told_tail(named, fees)
        call = Instruction(PROGRAM, data, seats(_SELL, named, signer="user", writable=_WRITABLE))
        with writer.call(call, "Instruction: Sell", units=55_000):
            self._ask_fees(writer, quote_raw)
            source = named["user_base_token_account"]
            send_tokens(writer, source, named["pool_base_token_account"], trader.address, self.base, base_raw)
            vault, destination = named["pool_quote_token_account"], named["user_quote_token_account"]
            send_tokens(writer, vault, destination, self.address, self.quote, got_raw)
            self._pay_fees(writer, vault, self.address, fees, into_pool_raw=0)
            event_call(writer, PROGRAM, _EVENT_AUTHORITY, told, is_logged=True)
        return Fill(base_raw, quote_raw, base_raw, got_raw)

    def _named(self, trader: Actor) -> dict[str, Pubkey]:
        return self.accounts | {
            "user": trader.address,
            "user_base_token_account": self.ledger.associated(trader.address, self.base),
            "user_quote_token_account": self.ledger.associated(trader.address, self.quote),
            "user_volume_accumulator": made_up_address("pumpswap", str(trader.address), "volume"),
        }

    def _held(self, trader: Actor) -> tuple[int, int]:
        mints = (self.base, self.quote)
        base_raw, quote_raw = (self.ledger.tokens_raw(self.ledger.associated(trader.address, mint)) for mint in mints)
        return base_raw, quote_raw

    def _ask_fees(self, writer: TransactionWriter, quote_raw: int) -> None:
        """The call of the fee program that says what the rates are: nothing moves in it."""
        data = anchor_tag("global", "get_fees") + pack("<?16sQ", False, bytes(16), quote_raw)
        accounts = [AccountMeta(_FEE_CONFIG, False, False), AccountMeta(PROGRAM, False, False)]
        with writer.call(Instruction(_FEE_PROGRAM, data, accounts), "Instruction: GetFees", units=4_291):
            pass

    def _pay_fees(
        self, writer: TransactionWriter, source: Pubkey, authority: Pubkey, fees: _Fees, *, into_pool_raw: int
    ) -> None:
        shares = (
            ("pool_quote_token_account", into_pool_raw),
            ("protocol_fee_recipient_token_account", fees.protocol_raw),
            ("coin_creator_vault_ata", fees.creator_raw),
        )
        for name, raw in shares:
            if raw:
                send_tokens(writer, source, self.accounts[name], authority, self.quote, raw)

    def _told_tail(self, named: dict[str, Pubkey], fees: _Fees) -> bytes:
        names = (
            "pool user user_base_token_account user_quote_token_account protocol_fee_recipient"
            " protocol_fee_recipient_token_account"
        )
        told = b"".join(bytes(named[name]) for name in names.split()) + bytes(self.creator)
        return told + pack("<QQ", _CREATOR_BPS, fees.creator_raw)


def _before_fees(spend_raw: int) -> int:
    """The most that leaves room for the fees on top; each is rounded up, hence the three units."""
    parts = ALL_PARTS + _LP_BPS + _PROTOCOL_BPS + _CREATOR_BPS
    return max(0, (spend_raw - 4) * ALL_PARTS // parts)
