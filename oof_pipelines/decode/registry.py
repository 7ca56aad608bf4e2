"""Which decoder owns which program, and the operations of any instruction."""

from collections.abc import Callable

from oof_pipelines.chain.transaction import Instruction
from oof_pipelines.decode import loader, lookup_table, stake, system, token, vote
from oof_pipelines.decode.node_words import decode_words
from oof_pipelines.decode.operations import Operation

Decoder = Callable[[list[str], bytes], list[Operation]]

_DECODERS: dict[str, tuple[str, Decoder]] = {
    program_id: (name, decoder)
    for name, program_ids, decoder in (
        ("system", system.PROGRAM_IDS, system.decode),
        ("token", token.PROGRAM_IDS, token.decode),
        ("stake", stake.PROGRAM_IDS, stake.decode),
        ("vote", vote.PROGRAM_IDS, vote.decode),
        ("loader", loader.PROGRAM_IDS, loader.decode),
        ("lookup_table", lookup_table.PROGRAM_IDS, lookup_table.decode),
    )
    for program_id in program_ids
}


def owns(program_id: str) -> bool:
    """Whether a decoder tells all that the program does to balances."""
    return program_id in _DECODERS


def operations_of(instruction: Instruction) -> list[Operation]:
    """What an instruction does to balances by its own program; none where no decoder owns the program.

    Raises LayoutError where the program is known and the data are not of its layout.
    """
    owned = _DECODERS.get(instruction.program_id)
    if owned is None:
        return []
    name, decoder = owned
    if instruction.parsed is not None:
        return decode_words(instruction.parsed, name)
    return decoder(instruction.accounts, instruction.data)
