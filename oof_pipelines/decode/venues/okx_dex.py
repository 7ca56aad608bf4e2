"""OKX's routers: the first program in its older and newer shape, and the second.

Every route begins with the same five accounts: payer, the trader's two token accounts, their mints. Hops are told by a
`SwapEvent`, which the first program logs and the second calls itself with; it ends in two amounts and names no mints, so
they are those of what moved by just these amounts. Commissions are the referrer's, platform fee, trim and charge OKX's own.
The second program tells them in the event of the order; of the first they are what reached the accounts it names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS, path_text
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, RouterHop
from oof_pipelines.decode.pool_swaps import fee
from oof_pipelines.decode.program import EVENT_CALL, ROUTER, Program, anchor_event, event, instruction, quiet
from oof_pipelines.decode.records import Record
from oof_pipelines.decode.router_calls import direct_calls, last_path, router_call, venue_calls

_SWAP_EVENT = anchor_event("SwapEvent")
_AMOUNT_BYTES = 8
_REFERRAL, _PLATFORM = "referral", "platform"
_FEE_KINDS = {
    "commission": _REFERRAL,
    "parent_commission": _REFERRAL,
    "child_commission": _REFERRAL,
    "platform_fee": _PLATFORM,
    "trim": _PLATFORM,
    "charge": _PLATFORM,
}
"""Fee of an order's event, by the beginning of its fields' names → its kind."""


@dataclass(frozen=True, slots=True)
class _ToldHop:
    """What an event says of one hop, and between which calls, by their order, it was made; the latter is not of it."""

    path: str
    start: int
    end: int
    program_id: str
    sold_raw: int
    bought_raw: int


def _first(call: Call) -> Iterable[Fact]:
    """A route of the first program."""
    yield from _routed(call, _paid_to_named_accounts(call))


def _second(call: Call) -> Iterable[Fact]:
    """A route of the second program."""
    yield from _routed(call, _told_fees(call))


def _routed(call: Call, fees: tuple[FeePart, ...]) -> Iterable[Fact]:
    """Where SOL was bought for another wallet, that wallet is the destination: the token account is closed on the way."""
    is_for_another = "sol_receiver" in call.layout.seats and call.has("sol_receiver")
    bought_mint = call.account("destination_mint")
    yield router_call(
        call,
        source=call.account("source_token_account"),
        destination=call.account("sol_receiver" if is_for_another else "destination_token_account"),
        authority=call.account("payer"),
        sold_mint=call.account("source_mint"),
        bought_mint=NATIVE_MINT if is_for_another else bought_mint,
        fees=fees,
    )
    yield from _hops(call)


# --- fees ---


def _paid_to_named_accounts(call: Call) -> tuple[FeePart, ...]:
    """What reached the accounts that the layout names for commission and platform fee."""
    parts: tuple[FeePart, ...] = ()
    for name, kind in (("commission_account", _REFERRAL), ("platform_fee_account", _PLATFORM)):
        if name not in call.layout.seats or not call.has(name):
            continue
        account = call.account(name)
        mint = call.scene.mint_of(account) or NATIVE_MINT
        is_of_tokens = call.scene.is_token_account(account)
        paid_raw = call.moved(account, mint) if is_of_tokens else call.moved_lamports(account)
        parts += fee(kind, mint, max(paid_raw, 0), INSIDE, account)
    return parts


def _told_fees(call: Call) -> tuple[FeePart, ...]:
    """All fees of the order's own event, in the mint sold or bought as its direction says."""
    parts: tuple[FeePart, ...] = ()
    for told in call.events:
        if told.name in _ORDER_EVENTS:
            record = told.record
            commission_mint = (
                record["source_mint"] if record.get("commission_direction") else record["destination_mint"]
            )
            for name, kind in _FEE_KINDS.items():
                mint = record["destination_mint"] if name in ("trim", "charge") else commission_mint
                parts += fee(kind, mint, record.get(f"{name}_amount"), INSIDE, record.get(f"{name}_account", ""))
            parts += _level_fees(record, commission_mint)
    return parts


def _level_fees(record: Record, mint: str) -> tuple[FeePart, ...]:
    """The commissions of an event that lists them by levels."""
    amounts, accounts = record.get("commission_amounts", []), record.get("commission_accounts", [])
    pairs = zip(amounts, accounts, strict=False)
    return tuple(part for raw, account in pairs for part in fee(_REFERRAL, mint, raw, INSIDE, account))


# --- hops ---


def _hops(call: Call) -> Iterator[RouterHop]:
    for told in [*_hops_called(call), *_hops_logged(call)]:
        mints = _mints_of(call, told)
        if mints is not None:
            yield RouterHop(told.path, told.program_id, mints[0], told.sold_raw, mints[1], told.bought_raw)


def _hops_called(call: Call) -> Iterator[_ToldHop]:
    """Hops told by calls of its own: each is of the programs called since the one before, the first of them the venue."""
    venues = [(call.scene.order_of(path_text(one.path)), one.program_id) for one in venue_calls(call)]
    last = 0
    for one in direct_calls(call):
        if one.program_id == call.instruction.program_id and one.data.startswith(EVENT_CALL + _SWAP_EVENT):
            order = call.scene.order_of(path_text(one.path))
            since = [venue for venue in venues if last < venue[0] < order]
            last = order
            if since:
                yield _ToldHop(path_text(one.path), since[0][0], order, since[0][1], *_amounts(one.data))


def _hops_logged(call: Call) -> Iterator[_ToldHop]:
    """Hops told in the logs: those of the programs called, where they are as many."""
    told = [data for data in call.scene.logs.of(call.scene.order_of(call.path)) if data.startswith(_SWAP_EVENT)]
    venues = venue_calls(call)
    if len(told) == len(venues):
        for data, venue in zip(told, venues, strict=True):
            start = call.scene.order_of(path_text(venue.path))
            yield _ToldHop(last_path(call, venue), start, call.scene.end_of(start), venue.program_id, *_amounts(data))


def _amounts(data: bytes) -> tuple[int, int]:
    """In and out: they come last, after the venue's word of its own length."""
    sold, bought = data[-2 * _AMOUNT_BYTES : -_AMOUNT_BYTES], data[-_AMOUNT_BYTES:]
    return int.from_bytes(sold, "little"), int.from_bytes(bought, "little")


def _mints_of(call: Call, hop: _ToldHop) -> tuple[str, str] | None:
    """The mints of which just these amounts left and reached an account; None where that holds of more than one pair."""
    sold, bought = set(), set()
    for account, rows in call.scene.by_account.items():
        for asset in {move.asset for order, move in rows if hop.start <= order < hop.end}:
            delta_raw = call.scene.moved(account, hop.start, hop.end, asset)
            mint = NATIVE_MINT if asset == LAMPORTS_ASSET or asset in NATIVE_MINTS else asset
            if delta_raw == -hop.sold_raw:
                sold.add(mint)
            if delta_raw == hop.bought_raw:
                bought.add(mint)
    pairs = [(one, other) for one in sold for other in bought if one != other]
    return pairs[0] if len(pairs) == 1 else None


# --- layouts ---

_ROUTE = "payer source_token_account destination_token_account source_mint destination_mint"
_COMMISSION = f"{_ROUTE} commission_account"
_FEES = f"{_COMMISSION} platform_fee_account"
_RECEIVER = f"{_FEES} _ _ _ _ _ _ _ sol_receiver"

_FIRST_LAYOUTS = {
    "swap": _ROUTE,
    "swap2": _ROUTE,
    "proxy_swap": _ROUTE,
    "from_swap_log": _ROUTE,
    "commission_sol_swap": _COMMISSION,
    "commission_sol_swap2": _COMMISSION,
    "commission_sol_proxy_swap": _COMMISSION,
    "commission_spl_swap": _COMMISSION,
    "commission_spl_swap2": _COMMISSION,
    "commission_spl_proxy_swap": _COMMISSION,
    "commission_sol_from_swap": f"{_ROUTE} _ _ _ _ _ commission_account",
    "commission_spl_from_swap": f"{_ROUTE} _ _ _ _ _ commission_account",
    "platform_fee_sol_proxy_swap_v2": _COMMISSION,
    "platform_fee_spl_proxy_swap_v2": _COMMISSION,
    "swap_v3": _FEES,
    "swap_v3_with_cpi_event": _FEES,
    "swap_tob_v3": _FEES,
    "swap_tob_v3_enhanced": _FEES,
    "swap_tob_v3_with_receiver": _RECEIVER,
}
_SECOND_LAYOUTS = {
    "swap": _ROUTE,
    "proxy_swap": _ROUTE,
    "swap_toc": _ROUTE,
    "swap_toc_v2": _ROUTE,
    "swap_toc_v3": _ROUTE,
    "swap_tob": _ROUTE,
    "swap_tob_v2": _ROUTE,
    "swap_tob_v3": _ROUTE,
    "swap_tob_enhanced": _ROUTE,
    "swap_tob_with_token_ledger": _ROUTE,
    "swap_tob_with_token_ledger_v3": _ROUTE,
    "swap_tob_with_receiver": _RECEIVER,
    "swap_tob_with_receiver_v3": _ROUTE,
    "swap_tob_with_receiver_token_ledger": _ROUTE,
    "swap_tob_with_receiver_token_ledger_v3": _ROUTE,
}

_ORDER = (
    "order_id:u64 source_mint:pubkey destination_mint:pubkey source_token_account_owner:pubkey"
    " destination_token_account_owner:pubkey"
)
_CHANGES = "source_token_change:u64 destination_token_change:u64"
_COMMISSION_FEE = "commission_direction:bool commission_rate:u32 commission_amount:u64 commission_account:pubkey"
_LEVELS = (
    "commission_direction:bool total_commission_rate:u32 parent_commission_rate:u32 parent_commission_amount:u64"
    " parent_commission_account:pubkey child_commission_rate:u32 child_commission_amount:u64"
    " child_commission_account:pubkey"
)
_PLATFORM_FEE = "platform_fee_rate:u16 platform_fee_amount:u64 platform_fee_account:pubkey"
_TRIM = "trim_rate:u8 trim_amount:u64 trim_account:pubkey"
_CHARGE = "charge_rate:u16 charge_amount:u64 charge_account:pubkey"
_MANY_LEVELS = (
    "commission_direction:bool commission_paid_in_sol:bool total_commission_rate:u32 total_commission_amount:u64"
    " num_commission_levels:u8 commission_rates:vec<u32> commission_amounts:vec<u64> commission_accounts:vec<pubkey>"
)
_ORDER_EVENTS = {
    "SwapCpiEvent": f"{_ORDER} {_CHANGES}",
    "SwapWithFeesCpiEvent": f"{_ORDER} {_CHANGES} {_COMMISSION_FEE} {_PLATFORM_FEE} {_TRIM}",
    "SwapWithFeesCpiEventEnhanced": f"{_ORDER} {_CHANGES} {_COMMISSION_FEE} {_PLATFORM_FEE} {_TRIM} {_CHARGE}",
    "SwapToCWithFeesCpiEventV2": f"{_ORDER} {_CHANGES} {_LEVELS} {_PLATFORM_FEE}",
    "SwapCpiEvent2": f"{_ORDER} amount_in:u64 {_CHANGES}",
    "SwapWithFeesCpiEvent2": f"{_ORDER} amount_in:u64 {_CHANGES} {_COMMISSION_FEE} {_PLATFORM_FEE} {_TRIM}",
    "SwapWithFeesCpiEventEnhanced2": (
        f"{_ORDER} amount_in:u64 {_CHANGES} {_COMMISSION_FEE} {_PLATFORM_FEE} {_TRIM} {_CHARGE}"
    ),
    "SwapTobV2CpiEvent2": f"{_ORDER} amount_in:u64 {_CHANGES} {_LEVELS} {_PLATFORM_FEE} {_TRIM}",
    "SwapTocV2CpiEvent2": f"{_ORDER} amount_in:u64 {_CHANGES} {_LEVELS} {_PLATFORM_FEE}",
    "SwapWithFeeCpiEventV3": f"{_ORDER} amount_in:u64 {_CHANGES} {_MANY_LEVELS}",
}

PROGRAMS = (
    Program(
        name="okx_dex",
        role=ROUTER,
        program_ids=("6m2CDdhRgxpH4WjvdzxAYbGxwdGUz5MziiL5jek2kBma",),
        source="IDLs of dex_solana: the older as sevenlabs-hq/carbon's okx-dex-decoder, the newer as its onchain-labs-dex-v1",
        instructions=(
            *(instruction(name, accounts, read=_first) for name, accounts in _FIRST_LAYOUTS.items()),
            *quiet(
                "claim claim_cashback_pumpfun claim_cashback_pumpswap commission_wrap_unwrap create_token_account"
                " create_token_account_with_seed platform_fee_sol_wrap_unwrap_v2 wrap_unwrap_v3"
                " wrap_unwrap_v3_with_receiver"
            ),
        ),
        events=(event("SwapEvent", ""),),
    ),
    Program(
        name="okx_dex_v2",
        role=ROUTER,
        program_ids=("proVF4pMXVaYqmy4NjniPh4pqKNfMmsihgd4wdkCX3u",),
        source=(
            "IDL of the program as sevenlabs-hq/carbon's onchain-labs-dex-v2-decoder has it; later instructions and"
            " events by the names in the program's IDL on chain, checked against recorded discriminators"
        ),
        instructions=(
            *(instruction(name, accounts, read=_second) for name, accounts in _SECOND_LAYOUTS.items()),
            *quiet(
                "claim claim_cashback_pumpfun claim_cashback_pumpswap create_ata_with_close_authority"
                " create_token_account create_token_account_with_seed init_token_ledger set_token_ledger wrap_unwrap"
                " wrap_unwrap_with_receiver"
            ),
        ),
        events=(event("SwapEvent", ""), *(event(name, fields) for name, fields in _ORDER_EVENTS.items())),
    ),
)
