"""Anomaly mode: which lines it names, and what errors look like without it."""

from __future__ import annotations

import inspect
import warnings

import pytest

import rushlight as rl
from tests.unit.twin import agree


def line_of(text: str) -> int:
    """The number of the one line of this file that has the mark."""
    source, _ = inspect.getsourcelines(inspect.getmodule(line_of))
    (at,) = [i for i, line in enumerate(source, 1) if f"# {text}" in line and "line_of(" not in line]
    return at


def warned(loss: rl.Tensor) -> str:
    """What a failing backward warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError):
            loss.backward()
    return "\n".join(str(w.message) for w in caught)


@pytest.fixture(autouse=True)
def _off_again() -> object:
    yield
    assert not rl.is_anomaly_enabled()


def test_an_error_names_the_line_that_saved_and_the_line_that_wrote() -> None:
    x = rl.ones(2, requires_grad=True) * 1
    with rl.autograd.set_detect_anomaly(True):
        y = x * x  # the saving line
        x.add_(1)  # the writing line
        with pytest.raises(RuntimeError) as error, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y.sum().backward()
    text = str(error.value)
    saved, written = f"line {line_of('the saving line')}, in ", f"line {line_of('the writing line')}, in "
    assert 0 < text.index("saved by") < text.index(saved) < text.index("changed by") < text.index(written)
    assert "MulBackward0" in text
    assert "[2]" in text
    assert "test_anomaly.py" in text


def test_without_the_mode_the_error_says_how_to_learn_the_lines() -> None:
    x = rl.ones(2, requires_grad=True) * 1
    y = x * x
    x.add_(1)
    with pytest.raises(RuntimeError, match="detect_anomaly"):
        y.sum().backward()


def test_only_one_of_the_lines_may_be_known() -> None:
    x = rl.ones(2, requires_grad=True) * 1
    y = x * x
    with rl.autograd.set_detect_anomaly(True):
        x.add_(1)  # the late line
    with pytest.raises(RuntimeError, match=f"outside anomaly mode(.|\n)*line {line_of('the late line')}, in"):
        y.sum().backward()


def test_nan_names_the_forward_line() -> None:
    x = rl.zeros(2, requires_grad=True)
    with rl.autograd.set_detect_anomaly(True):
        y = x.sqrt() * 0  # the square root
        text = warned(y.sum())
    assert "SqrtBackward0" in text
    assert f"line {line_of('the square root')}, in test_nan_names_the_forward_line" in text


def test_a_failing_function_is_named() -> None:
    class Fails(rl.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: rl.Tensor) -> rl.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: object, g: rl.Tensor) -> rl.Tensor:
            raise RuntimeError("on purpose")

    x = rl.ones(2, requires_grad=True)
    with rl.autograd.set_detect_anomaly(True):
        text = warned(Fails.apply(x).sum())  # the applied line
        assert "FailsBackward" in text
        assert f"line {line_of('the applied line')}" in text
    assert "outside" not in warned(Fails.apply(x).sum())
    y = Fails.apply(x).sum()
    with rl.autograd.set_detect_anomaly(True):
        assert "run the forward pass in anomaly mode" in warned(y)


def test_an_error_in_a_second_derivative_names_both_forward_calls() -> None:
    x = rl.full((2,), 2.0, requires_grad=True)
    with rl.autograd.set_detect_anomaly(True):
        y = (x * x).sum()  # the outer call
        (g,) = rl.autograd.grad(y, x, create_graph=True)  # the first backward
        g.grad_fn.register_prehook(lambda _: None)
        node = next(f for f, _ in g.grad_fn.next_functions if f is not None)
        text = warned(((g - 4).sqrt() * 0).sum())
    assert "SqrtBackward0" in text
    assert any("the first backward" in line for line in node.metadata["traceback_"])
    parent = node.metadata["parent_"]
    assert parent.name() == "MulBackward0"
    assert any("the outer call" in line for line in parent.metadata["traceback_"])


def test_the_notes_go_with_their_memory() -> None:
    with rl.autograd.set_detect_anomaly(True):
        for _ in range(3):
            x = rl.ones(2, requires_grad=True) * 1
            x.add_(1)
            del x
    y = rl.ones(2, requires_grad=True) * 1
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match="detect_anomaly"):
        z.sum().backward()


MODES = [
    "show(torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled())",
    "with torch.autograd.detect_anomaly(): show(torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled())\n"
    "show(torch.is_anomaly_enabled())",
    "with torch.autograd.detect_anomaly(check_nan=False): show(torch.is_anomaly_check_nan_enabled())\n"
    "show(torch.is_anomaly_check_nan_enabled())",
    "torch.autograd.set_detect_anomaly(True); show(torch.is_anomaly_enabled())\n"
    "torch.autograd.set_detect_anomaly(False)",
    "with torch.autograd.set_detect_anomaly(True): pass\nshow(torch.is_anomaly_enabled())",
    "with torch.autograd.set_detect_anomaly(True, check_nan=False):\n"
    "    x = torch.zeros(2, requires_grad=True); (x.sqrt() * 0).sum().backward(); show(x.grad.isnan())",
    "with torch.autograd.detect_anomaly():\n"
    "    x = torch.zeros(2, requires_grad=True); tried((x.sqrt() * 0).sum().backward); show(x.grad)\n"
    "    (x.exp() * x).sum().backward(); show(x.grad)",
    "with torch.autograd.detect_anomaly():\n"
    "    x = torch.tensor([1., float('nan')], requires_grad=True); (x * 2).sum().backward(); show(x.grad)",
]


@pytest.mark.parametrize("program", MODES)
def test_program(program: str) -> None:
    agree(f"show(0)\n{program}")
