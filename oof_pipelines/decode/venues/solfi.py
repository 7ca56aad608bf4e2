"""SolFi, versions 1 and 2: pools quoted by their maker, without a published IDL.

Both versions name the trader's and the pool's accounts by the pool's order of mints. Version 1 ends its data with the
direction (0: first mint in), version 2 adds seven bytes and the mints. What the maker sends to move his quotes is not
public; such calls are counted as unknown.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("pool", accounts="user_a user_b", vaults="vault_a vault_b")

_ARGUMENTS = "amount_in:u64 minimum_amount_out:u64 direction:u8"

PROGRAMS = (
    Program(
        name="solfi",
        role=VENUE,
        program_ids=("SoLFiHG9TfgtdUXUjWAxi3LtvYuFyDLVhBWxdMZxyCe",),
        source="recorded swaps; pool and vaults as in dex-trades-extended of Topledger/solana-programs",
        instructions=(
            instruction("swap", "user pool vault_a vault_b user_a user_b", _ARGUMENTS, discriminator=b"\7", read=_swap),
        ),
        tag_bytes=1,
    ),
    Program(
        name="solfi_v2",
        role=VENUE,
        program_ids=("SV2EYYJyRz2YhfXwXnhNAevDEui5Q6yrfyo13WtupPF",),
        source="recorded swaps; accounts as in the SolFi v2 client of blueshift-gg/beethoven",
        instructions=(
            instruction(
                "swap",
                "user pool oracle global_config vault_a vault_b user_a user_b mint_a mint_b",
                _ARGUMENTS,
                discriminator=b"\7",
                read=_swap,
            ),
        ),
        tag_bytes=1,
    ),
)
