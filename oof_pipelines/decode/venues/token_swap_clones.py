"""Pools of the SPL token-swap program itself and of its copies at other addresses: FluxBeam, Saros, Dooar, Step, Penguin.

FluxBeam's copy passes both mints and a token program for each side (Token-2022 pools); Saros' has the first layout. The
other copies have no recorded call: that they keep the first seats is by their openly known origin.
"""

from oof_pipelines.decode.program import VENUE, Program
from oof_pipelines.decode.token_swap_layout import SOURCE, token_swap_instructions


def _clone(name: str, program_id: str, source: str, is_proven: bool = False) -> Program:
    return Program(
        name=name,
        role=VENUE,
        program_ids=(program_id,),
        source=source,
        instructions=token_swap_instructions(),
        is_proven=is_proven,
        tag_bytes=1,
    )


_POOL_SEATS = f"{SOURCE}; swap's pool and vaults as in dex-trades-extended of Topledger/solana-programs"

PROGRAMS = (
    _clone(
        "fluxbeam",
        "FLUXubRmkEi2q6K3Y9kBPg9248ggaZVsoSFhtJHSrm1X",
        "fluxbeam-decoder of sevenlabs-hq/carbon; recorded swaps",
        is_proven=True,
    ),
    _clone("saros", "SSwapUtytfBdBn1b9NUGG6foMVPtcWgpRU32HToDUZr", f"{SOURCE}; recorded swaps", is_proven=True),
    _clone(
        "spl_token_swap", "SwaPpA9LAaLfeLi3a68M4DjnLqgtticKg6CnyNwgAC8", f"{SOURCE}; a recorded swap", is_proven=True
    ),
    _clone("dooar", "Dooar9JkhdZ7J3LHN3A7YCuoGRUggXhQaG4kijfLGU2j", _POOL_SEATS),
    _clone("penguin", "PSwapMdSai8tjrEXcxFeQth87xC4rRsa4VA5mhGhXkP", _POOL_SEATS),
    _clone("step", "SSwpMgqNDsyV7mAgN9ady4bDVu5ySjmmXejXvy2vLt1", _POOL_SEATS),
)
