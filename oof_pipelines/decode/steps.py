"""All operations of a transaction in the order in which they took effect, each with the path that caused it.

System, Stake and the token programs act by their instructions. A program of a venue may also move lamports of its own
accounts by no instruction: what it told in an event is booked at the event's path, what it closed when its call ended.
"""

import msgspec

from oof_pipelines.chain.moves import path_text
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.logged_data import LoggedData
from oof_pipelines.decode.operations import CloseProgramAccount, MoveLamports, Operation, SyncNative
from oof_pipelines.decode.program import Arguments, Program, is_event_call
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.decode.registry import operations_of


class Step(msgspec.Struct, frozen=True, gc=False):
    """An operation and the path of the instruction that made it."""

    path: str
    operation: Operation


class _OpenCall(msgspec.Struct):
    """A call of a program we decode, while its own calls run: its height, path, arguments and what it closes at its end."""

    height: int
    program: Program
    arguments: Arguments
    path: str
    order: int
    begins_at: int
    has_told: bool = False


def steps_of(transaction: ParsedTransaction, logs: LoggedData) -> tuple[list[Step], list[str]]:
    """The steps, none of a failed transaction, and the paths of instructions whose data fit not their layout."""
    steps: list[Step] = []
    unread: list[str] = []
    if transaction.is_failed:
        return steps, unread
    calls: list[_OpenCall] = []
    for order, one in enumerate(transaction.instructions):
        while calls and calls[-1].height >= one.stack_height:
            steps += _ended(calls.pop(), transaction.keys, logs, unread)
        try:
            program = BY_ID.get(one.program_id)
            if program is None:
                if operations := operations_of(one):
                    path = path_text(one.path)
                    steps += [Step(path, operation) for operation in operations]
                continue
            path = path_text(one.path)
            if is_event_call(one.data):
                caller = _caller(program, one, calls)
                for operation in _debits(program, one, caller, transaction.keys):
                    steps.insert(_taken_effect_at(steps, caller, operation), Step(path, operation))
            elif (layout := program.layout_of(one.data, transaction.slot)) is not None:
                arguments = layout.take(one.accounts, one.data)
                calls.append(_OpenCall(one.stack_height, program, arguments, path, order, len(steps)))
        except LayoutError:
            unread.append(path_text(one.path))
    while calls:
        steps += _ended(calls.pop(), transaction.keys, logs, unread)
    return steps, unread


def _caller(program: Program, told: Instruction, calls: list[_OpenCall]) -> _OpenCall | None:
    """The innermost open call of the program that tells itself an event."""
    return next((one for one in reversed(calls) if one.program is program and one.height < told.stack_height), None)


def _debits(program: Program, told: Instruction, caller: _OpenCall | None, keys: list[str]) -> list[Operation]:
    """What the program changed by itself when it told an event from within a call."""
    found = program.event_of(told.data)
    if found is None or caller is None or found[0].debits is None:
        return []
    caller.has_told = True
    return _of_accounts(keys, found[0].debits(found[1], caller.arguments))


def _of_accounts(keys: list[str], operations: list[Operation]) -> list[Operation]:
    """The operations; LayoutError where an event names an account that the transaction does not have."""
    for one in operations:
        if isinstance(one, MoveLamports) and not {one.source, one.destination} <= set(keys):
            raise LayoutError(f"{one.source} or {one.destination} is no account of the transaction")
    return operations


def _taken_effect_at(steps: list[Step], caller: _OpenCall | None, operation: Operation) -> int:
    """Where a debit belongs: at its event, but before the account it went to was synced where the same call had that done.

    A program that seeds a wrapped SOL account with lamports of its own syncs it, goes on, and tells at the end.
    """
    if isinstance(operation, MoveLamports) and caller is not None:
        for index in range(caller.begins_at, len(steps)):
            synced = steps[index].operation
            if isinstance(synced, SyncNative) and synced.account == operation.destination:
                return index
    return len(steps)


def _ended(call: _OpenCall, keys: list[str], logs: LoggedData, unread: list[str]) -> list[Step]:
    """What a call did by its end: debits it only logged, then the accounts it closed; `unread` gets what fits no layout."""
    steps = []
    if not call.has_told and call.program.has_debits and call.arguments.layout.read is not None:
        for data in logs.of(call.order):
            found = call.program.logged_event_of(data)
            if found is None or found[0].debits is None:
                continue
            try:
                debits = _of_accounts(keys, found[0].debits(found[1], call.arguments))
                steps += [Step(call.path, operation) for operation in debits]
            except LayoutError:
                unread.append(call.path)
    return steps + _closings(call)


def _closings(call: _OpenCall) -> list[Step]:
    """An account that the call does not have is not closed: optional ones come last and may be left out."""
    steps = []
    for account, destination in call.arguments.layout.closes:
        try:
            operation = CloseProgramAccount(call.arguments.account(account), call.arguments.account(destination))
        except LayoutError:
            continue
        steps.append(Step(call.path, operation))
    return steps
