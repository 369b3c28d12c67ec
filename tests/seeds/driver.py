"""Run the snippets of one note, in order and in one namespace, as a notebook would; a process of its own.

`[python -m rushlight] driver.py torch` or `driver.py rushlight`, the snippets as JSON on the standard input; writes, as
JSON, what each showed (printed text and the values of its expressions) and the exception that ended it.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import re
import sys
import tempfile
from typing import Any


def statements(code: str, library: str) -> list[ast.stmt]:
    """The statements of a snippet; its imports name `library`, which stays bound to `torch`."""
    code = re.sub(r"^(\s*)import torch$", rf"\1import {library} as torch", code, flags=re.MULTILINE)
    code = re.sub(r"^(\s*(?:import|from) )torch\b", rf"\1{library}", code, flags=re.MULTILINE)
    return ast.parse(code).body


def run(snippet: dict[str, Any], library: str, scope: dict[str, Any]) -> dict[str, str | None]:
    shown, error = io.StringIO(), None
    with contextlib.redirect_stdout(shown):
        try:
            for statement in statements(snippet["code"], library):
                exec(compile(ast.Interactive([statement]), f"<line {snippet['line']}>", "single"), scope)
        except Exception as problem:
            error = problem
    return {"shown": shown.getvalue(), "error": error and type(error).__name__}


def main() -> None:
    library = sys.argv[1]
    torch = importlib.import_module(library)
    scope = vars(sys.modules["__main__"])
    results = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # one note saves a model
        for snippet in json.load(sys.stdin):
            torch.manual_seed(0)  # of which 001, line 304, needs a number beyond 1: it squares until it is big
            results.append(run(snippet, library, scope))
    json.dump(results, sys.stdout)


main()
