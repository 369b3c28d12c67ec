"""Output: the backward node of each row: what it saves, how it is filled, what it computes."""

from __future__ import annotations

import ast

from codegen.expr import Composition, call_condition
from codegen.kernels import fused_gradients, loop_name
from codegen.signature import Parameter
from codegen.table import Operation, Table, names_in
from ops.row import complex_

RESULT_NAMES = ("y",)
Members = list[tuple[str, str, Parameter | None]]  # C++ type, name, argument or None for a result


def struct(o: Operation) -> str:
    if o.row.kind == "inplace":
        return f"{o.identifier.strip('_')}_in_place_{o.node}"
    return f"{o.identifier.strip('_')}_{o.node}" if o.row.node or o.row.underivable else o.node


def maker(o: Operation) -> str:
    return f"make_{struct(o)}"


def reduced_dims(o: Operation) -> str:
    """The dimensions that a reduction's call names."""
    if "dim" not in o.signature.names():
        return "DimSpan()"
    return "Dims{dim}" if o.signature["dim"].type == "int" else "dim"


def fused(o: Operation, table: Table) -> list[tuple[str, list[str], ast.expr]]:
    return fused_gradients(o, table)


def _formulas(o: Operation) -> dict[str, list[ast.expr]]:
    """input -> the formulas that may be evaluated for it."""
    return {name: [tree] + ([o.graphs[name]] if name in o.graphs else []) for name, tree in o.grads.items()}


def _sizes_only(o: Operation, table: Table) -> set[str]:
    """Tensor arguments of which the formulas use nothing but the sizes."""
    uses: dict[str, set[bool]] = {}

    def visit(tree: ast.expr) -> None:
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            called = table.find(tree.func.id, len(tree.args), o.where)
            positional = [p for p in called.parameters if not p.keyword_only]
            for p, a in zip(positional, tree.args, strict=False):
                if isinstance(a, ast.Name):
                    uses.setdefault(a.id, set()).add(p.cpp == "DimSpan")
                else:
                    visit(a)
            return
        for child in ast.iter_child_nodes(tree):
            if isinstance(child, ast.Name):
                uses.setdefault(child.id, set()).add(False)
            elif isinstance(child, ast.expr):
                visit(child)

    for trees in _formulas(o).values():
        for tree in trees:
            if isinstance(tree, ast.Name):
                uses.setdefault(tree.id, set()).add(False)
            visit(tree)
    return {p.name for p in o.inputs if uses.get(p.name) == {True}}


def _mentions(o: Operation) -> dict[str, list[str]]:
    """saved name -> inputs whose formula mentions it."""
    found: dict[str, list[str]] = {}
    for target, trees in _formulas(o).items():
        for tree in trees:
            for name in names_in(tree):
                if name not in ("g", "g_") or (name == "g" and "g" in o.signature.names()):
                    found.setdefault(name, [])
                    if target not in found[name]:
                        found[name].append(target)
    return found


def _elementwise(o: Operation, table: Table) -> bool:
    """Whether each element of the gradients comes from the same element of g and of what was saved."""
    if o.reduces:
        return False
    calls = (n for trees in _formulas(o).values() for t in trees for n in ast.walk(t) if isinstance(n, ast.Call))
    called = [table.find(n.func.id, len(n.args), o.where) for n in calls if isinstance(n.func, ast.Name)]
    return o.row.kind == "pointwise" and all(c.row.kind in ("pointwise", "creation") for c in called)


def _own_gradient(o: Operation) -> str:
    """What formulas call the gradient of the output: g, or g_ where the row itself has an argument g."""
    return (
        "g_"
        if "g" in o.signature.names() and any("g_" in names_in(t) for ts in _formulas(o).values() for t in ts)
        else "g"
    )


def saved_members(o: Operation, table: Table) -> Members:
    """Everything the node keeps."""
    members: Members = []
    sizes = _sizes_only(o, table)
    results = o.row.returns if o.row.returns else RESULT_NAMES
    bilinear = _own_gradient(o) == "g_"
    for name in _mentions(o):
        if o.row.kind == "reduction" and name in sizes:
            continue  # every reduction keeps them
        if name in results:
            members.append(("Saved", name, None))
        elif name == "g" and not bilinear:
            continue
        elif name in o.signature.names():
            p = o.signature[name]
            members.append(("Dims" if name in sizes else p.saved, name, p))
    members += [(p.saved, p.name, p) for p in o.parameters if p.type == "Reduction"]  # for Python's _saved_reduction
    return members


def node(o: Operation, table: Table) -> str:
    """The node's struct, its functions, and the function that makes one for a call."""
    if not o.grads:
        return ""
    members = saved_members(o, table)
    reduction = o.row.kind == "reduction"
    dynamic = any(p.type == "Tensors" for p in o.differentiable)
    name = struct(o)
    fields = "".join(f"    {t} {n};\n" for t, n, _ in members)
    if reduction:
        fields += "    Dims sizes;\n    uint64_t mask;\n    bool kept;\n"
    fields += "    double scale;\n" * o.reduces
    base = "Node" if dynamic else f"NodeWith<{len(o.differentiable)}>"
    out = "namespace {\n"
    out += (
        f"struct {name} : {base} {{\n"
        f"  struct Values {{\n"
        f"{fields}  }} v;\n"
        f"  void construct() {{ new (&v) Values(); }}\n"
        f"}};\n"
    )
    out += _apply(o, table, members, name)
    kept = [
        f"v.{n}{'.value' if t == 'SavedArg' else ''}" for t, n, _ in members if t in ("Saved", "SavedArg", "SavedList")
    ]
    reset = "".join(f"  {value}.reset();\n" for value in kept)
    out += (
        f"void {name}_release([[maybe_unused]] Node* self) {{\n"
        f"  [[maybe_unused]] auto& v = static_cast<{name}*>(self)->v;\n"
        f"{reset}}}\n"
    )
    visit = "".join(f"  if (int r = {value}.traverse(visit, arg)) return r;\n" for value in kept)
    out += (
        f"int {name}_traverse([[maybe_unused]] Node* self, [[maybe_unused]] visitproc visit, "
        "[[maybe_unused]] void* arg) {\n"
        f"  [[maybe_unused]] auto& v = static_cast<{name}*>(self)->v;\n{visit}  return 0;\n}}\n"
    )
    arguments = "[[maybe_unused]] Node* self, [[maybe_unused]] const char* name, [[maybe_unused]] bool raw"
    out += f"PyObject* {name}_saved({arguments}) {{\n"
    out += f"  [[maybe_unused]] auto& v = static_cast<{name}*>(self)->v;\n" if fields else ""
    sizes = _sizes_only(o, table)
    if reduction:
        out += '  if (!std::strcmp(name, "self_sym_sizes")) return saved_to_python(self, v.sizes, raw);\n'
    for _, n, _ in members:
        public = "result" if n == "y" else ("self" if n == "input" else n)
        public += "_sym_sizes" if n in sizes else ""
        out += f'  if (!std::strcmp(name, "{public}")) return saved_to_python(self, v.{n}, raw);\n'
    if reduction and "dim" in o.signature.names():
        one = o.signature["dim"].type == "int"
        out += f'  if (!std::strcmp(name, "dim")) return raw ? nullptr : reduced_dims(v.mask, {str(one).lower()});\n'
        out += '  if (!std::strcmp(name, "keepdim")) return raw ? nullptr : box(v.kept);\n'
    out += "  return nullptr;\n}\n"
    functions = f"{name}_apply, {name}_release, {name}_traverse, destructor_of<{name}>(), {name}_saved"
    elementwise = str(_elementwise(o, table)).lower()
    for kind, node_name in [("kind", o.node)] + [(f"kind_{k}", n) for k, n in enumerate(o.row.nodes.values())]:
        out += f'NodeType {name}_{kind} = {{"{node_name}", sizeof({name}), {functions}, {elementwise}}};\n'
    return out + _maker(o, table, members, name, dynamic) + "}  // namespace\n"


def _maker(o: Operation, table: Table, members: Members, name: str, dynamic: bool) -> str:
    inplace = o.row.kind == "inplace" or (o.row.inplace and o.row.kind == "pointwise")
    parameters = ["const Tensor* like", *(f"{p.cpp} {p.name}" for p in o.parameters), *["bool overwritten"] * inplace]
    out = f"Handle<{name}> make_{name}({', '.join(f'[[maybe_unused]] {p}' for p in parameters)}) {{\n"
    outputs = len(o.row.returns) if o.row.returns and o.row.returns != ("*",) else 1
    if dynamic:
        list_name = o.differentiable[0].name
        out += f"  auto node = new_list_node<{name}>({name}_kind, {list_name}.size());\n"
        out += f"  for (int k = 0; k < {list_name}.size(); ++k) connect(node.get(), k, {list_name}[k]);\n"
    else:
        conditions = [call_condition(text, o.where) for text in o.row.nodes]
        kinds = "".join(f"{test} ? {name}_kind_{k} : " for k, test in enumerate(conditions))
        out += f"  auto node = new_node<{name}>({kinds}{name}_kind, {outputs});\n"
        function, like = {
            "pointwise": ("connect", ", like"),
            "inplace": ("connect", ", like"),
            "reduction": ("connect_dtype", ", like"),
            "kernel": ("connect_dtype", ", like"),
        }.get(o.row.kind, ("connect", ""))
        if o.reduces or o.row.like:
            function, like = "connect_operand", ", args"
            out += f"  const Arg args[] = {{{', '.join(f'Arg({p.name})' for p in o.operands)}}};\n"
        if o.reduces:
            out += f"  node->v.scale = reduction_scale({loop_name(o)}_row, args, reduction);\n"
        for k, source in enumerate(o.differentiable):
            out += f"  {function}(node.get(), {k}, {source.name}{like});\n"
    out += "  [[maybe_unused]] auto& v = node->v;\n"
    sizes = _sizes_only(o, table)
    mentions = _mentions(o)
    position = {p.name: k for k, p in enumerate(o.differentiable)}
    for type_, n, p in members:
        if p is None:
            continue
        if n in sizes:
            statement = ("" if p.type != "Tensor | None" else f"if ({n}.tensor()) ") + f"v.{n}.assign({n}->sizes());"
        elif type_ in ("Saved", "SavedArg", "SavedList"):
            overwritten = inplace and p is o.parameters[0]
            keep = (
                f"if (overwritten) v.{n}.save_copy({n}); else v.{n}.save({n});" if overwritten else f"v.{n}.save({n});"
            )
            tensor_optional = p.type == "Tensor | None"
            statement = f"if ({n}.tensor()) {{ {keep} }}" if tensor_optional else keep
        elif type_ == "Dims":
            statement = f"v.{n}.assign({n});"
        else:
            statement = f"v.{n} = {n};"
        wanted = mentions.get(n, [])
        if type_ in ("Saved", "SavedArg") and not dynamic and len(wanted) < len(o.differentiable):
            condition = " || ".join(f"node->edges[{position[w]}].node" for w in wanted)
            statement = f"if ({condition}) {{ {statement} }}"
        out += f"  {statement}\n"
    if o.row.kind == "reduction":
        have = o.signature.names()
        x = o.parameters[0].name
        out += (
            f"  v.sizes.assign({x}->sizes());\n"
            f'  v.mask = reduced_mask({x}, {reduced_dims(o)}, "{o.name}");\n'
            f"  v.kept = {'keepdim' if 'keepdim' in have else 'false'};\n"
        )
    return out + "  return node;\n}\n"


def maker_arguments(o: Operation, like: str, inplace: bool = False) -> str:
    extra = []
    if o.row.kind == "inplace" or (o.row.inplace and o.row.kind == "pointwise"):
        extra = ["true" if inplace else "false"]
    return ", ".join([like] + [p.name for p in o.parameters] + extra)


def _saved_results(o: Operation, results: list[str]) -> list[tuple[str, str, int]]:
    """(name, expression, number) of the results that formulas mention."""
    names = o.row.returns or RESULT_NAMES
    mentioned = [n for n in _mentions(o) if n in names and n not in o.signature.names()]
    return [(n, results[names.index(n)], names.index(n)) for n in mentioned]


def save_results(o: Operation, results: list[str]) -> str:
    """Keeps the results that formulas mention; with the history they get, where they get one."""
    out = ""
    for n, r, nr in _saved_results(o, results):
        call = f"save({r})" if n in o.row.undifferentiable else f"save_output({r}, {nr})"
        out += f"    node->v.{n}.{call};\n"
    return out


def follow_tangents(o: Operation, results: list[str]) -> str:
    """What is kept of the results has their tangents."""
    return "".join(f"      node->v.{n}.follow_tangent({r});\n" for n, r, _ in _saved_results(o, results))


def _values(o: Operation, table: Table, members: Members) -> dict[str, tuple[str, str]]:
    """How each name reads inside apply()."""
    own = _own_gradient(o)
    values = {own: ("tensor", own)}
    sizes = _sizes_only(o, table)
    for type_, n, p in members:
        if n in sizes:
            values[n] = ("sizes", f"v.{n}")
        elif type_ in ("Saved", "SavedArg", "SavedList"):
            values[n] = ("tensor", n)
        elif type_ in ("Scalar",):
            values[n] = ("scalar", f"v.{n}")
        else:
            values[n] = (p.type if p else type_, f"v.{n}")
    if o.row.kind == "reduction":
        values |= dict.fromkeys(sizes, ("sizes", "v.sizes"))
        values["count"] = ("scalar", "Scalar(reduced_count(v.sizes, v.mask))")
    if o.reduces:
        values["scale"] = ("scalar", "Scalar(v.scale)")
    if o.together:
        values["need"] = ("int", "static_cast<int64_t>(call.need)")
    return values


def _composed(o: Operation, table: Table, values: dict[str, tuple[str, str]], tree: ast.expr, conjugates: bool) -> str:
    """The composed reading; conj(formula(conj(g))) where `conjugates`."""
    text = Composition(table, o.where, values).emit(tree)
    return f"conjugated({text})" if conjugates else f"Ref({text})" if isinstance(tree, ast.Name) else text


def _conjugates(o: Operation, tree: ast.expr) -> bool:
    """Whether a complex gradient goes through the formula conjugated: it is multiplied by something there."""
    factors = {p.name for p in o.parameters if p.type == "Number"} | {p.name for p in o.differentiable}
    factors |= set(o.row.returns or RESULT_NAMES) - set(o.row.undifferentiable)
    may_be_complex = o.row.holomorphic and any(d in o.row.types for d in complex_)
    return may_be_complex and bool(factors & (set(names_in(tree)) - {_own_gradient(o)}))


def _unpacked(o: Operation, members: Members, values: dict[str, tuple[str, str]], trees: list[ast.expr]) -> str:
    """What the formulas mention of the saved tensors, each in a variable of its name."""
    out = ""
    for n in dict.fromkeys(n for t in trees for n in names_in(t) if n != _own_gradient(o)):
        member = next((m for m in members if m[1] == n), None)
        if member is None or values[n][0] != "tensor":
            continue
        public = "result" if member[2] is None else n
        out += f'    auto {n} = unpack(v.{n}, self, "{public}");\n'
        if o.row.kind == "reduction" and member[2] is None:
            out += f"    if (!v.kept && v.mask) {n} = ops::view({n}, kept_sizes(v.sizes, v.mask));\n"
    return out


def _apply_together(o: Operation, table: Table, members: Members, values: dict[str, tuple[str, str]]) -> str:
    """All gradients from one call."""
    trees = _formulas(o)[o.together[0]]
    first, graph = (_composed(o, table, values, t, False) for t in (trees[0], trees[-1]))
    return (
        f"  if (!call.need) return;\n{_unpacked(o, members, values, trees)}"
        f"    auto found = call.create_graph ? {graph} : {first};\n"
        "    for (size_t k = 0; k < found.size(); ++k)\n"
        "      if (call.needs(static_cast<int>(k))) call.out[k] = std::move(found[k]);\n}\n"
    )


def _apply(o: Operation, table: Table, members: Members, name: str) -> str:
    own = _own_gradient(o)
    values = _values(o, table, members)
    out = f"void {name}_apply([[maybe_unused]] Node* self, BackwardCall& call) {{\n"
    out += (
        f"  [[maybe_unused]] auto& v = static_cast<{name}*>(self)->v;\n"
        f"  Ref {own} = call.g[0];\n"
        f"  if (!{own}) return;\n"
    )
    if o.row.kind == "reduction":
        out += f"  if (!v.kept && v.mask) {own} = ops::view({own}, kept_sizes(v.sizes, v.mask));\n"
    kernels = {target: used for target, used, _ in fused(o, table)}
    dynamic = any(p.type == "Tensors" for p in o.differentiable)
    if o.together:
        return out + _apply_together(o, table, members, values)
    for k, p in enumerate(o.differentiable):
        trees = _formulas(o)[p.name]
        unpack = _unpacked(o, members, values, trees)
        conjugates = any(_conjugates(o, t) for t in trees)
        known = values | ({own: ("tensor", f"conjugated({own})")} if conjugates else {})
        composed, graph = (_composed(o, table, known, t, conjugates) for t in (trees[0], trees[-1]))
        if dynamic:
            out += (
                f"  {{\n"
                f"{unpack}    auto pieces = {composed};\n"
                "    for (size_t k = 0; k < pieces.size(); ++k) call.out[k] = pieces[k];\n"
                f"  }}\n"
            )
            continue
        if p.name in kernels:
            args = ", ".join(f"Arg({values[n][1]})" for n in kernels[p.name])
            source = p.name if o.row.parts else own
            assign = (
                f"    if (call.create_graph || is_complex({source}->dtype)) {{\n"
                f"      call.out[{k}] = {graph};\n"
                f"    }} else {{\n"
                f"      const Arg args[] = {{{args}}};\n"
                f"      call.out[{k}] = pointwise({loop_name(o, p.name)}_row, args);\n    }}\n"
            )
        elif p.name in o.graphs:
            assign = f"    call.out[{k}] = call.create_graph ? {graph} : {composed};\n"
        else:
            assign = f"    call.out[{k}] = {composed};\n"
        out += f"  if (call.needs({k})) {{\n{unpack}{assign}  }}\n"
    return out + "}\n"
