"""Every mutant of a Solidity file, from its syntax tree: Solidity and the assembly inside alike."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Node = dict[str, Any]

SWAPS = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=",),
    "!=": ("==",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "%": ("*",),
    "&&": ("||",),
    "||": ("&&",),
    "&": ("|",),
    "|": ("&",),
    "<<": (">>",),
    ">>": ("<<",),
    "+=": ("-=", "="),
    "-=": ("+=", "="),
    "|=": ("=", "&="),
    "++": ("--",),
    "--": ("++",),
}
YUL_SWAPS = {
    "lt": ("gt",),
    "gt": ("lt",),
    "add": ("sub",),
    "sub": ("add",),
    "mul": ("div",),
    "div": ("mul",),
    "and": ("or",),
    "or": ("and",),
    "shl": ("shr",),
    "shr": ("shl",),
}
YUL_COMMUTATIVE = {"add", "mul", "and", "or", "xor", "eq"}
_WIDTH = re.compile(r"\d+|_(memory|storage|calldata).*")  # what does not tell two arguments apart


@dataclass(frozen=True)
class Mutant:
    """One change of one file: bytes [start, end) become `after`."""

    path: str
    start: int
    end: int
    line: int
    kind: str
    before: str
    after: str

    @property
    def id(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    def apply(self, source: bytes) -> str:
        return (source[: self.start] + self.after.encode() + source[self.end :]).decode()


def mutants_of(path: str, source: bytes, ast: Node) -> list[Mutant]:
    """In the order of the source, none twice."""
    found = {(start, end, after): kind for start, end, after, kind in _walk(ast, source)}
    return [
        Mutant(path, start, end, source.count(b"\n", 0, start) + 1, kind, source[start:end].decode(), after)
        for (start, end, after), kind in sorted(found.items())
        if source[start:end] != after.encode()
    ]


Change = tuple[int, int, str, str]


def _walk(node: Any, source: bytes) -> Iterator[Change]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, source)
    elif isinstance(node, dict):
        change = _CHANGES.get(node.get("nodeType", ""))
        if change:
            yield from change(node, source)
        for key, child in node.items():
            if not (node.get("nodeType") == "ArrayTypeName" and key == "length"):  # a layout, not a behaviour
                yield from _walk(child, source)


def _span(node: Node) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def _text(node: Node, source: bytes) -> str:
    start, end = _span(node)
    return source[start:end].decode()


def _swap_tokens(start: int, end: int, operator: str, source: bytes) -> Iterator[Change]:
    at = source.index(operator.encode(), start, end)
    for other in SWAPS.get(operator, ()):
        yield at, at + len(operator), other, f"{operator} to {other}"


def _binary(node: Node, source: bytes) -> Iterator[Change]:
    left, right = node["leftExpression"], node["rightExpression"]
    yield from _swap_tokens(_span(left)[1], _span(right)[0], node["operator"], source)
    if node["operator"] in ("&&", "||"):
        for side in (left, right):
            yield *_span(node), _text(side, source), "condition dropped"


def _assignment(node: Node, source: bytes) -> Iterator[Change]:
    yield from _swap_tokens(_span(node["leftHandSide"])[1], _span(node["rightHandSide"])[0], node["operator"], source)


def _unary(node: Node, source: bytes) -> Iterator[Change]:
    start, end = _span(node)
    if node["operator"] in SWAPS:
        yield from _swap_tokens(start, end, node["operator"], source)
    elif node["operator"] in ("!", "~"):
        yield start, end, _text(node["subExpression"], source), f"{node['operator']} dropped"


def _delete(node: Node, source: bytes) -> Iterator[Change]:
    start, end = _span(node)
    rest = source[end:].lstrip()
    if rest.startswith(b";"):  # not so in the head of a loop
        kind = "require deleted" if source[start:end].startswith(b"require") else "statement deleted"
        yield start, source.index(b";", end) + 1, "{}", kind


def _negate(node: Node, source: bytes) -> Iterator[Change]:
    yield *_span(node["condition"]), f"!({_text(node['condition'], source)})", "condition negated"


def _literal(node: Node, source: bytes) -> Iterator[Change]:
    text = _text(node, source)
    if node["kind"] == "number":
        for sign in "+-":
            yield *_span(node), f"({text} {sign} 1)", f"constant {sign} 1"
    elif node["kind"] == "bool":
        yield *_span(node), "false" if text == "true" else "true", "constant flipped"


def _call(node: Node, source: bytes) -> Iterator[Change]:
    arguments = node["arguments"]
    if node["expression"].get("name") == "require":
        yield *_span(arguments[0]), f"!({_text(arguments[0], source)})", "condition negated"
    types = [_WIDTH.sub("", argument["typeDescriptions"].get("typeIdentifier", "")) for argument in arguments]
    if node["kind"] == "typeConversion" or node.get("names"):
        return
    for i, (one, two) in enumerate(pairwise(arguments)):
        if types[i] == types[i + 1]:
            yield from _swap(one, two, source)


def _swap(one: Node, two: Node, source: bytes) -> Iterator[Change]:
    (start, middle), (again, end) = _span(one), _span(two)
    between = source[middle:again].decode()
    yield start, end, _text(two, source) + between + _text(one, source), "arguments swapped"


def _modifier(node: Node, source: bytes) -> Iterator[Change]:
    if node.get("kind") == "modifierInvocation":
        yield *_span(node), "", "modifier deleted"


def _yul_call(node: Node, source: bytes) -> Iterator[Change]:
    name = node["functionName"]
    for other in YUL_SWAPS.get(name["name"], ()):
        yield *_span(name), other, f"{name['name']} to {other}"
    if len(node["arguments"]) == 2 and name["name"] not in YUL_COMMUTATIVE:
        one, two = node["arguments"]
        yield from _swap(one, two, source)


def _yul_literal(node: Node, source: bytes) -> Iterator[Change]:
    value = int(node["value"], 0)
    for sign, changed in (("+", value + 1), ("-", value - 1)):
        if changed >= 0:
            yield *_span(node), hex(changed), f"constant {sign} 1"


def _yul_delete(node: Node, source: bytes) -> Iterator[Change]:
    yield *_span(node), "", "statement deleted"


def _yul_if(node: Node, source: bytes) -> Iterator[Change]:
    yield *_span(node["condition"]), f"iszero({_text(node['condition'], source)})", "condition negated"


_CHANGES = {
    "BinaryOperation": _binary,
    "Assignment": _assignment,
    "UnaryOperation": _unary,
    "ExpressionStatement": _delete,
    "EmitStatement": _delete,
    "RevertStatement": _delete,
    "IfStatement": _negate,
    "Conditional": _negate,
    "Literal": _literal,
    "FunctionCall": _call,
    "ModifierInvocation": _modifier,
    "YulFunctionCall": _yul_call,
    "YulLiteral": _yul_literal,
    "YulAssignment": _yul_delete,
    "YulExpressionStatement": _yul_delete,
    "YulContinue": _yul_delete,
    "YulIf": _yul_if,
}
