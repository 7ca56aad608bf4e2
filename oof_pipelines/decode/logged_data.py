"""What programs logged as data (`emit!` of Anchor), by the instruction that logged it."""

import base64
import binascii
import re

from oof_pipelines.chain.transaction import Instruction, ParsedTransaction

_INVOKE = re.compile(r"^Program (\w+) invoke \[(\d+)\]$")
_ENDED = re.compile(r"^Program \w+ (?:success$|failed: )")
_DATA = "Program data: "


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
        if not message.startswith("Program "):
            continue
        call = _INVOKE.match(message) if message.endswith("]") else None
        if call is not None:
            program_id, height = call[1], int(call[2])
            order += 1
            while order < len(instructions) and instructions[order].program_id != program_id:
                if instructions[order].stack_height > 1:
                    return found
                order += 1
            if order >= len(instructions) or instructions[order].stack_height != height:
                return found
            del running[height - 1 :]
            running.append(order)
        elif message.startswith(_DATA) and running:
            try:
                found.setdefault(running[-1], []).append(base64.b64decode(message[len(_DATA) :].split(" ")[0]))
            except binascii.Error:
                continue
        elif running and _ENDED.match(message):
            running.pop()
    return found
