"""One transaction drawn for a person: the instruction tree with its moves, and the net of every owner."""

import json
from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.tree import Tree

from oof_pipelines.chain.actions import Action
from oof_pipelines.chain.moves import FEE_PATH, LAMPORTS_ASSET, NATIVE_MINTS, RESIDUAL_PATH, Move, path_text
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.facts import FeePart, Leg
from oof_pipelines.decode.nets import net_by_owner
from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.decode.routes import Route

_LAMPORTS_DECIMALS = 9


def draw(decoded: Decoded, console: Console) -> None:
    """Print the drawing."""
    transaction = decoded.transaction
    state = f"failed with {escape(json.dumps(transaction.error))}" if transaction.is_failed else "succeeded"
    fee_sol = _amount(transaction.fee_lamports, LAMPORTS_ASSET, decoded.decimals)
    root = Tree(f"[bold]{escape(transaction.signature)}[/] slot {transaction.slot} {state}, fee {fee_sol} SOL")
    _add_moves(root.add("network fee"), FEE_PATH, decoded)
    branches: dict[int, Tree] = {}
    for instruction in transaction.instructions:
        height = instruction.stack_height
        parent = next((branches[level] for level in range(height - 1, 0, -1) if level in branches), root)
        path = path_text(instruction.path)
        name = PROGRAM_NAMES.get(instruction.program_id, instruction.program_id)
        branch = parent.add(f"[cyan]{path}[/] [bold]{escape(name)}[/]")
        branches = {level: tree for level, tree in branches.items() if level < height} | {height: branch}
        for action in decoded.actions:
            if action.path == path:
                branch.add(_action_text(action, decoded.decimals))
        _add_moves(branch, path, decoded)
    if decoded.has_residual:
        _add_moves(root.add("[yellow]no instruction explains[/]"), RESIDUAL_PATH, decoded)
    console.print(root)
    if decoded.routes:
        console.print(_route_table(decoded))
    console.print(_net_table(decoded))


def _add_moves(branch: Tree, path: str, decoded: Decoded) -> None:
    for move in decoded.moves:
        if move.path == path:
            branch.add(_move_text(move, decoded.decimals))


def _action_text(action: Action, decimals: dict[str, int]) -> str:
    """'swap on raydium_amm_v4 by WALLET: 790 SOL → 5 MINT', 'transfer by WALLET to WALLET: 5 SOL'."""
    where = f" on {action.venue}" if action.venue else ""
    to = f" to {action.counterparty}" if action.counterparty else ""
    amount = f"{_amount(action.amount_raw, action.asset, decimals)} {_asset_name(action.asset)}"
    if action.bought_asset:
        bought = _amount(action.bought_raw, action.bought_asset, decimals)
        amount += f" → {bought} {_asset_name(action.bought_asset)}"
    return f"[green]{action.kind}{where}[/] by {escape(action.wallet + to)}: {escape(amount)}"


def _move_text(move: Move, decimals: dict[str, int]) -> str:
    who = f"({move.account})" if move.is_virtual else move.account
    amount = _amount(move.delta_raw, move.asset, decimals, is_signed=True)
    # In the book wrapped SOL is in both ledgers: the token side is named, or the same money would seem to move twice.
    asset = "wrapped SOL" if move.asset in NATIVE_MINTS else _asset_name(move.asset)
    whose = f" [dim]of {escape(move.owner)}[/]" if move.owner != move.account else ""
    return f"{amount} {escape(asset)} {escape(who)} [dim]{move.kind}[/]{whose}"


def _route_table(decoded: Decoded) -> Table:
    """What PnL books: a line a route, its legs indented below, with what each cost."""
    # An address that does not fit goes on in the next line: cut short it would be of no use.
    columns = [Column(name, overflow="fold") for name in ("path", "via", "trader", "sold", "bought", "fees")]
    table = Table(*columns, title="Routes", title_justify="left")
    for route in decoded.routes:
        fees = _fees_text(route.fees, decoded.decimals)
        table.add_row(
            route.path, escape(_program(route.via)), route.trader, *_trade_texts(route, decoded.decimals), fees
        )
        for leg in route.legs:
            venue = escape(_program(leg.venue)) + (f" {leg.pool}" if leg.pool else "")
            if leg.path != route.path:
                table.add_row(f"  {leg.path}", f"  {venue}", "", *_trade_texts(leg, decoded.decimals), "", style="dim")
    return table


def _program(name: str) -> str:
    return PROGRAM_NAMES.get(name, name)


def _trade_texts(trade: Route | Leg, decimals: dict[str, int]) -> tuple[str, str]:
    sides = ((trade.sold_raw, trade.sold_mint), (trade.bought_raw, trade.bought_mint))
    sold, bought = (escape(f"{_amount(raw, mint, decimals)} {_asset_name(mint)}") for raw, mint in sides)
    return sold, bought


def _fees_text(fees: tuple[FeePart, ...], decimals: dict[str, int]) -> str:
    lines = [
        f"{fee.kind} {_amount(fee.amount_raw, fee.mint, decimals)} {_asset_name(fee.mint)} {fee.side.replace('_', ' ')}"
        for fee in fees
    ]
    return escape("\n".join(lines))


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
    sign = "+" if is_signed else ""
    places = _LAMPORTS_DECIMALS if _asset_name(asset) == "SOL" else decimals.get(asset)
    if places is None:
        return f"{raw:{sign},} base units of"
    return f"{Decimal(raw).scaleb(-places):{sign},f}"
