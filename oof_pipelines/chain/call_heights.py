"""How deep each call stood, for recordings of nodes that did not say yet: the log says who was invoked at which height."""

import re

_INVOKE = re.compile(r"^Program (\w+) invoke \[(\d+)\]$")


def heights_by_log(program_ids: list[str], are_outer: list[bool], messages: list[str]) -> list[int | None]:
    """The height of each call, in call order, as far as log and calls agree; None from there on.

    The n-th invocation of the log is the n-th call. Outer calls of signature-checking programs leave no word in it, and nodes
    cut long logs short.
    """
    heights: list[int | None] = [None] * len(program_ids)
    order = -1
    for message in messages:
        invoked = _INVOKE.match(message) if message.endswith("]") else None
        if invoked is None:
            continue
        order += 1
        while order < len(program_ids) and program_ids[order] != invoked[1] and are_outer[order]:
            order += 1
        if order >= len(program_ids) or program_ids[order] != invoked[1]:
            break
        height = int(invoked[2])
        if (height == 1) != are_outer[order]:
            break
        heights[order] = height
    return heights
