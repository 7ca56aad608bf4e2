"""Rewrites a module for compiling: values that are cheap to make in Python become classes that are cheap to make in C.

A msgspec struct is the fastest class that Python has, but to compiled code it is a stranger: each field is looked up by name.
So structs and dataclasses become plain classes with the same fields, equality, hash and `repr`, whose fields lie at fixed
places; constants of a module become final, which spares looking them up. What the code does stays as it is written.
"""

import ast
import re
from collections import Counter

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_IMPORTS = "import typing\nfrom mypy_extensions import mypyc_attr"
# Values hold values and never each other in a circle, so the garbage collector need not look at them.
_DECORATORS = ("mypyc_attr(acyclic=True)", "typing.final")
# Those that code in Python has subclasses of: detectors/lot_history.py watches a book by them.
_OPEN = {"Book", "LotQueue"}
_OPEN_DECORATORS = ("mypyc_attr(acyclic=True, allow_interpreted_subclasses=True)",)


def rewritten(source: str) -> str:
    """The module with native classes and final constants."""
    tree = ast.parse(source)
    _Classes().visit(tree)
    _make_final(tree)
    return _printed(tree)


def with_final_constants(source: str) -> str:
    """A module that is not compiled, as those that are should see it: literals that it names are written into them."""
    tree = ast.parse(source)
    _make_final(tree, is_for_literals_alone=True)
    return _printed(tree)


def _printed(tree: ast.Module) -> str:
    first = next((at for at, one in enumerate(tree.body) if isinstance(one, ast.Import | ast.ImportFrom)), 1)
    tree.body[first:first] = ast.parse(_IMPORTS).body
    return ast.unparse(ast.fix_missing_locations(tree))


def _make_final(tree: ast.Module, *, is_for_literals_alone: bool = False) -> None:
    """Every constant that is set once, at the top of the module."""
    stored = Counter(one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
    for at, one in enumerate(tree.body):
        target = (
            one.targets[0] if isinstance(one, ast.Assign) else one.target if isinstance(one, ast.AnnAssign) else None
        )
        if not isinstance(target, ast.Name) or stored[target.id] > 1 or not _CONSTANT.fullmatch(target.id):
            continue
        if is_for_literals_alone and not (isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant)):
            continue
        if isinstance(one, ast.Assign):
            tree.body[at] = ast.AnnAssign(target, _expression("typing.Final"), one.value, 1)
        elif isinstance(one, ast.AnnAssign):
            one.annotation = ast.Subscript(_expression("typing.Final"), one.annotation, ast.Load())


class _Classes(ast.NodeTransformer):
    """Turns structs, dataclasses and plain classes without a base into native ones; exceptions stay as they are."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        is_struct = any(ast.unparse(base) == "msgspec.Struct" for base in node.bases)
        is_dataclass = any(ast.unparse(one).startswith("dataclass") for one in node.decorator_list)
        if is_struct or is_dataclass:
            _make_plain(node)
        elif node.bases or node.decorator_list:
            return node
        decorators = _OPEN_DECORATORS if node.name in _OPEN else _DECORATORS
        node.decorator_list = [_expression(text) for text in decorators]
        return node


def _make_plain(node: ast.ClassDef) -> None:
    """Write out what the struct's metaclass or the dataclass's decorator would have made."""
    options = [
        *node.keywords,
        *(key for one in node.decorator_list if isinstance(one, ast.Call) for key in one.keywords),
    ]
    is_frozen = any(key.arg == "frozen" for key in options)
    node.bases, node.keywords = [], []
    fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
    others = [one for one in node.body if not isinstance(one, ast.AnnAssign)]
    doc = others[:1] if ast.get_docstring(node) is not None else []
    has_more_to_do = any(isinstance(one, ast.FunctionDef) and one.name == "__post_init__" for one in others)
    text = "\n".join(
        [
            f"class {node.name}:",
            *(f"    {_name(one)}: {ast.unparse(one.annotation)}" for one in fields),
            *_initialiser(fields, has_more_to_do=has_more_to_do),
            *_methods(node.name, [_name(one) for one in fields if not _is_made_inside(one)], is_frozen=is_frozen),
        ]
    )
    made = ast.parse(text).body[0]
    assert isinstance(made, ast.ClassDef)
    node.body = [*doc, *made.body, *others[len(doc) :]]


def _initialiser(fields: list[ast.AnnAssign], *, has_more_to_do: bool) -> list[str]:
    parameters, lines = [], []
    for one in fields:
        name, kind = _name(one), ast.unparse(one.annotation)
        default = ast.unparse(one.value) if one.value is not None else ""
        if _is_made_inside(one):
            lines.append(f"        self.{name} = {_made_inside(one)}")
        elif default == "[]":
            parameters.append(f"{name}: {kind} | None = None")
            lines.append(f"        self.{name} = [] if {name} is None else {name}")
        else:
            parameters.append(f"{name}: {kind}{f' = {default}' if default else ''}")
            lines.append(f"        self.{name} = {name}")
    if has_more_to_do:
        lines.append("        self.__post_init__()")
    return [f"    def __init__(self, {', '.join(parameters)}) -> None:", *lines]


def _methods(name: str, fields: list[str], *, is_frozen: bool) -> list[str]:
    equal = " and ".join(f"self.{field} == other.{field}" for field in fields)
    values = ", ".join(f"self.{field}" for field in fields)
    shown = " + ', ' + ".join(f"'{field}=' + repr(self.{field})" for field in fields)
    changed = ", ".join(f"changes.pop('{field}', self.{field})" for field in fields)
    lines = [
        "    def __eq__(self, other: object) -> bool:",
        f"        return isinstance(other, {name}) and {equal}",
        "    def __repr__(self) -> str:",
        f"        return '{name}(' + {shown} + ')'",
        f"    def __replace__(self, **changes: typing.Any) -> '{name}':",
        f"        made = {name}({changed})",
        "        if changes:",
        "            raise TypeError('no such field: ' + ', '.join(changes))",
        "        return made",
    ]
    return [*lines, "    def __hash__(self) -> int:", f"        return hash(({values},))"] if is_frozen else lines


def _name(field: ast.AnnAssign) -> str:
    assert isinstance(field.target, ast.Name)
    return field.target.id


def _is_made_inside(field: ast.AnnAssign) -> bool:
    """Whether nobody hands the field over: `field(init=False, …)` of a dataclass."""
    return isinstance(field.value, ast.Call) and ast.unparse(field.value.func) == "field"


def _made_inside(field: ast.AnnAssign) -> str:
    assert isinstance(field.value, ast.Call)
    given = {key.arg: ast.unparse(key.value) for key in field.value.keywords}
    return given["default"] if "default" in given else f"{given['default_factory']}()"


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
