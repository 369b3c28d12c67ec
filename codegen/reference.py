"""Output: the reference page, and the summary of the table that ships with the package."""

from __future__ import annotations

import json

from codegen.operations import has_inplace
from codegen.table import Operation, Table


def _forms(o: Operation) -> str:
    forms = [f"`{o.name}(...)`"] if o.row.function else []
    forms += [f"`x.{o.name}(...)`"] if o.row.method else []
    forms += [f"`x.{o.name}_(...)`"] if has_inplace(o) else []
    forms += ["`out=`"] if o.row.out else []
    forms += [f"`{o.row.operator}`"] if o.row.operator else []
    return " · ".join(forms)


def page(table: Table) -> str:
    """docs/reference.md: every public row with its forms, dtypes, gradient and ONNX name."""
    out = "# Operations\n\nGenerated from the table. Private rows (a leading underscore) are left out.\n"
    for family in table.families():
        out += f"\n## {family}\n"
        for o in table.family(family):
            if o.row.private:
                continue
            out += f"\n### `{o.row.signature}`\n\n{o.row.doc}\n\n{_forms(o)}"
            out += f"  \ndtypes: {', '.join(o.dtypes)}"
            if o.row.grad:
                grads = ((k if isinstance(k, str) else ", ".join(k), v) for k, v in o.row.grad.items())
                out += f"  \ngradient: {'; '.join(f'{k}: `{v}`' for k, v in grads)}; node `{o.node}`"
            out += f"  \nONNX: {o.row.onnx}\n" if o.row.onnx else "\n"
    return out


def summary(table: Table) -> str:
    """What tools need to know of the table without ops/: names, signatures, forms, dtypes, ONNX names."""
    rows = [
        {
            "name": o.name,
            "overload": o.row.overload,
            "signature": o.row.signature,
            "kind": o.row.kind,
            "family": o.row.family,
            "dtypes": o.dtypes,
            "function": o.row.function,
            "method": o.row.method,
            "inplace": has_inplace(o),
            "out": o.row.out,
            "private": o.row.private,
            "differentiable": [p.name for p in o.differentiable],
            "node": o.node if o.row.grad else "",
            "onnx": o.row.onnx,
            "comparison": o.row.bool_output,
            "returns": [name for name in o.row.returns if name != "*"],
        }
        for o in table.operations
    ]
    return json.dumps(rows, indent=1) + "\n"
