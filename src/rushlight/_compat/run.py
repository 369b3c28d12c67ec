"""Run a program as Python itself would, with `torch` meaning Rushlight."""

from __future__ import annotations

import builtins
import os
import runpy
import sys
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any

from . import names

USAGE = """\
usage: python -m rushlight script.py [arguments]     run a program that says `import torch`
       python -m rushlight -m module [arguments]     run a module or package
       python -m rushlight -c code [arguments]       run a line of code
       python -m rushlight - [arguments]             run what comes from standard input
       python -m rushlight info                      what is installed, and what it found here
       python -m rushlight --version
Options of Python itself stand before -m: python -u -m rushlight script.py
"""


def main(argv: list[str]) -> None:
    """What `python -m rushlight` does with the arguments that follow it."""
    first = argv[0] if argv else ""
    if first == "info":
        from . import info

        print(info.text())
    elif first in ("-h", "--help"):
        print(USAGE, end="")
    elif first in ("-V", "--version"):
        from rushlight import version

        print("Rushlight", version.__version__)
    elif not argv or (first.startswith("-") and first != "-" and first[:2] not in ("-m", "-c")):
        problem = f"unknown option {first}\n" if argv else ""
        sys.stderr.write(problem + USAGE)
        raise SystemExit(2)
    else:
        _run_program(argv)


def _run_program(argv: list[str]) -> None:
    names.activate()
    first = argv[0]
    try:
        if first == "-":
            _run_text(sys.stdin.buffer.read(), "<stdin>", argv, __file__="<stdin>", __cached__=None)
        elif first[:2] in ("-m", "-c"):
            rest = [first[2:], *argv[1:]] if len(first) > 2 else argv[1:]
            if not rest:
                raise SystemExit(f"python -m rushlight {first}: expected an argument after {first}")
            if first[:2] == "-m":
                _run_module(rest)
            else:
                _run_text(rest[0].encode(), "<string>", ["-c", *rest[1:]])
        elif os.path.isdir(first) or first.endswith((".zip", ".pyz")):
            _run_archive(argv)
        else:
            _run_file(argv)
    except SystemExit:
        raise
    except BaseException as error:
        _report(error)
        raise


def _run_file(argv: list[str]) -> None:
    sys.argv = argv
    path = os.path.abspath(argv[0])
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    loader = (SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader)("__main__", path)
    try:
        data = loader.get_data(path)
    except OSError as error:
        sys.stderr.write(f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}\n")
        raise SystemExit(2) from None
    compiled = isinstance(loader, SourcelessFileLoader)
    code: Any = loader.get_code("__main__") if compiled else compile(data, path, "exec", dont_inherit=True)
    _execute(code, __file__=path, __cached__=None, __loader__=loader)


def _run_text(source: bytes, filename: str, argv: list[str], **attributes: Any) -> None:
    sys.argv = argv
    _set_first_path("")
    _execute(compile(source, filename, "exec", dont_inherit=True), __loader__=BuiltinImporter, **attributes)


def _run_module(argv: list[str]) -> None:
    sys.argv = ["-m", *argv[1:]]
    _fresh_main()
    # What `python -m` itself calls; a module that is loaded already only gives its code under its real name.
    runpy._run_module_as_main(names.real_name(argv[0]))  # type: ignore[attr-defined]


def _run_archive(argv: list[str]) -> None:
    """A folder or an archive with a `__main__.py`."""
    sys.argv = argv
    _set_first_path(os.path.abspath(argv[0]))
    _fresh_main()
    runpy._run_module_as_main("__main__", False)  # type: ignore[attr-defined]


def _execute(code: CodeType, **attributes: Any) -> None:
    exec(code, _fresh_main(**attributes).__dict__)


def _fresh_main(**attributes: Any) -> ModuleType:
    """The `__main__` that the program runs in, in place of the runner's own."""
    main = ModuleType("__main__")
    vars(main).update({"__annotations__": {}, "__builtins__": builtins, **attributes})
    sys.modules["__main__"] = main
    return main


def _set_first_path(folder: str) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = folder


# -- errors ----------------------------------------------------------------------------------------------------


def _report(error: BaseException) -> None:
    """Show an error as Python would have, from the program's first line on, and keep it from being shown again."""
    error.__traceback__ = _from_program(error.__traceback__)
    sys.excepthook(type(error), error, error.__traceback__)
    sys.excepthook = lambda kind, value, traceback: None


def _from_program(traceback: TracebackType | None) -> TracebackType | None:
    runner = (__file__, runpy.__file__, "<frozen runpy>")
    while traceback is not None and traceback.tb_frame.f_code.co_filename in runner:
        traceback = traceback.tb_next
    return traceback
