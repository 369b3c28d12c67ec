"""Layers against PyTorch: signatures, reprs, names and values in state_dict, outputs and gradients."""

import inspect
import warnings

import pytest
import torch as pt

import rushlight as rl
from tests.unit.nn.helpers import same, twin

LAYERS = [
    "Linear(3, 4)",
    "Linear(3, 4, bias=False)",
    "Bilinear(2, 3, 4)",
    "Identity(1, a=2)",
    "LazyLinear(3)",
    "Conv1d(2, 4, 3)",
    "Conv2d(1, 3, 3)",
    "Conv2d(2, 4, (3, 2), stride=2, padding=1, dilation=2, groups=2, bias=False)",
    "Conv2d(2, 2, 3, padding='same', padding_mode='reflect')",
    "Conv3d(1, 2, 3)",
    "ConvTranspose1d(2, 4, 3)",
    "ConvTranspose2d(2, 4, 3, stride=2, output_padding=1)",
    "ConvTranspose3d(1, 2, 2)",
    "LazyConv2d(3, 2)",
    "LazyConvTranspose1d(3, 2)",
    "Threshold(1, 2)",
    "Threshold(1, 2, True)",
    "ReLU()",
    "ReLU(inplace=True)",
    "RReLU()",
    "Hardtanh()",
    "Hardtanh(0, 1, True)",
    "ReLU6(True)",
    "Sigmoid()",
    "Hardsigmoid(True)",
    "Hardswish()",
    "Tanh()",
    "SiLU(True)",
    "Mish()",
    "ELU()",
    "ELU(1, True)",
    "CELU()",
    "SELU(True)",
    "GLU()",
    "GELU('tanh')",
    "Hardshrink()",
    "LeakyReLU(.1, True)",
    "LogSigmoid()",
    "Softplus()",
    "Softshrink()",
    "PReLU(3)",
    "Softmin(1)",
    "Softmax()",
    "Softmax2d()",
    "LogSoftmax(-1)",
    "Softsign()",
    "Tanhshrink()",
    "MaxPool1d(2)",
    "MaxPool2d((2, 3), 1, padding=1)",
    "MaxPool3d(2)",
    "AvgPool1d(2)",
    "AvgPool2d(2)",
    "AvgPool3d(2)",
    "LPPool2d(2, 3)",
    "MaxUnpool1d(2)",
    "MaxUnpool2d(2)",
    "AdaptiveAvgPool1d(3)",
    "AdaptiveAvgPool2d((1, 2))",
    "AdaptiveMaxPool2d((3, None))",
    "Flatten()",
    "Unflatten(1, (2, 3))",
    "Dropout(0.2)",
    "Dropout1d()",
    "Dropout2d()",
    "Dropout3d(inplace=True)",
    "AlphaDropout()",
    "FeatureAlphaDropout()",
    "Embedding(5, 3)",
    "Embedding(5, 3, -1, 1.0, 3., True)",
    "EmbeddingBag(5, 3)",
    "EmbeddingBag(5, 3, padding_idx=1, max_norm=2, mode='sum')",
    "BatchNorm1d(3)",
    "BatchNorm2d(3, affine=False)",
    "BatchNorm3d(3, track_running_stats=False)",
    "BatchNorm2d(3, bias=False)",
    "LazyBatchNorm1d()",
    "InstanceNorm1d(3)",
    "InstanceNorm2d(3, affine=True, track_running_stats=True)",
    "LayerNorm(3)",
    "LayerNorm((2, 3), bias=False)",
    "GroupNorm(2, 4)",
    "GroupNorm(1, 3, affine=False)",
    "RMSNorm(3)",
    "LocalResponseNorm(2)",
    "CosineSimilarity()",
    "PairwiseDistance()",
    "CrossEntropyLoss()",
    "NLLLoss()",
    "MSELoss()",
    "L1Loss()",
    "BCELoss()",
    "BCEWithLogitsLoss()",
    "SmoothL1Loss()",
    "HuberLoss()",
    "KLDivLoss()",
    "TripletMarginLoss()",
    "CTCLoss()",
    "GaussianNLLLoss()",
    "PoissonNLLLoss()",
    "MultiMarginLoss()",
    "PixelShuffle(2)",
    "PixelUnshuffle(2)",
    "ChannelShuffle(2)",
    "ReflectionPad1d(2)",
    "ReflectionPad3d(1)",
    "ReplicationPad2d((1, 2, 3, 4))",
    "ConstantPad1d(2, 3.)",
    "ConstantPad3d(1, 2)",
    "ZeroPad2d(1)",
    "CircularPad3d(1)",
    "Upsample(2)",
    "Upsample(scale_factor=(2, 3), mode='bilinear')",
    "UpsamplingBilinear2d(2)",
    "UpsamplingNearest2d(scale_factor=2)",
    "Fold(4, 2)",
    "Unfold((2, 3))",
    "LazyInstanceNorm2d()",
]


def make(nn, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval("nn." + text, {"nn": nn})


@pytest.mark.parametrize("text", LAYERS)
def test_repr_state_and_attributes(text):
    pt.manual_seed(0)
    theirs = make(pt.nn, text)
    rl.manual_seed(0)
    ours = make(rl.nn, text)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    if not text.startswith("Lazy"):
        for name, value in theirs.state_dict().items():
            same(ours.state_dict()[name], value)
    public = {k: v for k, v in vars(theirs).items() if not k.startswith("_")}
    assert {k: getattr(ours, k) for k in public} == public


@pytest.mark.parametrize("name", sorted({text.split("(")[0] for text in LAYERS}))
def test_signature(name):
    def arguments(cls):
        return [(p.name, p.kind, p.default) for p in inspect.signature(cls.__init__).parameters.values()]

    assert arguments(getattr(rl.nn, name)) == arguments(getattr(pt.nn, name))


CASES = [
    ("Linear(3, 4)", (5, 3)),
    ("Linear(3, 4)", (2, 5, 3)),
    ("Conv2d(2, 4, 3, padding=1)", (2, 2, 5, 5)),
    ("Conv2d(2, 4, (3, 2), stride=2, groups=2)", (2, 2, 6, 5)),
    ("Conv2d(1, 3, 3)", (1, 6, 6)),
    ("ReLU()", (4, 3)),
    ("MaxPool2d(2)", (2, 3, 4, 6)),
    ("Flatten()", (2, 3, 4)),
    ("Tanh()", (3, 4)),
    ("Softmax(1)", (3, 4)),
    ("Softmin(0)", (3, 4)),
    ("LogSoftmax(1)", (3, 4)),
    ("Hardtanh()", (3, 4)),
    ("LeakyReLU()", (3, 4)),
    ("Hardshrink()", (3, 4)),
    ("Threshold(0.1, 5)", (3, 4)),
    ("BatchNorm1d(3)", (8, 3)),
    ("BatchNorm2d(3, momentum=None)", (4, 3, 2, 2)),
    ("LayerNorm(4)", (3, 4)),
    ("GroupNorm(2, 4)", (2, 4, 3)),
    ("InstanceNorm2d(3, affine=True)", (2, 3, 4, 4)),
    ("InstanceNorm1d(3)", (3, 4)),
    ("PReLU(3)", (2, 3, 4)),
    ("Hardswish()", (3, 4)),
]


@pytest.mark.parametrize(("text", "shape"), CASES)
def test_output_and_gradients(text, shape):
    ours, theirs = twin(lambda nn: make(nn, text))
    x = pt.randn(shape, generator=pt.Generator().manual_seed(1))
    a = rl.tensor(x.tolist()).requires_grad_()
    b = x.clone().requires_grad_()
    for _ in range(2):
        mine, his = ours(a), theirs(b)
        same(mine, his, tolerance=1e-5)
    (mine * mine).sum().backward()
    (his * his).sum().backward()
    same(a.grad, b.grad, tolerance=1e-4)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        same(p.grad, q.grad, tolerance=1e-3), name
    for p, q in zip(ours.buffers(), theirs.buffers(), strict=True):
        same(p, q, tolerance=1e-5)


@pytest.mark.parametrize(
    ("text", "shape", "names"),
    [
        ("LazyLinear(3)", (2, 5), ["weight", "bias"]),
        ("LazyConv2d(3, 2)", (1, 2, 4, 4), ["weight", "bias"]),
        ("LazyBatchNorm1d()", (4, 3), ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]),
    ],
)
def test_lazy_module_becomes_an_ordinary_one(text, shape, names):
    ours, theirs = make(rl.nn, text), make(pt.nn, text)
    assert ours.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="not known yet"):
        ours.weight.shape
    ours(rl.ones(shape))
    theirs(pt.ones(shape))
    assert type(ours).__name__ == type(theirs).__name__ == text.split("(")[0].removeprefix("Lazy")
    assert repr(ours) == repr(theirs)
    assert [n for n, _ in ours.state_dict().items()] == names
    assert all(type(p) is rl.nn.Parameter for p in ours.parameters())
    assert not hasattr(ours, "_initialize_hook")


@pytest.mark.parametrize(
    "text",
    [
        "Conv2d(3, 4, 3, groups=2)",
        "Conv2d(4, 3, 3, groups=2)",
        "Conv2d(2, 2, 3, groups=0)",
        "Conv2d(1, 1, 3, padding='big')",
        "Conv2d(1, 1, 3, padding='same', stride=2)",
        "Conv2d(1, 1, 3, padding_mode='none')",
        "ConvTranspose2d(1, 1, 3, padding_mode='reflect')",
        "Bilinear(0, 1, 1)",
        "Dropout(1.5)",
        "GroupNorm(2, 3)",
        "Embedding(3, 2, padding_idx=3)",
        "Hardtanh(1, 0)",
        "Unflatten(1, 2)",
        "Unflatten(1, (2.0,))",
        "MultiMarginLoss(3)",
        "TripletMarginLoss(-1)",
        "Embedding(3, 2, _weight=__import__('torch').ones(2, 2))",
    ],
)
def test_errors_have_the_type_of_pytorch(text):
    with pytest.raises(Exception) as theirs:
        make(pt.nn, text)
    with pytest.raises(theirs.type):
        make(rl.nn, text)


def test_conv_transpose_output_size():
    ours, theirs = rl.nn.ConvTranspose2d(1, 1, 3, stride=2), pt.nn.ConvTranspose2d(1, 1, 3, stride=2)
    x = rl.ones(1, 1, 4, 4)
    assert ours._output_padding(x, [10, 9]) == (1, 0)
    assert theirs(pt.ones(1, 1, 4, 4), [10, 9]).shape == (1, 1, 10, 9)
    for size in ([12, 9], [9], [8, 9]):
        with pytest.raises(ValueError):
            ours._output_padding(x, size)


def test_batch_norm_checks_its_input():
    with pytest.raises(ValueError, match="dimensions"):
        rl.nn.BatchNorm2d(3)(rl.ones(2, 3))
    with pytest.raises(ValueError, match="more than 1 value"):
        rl.nn.BatchNorm1d(3)(rl.ones(1, 3))


def test_batch_norm_loads_files_that_do_not_count_batches():
    state = rl.nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"], state._metadata
    assert repr(rl.nn.BatchNorm1d(2).load_state_dict(state)) == "<All keys matched successfully>"


def test_embedding_padding_row_is_zero():
    table = rl.nn.Embedding(4, 3, padding_idx=-2)
    assert table.padding_idx == 2
    assert table.weight[2].tolist() == [0.0] * 3
    frozen = rl.nn.Embedding.from_pretrained(rl.ones(2, 3))
    assert not frozen.weight.requires_grad and (frozen.num_embeddings, frozen.embedding_dim) == (2, 3)
