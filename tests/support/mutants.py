"""Small changes of functions, each of which a good test notices."""

import ast
import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

_SWAPS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
"""What an operator is taken for."""
_OF_FUNCTIONS = ("args", "decorator_list", "returns", "type_params")
_SAID_BEFORE = {
    ast.FunctionDef: _OF_FUNCTIONS,
    ast.AsyncFunctionDef: _OF_FUNCTIONS,
    ast.Lambda: ("args",),
    ast.AnnAssign: ("annotation",),
}
"""Parts that have their say when a function is defined, and types."""


@dataclass(frozen=True)
class Mutant:
    """One change of the code of one function."""

    path: Path
    function: str
    """Its qualified name."""
    line: int
    """Where its code object begins."""
    number: int
    """Which of the changes of that function it is."""
    statement: tuple[int, int]
    """Line and column in which the innermost statement around it begins."""
    change: str
    """In words, with the line in which it is made."""

    def code(self) -> CodeType:
        """The changed code of the function."""
        tree, function = self._parsed()
        _, _, change = list(_changes(function))[self.number]
        change()
        return self._compiled(tree)

    def code_that_calls(self, name: str, statements: Collection[tuple[int, int]]) -> CodeType:
        """The code of the function, where each of the statements comes after a call of a builtin.

        The builtin has this name, and is given the place of the function and the statement.
        """
        tree, function = self._parsed()
        _CallsBefore(
            {one: ast.parse(f"{name}({(self.place, one)!r})").body[0] for one in statements}
        ).visit(function)
        return self._compiled(tree)

    @property
    def place(self) -> tuple[str, str, int]:
        """What tells the function from others: file, name and line."""
        return str(self.path), self.function, self.line

    def _parsed(self):
        tree = ast.parse(self.path.read_text())
        return tree, next(f for name, f in _functions(tree) if name == self.function)

    def _compiled(self, tree):
        module = compile(ast.fix_missing_locations(tree), str(self.path), "exec")
        return next(code for code in _codes(module) if place_of(code) == self.place)


def place_of(code: CodeType) -> tuple[str, str, int]:
    """The place of the function whose code it is, changed or not."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


def mutants_of(path: Path) -> Iterator[Mutant]:
    """All changes of the functions of a module. What is run at import stays as it is."""
    tree = ast.parse(path.read_text())
    for name, function in _functions(tree):
        line = min(node.lineno for node in (function, *function.decorator_list))
        for number, (statement, words, _) in enumerate(_changes(function)):
            yield Mutant(path, name, line, number, _begin(statement), words)


def _functions(tree, inside=""):
    """Functions and methods with their qualified names; those within one are part of it."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{inside}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{inside}{node.name}", node


def _codes(code):
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _changes(function):
    """The innermost statement around what can be changed, in words, and what changes it."""
    for node, around in _nodes(function, function):
        for field, value in _fields(node):
            for place, part in enumerate(value) if isinstance(value, list) else [(None, value)]:
                for other in _others(node, field, part):
                    line = getattr(part, "lineno", getattr(node, "lineno", function.lineno))
                    words = f"line {line}: {_brief(part)} -> {_brief(other)}"
                    yield _innermost(part, around), words, _setter(node, field, place, other)


def _nodes(node, statement):
    """All of its body with the statement around each, but what types say and what documents it."""
    yield node, statement
    for _field, value in _fields(node):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST) and not _is_text_alone(part):
                yield from _nodes(part, _innermost(part, statement))


def _innermost(part, around):
    return part if isinstance(part, ast.stmt) else around


def _begin(statement):
    return statement.lineno, statement.col_offset


class _CallsBefore(ast.NodeTransformer):
    """Puts before statements the calls that belong to them."""

    def __init__(self, calls):
        self._calls = calls

    def visit(self, node):
        self.generic_visit(node)
        call = self._calls.get(_begin(node)) if isinstance(node, ast.stmt) else None
        return [call, node] if call else node


def _fields(node):
    """What of it runs when the function does."""
    said = _SAID_BEFORE.get(type(node), ())
    return ((field, value) for field, value in ast.iter_fields(node) if field not in said)


def _is_text_alone(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _setter(node, field, place, other):
    def change():
        if place is None:
            setattr(node, field, other)
        else:
            getattr(node, field)[place] = other

    return change


def _others(parent, field, part):
    """What may stand in the place of a part."""
    if type(part) in _SWAPS:
        yield _SWAPS[type(part)]()
    elif isinstance(part, ast.Constant) and not isinstance(parent, ast.Expr):
        yield from _other_constants(part.value)
    elif isinstance(part, ast.stmt):
        yield from _other_statements(part)
    elif isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not):
        yield part.operand
    if field in {"test", "ifs"} and isinstance(part, ast.Name | ast.Attribute | ast.Call):
        yield ast.UnaryOp(ast.Not(), copy.deepcopy(part))


def _other_constants(value):
    match value:
        case bool():
            yield ast.Constant(not value)
        case int() | float():
            yield ast.Constant(value + 1)
        case str():
            yield ast.Constant(f"XX{value}")
        case bytes():
            yield ast.Constant(b"XX" + value)


def _other_statements(statement):
    match statement:
        case ast.Return(value=ast.expr() as value) if not _is_falsy(value):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _is_falsy(node):
    """Whether it is as good as None to whoever asks for the truth of it."""
    return isinstance(node, ast.Constant) and not node.value


def _brief(node):
    first, *more = (ast.unparse(node) or type(node).__name__).splitlines()
    return first[:60] + (" …" if more or len(first) > 60 else "")
