"""The library in a process: forks, PyTorch beside it, and what an import costs. Each check has its own interpreter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run(source: str, **environment: str) -> str:
    """What the program prints; its failure is shown."""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, env={**os.environ, **environment}, timeout=60
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_forked_child_computes_after_its_parent_used_threads() -> None:
    source = """
import os, rushlight as rl
rl.set_num_threads(2)
x = rl.ones(300_000, requires_grad=True)
def work():
    y = (x.exp() * 2).sum() + (rl.ones(200, 200) @ rl.ones(200, 200)).sum()
    x.grad = None
    y.backward()
    return y.item(), x.grad.sum().item()
expected = work()
for _ in range(3):
    child = os.fork()
    if not child:
        os._exit(0 if work() == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
assert work() == expected
print("done")
"""
    assert run(source, OMP_NUM_THREADS="2") == "done\n"


@pytest.mark.parametrize("first", ["rushlight", "torch"])
def test_beside_pytorch(first: str) -> None:
    second = "torch" if first == "rushlight" else "rushlight"
    source = f"""
import {first}, {second}
import rushlight as rl, torch as pt
for m in (rl, pt, rl):
    x = (m.arange(50_000.) / 50_000).reshape(500, 100).requires_grad_()
    loss = (x @ x.t()).exp().mean()
    loss.backward()
    print(round(loss.item() / 1e10, 4), tuple(x.grad.shape))
assert type(rl.ones(1)) is not type(pt.ones(1))
"""
    lines = run(source).splitlines()
    assert len(set(lines)) == 1, lines


def test_an_import_is_light() -> None:
    source = """
import sys, time
before = set(sys.modules)
with open("/proc/self/statm") as f: size = int(f.read().split()[1])
start = time.perf_counter()
import rushlight
seconds = time.perf_counter() - start
with open("/proc/self/statm") as f: grown = (int(f.read().split()[1]) - size) * 4 // 1024
print(len(set(sys.modules) - before), sorted(m for m in ("numpy", "torch", "rushlight.nn",
                                                         "rushlight.optim") if m in sys.modules))
print(f"{seconds * 1000:.0f} ms, {grown} MiB", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    print(done.stderr)
    count, _, loaded = done.stdout.partition(" ")
    assert loaded == "[]\n"
    assert int(count) <= 60, count


def test_computing_does_not_need_numpy() -> None:
    source = """
import sys
sys.modules["numpy"] = None
import rushlight as rl
net = rl.nn.Linear(3, 2)
net(rl.ones(4, 3)).sum().backward()
rl.optim.SGD(net.parameters(), lr=.1).step()
print(rl.ones(2), rl.tensor([[1, 2]]).tolist())
"""
    assert "tensor([1., 1.]) [[1, 2]]" in run(source)


def test_idle_memory_goes_back_to_the_system() -> None:
    source = """
import time, rushlight as rl
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
kept = rl.ones(4_000_000)
before = resident()
x = [rl.ones(4_000_000 + 300_000 * i) for i in range(8)]
assert resident() > before + 8 * 15_000_000
del x
time.sleep(2)
print(resident() <= 1.2 * before)
"""
    assert run(source) == "True\n"


def test_a_sub_interpreter_is_refused() -> None:
    inner = "try:\n    import rushlight\nexcept ImportError as e:\n    print('sub-interpreter' in str(e), flush=True)"
    source = f"import _xxsubinterpreters as i\ni.run_string(i.create(), {inner!r})"
    assert run(source) == "True\n"
