"""Where a venue's swap instruction names the one who trades, so that he can be told from the pool by more than the sign.

A wallet of a program (an escrow, a smart wallet) and a pool are both accounts that no key signs for, and their nets mirror
each other. The venue's own layout says which is which. Source: the programs' IDLs (the account that signs: user, payer,
sender, token authority), and for Raydium AMM v4, which has one-byte tags, its AmmInstruction.
"""

import hashlib

from oof_pipelines.chain.transaction import Instruction
from oof_pipelines.decode.programs import VENUES

_DISCRIMINATOR_BYTES = 8
_LAST = -1
_RAYDIUM_AMM_V4 = "raydium_amm_v4"
# SwapBaseIn, SwapBaseOut and their second versions; the trader comes last in each, whatever else is left out.
_RAYDIUM_AMM_V4_TAGS = frozenset({9, 11, 16, 17})

_SEATS = {
    "pumpfun": {"buy": 6, "sell": 6, "buy_exact_sol_in": 6, "buy_v2": 13, "sell_v2": 13, "buy_exact_quote_in_v2": 13},
    "pumpswap": {"buy": 1, "sell": 1, "buy_exact_quote_in": 1},
    "raydium_clmm": {"swap": 0, "swap_v2": 0, "swap_router_base_in": 0},
    "raydium_cpmm": {"swap_base_input": 0, "swap_base_output": 0},
    "raydium_launchlab": {"buy_exact_in": 0, "buy_exact_out": 0, "sell_exact_in": 0, "sell_exact_out": 0},
    "orca_whirlpool": {"swap": 1, "two_hop_swap": 1, "swap_v2": 3, "two_hop_swap_v2": 14},
    "meteora_dlmm": {
        "swap": 10,
        "swap_exact_out": 10,
        "swap_with_price_impact": 10,
        "swap2": 10,
        "swap_exact_out2": 10,
        "swap_with_price_impact2": 10,
    },
    "meteora_damm_v1": {"swap": 12},
    "meteora_damm_v2": {"swap": 8, "swap2": 8},
    "meteora_dbc": {"swap": 9, "swap2": 9},
    "moonshot": {"buy": 0, "sell": 0},
}
"""Venue → swap instruction → index of the trader among its accounts."""


def _discriminator(name: str) -> bytes:
    """Anchor's: the first eight bytes of sha256("global:" + name)."""
    return hashlib.sha256(f"global:{name}".encode()).digest()[:_DISCRIMINATOR_BYTES]


_SEATS_BY_DATA = {
    (venue, _discriminator(name)): seat for venue, names in _SEATS.items() for name, seat in names.items()
}


def trader_of(instruction: Instruction) -> str:
    """The address in the trader's seat of a venue's swap instruction; '' where it is no swap or none that is known."""
    venue = VENUES.get(instruction.program_id, "")
    if venue == _RAYDIUM_AMM_V4:
        is_swap = bool(instruction.data) and instruction.data[0] in _RAYDIUM_AMM_V4_TAGS
        seat = _LAST if is_swap else None
    else:
        seat = _SEATS_BY_DATA.get((venue, instruction.data[:_DISCRIMINATOR_BYTES]))
    if seat is None or seat >= len(instruction.accounts) or not instruction.accounts:
        return ""
    return instruction.accounts[seat]
