"""`repr` of this library's objects against PyTorch's, to the character: tensors of the same bytes, and the rest."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as pt
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight as rl
from rushlight import _tensor_str as printing

FLOATS = ("float32", "float64", "float16", "bfloat16")
COMPLEX = ("complex64", "complex128")
WHOLE = ("uint8", "int8", "int16", "int32", "int64", "bool")
ALL = (*FLOATS, *COMPLEX, *WHOLE)
LIBRARIES = (rl, pt)

special = st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf])
whole = st.integers(-(10**5), 10**5).map(float)
decade = st.builds(lambda m, e: m * 10.0**e, st.floats(-10, 10), st.integers(-9, 12))
border = st.sampled_from([1e-4, 9.9999e-5, 1e8, 1.0001e8, 1000.0, 999.9999, 0.5, 0.99995, 99.99995, 2.0**24, 1e-300])
number = st.one_of(special, whole, st.floats(-100, 100), decade, border, st.floats(allow_nan=False))
integer = st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200)
shapes = st.lists(st.sampled_from((0, 1, 1, 2, 2, 3, 4, 7)), max_size=5)
print_options = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.sampled_from([0, 1, 3, 10, 50, 1000, math.inf]),
        "edgeitems": st.integers(0, 3),
        "linewidth": st.sampled_from([1, 10, 30, 60, 80, 200]),
        "sci_mode": st.sampled_from([True, False, None]),
        "profile": st.sampled_from(["default", "short", "full"]),
    },
)

Act = Callable[[Any, Any], Any]  # (library, tensor) -> tensor


def leaf(t: Any) -> Any:
    """The tensor without history, and with requires_grad where its dtype has derivatives."""
    return t.detach().requires_grad_(t.is_floating_point() or t.is_complex())


LAYOUTS: dict[str, Act] = {
    "plain": lambda m, t: t,
    "transposed": lambda m, t: t.transpose(0, -1) if t.dim() else t,
    "stepped": lambda m, t: t[..., ::2] if t.dim() else t,
    "flipped": lambda m, t: t.flip(0) if t.dim() else t,
    "expanded": lambda m, t: t.unsqueeze(0).expand(3, *t.shape),
    "row": lambda m, t: t[-1] if t.dim() and t.shape[0] else t,
    "shifted": lambda m, t: t[1:] if t.dim() else t,
    "conjugate": lambda m, t: t.conj(),
    "imaginary": lambda m, t: t.imag if t.is_complex() else t,
}
STATES: dict[str, Act] = {
    "plain": lambda m, t: t,
    "a leaf": lambda m, t: leaf(t),
    "a copy": lambda m, t: leaf(t).clone(),
    "a view": lambda m, t: leaf(t).unsqueeze(-1),
    "flattened": lambda m, t: leaf(t).reshape(-1),
    "detached": lambda m, t: leaf(t).clone().detach(),
    "a parameter": lambda m, t: m.nn.Parameter(t.detach(), requires_grad=leaf(t).requires_grad),
    "a frozen parameter": lambda m, t: m.nn.Parameter(t.detach(), requires_grad=False),
    "a buffer": lambda m, t: m.nn.Buffer(t.detach()),
    "on meta": lambda m, t: leaf(t.to("meta")),
}


def ours(t: pt.Tensor) -> Any:
    """The tensor of this library that has the same bytes, in memory of its own."""
    raw = np.frombuffer(t.contiguous().reshape(-1).view(pt.uint8).numpy().tobytes(), np.uint8).copy()
    return rl.from_numpy(raw).view(getattr(rl, str(t.dtype).removeprefix("torch."))).reshape(tuple(t.shape))


def fill(values: list[Any], shape: list[int], dtype: str) -> pt.Tensor:
    """PyTorch's tensor of the values, repeated as often as the shape needs."""
    count = math.prod(shape)
    if dtype in COMPLEX:
        return pt.complex(fill(values, shape, "float64"), fill(values[::-1], shape, "float64")).to(getattr(pt, dtype))
    start = pt.int64 if dtype in WHOLE else pt.float64
    return pt.tensor((values * count)[:count], dtype=start).reshape(shape).to(getattr(pt, dtype))


@contextlib.contextmanager
def options_of_both(options: dict[str, Any]) -> Any:
    for m in LIBRARIES:
        m.set_printoptions(profile="default")
    try:
        for m in LIBRARIES:
            m.set_printoptions(**options)
        assert printing.get_printoptions() == vars(pt._tensor_str.PRINT_OPTS)
        yield
    finally:
        for m in LIBRARIES:
            m.set_printoptions(profile="default")


def check(t: pt.Tensor, layout: str = "plain", state: str = "plain", **options: Any) -> None:
    """Both print the same: the tensor, laid out and used in some way, under the options."""
    mine, theirs = (STATES[state](m, LAYOUTS[layout](m, x)) for m, x in ((rl, ours(t)), (pt, t.clone())))
    with options_of_both(options):
        assert repr(mine) == repr(theirs)


drawn = {"layout": st.sampled_from(list(LAYOUTS)), "state": st.sampled_from(list(STATES)), "options": print_options}


@settings(max_examples=500)
@given(values=st.lists(number, min_size=1, max_size=12), shape=shapes, **drawn)
def test_floats(values: list[float], shape: list[int], layout: str, state: str, options: dict[str, Any]) -> None:
    for dtype in FLOATS:
        check(fill(values, shape, dtype), layout, state, **options)


@settings(max_examples=400)
@given(values=st.lists(number, min_size=1, max_size=9), shape=shapes, **drawn)
def test_complex(values: list[float], shape: list[int], layout: str, state: str, options: dict[str, Any]) -> None:
    for dtype in COMPLEX:
        check(fill(values, shape, dtype), layout, state, **options)


@settings(max_examples=300)
@given(values=st.lists(integer, min_size=1, max_size=9), shape=shapes, **drawn)
def test_integers_and_bool(
    values: list[int], shape: list[int], layout: str, state: str, options: dict[str, Any]
) -> None:
    for dtype in WHOLE:
        check(fill(values, shape, dtype), layout, state, **options)


@settings(max_examples=80)
@given(shape=st.lists(st.integers(1, 9), min_size=1, max_size=4), **drawn)
def test_summaries(shape: list[int], layout: str, state: str, options: dict[str, Any]) -> None:
    t = (pt.arange(math.prod(shape)) % 250).reshape(shape)
    for dtype in ALL:
        check(t.to(getattr(pt, dtype)), layout, state, **{"threshold": 5, **options})


@pytest.mark.parametrize("default", ["float64", "float16", "bfloat16"])
def test_the_default_dtype_decides_what_is_named(default: str) -> None:
    try:
        for m in LIBRARIES:
            m.set_default_dtype(getattr(m, default))
        for dtype in ALL:
            t = pt.ones(2, dtype=getattr(pt, dtype))
            check(t)
            check(t[:0])
            check(t, state="on meta")
    finally:
        for m in LIBRARIES:
            m.set_default_dtype(m.float32)


@pytest.mark.parametrize("linewidth", range(20, 100, 7))
def test_suffixes_break_lines(linewidth: int) -> None:
    for t in (pt.ones(3, 2, dtype=pt.float64), pt.zeros(0, 3, dtype=pt.int32), pt.ones(2, 3, dtype=pt.half)):
        for state in STATES:
            check(t, state=state, linewidth=linewidth)


def of_both(source: str) -> tuple[str, str]:
    """The repr of an expression, or the type of what it raises, in each library."""

    def shown(m: Any) -> str:
        m.manual_seed(0)
        try:
            return repr(eval(source, {"torch": m}))
        except Exception as error:
            return type(error).__name__

    return shown(rl), shown(pt)


TENSORS = """
torch.ones(1, dtype=torch.int16).expand(10**6, 10**6, 30)
torch.zeros(300, 40)
torch.arange(3.0).as_subclass(type("Named", (torch.Tensor,), {}))
torch.arange(30.0).reshape(5, 6).as_subclass(type("LongerName", (torch.Tensor,), {}))
torch.arange(3.0).requires_grad_().mean(0)
torch.arange(3.0).requires_grad_().max(0)
torch.arange(6.0).requires_grad_().view(2, 3).split(2, 1)
torch.arange(6).view(2, 3).max(1)
torch.arange(6.0).sort(descending=True)
torch.autograd.forward_ad.unpack_dual(torch.ones(2))
[torch.ones(2), {"a": torch.zeros(1, dtype=torch.bool)}]
torch.ones(2).to("meta", torch.int8)
torch.empty(0, device="meta")
torch.ones(3).untyped_storage().tolist()
torch.inference_mode()(lambda: torch.ones(2) * 2)()
torch.nn.Parameter(torch.ones(2, 2))
torch.nn.Parameter(torch.ones(2, 2), requires_grad=False)
torch.nn.ParameterList([torch.ones(2), torch.ones(1, 3)])
torch.nn.ParameterDict({"a": torch.ones(2)})
torch.nn.parameter.UninitializedParameter()
torch.nn.parameter.UninitializedBuffer()
torch.nn.Buffer(torch.ones(2))
torch.tensor(1.5).requires_grad_().exp()
torch.tensor([]).requires_grad_()
f"{torch.tensor(1.23456789):.3f}, {torch.tensor([1.0])}, {torch.tensor(7):5d}, {torch.tensor(True)}"
str(torch.tensor([1.0, 2.0])), "%s" % torch.tensor(3)
""".strip().splitlines()

OBJECTS = """
torch.float32, torch.half, torch.bfloat16, torch.long, torch.bool, torch.cfloat, torch.complex128, torch.uint8
torch.Size([1, 2]), torch.Size(), torch.Size([3]), torch.ones(2, 0).shape
torch.Size([1, 2])[:1], torch.Size([1]) + (2,)
torch.device("cpu"), torch.device("cuda", 1), torch.device("cuda:0"), torch.device("meta"), torch.device("cpu", 0)
str(torch.device("cuda", 1)), str(torch.float32), str(torch.Size([1])), str(torch.strided)
torch.strided, torch.sparse_coo, torch.contiguous_format, torch.preserve_format
torch.channels_last, torch.channels_last_3d
torch.Tensor, torch.Size, torch.dtype, torch.device, torch.layout, torch.memory_format, torch.nn.Parameter
torch.FloatTensor
torch.finfo(torch.float32), torch.finfo(torch.float64), torch.finfo(torch.half), torch.finfo(torch.bfloat16)
torch.finfo()
torch.iinfo(torch.uint8), torch.iinfo(torch.int8), torch.iinfo(torch.int16), torch.iinfo(torch.int32)
torch.iinfo(torch.int64)
torch.tensor([1.0, 2.0]).untyped_storage(), torch.tensor([1.0, 2.0]).storage(), torch.tensor([1]).storage()
torch.autograd.grad_mode.set_grad_enabled(True)
torch.int32.to_complex(), torch.float32.to_complex(), torch.float64.to_complex(), torch.complex64.to_real()
torch.bool.to_complex()
torch.bfloat16.to_complex()
torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1, momentum=0.9)
torch.optim.Adam([{"params": torch.nn.Parameter(torch.ones(2)), "lr": 0.5}, {"params": torch.nn.Buffer(torch.ones(1))}])
torch.optim.AdamW([torch.ones(2, requires_grad=True)])
torch.nn.utils.rnn.pack_sequence([torch.ones(2), torch.ones(1)])
torch.ones(2, requires_grad=True).exp().grad_fn.name(), torch.autograd.Function, torch.nn.Module, torch.nn.Linear
torch.get_default_dtype(), torch.get_default_device()
torch.__version__[:4], torch.version.cuda, torch.nn.init.calculate_gain("relu")
""".strip().splitlines()

MODULES = """
Linear(2, 3)
Linear(2, 3, bias=False)
Bilinear(2, 3, 4)
Identity()
Conv1d(1, 2, 3)
Conv2d(4, 8, 3, stride=2, padding=1)
Conv2d(4, 8, (3, 5), padding="same", groups=4, bias=False)
Conv2d(4, 8, 3, dilation=2, padding_mode="reflect")
Conv3d(1, 2, 3)
ConvTranspose1d(1, 2, 3)
ConvTranspose2d(4, 8, 3, stride=2, output_padding=1)
BatchNorm1d(3)
BatchNorm2d(3, affine=False, track_running_stats=False)
LayerNorm((2, 3))
LayerNorm(3, elementwise_affine=False)
GroupNorm(2, 4)
InstanceNorm2d(3)
RMSNorm(4)
Embedding(5, 3)
Embedding(5, 3, padding_idx=0, max_norm=1.0)
EmbeddingBag(5, 3, mode="sum")
Dropout(0.3)
Dropout2d(inplace=True)
AlphaDropout()
ReLU()
ReLU(inplace=True)
LeakyReLU(0.2)
PReLU()
ELU()
SELU()
GELU(approximate="tanh")
SiLU()
Mish()
Softplus()
Hardtanh(-1, 2)
Threshold(0.1, 2)
Softmax(dim=1)
LogSoftmax()
Tanh()
Sigmoid()
GLU()
MaxPool2d(2)
MaxPool2d((3, 2), stride=(2, 1), ceil_mode=True)
AvgPool1d(2)
AdaptiveAvgPool2d((1, 1))
AdaptiveAvgPool2d(1)
AdaptiveMaxPool1d(3)
LPPool2d(2, 3)
Flatten()
Unflatten(1, (2, 3))
Upsample(scale_factor=2)
Upsample((3, 4), mode="bilinear", align_corners=True)
PixelShuffle(2)
ZeroPad2d(1)
ReflectionPad2d((1, 2, 3, 4))
ConstantPad1d(1, 3.5)
Fold((4, 4), 2)
Unfold(2)
CosineSimilarity()
PairwiseDistance()
MSELoss()
CrossEntropyLoss()
NLLLoss()
BCEWithLogitsLoss()
SmoothL1Loss()
KLDivLoss()
TripletMarginLoss()
RNN(2, 3)
LSTM(2, 3, num_layers=2, bidirectional=True, batch_first=True, dropout=0.1)
GRU(2, 3, bias=False)
LSTMCell(2, 3)
GRUCell(2, 3, bias=False)
RNNCell(2, 3, nonlinearity="relu")
MultiheadAttention(4, 2)
TransformerEncoderLayer(4, 2)
TransformerEncoder(torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 2)
TransformerDecoderLayer(4, 2, norm_first=True)
Transformer(4, 2, 1, 1, 8)
Sequential()
Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Tanh()))
ModuleList([torch.nn.Linear(2, 2) for _ in range(4)])
ModuleList([torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.ReLU(), torch.nn.Linear(1, 1)])
ModuleDict({"one": torch.nn.ReLU(), "two": torch.nn.ModuleList([])})
LazyLinear(3)
LazyConv2d(3, 2)
""".strip().splitlines()


@pytest.mark.parametrize("source", TENSORS + OBJECTS + [f"torch.nn.{module}" for module in MODULES])
def test_objects(source: str) -> None:
    mine, theirs = of_both(source)
    assert mine.replace("rushlight", "torch") == theirs


def test_contents_that_a_subclass_gives() -> None:
    assert printing.tensor_repr(rl.ones(2), contents="one, one") == "tensor(one, one)"
    theirs = pt._tensor_str._str(pt.ones(2), tensor_contents="one, one")
    assert printing.tensor_repr(rl.ones(2), contents="one, one") == theirs


def test_the_context_restores() -> None:
    before = printing.get_printoptions()
    with pytest.raises(KeyError), printing.printoptions(precision=1, sci_mode=True):
        assert printing.get_printoptions()["precision"] == 1
        raise KeyError
    assert printing.get_printoptions() == before
