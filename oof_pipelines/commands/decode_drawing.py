"""One transaction drawn for a person: the instruction tree with its moves, and the net of every owner."""

from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from oof_pipelines.chain.moves import FEE_PATH, LAMPORTS_ASSET, NATIVE_MINTS, RESIDUAL_PATH, Move, path_text
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.nets import net_by_owner
from oof_pipelines.decode.venues import ROUTERS, VENUES

_LAMPORTS_DECIMALS = 9


def draw(decoded: Decoded, console: Console) -> None:
    """Print the drawing."""
    transaction = decoded.transaction
    state = "failed" if transaction.is_failed else "succeeded"
    fee_sol = _amount(transaction.fee_lamports, LAMPORTS_ASSET, decoded.decimals)
    root = Tree(f"[bold]{escape(transaction.signature)}[/] slot {transaction.slot} {state}, fee {fee_sol} SOL")
    _add_moves(root.add("network fee"), FEE_PATH, decoded)
    branches: dict[int, Tree] = {}
    for instruction in transaction.instructions:
        height = instruction.stack_height
        parent = next((branches[level] for level in range(height - 1, 0, -1) if level in branches), root)
        path = path_text(instruction.path)
        name = VENUES.get(instruction.program_id) or ROUTERS.get(instruction.program_id) or instruction.program_id
        branch = parent.add(f"[cyan]{path}[/] {escape(name)}")
        branches = {level: tree for level, tree in branches.items() if level < height} | {height: branch}
        for action in decoded.actions:
            if action.path == path:
                branch.add(
                    f"[green]{action.kind}[/]{f' {action.venue}' if action.venue else ''} by {escape(action.wallet)}"
                )
        _add_moves(branch, path, decoded)
    if decoded.has_residual:
        _add_moves(root.add("[yellow]no instruction explains[/]"), RESIDUAL_PATH, decoded)
    console.print(root)
    console.print(_net_table(decoded))


def _add_moves(branch: Tree, path: str, decoded: Decoded) -> None:
    for move in decoded.moves:
        if move.path == path:
            branch.add(_move_text(move, decoded.decimals))


def _move_text(move: Move, decimals: dict[str, int]) -> str:
    who = f"({move.account})" if move.is_virtual else move.account
    amount = _amount(move.delta_raw, move.asset, decimals, is_signed=True)
    return f"{amount} {escape(_asset_name(move.asset))} {escape(who)} [dim]{move.kind}[/]"


def _net_table(decoded: Decoded) -> Table:
    table = Table("owner", "asset", "net", title="Net per owner", title_justify="left")
    for owner, assets in sorted(net_by_owner(decoded.moves).items()):
        for asset, raw in sorted(assets.items()):
            table.add_row(
                escape(owner), escape(_asset_name(asset)), _amount(raw, asset, decoded.decimals, is_signed=True)
            )
    return table


def _asset_name(asset: str) -> str:
    return "SOL" if asset == LAMPORTS_ASSET or asset in NATIVE_MINTS else asset


def _amount(raw: int, asset: str, decimals: dict[str, int], *, is_signed: bool = False) -> str:
    places = _LAMPORTS_DECIMALS if _asset_name(asset) == "SOL" else decimals.get(asset, 0)
    return f"{Decimal(raw).scaleb(-places):{'+' if is_signed else ''},f}"
