"""Output: rl::ops, one C++ function (and its in-place form) for each row: dispatch hook, computation, recording."""

from __future__ import annotations

import re

from codegen import autograd
from codegen.expr import default_value
from codegen.kernels import is_number, loop_name, number_loop_name, output
from codegen.table import Operation, Table
from ops.row import complex_, half_complex

OUT_RULES = {
    "": "Castable",
    "type_error": "CastableOrTypeError",
    "exact": "Exact",
    "exact_weight": "ExactWeight",
    "truth": "Truth",
}
RULES = {
    "": "Promote",
    "divides": "Divides",
    "no_bool": "NoBool",
    "no_bool_number": "NoBoolNumber",
    "bools_as_int64": "BoolsAsInt64",
    "elements": "Elements",
    "one_dtype": "OneDtype",
    "powers": "Powers",
    "quotient": "NoIntegerQuotient",
}


def arguments(o: Operation, skip: int = 0) -> str:
    parts = [f"{p.cpp} {p.name}" for p in o.parameters[skip:]]
    if o.row.kind == "creation":
        parts.append("const Options& options")
    return ", ".join(parts)


def names(o: Operation, skip: int = 0) -> str:
    return ", ".join([p.name for p in o.parameters[skip:]] + (["options"] if o.row.kind == "creation" else []))


def has_inplace(o: Operation) -> bool:
    return o.row.inplace and o.row.kind in ("pointwise", "composite")


def _self_arguments(o: Operation) -> str:
    """Arguments of the in-place form."""
    return ", ".join(["In self"] + [f"{p.cpp} {p.name}" for p in o.parameters[1:]])


def _declared(o: Operation) -> str:
    """Arguments with the row's defaults, for callers in C++."""
    parts: list[str] = []
    open_ended = True
    for p in reversed(o.parameters):
        open_ended = open_ended and p.default is not None
        parts.insert(0, f"{p.cpp} {p.name}" + (f" = {default_value(p.type, p.default or '')}" if open_ended else ""))
    if o.row.kind == "creation":
        parts.append("const Options& options = {}")
    return ", ".join(parts)


def header(family: str, table: Table) -> str:
    """gen/ops/<family>.h: its operations, callable from C++, and the functions that its kernel and composite rows ask
    for."""
    rows = table.family(family)
    out = (
        f"// Generated from ops/{family}.py. The operations as C++ functions, hook and gradient included.\n"
        "#pragma once\n"
        '#include "autograd/arguments.h"\n\nnamespace rl {\nnamespace ops {\n'
    )
    for o in rows:
        out += f"{o.result} {o.name}({_declared(o)});\n"
        if has_inplace(o):
            out += f"Ref {o.name}_({_self_arguments(o)});\n"
        if o.row.kind == "pointwise" and o.row.out:
            out += f"Ref {o.name}_out({arguments(o)}, Tensor* out);\n"
    out += "}  // namespace ops\n\nnamespace kernels {\n"
    for o in rows:
        if o.row.kind in ("kernel", "creation"):
            out += f"{o.result} {o.row.run}({arguments(o)});\n"
        elif o.row.kind == "inplace":
            out += f"void {o.row.run}({arguments(o)});\n"
    out += "}  // namespace kernels\n\nnamespace compose {\n"
    for o in rows:
        if o.row.kind == "composite":
            out += f"{o.result} {o.row.run}({arguments(o)});\n"
            out += f"Ref {o.row.run}_({_self_arguments(o)});\n" if has_inplace(o) else ""
    return out + "}  // namespace compose\n}  // namespace rl\n"


def families_called(text: str, family: str, table: Table) -> list[str]:
    """The families whose operations the generated text of `family` calls, its own included."""
    called = {name.removesuffix("_out") for name in re.findall(r"\bops::(\w+)\(", text)}
    names = called | {name.removesuffix("_") for name in called}
    return [f for f in table.families() if f == family or any(o.name in names for o in table.family(f))]


def _hooked(o: Operation, name: str, result: str, text: str) -> str:
    return (
        f"  if (modes & kHooked) [[unlikely]] {{\n"
        f'    static HookedOperation operation{{"{name}", "{o.row.overload}"}};\n'
        f"    return hooked<{result}>(operation, {{{', '.join(_boxed(o, text))}}});\n  }}\n"
    )


def _boxed(o: Operation, text: str) -> list[str]:
    boxed = []
    for p, name in zip(o.parameters, text.split(", "), strict=False):
        keyword = f'"{p.public_name}"' if p.keyword_only else "nullptr"
        boxed.append(f"{{{keyword}, box({name})}}")
    if o.row.kind == "creation":
        boxed.append('{"dtype", box(options.dtype)}')
    return boxed


def source(o: Operation, table: Table) -> str:
    """All that one row becomes in rl::ops."""
    body = {
        "pointwise": _pointwise,
        "reduction": _reduction,
        "view": _view,
        "kernel": _kernel,
        "creation": _creation,
        "inplace": _inplace,
        "composite": _composite,
    }[o.row.kind]
    return (
        f"// ------------------------------------------------------------------ {o.where}  {o.row.signature}\n"
        + body(o, table)
    )


def _public(name: str) -> str:
    """What errors call an operation."""
    return name.lstrip("_")


def _function(o: Operation, body: str, hook: bool = True) -> str:
    head = f"{o.result} ops::{o.name}({arguments(o)}) {{\n"
    body = "".join(f'  refuse_gradient({n}, "{_public(o.name)}", "{n}");\n' for n in o.row.constant) + body
    return head + (_hooked(o, o.name, o.result, names(o)) if hook else "") + body + "}\n"


def _wanted(o: Operation, more: tuple[str, ...] = ()) -> str:
    tests = " || ".join(f"wants_grad({name})" for name in (*(p.name for p in o.differentiable), *more))
    return f"grad_enabled() && ({tests})" if tests else ""


def _differentiable(o: Operation, results: list[str]) -> list[bool]:
    names = o.row.returns or autograd.RESULT_NAMES
    return [name not in o.row.undifferentiable for name, _ in zip(names, results, strict=True)]


def _tangents(o: Operation, node: str, finish: str, results: list[str]) -> str:
    """Where an input has a tangent: those of the results, which what was saved of them gets too."""
    call = f"ForwardCall({', '.join([node, 'records'] + [p.name for p in o.differentiable])}).{finish};"
    return f"    if (duals) {{\n      {call}\n{autograd.follow_tangents(o, results)}    }}\n"


def _refuse_duals(o: Operation, results: list[str], condition: str = "") -> str:
    """A row without a derivative cannot say what its result's tangent is."""
    tensors = [p.name for p in o.inputs]
    if not tensors or o.row.bool_output or o.row.returns == ("*",) or not any(_differentiable(o, results)):
        return ""
    return f'  if ({condition}any_dual({", ".join(tensors)})) [[unlikely]] no_forward_formula("{o.name}");\n'


def _record(o: Operation, results: list[str]) -> str:
    """Joins the results to the graph where an input wants a gradient, and computes their tangents where one has one."""
    wanted, first = _wanted(o), results[0]
    if o.row.bool_output:
        return ""
    if not wanted:
        test = f"is_differentiable({first}->dtype)"
        return _refuse_duals(o, results, f"(!{first} || {test}) && " if o.row.returns else f"{test} && ")
    differentiable = _differentiable(o, results)
    out = _refuse_duals(o, results) if o.row.underivable else ""
    out += f"  const bool records = {wanted}, duals = any_dual({', '.join(p.name for p in o.differentiable)});\n"
    if not o.row.ends_at_integers:
        out += f'  if (records) [[unlikely]] check_differentiable({first}->dtype, "{o.name}");\n'
    out += f"  if ((records || duals) && is_differentiable({first}->dtype)) [[unlikely]] {{\n"
    out += f"    [[maybe_unused]] auto node = {autograd.maker(o)}({autograd.maker_arguments(o, first + '.get()')});\n"
    for i, r in enumerate(results):
        if differentiable[i]:
            out += f"    if (records) set_history({r}.get(), node.get(), {i});\n"
    out += autograd.save_results(o, results)
    outputs = ", ".join(f"{r}.get()" if d else "nullptr" for r, d in zip(results, differentiable, strict=True))
    return out + _tangents(o, "node.get()", f"finish({{{outputs}}})", results) + "  }\n"


def _finish_inplace(o: Operation, apart: bool) -> str:
    """After the write: the tensor's new tangent and history."""
    save = autograd.save_results(o, ["written"])
    out = "  if (recorded) [[unlikely]] {\n"
    if save:
        out += f"    auto node = static_cast<{autograd.struct(o)}*>(recorded.get());\n{save}"
    if apart:
        return out + (
            "    rebase_history(written, std::move(recorded));\n  }\n  if (duals) [[unlikely]] adopt(written, apart);\n"
        )
    out += _tangents(o, "recorded.get()", "finish_inplace(written)", ["written"])
    return out + "    if (records) rebase_history(written, std::move(recorded));\n  }\n"


def _pointwise(o: Operation, table: Table) -> str:
    masks = sum(1 << i for i, p in enumerate(o.parameters) if p.name in o.row.bool_inputs)
    inputs = [p.name for p in o.operands if p.type != "Number"]
    family = o.row.family

    def row(name: str, loop: str, names: list[str], scalars: int, mask: int, result: str) -> str:
        rule = RULES[o.row.dtype_rule if name == o.name else ""]
        factors = any(p.name == "alpha" for p in o.parameters)
        exact = names.index(o.row.exact_number) if o.row.exact_number in names else -1
        fitting = sum(1 << i for i, operand in enumerate(names) if operand in o.row.fitting_numbers)
        like = names.index(o.row.like) if o.row.like and name == o.name else -1
        return (
            f'static const PointwiseRow {loop}_row = {{"{_public(name)}", loop_{loop}, {len(names)}, {scalars}, '
            f"{mask}u, OutRule::{OUT_RULES[o.row.out_rule]}, Output::{result}, {str(factors).lower()}, {exact}, "
            f"{fitting}u, "
            f"{str(o.row.integers_to_float).lower()}, {str(_has_half_complex(o)).lower()}, {like}, "
            f"DtypeRule::{rule}, "
            f"picked_{family}_loops().loops + loop_{loop}}};\n"
        )

    numbers = len(o.operands) - len(inputs)
    out = row(o.name, loop_name(o), inputs, numbers, masks, output(o))
    for operand in o.row.number_body:
        out += row(o.name, number_loop_name(o, operand), inputs, numbers, masks, output(o))
    for target, used, _ in autograd.fused(o, table):
        mask = sum(1 << i for i, n in enumerate(used) if n in o.row.bool_inputs)
        tensors = [n for n in used if not is_number(o, n)]
        out += row(f"{o.name} backward", loop_name(o, target), tensors, len(used) - len(tensors), mask, "Same")
    out += autograd.node(o, table)
    args = ", ".join(f"Arg({'-' if p.name in o.row.negated else ''}{p.name})" for p in o.operands)
    call = f"{_refuse_complex_gradient(o)}  const Arg args[] = {{{args}}};\n"
    run = "reduced({}, args, reduction)" if o.reduces else "pointwise({}, args)"
    run = f"  Ref result = {run.format(_chosen_row(o))};\n"
    out += _function(o, call + run + _record(o, ["result"]) + "  return result;\n")
    if o.row.inplace:
        out += _pointwise_inplace(o, args)
    if o.row.out:
        out += _pointwise_out(o, call)
    return out


def _refuse_complex_gradient(o: Operation) -> str:
    if o.row.complex_gradient:
        return ""
    return f'  if ({_wanted(o)}) refuse_complex_gradient({o.parameters[0].name}, "{_public(o.name)}");\n'


def _chosen_row(o: Operation) -> str:
    """The row's constant part: where an operand is a number, that of its own formula."""
    chosen = f"{loop_name(o)}_row"
    for operand in o.row.number_body:
        chosen = f"{operand}.tensor ? {chosen} : {number_loop_name(o, operand)}_row"
    return chosen


def _pointwise_out(o: Operation, call: str) -> str:
    before = after = ""
    duals = f"any_dual({', '.join(p.name for p in o.differentiable)})"
    if o.row.underivable:  # recorded as an in-place write is
        before = _refuse_duals(o, ["out"]) + (
            f"  const bool records = {_wanted(o, ('out',))};\n"
            f'  check_inplace(out, "{o.name}", records);\n  NodeRef recorded;\n'
            f"  if (records) recorded = NodeRef::steal({autograd.maker(o)}"
            f"({autograd.maker_arguments(o, 'out')}).release());\n"
        )
        after = "  if (recorded) rebase_history(out, std::move(recorded));\n"
    elif _wanted(o) and not o.row.bool_output:
        before = f'  check_out(out, "{o.name}", {_wanted(o)}, {duals});\n'
    return (
        f"Ref ops::{o.name}_out({arguments(o)}, Tensor* out) {{\n{before}{call}"
        f"  pointwise_into({_chosen_row(o)}, args, out, true);\n  bump_version(out);\n{after}"
        "  return Ref::retain(out);\n}\n"
    )


def _pointwise_inplace(o: Operation, args: str) -> str:
    first = o.parameters[0]
    rest = ", ".join(f"{p.cpp} {p.name}" for p in o.parameters[1:])
    out = f"Ref ops::{o.name}_(In self{', ' if rest else ''}{rest}) {{\n"
    out += _hooked(o, f"{o.name}_", "Ref", ", ".join(["self"] + [p.name for p in o.parameters[1:]]))
    alias = f"  const {f'Arg {first.name}(self)' if first.type == 'Operand' else f'In {first.name} = self'};\n"
    write = f"  const Arg args[] = {{{args}}};\n  pointwise_into({_chosen_row(o)}, args, written, false);\n"
    apart = f"ops::{o.name}({', '.join(['before'] + [p.name for p in o.parameters[1:]])})" * (not o.row.bool_output)
    return out + alias + _written(o, "self", f"{o.name}_", write, apart) + "}\n"


def _written(o: Operation, target: str, name: str, write: str, apart: str = "") -> str:
    """An in-place call: what is checked and recorded around the write.

    apart: the out-of-place form, which forward mode runs before the write, for the tangent and the history.
    """
    wanted = _wanted(o)
    out = f"  Tensor* written = {target}.mutable_tensor();\n"
    if o.row.underivable:
        out += _refuse_duals(o, ["written"])
    if wanted:
        duals = f"any_dual({', '.join(p.name for p in o.differentiable)})"
        out += "  const bool differentiable = is_differentiable(written->dtype);\n"
        wanted = f"differentiable && {wanted}" if o.row.ends_at_integers else wanted
        out += f"  const bool records = {wanted}, duals = differentiable && {duals};\n"
    else:
        out += _refuse_duals(o, ["written"], "is_differentiable(written->dtype) && ")
    if wanted or o.row.kind == "inplace":
        out += f'  check_inplace(written, "{name}", {"records" if wanted else "false"});\n'
    else:
        out += f'  check_writable(written, "{name}");\n'
    if wanted:
        made = f"{autograd.maker(o)}({autograd.maker_arguments(o, 'written', inplace=True)})"
        if apart:
            out += (
                "  Ref apart;\n  if (duals) [[unlikely]] {\n    const Ref before = copy_before_write(written);\n"
                f"    apart = {apart};\n  }}\n"
            )
        out += (
            "  NodeRef recorded;\n"
            f"  if (records {'&& !' if apart else '|| '}duals) [[unlikely]] "
            f"recorded = NodeRef::steal({made}.release());\n"
        )
    out += write + "  bump_version(written);\n" + (_finish_inplace(o, bool(apart)) if wanted else "")
    return out + "  return Ref::retain(written);\n"


def _reduction(o: Operation, table: Table) -> str:
    flags = ", ".join(
        str(b).lower()
        for b in (o.row.integers_to_int64, o.row.floating_only, o.row.bool_output, not o.row.start.endswith("est"))
    )
    out = (
        f'static const ReductionRow {loop_name(o)}_row = {{"{o.name}", loop_{loop_name(o)}, {flags}, '
        f"picked_{o.row.family}_loops().kernels + loop_{loop_name(o)}}};\n"
    )
    out += autograd.node(o, table)
    have = o.signature.names()
    dim = autograd.reduced_dims(o)
    keepdim = "keepdim" if "keepdim" in have else "false"
    dtype = "dtype" if "dtype" in have else "std::nullopt"
    first = o.parameters[0].name
    if o.row.bool_output:
        dtype = "DType::Bool"
    return out + _function(
        o,
        f"  Ref result = reduce({loop_name(o)}_row, {first}, {dim}, {keepdim}, {dtype});\n"
        + _record(o, ["result"])
        + "  return result;\n",
    )


def _view(o: Operation, table: Table) -> str:
    first, rest = o.parameters[0].name, o.parameters[1:]
    call = ", ".join([f"{first}->layout()"] + [p.name for p in rest])
    body = f"  Layout layout = layout::{o.row.layout}({call});\n"
    if o.row.bounds:
        body += f'  check_bounds(layout, size_of({first}->dtype), {first}->storage->nbytes, "{_public(o.name)}");\n'
    dtype = f', as_{o.row.parts}({first}->dtype, "{o.name}")' if o.row.parts else ""
    body += f"  Ref result = alias({first}, layout{dtype});\n"
    out = ""
    if o.grads:
        out += autograd.node(o, table)
        again = ", ".join(["t"] + [p.name for p in rest])
        body += (
            f"  finish_view(result.get(), {first});\n"
            f"  if (any_dual({first})) [[unlikely]] "
            f"set_view_tangent(result.get(), {first}, [&](const Tensor* t) {{ return ops::{o.name}({again}); }});\n"
            f"  if ({_wanted(o)}) [[unlikely]] {{\n"
            f'    check_differentiable({first}->dtype, "{o.name}");\n'
            f"    [[maybe_unused]] auto node = {autograd.maker(o)}({autograd.maker_arguments(o, 'result.get()')});\n"
            "    set_history(result.get(), node.get());\n  }\n"
        )
    return out + _function(o, body + "  return result;\n")


def _has_half_complex(o: Operation) -> bool:
    return any(d in o.row.types for d in half_complex)


def _kernel_call(o: Operation) -> str:
    refuses = "nullptr" if _has_half_complex(o) else f'"{o.name}"'
    widened = f"widened({refuses}, kernels::{o.row.run}, {names(o)})"
    plain = f"kernels::{o.row.run}({names(o)})"
    if _lacks_half_complex(o) and not o.row.widens:
        return f"{o.parameters[0].name}->dtype == DType::Complex32 ? {widened} : {plain}"
    return widened if o.row.widens else plain


def _lacks_half_complex(o: Operation) -> bool:
    """Whether the row takes all complex numbers but these."""
    return not _has_half_complex(o) and any(d in o.row.types for d in complex_)


def _kernel(o: Operation, table: Table) -> str:
    out = autograd.node(o, table)
    first = o.inputs[0].name if o.inputs and o.inputs[0].type == "Tensor" else ""
    converts = "dtype" in o.signature.names()
    refuses = first and not converts and not any(d in o.row.types for d in complex_)
    check = f'  refuse_complex({first}, "{o.name}");\n' if refuses else _refuse_complex_gradient(o)
    if o.row.returns and o.row.returns != ("*",):
        body = f"  auto results = {_kernel_call(o)};\n{check}"
        results = [f"results[{i}]" for i in range(len(o.row.returns))]
        return out + _function(o, body + _record(o, results) + "  return results;\n")
    body = f"  Ref result = {_kernel_call(o)};\n{check}"
    return out + _function(o, body + _record(o, ["result"]) + "  return result;\n")


def _creation(o: Operation, table: Table) -> str:
    call = f"kernels::{o.row.run}({names(o)})"
    if not _lacks_half_complex(o):
        return _function(o, f"  return {call};\n")
    refusal = f'  refuse_half_complex(result->dtype, "{o.name}");\n'
    return _function(o, f"  Ref result = {call};\n{refusal}  return result;\n")


def _composite(o: Operation, table: Table) -> str:
    refusal = f'  refuse_half_complex({{}}->dtype, "{o.name}");\n' if _lacks_half_complex(o) else ""
    call = f"{refusal.format(o.parameters[0].name)}  return compose::{o.row.run}({names(o)});\n"
    out = _function(o, call, hook=False)
    if has_inplace(o):
        passed = ", ".join(["self"] + [p.name for p in o.parameters[1:]])
        out += f"Ref ops::{o.name}_({_self_arguments(o)}) {{\n"
        out += f"{refusal.format('self')}  return compose::{o.row.run}_({passed});\n}}\n"
    return out


def _inplace(o: Operation, table: Table) -> str:
    write = f"  {_kernel_call(o)};\n"
    return autograd.node(o, table) + _function(o, _written(o, o.parameters[0].name, o.name, write))
