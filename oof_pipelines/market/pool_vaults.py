"""Which token account of a pool took or gave an amount within a call, and what it held then."""

from oof_pipelines.decode.decoded import Decoded


def vault_after_raw(decoded: Decoded, path: str, wallet: str, mint: str, amount_raw: int, is_add: bool) -> int | None:
    """What the pool's account of a mint holds (base units) right after the wallet put in or took out `amount_raw`.

    None where not exactly one account of somebody else's took or gave that much within the call at `path`: a token's own
    transfer fee, fees paid along with it, or a pool of several vaults.
    """
    delta_raw = amount_raw if is_add else -amount_raw
    inside = _within(decoded, path)
    found = {
        (position, move.account)
        for position, move in enumerate(decoded.moves)
        if move.asset == mint
        and move.delta_raw == delta_raw
        and not move.is_virtual
        and move.owner != wallet
        and move.path in inside
    }
    if len(found) != 1:
        return None
    position, account = found.pop()
    held_raw = sum(
        one.amount_raw for one in decoded.transaction.pre_tokens if one.account == account and one.mint == mint
    )
    moves = decoded.moves[: position + 1]
    after_raw = held_raw + sum(move.delta_raw for move in moves if move.account == account and move.asset == mint)
    return after_raw if after_raw >= 0 else None


def _within(decoded: Decoded, path: str) -> set[str]:
    """The path of a call and those of everything it called."""
    outer, _, inner = path.partition(".")
    first = (int(outer), int(inner) if inner else -1)
    inside: set[str] = set()
    height: int | None = None
    for one in decoded.transaction.instructions:
        if one.path == first:
            height = one.stack_height
            inside.add(path)
        elif height is not None:
            if one.stack_height <= height:
                break
            inside.add(f"{one.path[0]}.{one.path[1]}")
    return inside
