"""The house rules that a linter does not know: each takes a text and answers with its complaints.

A complaint is one line, beginning with the line's number. No complaint is silence.
"""

import ast
import re
from collections.abc import Iterator

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400


def long_functions(source: str) -> list[str]:
    """Functions of more than 70 lines, docstring included, decorators not."""
    return [
        f"{node.lineno}: {node.name} has {length} lines, more than {FUNCTION_LINES_MAX}"
        for node in _functions(source)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def long_file(source: str) -> list[str]:
    """Files of more than 400 lines: time to become a package of the same name."""
    length = len(source.splitlines())
    return [f"1: {length} lines, more than {FILE_LINES_MAX}"] if length > FILE_LINES_MAX else []


def floats(source: str) -> list[str]:
    """Every way for a float to come near money: the name, a literal, a true division. An example of JSON is none, nor
    is a constant whose name says that it counts seconds."""
    found = []
    tree = ast.parse(source)
    harmless = {id(inside) for example in _harmless(tree) for inside in ast.walk(example)}
    for node in (node for node in ast.walk(tree) if id(node) not in harmless):
        match node:
            case ast.Name(id="float"):
                found.append(f"{node.lineno}: the name float")
            case ast.Constant(value=float()):
                found.append(f"{node.lineno}: a float literal")
            case (
                ast.BinOp(op=ast.Div(), right=ast.Constant(value=int()))
                | ast.BinOp(op=ast.Div(), left=ast.Constant(value=int()))
            ):
                found.append(f"{node.lineno}: a true division makes a float")
            case _:
                pass
    return found


def _harmless(tree: ast.AST) -> Iterator[ast.AST]:
    """The values of members and arguments called `example` or `examples`, and of constants called `…_SECONDS`."""
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                yield from (value for key, value in pairs if getattr(key, "value", None) in {"example", "examples"})
            case ast.keyword(arg="example" | "examples", value=value):
                yield value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name.endswith("_SECONDS"):
                yield value
            case _:
                pass


_CLOCK = {"now", "utcnow", "today"}
_CLOCK_OWNERS = {"datetime", "date"}
_CHANCE = {"uuid1", "uuid4"}


def clock_and_ids(source: str) -> list[str]:
    """The clock read, or an id made, outside of `shared.clock` and `shared.ids`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(attr=name, value=ast.Name(id=owner) | ast.Attribute(attr=owner)) if (
                name in _CLOCK and owner in _CLOCK_OWNERS
            ):
                found.append(f"{node.lineno}: {owner}.{name} reads the clock")
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in _CHANCE:
                found.append(f"{node.lineno}: {name} makes an id")
            case ast.Attribute(attr="time" | "time_ns" as name, value=ast.Name(id="time")):
                found.append(f"{node.lineno}: time.{name} reads the clock")
            case _:
                pass
    return found


# A suppression and, behind its codes, the words that say why.
_SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma)\b:?(?P<rest>.*)")
_CODES = re.compile(r"^\s*(?:\[[\w\-, ]+\]|[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*|no cover)?")


def bare_suppressions(source: str) -> list[str]:
    """Suppressions that name no code, or give no reason of at least two words after it."""
    found = []
    for number, line in enumerate(source.splitlines(), 1):
        if match := _SUPPRESSION.search(line):
            codes = _CODES.match(match["rest"])
            reason = match["rest"][codes.end() if codes else 0 :]
            named = bool(codes and codes[0].strip())
            if not named or len(re.findall(r"\w+", reason)) < 2:
                found.append(f"{number}: a suppression without {'a reason' if named else 'a code'}")
    return found


_LEFT_OVER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b")
_NOT_RUN = re.compile(
    r"pytest\s*\.\s*(?:skip|xfail|importorskip)\b|mark\s*\.\s*(?:skip|skipif|xfail)\b|unittest\.(?:skip|mock)"
)


def leftovers(text: str) -> list[str]:
    """Work that was put off, in any text."""
    return [f"{n}: {m[0]}" for n, line in enumerate(text.splitlines(), 1) if (m := _LEFT_OVER.search(line))]


def tests_not_run(source: str) -> list[str]:
    """Tests that are skipped or expected to fail, and imitations where the real thing runs."""
    return [f"{n}: {m[0]}" for n, line in enumerate(source.splitlines(), 1) if (m := _NOT_RUN.search(line))]


_REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "maven" + ".org",
    "maven" + ".apache.org",
    "crates" + ".io",
    "docker" + ".io",
    "ghcr" + ".io",
    "quay" + ".io",
    "unpkg" + ".com",
    "jsdelivr" + ".net",
    "proxy." + "golang.org",
    "rubygems" + ".org",
)
_MACHINE = re.compile(
    "|".join(re.escape(host) for host in _REGISTRIES)
    + r"|(?<![\w.$}\-])/(?:wo"
    + r"rk|ro"
    + r"ot|tm"
    + r"p|ho"
    + r"me|Us"
    + r"ers)/\w"
)


def machine_text(text: str) -> list[str]:
    """Hosts of package registries, and paths that exist on one machine only."""
    return [f"{n}: {m[0]}" for n, line in enumerate(text.splitlines(), 1) if (m := _MACHINE.search(line))]


_VAGUE = re.compile(r"(?:Manager|Helper|Helpers|Util|Utils|Base)$")


def vague_names(source: str) -> list[str]:
    """Classes named for a pattern instead of for what they are."""
    return [
        f"{node.lineno}: class {node.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and _VAGUE.search(node.name)
    ]


def unpromising_tests(source: str) -> list[str]:
    """Tests whose docstring does not say which promise they guard."""
    return [
        f"{node.lineno}: {node.name} has no promise"
        for node in _functions(source)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]


def _functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
