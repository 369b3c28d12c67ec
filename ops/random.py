"""Random numbers: PyTorch's CPU stream, bit for bit."""

from ops.kinds import creation, inplace, kernel
from ops.row import every, floating

inplace("uniform_(self, from_: float = 0, to: float = 1, *, generator: Generator | None = None)", run="uniform",
        types=floating, grad={"self": "zeros_like(g)"}, samples="none",
        doc="Fills with uniform numbers from [from, to).")
inplace("normal_(self, mean: float = 0, std: float = 1, *, generator: Generator | None = None)", run="normal",
        types=floating, grad={"self": "zeros_like(g)"}, samples="none", doc="Fills with normal numbers.")
inplace("random_(self, *, generator: Generator | None = None)", run="random", types=every,
        grad={"self": "zeros_like(g)"}, samples="none", doc="Fills with integers over the dtype's range.")
inplace("random_(self, to: int, *, generator: Generator | None = None)", overload="to", run="random_to", types=every,
        grad={"self": "zeros_like(g)"}, samples="none", doc="Fills with integers from [0, to).")
inplace("random_(self, from_: int, to: int | None, *, generator: Generator | None = None)", overload="from",
        run="random_from", types=every, grad={"self": "zeros_like(g)"}, samples="none",
        doc="Fills with integers from [from, to).")
inplace("bernoulli_(self, p: float = 0.5, *, generator: Generator | None = None)", run="bernoulli", types=every,
        grad={"self": "zeros_like(g)"}, samples="none", doc="Fills with 1 with probability p, else 0.")
creation("rand(*size: int, generator: Generator | None = None)", samples="none", onnx="RandomUniform",
         doc="Uniform numbers from [0, 1).")
creation("randn(*size: int, generator: Generator | None = None)", samples="none", onnx="RandomNormal",
         doc="Normal numbers of mean 0 and variance 1.")
creation("randint(high: int, size: Ints, *, generator: Generator | None = None)", run="randint", samples="none",
         doc="Integers from [0, high).")
creation("randint(low: int, high: int, size: Ints, *, generator: Generator | None = None)", overload="low",
         run="randint_low", samples="none", doc="Integers from [low, high).")
creation("randperm(n: int, *, generator: Generator | None = None)", samples="none",
         doc="A random permutation of 0 to n - 1.")
creation("rand_like(input, *, memory_format: MemoryFormat | None = None)", samples="none",
         doc="Uniform numbers in the shape of input.")
creation("randn_like(input, *, memory_format: MemoryFormat | None = None)", samples="none",
         doc="Normal numbers in the shape of input.")
kernel("_dropout(input, p: float)", run="dropout", private=True, method=False, types=floating,
       returns=("output", "mask"), undifferentiable=("mask",), grad={"input": "g * mask"}, samples="none",
       onnx="Dropout", node="MulBackward0",
       doc="input with each element zeroed with probability p, the rest scaled by 1 / (1 - p), and the scale of each "
           "element.")
