"""Random numbers: PyTorch's CPU stream, bit for bit."""

from ops.kinds import composite, creation, inplace, kernel
from ops.row import boolean, every, floating, integral

inplace("uniform_(self, from_: float = 0, to: float = 1, *, generator: Generator | None = None)", run="uniform",
        types=floating, grad={"self": "zeros_like(g)"}, samples="none",
        widens=False, doc="Fills with uniform numbers from [from, to).")
inplace("normal_(self, mean: float = 0, std: float = 1, *, generator: Generator | None = None)", run="normal",
        types=floating, grad={"self": "zeros_like(g)"}, samples="none", widens=False, doc="Fills with normal numbers.")
inplace("random_(self, *, generator: Generator | None = None)", run="random", types=every, node="RandomBackward2",
        grad={"self": "zeros_like(g)"}, samples="none", widens=False, doc="Fills with integers over the dtype's range.")
inplace("random_(self, to: int, *, generator: Generator | None = None)", overload="to", run="random_to", types=every,
        node="RandomBackward1",
        grad={"self": "zeros_like(g)"}, samples="none", widens=False, doc="Fills with integers from [0, to).")
inplace("random_(self, from_: int, to: int | None, *, generator: Generator | None = None)", overload="from",
        run="random_from", types=every, grad={"self": "zeros_like(g)"}, samples="none",
        widens=False, doc="Fills with integers from [from, to).")
inplace("bernoulli_(self, p: float = 0.5, *, generator: Generator | None = None)", run="bernoulli", types=every,
        node="BernoulliBackward2", grad={"self": "zeros_like(g)"}, samples="none",
        widens=False, doc="Fills with 1 with probability p, else 0.")
inplace("bernoulli_(self, p, *, generator: Generator | None = None)", overload="each", run="bernoulli_each",
        types=boolean + integral + floating, grad={"self": "zeros_like(g)", "p": "zeros_like(p)"},
        node="BernoulliBackward1", samples="none",
        widens=False, doc="Fills with 1 with the probability that p, broadcast to self, has there, else 0.")
for _signature, _types, _doc in (
    ("exponential_(self, lambd: float = 1", floating, "Fills with exponential numbers of rate lambd."),
    ("cauchy_(self, median: float = 0, sigma: float = 1", floating, "Fills with numbers of a Cauchy distribution."),
    ("log_normal_(self, mean: float = 1, std: float = 2", floating,
     "Fills with the exponentials of normal numbers of that mean and standard deviation."),
    ("geometric_(self, p: float", integral + floating,
     "Fills with the number of tries until one of probability p succeeds, 1 or more."),
):
    inplace(f"{_signature}, *, generator: Generator | None = None)", types=_types, grad={"self": "zeros_like(g)"},
            samples="none", widens=False, doc=_doc)

kernel("bernoulli(input, *, generator: Generator | None = None)", run="bernoulli_like", types=floating, out=True,
       grad={"input": "zeros_like(g)"}, samples="none",
       widens=False, doc="1 with the probability that input has there, else 0.")
kernel("bernoulli(input, p: float, *, generator: Generator | None = None)", overload="p", run="bernoulli_p",
       node="BernoulliBackward3",
       types=boolean + integral + floating, grad={"input": "zeros_like(g)"}, samples="none",
       widens=False, doc="1 with probability p, else 0, in the shape of input.")
for _overload, _arguments, _grads, _number in (
    ("both", "mean, std", ("mean", "std"), 3),
    ("mean", "mean, std: float = 1", ("mean",), 1),
    ("std", "mean: float, std", ("std",), 2),
):
    kernel(f"normal({_arguments}, *, generator: Generator | None = None)", overload=_overload,
           run=f"normal_{_overload}", method=False, types=floating, out=True, node=f"NormalBackward{_number}",
           grad={name: f"zeros_like({name})" for name in _grads}, samples="none",
           widens=False, doc="Normal numbers, each with its own mean or standard deviation.")
creation("normal(mean: float, std: float, size: Ints, *, generator: Generator | None = None)", overload="size",
         run="normal_size", samples="none", onnx="RandomNormal", doc="Normal numbers of that mean and deviation.")
kernel("poisson(input, generator: Generator | None = None)", method=False, types=floating,
       grad={"input": "zeros_like(g)"}, samples="none",
       widens=False, doc="Counts of a Poisson distribution, each with the rate that input has there.")
kernel("binomial(count, prob, generator: Generator | None = None)", method=False, types=("float32", "float64"),
       samples="none", widens=False, doc="Numbers of successes in count tries of probability prob.")
kernel("multinomial(input, num_samples: int, replacement: bool = False, *, generator: Generator | None = None)",
       types=floating, out=True, samples="none", onnx="Multinomial",
       widens=False,
       doc="num_samples indices into each row of weights, drawn in proportion to them; the weights need not sum to 1.")
creation("rand(*size: int, generator: Generator | None = None)", samples="none", onnx="RandomUniform",
         doc="Uniform numbers from [0, 1).")
creation("randn(*size: int, generator: Generator | None = None)", samples="none", onnx="RandomNormal",
         doc="Normal numbers of mean 0 and variance 1.")
creation("randint(high: int, size: IntList, *, generator: Generator | None = None)", run="randint", samples="none",
         doc="Integers from [0, high).")
creation("randint(low: int, high: int, size: IntList, *, generator: Generator | None = None)", overload="low",
         run="randint_low", samples="none", doc="Integers from [low, high).")
creation("randperm(n: int, *, generator: Generator | None = None)", samples="none",
         doc="A random permutation of 0 to n - 1.")
creation("rand_like(input, *, generator: Generator | None = None, memory_format: MemoryFormat | None = None)",
         samples="none",
         doc="Uniform numbers in the shape of input.")
creation("randn_like(input, *, generator: Generator | None = None, memory_format: MemoryFormat | None = None)",
         samples="none",
         doc="Normal numbers in the shape of input.")
for _overload, _bounds, _doc in (("", "high: int", "[0, high)"), ("low", "low: int, high: int", "[low, high)")):
    creation(f"randint_like(input, {_bounds}, *, generator: Generator | None = None, memory_format: MemoryFormat "
             "| None = None)", overload=_overload, run=f"randint_like{'_low' * bool(_overload)}", samples="none",
             doc=f"Integers from {_doc} in the shape of input.")

kernel("_dropout(input, p: float)", run="dropout", private=True, method=False, types=floating,
       returns=("output", "mask"), undifferentiable=("mask",), grad={"input": "g * mask"}, samples="none",
       onnx="Dropout", node="MulBackward0",
       doc="input with each element zeroed with probability p, the rest scaled by 1 / (1 - p), and the scale of each "
           "element.")
for _name, _doc in (
    ("dropout", "Each element is zeroed with probability p, the rest divided by 1 - p; input itself without train."),
    ("feature_dropout", "As dropout, of whole channels of (N, C, ...)."),
    ("alpha_dropout", "Elements are dropped so that the mean and the variance of a SELU's output stay."),
    ("feature_alpha_dropout", "As alpha_dropout, of whole channels of (N, C, ...)."),
):
    composite(f"{_name}(input, p: float, train: bool)", inplace=True, method=False, types=floating, samples="none",
              doc=_doc)
