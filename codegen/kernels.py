"""Output: the loops of pointwise and reduction rows, one file a family, compiled once for each instruction level."""

from __future__ import annotations

import ast

from codegen.expr import elementwise
from codegen.table import COMPLEX_OF, CPP_TYPE, REAL_OF, Operation, Table, names_in, parse_formula

HEADER = """// Generated from ops/{family}.py; compiled once for each instruction level.
#include "cpu/level/pointwise_loop.h"
#include "cpu/level/reduce_loop.h"
#include "gen/loops.h"

namespace rl::RL_LEVEL {{
namespace {{
"""


def fused_gradients(o: Operation, table: Table) -> list[tuple[str, list[str], ast.expr]]:
    """Gradients worth a kernel of their own: (input, names, formula). One operation alone is a row already."""
    if o.row.kind != "pointwise":
        return []
    return [
        (name, sorted(names_in(tree), key=lambda n: is_number(o, n)), tree)
        for name, tree in o.grads.items()
        if _operations(tree) > 1 and _elementwise(tree, table)
    ]


def is_number(o: Operation, name: str) -> bool:
    """Whether what a formula calls by that name is a number in every call; numbers are a loop's last arguments."""
    return name == "scale" if name not in o.signature.names() else o.signature[name].type == "Number"


def _operations(tree: ast.expr) -> int:
    return sum(isinstance(n, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Call) for n in ast.walk(tree))


def _elementwise(tree: ast.expr, table: Table) -> bool:
    calls = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    return all(any(o.row.kind == "pointwise" for o in table.by_name.get(c, [])) for c in calls)


def loop_name(o: Operation, gradient: str = "") -> str:
    return o.identifier.lstrip("_") + (f"_grad_{gradient}" if gradient else "")


def number_loop_name(o: Operation, operand: str) -> str:
    """The loop of the row where that operand is a number, if the row has a formula for it."""
    return f"{loop_name(o)}_number_{operand}"


def _struct(name: str, arguments: list[str], lead: str, body: str) -> str:
    """`lead` is an argument of the arithmetic type, which numbers take."""
    parameters = ", ".join(f"[[maybe_unused]] auto {a}" for a in arguments)
    return (
        f"struct {name}_row {{\n"
        f"  static RL_INLINE auto f({parameters}) {{\n"
        f"    using V [[maybe_unused]] = decltype({lead});\n"
        f"    return {body};\n  }}\n}};\n"
    )


def _pointwise(o: Operation, table: Table) -> tuple[str, list[tuple[str, str]]]:
    """Code, and (loop name, table rows) pairs."""
    masks = o.row.bool_inputs
    arguments = [p.name for p in o.operands]
    name = loop_name(o)
    code = f"// {o.where}\n" + _struct(
        name, arguments, next(a for a in arguments if a not in masks), elementwise(parse_formula(o.row.body, o.where))
    )
    loops = [(name, _entries(name, o.dtypes, [a in masks for a in arguments], output(o)))]
    for dtype, formula in o.row.narrow_body.items():
        narrow = f"{name}_{dtype}"
        code += _struct(narrow, arguments, arguments[0], elementwise(parse_formula(formula, o.where)))
        types = ", ".join(["int16_t"] * (len(arguments) + 2))
        entry = f"  loops[loop_{name}][{_index(dtype)}] = PointwiseLoop<{narrow}_row, {types}>::run;\n"
        loops.append((name, entry))
    for operand, formula in o.row.number_body.items():
        name = number_loop_name(o, operand)
        code += _struct(name, arguments, arguments[0], elementwise(parse_formula(formula, o.where)))
        loops.append((name, _entries(name, o.dtypes, [a in masks for a in arguments], output(o))))
    for target, names, tree in fused_gradients(o, table):
        gradient = loop_name(o, target)
        code += _struct(gradient, names, "g", elementwise(tree))
        dtypes = [d for d in o.dtypes if d.startswith("float")]
        loops.append((gradient, _entries(gradient, dtypes, [n in masks for n in names])))
    return code, loops


def output(o: Operation) -> str:
    """What a pointwise row's result is to the dtype it computes in."""
    return "Bool" if o.row.bool_output else o.row.parts.title() or "Same"


def _entries(name: str, dtypes: list[str], masks: list[bool], output: str = "Same") -> str:
    lines = []
    for d in dtypes:
        t = CPP_TYPE[d]
        real, complex_ = CPP_TYPE[REAL_OF.get(d, d)], CPP_TYPE[COMPLEX_OF.get(d, d)]
        result = {"Bool": "bool", "Real": real, "Complex": complex_, "Same": t}[output]
        types = [t, result, *("bool" if m else t for m in masks)]
        lines.append(f"  loops[loop_{name}][{_index(d)}] = PointwiseLoop<{name}_row, {', '.join(types)}>::run;\n")
    return "".join(lines)


def _index(dtype: str) -> str:
    return f"int(DType::{dtype.title().replace('Uint', 'UInt').replace('Bf', 'BF')})"


def _reduction(o: Operation) -> tuple[str, str]:
    def read(formula: str) -> str:
        return elementwise(parse_formula(formula, o.where))

    name = loop_name(o)
    line = "  template <class V> static RL_INLINE V"
    start = {"lowest": "lowest<T>()", "highest": "highest<T>()"}.get(o.row.start, f"T({o.row.start})")
    code = (
        f"// {o.where}\nstruct {name}_row {{\n"
        f"  template <class T> static RL_INLINE T start() {{ return {start}; }}\n"
        f"{line} map(V x) {{ return {read(o.row.map)}; }}\n"
        f"{line} combine(V a, V b) {{ return {read(o.row.combine)}; }}\n"
        f"{line} finish(V a, [[maybe_unused]] V n) {{ return {read(o.row.finish)}; }}\n"
        f"}};\n"
    )
    entries = ""
    for d in o.dtypes:
        t = "uint8_t" if d == "bool" else CPP_TYPE[d]
        out = "bool" if o.row.bool_output or d == "bool" else t
        entries += f"  kernels[loop_{name}][{_index(d)}] = ReduceLoop<{name}_row, {t}, {out}>::kernel;\n"
    return code, entries


def loop_names(operations: list[Operation], table: Table) -> tuple[list[str], list[str]]:
    """Names of the pointwise loops and of the reduction kernels of a family."""
    pointwise, reductions = [], []
    for o in operations:
        if o.row.kind == "pointwise":
            pointwise += [loop_name(o)] + [number_loop_name(o, operand) for operand in o.row.number_body]
            pointwise += [loop_name(o, g) for g, _, _ in fused_gradients(o, table)]
        elif o.row.kind == "reduction":
            reductions.append(loop_name(o))
    return pointwise, reductions


def family_kernels(family: str, table: Table) -> str:
    """The C++ of one family's loops, or nothing where it has none."""
    operations = table.family(family)
    code, fill = "", ""
    for o in operations:
        if o.row.kind == "pointwise":
            struct, loops = _pointwise(o, table)
            code += struct
            fill += "".join(entries for _, entries in loops)
        elif o.row.kind == "reduction":
            struct, entries = _reduction(o)
            code += struct
            fill += entries
    if not code:
        return ""
    head = "  auto* loops [[maybe_unused]] = t.loops;\n  auto* kernels [[maybe_unused]] = t.kernels;\n"
    return (
        HEADER.format(family=family)
        + code
        + f"\n{_title(family)}Loops make() {{\n  {_title(family)}Loops t = {{}};\n"
        + head
        + fill
        + f"  return t;\n}}\n}}  // namespace\n\nconst {_title(family)}Loops& {family}_loops() {{\n"
        f"  static const {_title(family)}Loops loops = make();\n  return loops;\n}}\n\n}}  // namespace rl::RL_LEVEL\n"
    )


def _title(family: str) -> str:
    return family.title()


def loops_header(table: Table) -> str:
    """gen/loops.h: the numbers of the loops and the table of each family."""
    out = (
        "// Generated from ops/. Which compiled loop belongs to which row.\n"
        "#pragma once\n"
        '#include "iterate/loop.h"\n\n'
        "namespace rl {\n\n"
    )
    for family in table.families():
        pointwise, reductions = loop_names(table.family(family), table)
        if not pointwise and not reductions:
            continue
        for loops, what in ((pointwise, "loop"), (reductions, "kernel")):
            numbers = ", ".join(f"loop_{n}" for n in loops)
            out += f"enum : int {{ {numbers}, {family}_{what}_count }};\n" if loops else ""
        out += (
            f"struct {_title(family)}Loops {{\n  Loop loops[{max(1, len(pointwise))}][kDTypes];\n"
            f"  ReduceKernel kernels[{max(1, len(reductions))}][kDTypes];\n"
            f"}};\n"
            f"RL_LEVEL_TABLE({_title(family)}Loops, {family}_loops)\n\n"
        )
    return out + "}  // namespace rl\n"
