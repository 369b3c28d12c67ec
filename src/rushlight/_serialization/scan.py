"""Lists what a pickle names, without loading it."""

from __future__ import annotations

import pickletools
from pickle import UnpicklingError
from typing import Any

__all__ = ["named_globals"]

_PYTHON_2_NAMES = {"__builtin__": "builtins"}
_MEMO_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")
_MEMO_GETS = ("GET", "BINGET", "LONG_BINGET")


def named_globals(data: bytes) -> list[tuple[str, str]]:
    """(module, name) of every global, each once, in order."""
    found: dict[tuple[str, str], None] = {}
    memo: dict[Any, str | None] = {}
    texts: list[str] = []  # the values pushed last that are texts; STACK_GLOBAL takes two
    last: str | None = None
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "GLOBAL" and isinstance(argument, str):
                module, _, name = argument.partition(" ")
                found[_PYTHON_2_NAMES.get(module, module), name] = None
                last = None
            elif opcode.name == "STACK_GLOBAL":
                found[(texts[-2], texts[-1])] = None
                last = None
            elif opcode.name in _MEMO_PUTS or opcode.name == "MEMOIZE":
                memo[len(memo) if opcode.name == "MEMOIZE" else argument] = last
            else:
                last = memo.get(argument) if opcode.name in _MEMO_GETS else argument
                last = last if isinstance(last, str) else None
                if last is not None:
                    texts.append(last)
    except (ValueError, IndexError) as error:
        raise UnpicklingError(f"the pickle is damaged: {error}") from None
    return list(found)
