"""What programs logged as data (`emit!` of Anchor), by the instruction that logged it."""

import binascii

from oof_pipelines.chain.transaction import Instruction, ParsedTransaction

_PROGRAM = "Program "
_DATA = "Program data: "
_BEGINS_AT = len(_PROGRAM)
_INVOKE = "invoke ["
_HEIGHT_AT = len(_INVOKE)


class LoggedData:
    """What the instructions of a transaction logged as data, read when first asked for."""

    __slots__ = ("_by_order", "_transaction")

    def __init__(self, transaction: ParsedTransaction) -> None:
        self._transaction = transaction
        self._by_order: dict[int, list[bytes]] | None = None

    def of(self, order: int) -> list[bytes]:
        """What the instruction at `order` itself logged; nothing where the node cut the logs before."""
        if self._by_order is None:
            self._by_order = logged_data(self._transaction.instructions, self._transaction.log_messages)
        return self._by_order.get(order, [])


def logged_data(instructions: list[Instruction], messages: list[str]) -> dict[int, list[bytes]]:
    """Order of an instruction → what it logged as data. The n-th call of the log is the n-th instruction that logs calls.

    Signature-checking programs run without a word in the log. Where log and instructions part, reading stops: nodes cut
    long logs short.
    """
    found: dict[int, list[bytes]] = {}
    if not any(_DATA in message for message in messages):
        return found
    running: list[int] = []
    order = -1
    for message in messages:
        if not message.startswith(_PROGRAM):
            continue
        program_id, _, said = message[_BEGINS_AT:].partition(" ")
        # What a program says itself stands behind "log:" or "return:", which is no program.
        if said.startswith(_INVOKE) and program_id.isalnum() and said.endswith("]") and said[_HEIGHT_AT:-1].isdecimal():
            height = int(said[_HEIGHT_AT:-1])
            order += 1
            while order < len(instructions) and instructions[order].program_id != program_id:
                if instructions[order].stack_height > 1:
                    return found
                order += 1
            if order >= len(instructions) or instructions[order].stack_height != height:
                return found
            del running[height - 1 :]
            running.append(order)
        elif not running:
            continue
        elif message.startswith(_DATA):
            try:
                found.setdefault(running[-1], []).append(binascii.a2b_base64(said.split(" ")[0]))
            except binascii.Error:
                continue
        elif (said == "success" or said.startswith("failed: ")) and program_id.isalnum():
            running.pop()
    return found
