"""Output: Python's way in, one vectorcall function for each public name, and the number slots."""

from __future__ import annotations

import re
from dataclasses import replace

from codegen import operations
from codegen.expr import Composition
from codegen.signature import TYPES, Parameter
from codegen.table import ARITHMETIC, COMPARISONS, Operation, Table, parse_formula

OPTIONS = [
    Parameter("dtype", "DType | None", "None", True),
    Parameter("layout", "Layout", "None", True),
    Parameter("device", "Device", "None", True),
    Parameter("pin_memory", "bool", "False", True),
    Parameter("requires_grad", "bool", "False", True),
]
# What an error calls the types of a signature.
WORDS = {
    "Operand": "Tensor | Number",
    "Ints": "int | Sequence[int]",
    "IntList": "Sequence[int]",
    "PaddingInts": "int | Sequence[int] | str",
    "DType": "dtype",
    "Reduction": "int",
    "Tensors": "Sequence[Tensor]",
    "Indices": "Sequence[Tensor | None]",
    "MemoryFormat": "memory_format",
}
OPTION_KINDS = {"Layout": "LayoutOpt", "Device": "DeviceOpt"}


def legacy_parameters(o: Operation) -> list[Parameter]:
    """The parameters of a row's older call form: all positional, none with a default."""
    named = {p.name: p for p in o.parameters}
    return [replace(named[name], default=None, keyword_only=False) for name in o.row.legacy]


def specification(o: Operation, inplace: bool = False, legacy: bool = False) -> str:
    """The static description that the parser matches arguments against."""
    name = f"{o.identifier}{'_inplace' if inplace else ''}{'_legacy' if legacy else ''}"
    parameters = legacy_parameters(o) if legacy else list(o.parameters) + (OPTIONS if o.row.kind == "creation" else [])
    if takes_out(o) and not inplace:
        parameters.append(Parameter("out", "Outs" if o.row.returns else "Out", "None", True))
    rows = []
    for p in parameters:
        kind = p.type if p.type in ("Out", "Outs") else OPTION_KINDS.get(p.type) or p.kind
        public = "self" if inplace and p is parameters[0] else p.public_name
        if p is parameters[0] and (inplace or o.row.bool_output):
            kind = "Tensor"  # a comparison with a number on the left is the operator's alone
        rows.append(
            f'{{"{public}", Kind::{kind}, {str(p.default is not None).lower()}, {str(p.keyword_only).lower()}}}'
        )
    text = re.sub(r"\w+", lambda word: WORDS.get(word[0], word[0]), o.row.signature.replace('"', "'"))
    if o.row.kind == "creation":
        options = "dtype: dtype | None = None, device: device | None = None, requires_grad: bool = False"
        text = f"{text[:-1]}, {'' if '*' in text else '*, '}{options})"
    public = o.name + ("_" if inplace else "")
    return (
        f"static const ParameterSpec {name}_parameters[] = {{{', '.join(rows)}}};\n"
        f'static SignatureSpec {name}_spec = {{"{public}", "{text}", {name}_parameters, {len(rows)}}};\n'
    )


def takes_out(o: Operation) -> bool:
    return o.row.out or o.row.kind == "creation"


def _reader(o: Operation, i: int, p: Parameter) -> str:
    arguments = [str(i)]
    if p.default is not None and p.kind in ("Number", "Int", "Float", "Bool", "Padding", "Text"):
        value = {"Bool": p.default.lower(), "Text": p.default.replace("'", '"')}.get(p.kind, p.default)
        arguments.append(f"Scalar({value})" if p.kind == "Number" else value)
    if p.default is not None and p.kind in ("Ints", "IntList"):
        several = p.default.startswith("(")
        arguments.append(f"Dims{{{p.default.strip('()')}}}" if several else p.default)
    if p.kind == "IntsOpt":  # None is not the same as no dimension
        return f"(c.has({i}) ? DimSpan(c.ints({i})) : DimSpan())"
    return f"c.{TYPES[p.type].reader}({', '.join(arguments)})"


def _call(o: Operation, function: str, extra: str = "", inplace: bool = False, legacy: bool = False) -> str:
    order = list(o.row.legacy) if legacy else [p.name for p in o.parameters]
    arguments = [_reader(o, order.index(p.name), p) for p in o.parameters]
    if inplace:
        arguments[0] = "c.tensor(0)"
    if o.row.kind == "creation":
        arguments.append(f"c.options({len(o.parameters)})")
    return f"ops::{function}({', '.join(arguments)}{extra})"


def _call_for_out(o: Operation, out: int) -> str:
    """A creation, and a reduction or a scan that can be asked for a dtype, computes in that of out= where none is
    given."""
    call = _call(o, o.name)
    if o.row.kind == "creation":
        return call.replace(f"c.options({len(o.parameters)})", f"c.options_for({len(o.parameters)}, {out})")
    if o.row.kind not in ("reduction", "kernel") or "dtype" not in o.signature.names():
        return call
    k = o.signature.names().index("dtype")
    return call.replace(
        f"c.dtype_or_none({k})", f"(c.has({k}) ? c.dtype_or_none({k}) : std::optional<DType>(c.out({out})->dtype))"
    )


def _body(o: Operation, inplace: bool, legacy: bool = False) -> str:
    """What runs once the arguments fit the row's signature."""
    if inplace:
        return f"      return returned({_call(o, o.name + '_', inplace=True, legacy=legacy)});\n"
    n = len(o.parameters) + (len(OPTIONS) if o.row.kind == "creation" else 0)
    out = ""
    if takes_out(o):
        if o.row.kind == "pointwise":
            extra = f", c.out({n})"
            out += f"      if (c.has({n})) return returned({_call(o, o.name + '_out', extra, legacy=legacy)});\n"
        else:
            wanted = " || ".join(
                f"wants_grad({_reader(o, i, p)})"
                for i, p in enumerate(o.parameters)
                if p.name in o.grads or (o.row.kind == "composite" and p.is_tensor)
            )
            rule = operations.OUT_RULES[o.row.out_rule]
            results = max(1, len(o.row.returns))
            out += (
                f"      if (c.has({n})) {{\n        check_outs(c, {n}, {results}, {wanted or 'false'});\n"
                f"        return write_outs(c, {n}, {_call_for_out(o, n)}, OutRule::{rule});\n      }}\n"
            )
    result = _call(o, o.name, legacy=legacy)
    if o.row.kind == "creation":
        return out + f"      return returned(with_requires_grad({result}, c, {len(o.parameters)}));\n"
    if o.row.returns == ("*",):
        return out + f"      return returned_tuple({result});\n"
    if o.row.returns:
        names = ", ".join(f'"{r}"' for r in o.row.returns)
        return out + (
            f'      static PyTypeObject* type = named_result("{o.name}", {{{names}}});\n'
            f"      return returned_named({result}, type);\n"
        )
    return out + f"      return returned({result});\n"


def entry(name: str, rows: list[Operation], inplace: bool = False) -> str:
    """The function Python calls for one public name: each overload in order."""
    identifier = rows[0].name + ("_inplace" if inplace else "")
    out = "".join(
        specification(o, inplace) + (specification(o, inplace, legacy=True) if o.row.legacy else "") for o in rows
    )
    out += (
        f"template <bool method> static PyObject* py_{identifier}(PyObject* self, "
        "PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {\n"
        "  try {\n    Call c(method ? self : nullptr, args, nargs, kwnames);\n"
    )
    out += "" if inplace else _alone(rows)
    suffix = "_inplace" if inplace else ""
    forms = [(o, False) for o in rows] + [(o, True) for o in rows if o.row.legacy]
    for o, legacy in forms:
        out += f"    if (c.bind({o.identifier}{suffix}{'_legacy' if legacy else ''}_spec)) {{\n"
        out += f'      if (c.overloaded()) [[unlikely]] return c.torch_function("{name}", method);\n'
        out += _numbers_alone(o, inplace, legacy) + _body(o, inplace, legacy) + "    }\n"
    specs = ", ".join(f"&{o.identifier}{suffix}_spec" for o in rows)
    return out + f"    c.no_match({{{specs}}});\n  }} catch (...) {{\n    return raise_current();\n  }}\n}}\n"


def _numbers_alone(o: Operation, inplace: bool, legacy: bool) -> str:
    """Where a call may have numbers in all places of tensors: the first becomes a tensor, or the call does not fit."""
    if inplace or o.row.bool_output or any(p.is_tensor and p.type != "Operand" for p in o.parameters):
        return ""
    order = o.row.legacy if legacy else o.signature.names()
    places = [order.index(p.name) for p in o.parameters if p.type == "Operand"]
    if not places:
        return ""
    tensors = " || ".join(f"c.has_tensor({i})" for i in places)
    if not o.row.numbers_alone:
        return f"      if (!({tensors})) [[unlikely]] c.no_match({{&{o.identifier}_spec}});\n"
    return f"      Ref number;\n      if (!({tensors})) [[unlikely]] number = c.make_tensor({places[0]});\n"


def _alone(rows: list[Operation]) -> str:
    """A call with one exact tensor and nothing else needs no parser, nor has one with small ints."""
    kinds = [p.kind for p in rows[0].parameters]
    if kinds == ["Tensor", "IntsVar"] and not rows[0].row.returns:
        return (
            "    if (Dims numbers; method && c.only_integers(&numbers))\n"
            f"      return returned(ops::{rows[0].name}(c.self(), numbers));\n"
        )
    fitting = [o for o in rows if all(p.default is not None for p in o.parameters[1:])]
    o = rows[0]
    if fitting != [o] or o.row.returns or o.row.kind == "creation" or o.parameters[0].type not in ("Tensor", "Operand"):
        return ""
    return (
        "    if (PyObject* alone = c.only_argument(); alone && is_exact_tensor(alone))\n"
        f"      return returned(ops::{o.name}(reinterpret_cast<Tensor*>(alone)));\n"
    )


def family_source(family: str, table: Table) -> str:
    """gen/ops_<family>.cpp: operations, nodes and entries of one family."""
    operations_of = table.family(family)
    out = "".join(operations.source(o, table) for o in operations_of)
    functions, methods = [], []
    for name in dict.fromkeys(o.name for o in operations_of):
        rows = table.by_name[name]
        if rows[0].row.family != family:
            continue
        out += entry(name, rows)
        if any(o.row.function for o in rows):
            functions += [(n, f"py_{name}<false>", rows) for n in public_names(rows)]
        elif not any(o.row.method for o in rows):  # for listeners
            functions += [(f"_{name}", f"py_{name}<false>", rows)]
        if any(o.row.method for o in rows) and not rows[0].row.private:
            methods += [(n, f"py_{name}<true>", rows) for n in public_names(rows) if not n.startswith("_")]
        inplace = [o for o in rows if operations.has_inplace(o)]
        if inplace:
            out += entry(name + "_", inplace, inplace=True)
            bound = any(o.row.method for o in inplace)
            into, form = (methods, "true") if bound else (functions, "false")
            kept = [n for n in public_names(inplace) if n == name or n[0] != "_"]
            into += [(n + "_", f"py_{name}_inplace<{form}>", inplace) for n in kept]
    out += _methods(f"{family}_functions", functions) + _methods(f"{family}_methods", methods)
    out += "".join(_operator(o, table) for o in operations_of if o.row.operator or o.row.reversed_operator)
    headers = [f"gen/ops/{f}.h" for f in operations.families_called(out, family, table)]
    headers += ["cpu/rows/widen.h"] if any(o.row.widens for o in operations_of) else []
    headers += ["cpu/rows/reduction.h"] if any(o.reduces or o.row.like for o in operations_of) else []
    headers += ["autograd/forward.h", "gen/loops.h", "iterate/pointwise.h", "iterate/reduce.h", "python/call.h"]
    included = "".join(f'#include "{h}"\n' for h in sorted(headers))
    head = f"// Generated from ops/{family}.py.\n#include <algorithm>\n#include <cstring>\n\n{included}\n"
    return head + "namespace rl {\n\n" + out + "\n}  // namespace rl\n"


def public_names(rows: list[Operation]) -> list[str]:
    """The name of the rows and its aliases."""
    return [rows[0].name, *rows[0].row.aliases]


def _methods(name: str, entries: list[tuple[str, str, list[Operation]]]) -> str:
    rows = ""
    for public, function, operations_of in entries:
        doc = "\\n".join([o.row.signature for o in operations_of] + ["", operations_of[0].row.doc]).replace('"', "'")
        rows += (
            f'    {{"{public}", (PyCFunction)(void (*)(void)){function}, METH_FASTCALL | METH_KEYWORDS, "{doc}"}},\n'
        )
    return (
        f"extern PyMethodDef {name}[];\nPyMethodDef {name}[] = {{\n{rows}    {{nullptr, nullptr, 0, nullptr}},\n}};\n"
    )


def _narrow_reversed(o: Operation, table: Table) -> str:
    """The operator's way for a number on the left of a 16-bit tensor, where the row has one."""
    if not o.row.narrow_reversed:
        return ""
    number, tensor = (p.name for p in o.parameters[:2])
    values = {number: ("scalar", "x.number"), tensor: ("tensor", "y.tensor")}
    result = Composition(table, o.where, values).emit(parse_formula(o.row.narrow_reversed, o.where))
    return f"        if (!x.tensor && is_narrow(y.tensor->dtype)) [[unlikely]] return returned({result});\n"


def _operator(o: Operation, table: Table) -> str:
    """Number slots call the operation without a parser: two operands, each a tensor or a number."""
    if o.row.reversed_operator:
        return ""
    symbol = o.row.operator
    defaults = "".join(f", Scalar({p.default})" for p in o.parameters[2:] if p.type == "Number")
    tensors_only = o.parameters[0].type == "Tensor"
    both = "x.tensor, y.tensor" if tensors_only else "x, y"

    def function(name: str, prepare: str, overloaded: str, result: str, first: str = "") -> str:
        return (
            f"PyObject* operator_{name}(PyObject* a, PyObject* b) {{\n  try {{\n    Arg x, y;\n    {prepare}\n"
            f"    switch ({'matrix_operands' if tensors_only else 'operands'}(a, b, &x, &y)) {{\n"
            "      case Operands::Foreign: Py_RETURN_NOTIMPLEMENTED;\n"
            f"      case Operands::Overloaded: return {overloaded};\n"
            f"      default:\n{first}        return returned(ops::{result}{defaults}));\n"
            "    }\n  } catch (...) {\n    return raise_current();\n  }\n}\n"
        )

    name = f"compare_{COMPARISONS[symbol]}" if symbol in COMPARISONS else ARITHMETIC[symbol][0]
    plain, reflected, written = o.row.operator_methods
    reflected = reflected or (ARITHMETIC[symbol][1].format("r") if symbol in ARITHMETIC else o.name)
    own = "PyObject *own = is_tensor(a) ? a : b, *other = is_tensor(a) ? b : a;"
    method = f'own == a ? "{plain or o.name}" : "{reflected}"'
    overloaded = f"Call(own, &other, 1, nullptr).torch_function({method}, true)"
    out = function(name, own, overloaded, f"{o.name}({both}", _narrow_reversed(o, table))
    if symbol in ARITHMETIC and operations.has_inplace(o):
        overloaded = f"Call(a, &b, 1, nullptr).torch_function(\"{written or o.name + '_'}\", true)"
        guard = "if (!is_tensor(a)) Py_RETURN_NOTIMPLEMENTED;"
        out += function(f"inplace_{name}", guard, overloaded, f"{o.name}_(x.tensor, y")
    return out


def _slot(name: str, ternary: bool) -> tuple[str, str]:
    """Declaration and slot of one number operator; Python's slot for ** has a third operand, the modulus."""
    declaration, function = f"PyObject* operator_{name}(PyObject*, PyObject*);\n", f"operator_{name}"
    if ternary:
        head = f"static PyObject* ternary_{name}(PyObject* a, PyObject* b, PyObject*)"
        declaration += f"{head} {{ return {function}(a, b); }}\n"
        function = f"ternary_{name}"
    return declaration, f"    {{Py_nb_{name}, (void*){function}}},\n"


def registry(table: Table) -> str:
    """gen/registry.cpp: what module initialisation walks."""
    families = table.families()
    out = (
        "// Generated from ops/. All method tables and number slots.\n"
        '#include "python/registry.h"\n\n'
        "namespace rl {\n\n"
    )
    out += "".join(f"extern PyMethodDef {f}_functions[];\nextern PyMethodDef {f}_methods[];\n" for f in families)
    out += f"\nPyMethodDef* const function_tables[] = {{{', '.join(f'{f}_functions' for f in families)}, nullptr}};\n"
    out += f"PyMethodDef* const method_tables[] = {{{', '.join(f'{f}_methods' for f in families)}, nullptr}};\n"
    out += f"const int operation_count = {len(table.operations)};\n\n"
    slots, compares = "", {}
    for symbol, o in table.by_symbol.items():
        if symbol in COMPARISONS:
            compares[symbol] = f"operator_compare_{COMPARISONS[symbol]}"
            out += f"PyObject* {compares[symbol]}(PyObject*, PyObject*);\n"
            continue
        slot_name, _ = ARITHMETIC[symbol]
        for name in [slot_name] + [f"inplace_{slot_name}"] * operations.has_inplace(o):
            declaration, slot = _slot(name, ternary=symbol == "**")
            out += declaration
            slots += slot
    out += f"\nconst PyType_Slot number_slots[] = {{\n{slots}    {{0, nullptr}},\n}};\n\n"
    ordered = ", ".join(compares.get(s, "nullptr") for s in COMPARISONS)
    return (
        out + f"PyObject* (*const compare_operators[6])(PyObject*, PyObject*) = {{{ordered}}};\n\n}}  // namespace rl\n"
    )
