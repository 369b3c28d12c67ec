"""`python -m rushlight` against `python`: what a program sees and prints is the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

SURROUNDINGS = """
import os, sys, threading
main = sys.modules["__main__"]
print(sys.argv, __name__, threading.current_thread() is threading.main_thread())
print(sys.path[0], main is sys.modules[__name__], vars(main) is globals())
print(getattr(__spec__, "name", None))
for name in ("__file__", "__package__", "__cached__", "__doc__", "__builtins__", "__annotations__"):
    print(name, repr(globals().get(name, "none")))
print(type(__loader__).__name__ if not isinstance(__loader__, type) else __loader__)
print([name for name in globals() if not name.startswith("__")])
"""

FAILURE = """
def inner(x):
    return [][x]

def outer():
    try:
        inner(1)
    except IndexError as error:
        raise ValueError("bad") from error

outer()
"""


def start(args: list[str], runner: bool, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, *(["-m", "rushlight"] if runner else []), *args]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        # A shell's background job ignores SIGINT, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **options,
    )


def run(args: list[str], runner: bool, text: str = "", **options: object) -> tuple[str, str, int]:
    with start(args, runner, **options) as process:
        out, err = process.communicate(text, timeout=60)
    return out, err, process.returncode


def check_same(args: list[str], text: str = "", **options: object) -> tuple[str, str, int]:
    ours, theirs = run(args, True, text, **options), run(args, False, text, **options)
    assert ours == theirs
    return ours


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "probe.py").write_text('"""Probe."""' + SURROUNDINGS)
    (tmp_path / "failing.py").write_text(FAILURE)
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(SURROUNDINGS)
    return tmp_path


def test_script(folder: Path) -> None:
    out, _, _ = check_same(["probe.py", "a", "-b", "--", "-m"], cwd=folder)
    assert out.startswith("['probe.py', 'a', '-b', '--', '-m'] __main__")
    check_same([str(folder / "probe.py")])


def test_script_behind_a_link(folder: Path) -> None:
    (folder / "links").mkdir()
    (folder / "links" / "link.py").symlink_to(folder / "probe.py")
    check_same(["links/link.py"], cwd=folder)


def test_module_and_package(folder: Path) -> None:
    check_same(["-m", "probe", "a"], cwd=folder)
    check_same(["-mpack", "a", "-b"], cwd=folder)
    check_same(["-m", "no_such_module"], cwd=folder)


def test_folder_and_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "program.zip", "w") as archive:
        archive.writestr("__main__.py", SURROUNDINGS)
    for program in ("pack", "program.zip"):
        check_same([program, "a"], cwd=folder)


def test_command_and_standard_input(folder: Path) -> None:
    check_same(["-c", SURROUNDINGS, "a"], cwd=folder)
    check_same(["-cprint(1)"], cwd=folder)
    check_same(["-", "a"], SURROUNDINGS, cwd=folder)


def test_tracebacks_begin_with_the_program(folder: Path) -> None:
    _, err, code = check_same(["failing.py"], cwd=folder)
    assert code == 1
    assert err.startswith("Traceback (most recent call last):\n  File") and "rushlight" not in err
    check_same(["-c", FAILURE], cwd=folder)
    check_same(["-", "x"], FAILURE, cwd=folder)
    (folder / "broken.py").write_text("x = 1\ny = = 2\n")
    _, err, code = check_same(["broken.py"], cwd=folder)
    assert "SyntaxError" in err and code == 1
    _, err, code = run(["-m", "failing"], True, cwd=folder)
    assert err.splitlines()[1].endswith('failing.py", line 7, in outer') and code == 1


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit",
        "raise SystemExit(7)",
        "raise SystemExit('a text')",
        "import sys; sys.exit(3)",
        "import os; os._exit(9)",
        "raise BaseException('b')",
        "import sys; sys.excepthook = lambda *a: print('hooked', a[0], a[2].tb_lineno); 1 / 0",
        "import atexit; atexit.register(print, 'bye'); raise KeyError('k')",
    ],
)
def test_exit_codes(code: str) -> None:
    check_same(["-c", code])


def test_missing_script(tmp_path: Path) -> None:
    _, err, code = check_same(["nowhere.py"], cwd=tmp_path)
    assert code == 2 and "can't open file" in err


def test_interrupt_ends_the_program_by_the_signal(tmp_path: Path) -> None:
    script = tmp_path / "sleep.py"
    script.write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    outcomes = []
    for runner in (True, False):
        with start([str(script)], runner) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            outcomes.append((process.communicate(timeout=30)[1], process.returncode))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1] == -signal.SIGINT


def test_usage_and_version() -> None:
    out, err, code = run([], True)
    assert (out, code) == ("", 2) and err.startswith("usage: python -m rushlight")
    assert run(["--help"], True)[0].startswith("usage: python -m rushlight")
    assert run(["--version"], True)[0].startswith("Rushlight 2.13.0+rushlight")
    assert run(["--nope"], True)[1].startswith("unknown option --nope")


def test_refuses_beside_pytorch() -> None:
    code = "import sys, torch, rushlight\ntry: rushlight.as_torch()\nexcept RuntimeError as e: print('refused', e)"
    out, err, _ = run(["-c", code], False)
    assert out.startswith("refused as_torch: PyTorch is imported already"), err


def test_environment_is_left_alone_without_the_runner() -> None:
    code = "import rushlight, sys, os; print('torch' in sys.modules, os.environ.get('PYTHONPATH'), rushlight.__name__)"
    out, _, _ = run(["-c", code], False)
    assert out.split() == ["False", str(os.environ.get("PYTHONPATH")), "rushlight"]
