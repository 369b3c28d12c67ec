"""Rows of special functions, products with logarithms, and questions about numbers."""

from ops.kinds import composite, pointwise
from ops.row import boolean, complex_, every, floating, real

# ------------------------------------------------------------------ signs, steps, infinities

composite("_no_derivative(g, operation: str, own_node: bool)", run="no_derivative", private=True, method=False,
          samples="none", doc="The gradient of an operation that has none: an error, of the type that PyTorch raises.")
composite("positive(input)", samples="unary", doc="input itself; bools have no sign.")
pointwise("isposinf(input)", out_rule="exact", types=boolean + real, body="isinf(input) & (input > 0)",
          bool_output=True,
                                         inplace=False,
          doc="True where input is positive infinity.")
pointwise("isneginf(input)", out_rule="exact", types=boolean + real, body="isinf(input) & (input < 0)",
          bool_output=True,
                                         inplace=False,
          doc="True where input is negative infinity.")
pointwise("heaviside(input, values)", out_rule="exact", types=boolean + real, dtype_rule="one_dtype",
          body="where(input == 0, values, where(input > 0, 1, 0))",
          underivable=True,
          doc="0 below 0, 1 above it, and values at 0.")
pointwise("nextafter(input, other)", types=floating, body="nextafter(input, other)",
          narrow_body={"float16": "next_half(input, other)", "bfloat16": "next_brain(input, other)"},
          grad={"input": "where(input == other, 0, g)", "other": "zeros_like(g)"},
          doc="The next number of the dtype from input towards other.")
composite("ldexp(input, other)", types=every,
          exceptions={"node_name": "made of other rows, whose nodes it has",
                      "in_place": "PyTorch has no kernel for bools, and converts integers otherwise"},
          inplace=True, out=True, samples="pair", doc="input * 2 ** other.")
composite("float_power(input: Operand, exponent: Operand)", out_rule="exact", inplace=True, out=True, samples="pair",
          doc="input raised to exponent, in float64.")

# ------------------------------------------------------------------ exponentials and logarithms

pointwise("xlogy(input: Operand, other: Operand)", aliases=("_special_xlogy",), types=floating, integers_to_float=True,
          body="where(isnan(other), other, where(input == 0, 0, input * log(other)))",
          grad={"input": "g * where(input == 0, where(other <= 0, 0, log(1 * other)), log(1 * other))",
                "other": "g * input / other"},
          nodes={"number(other)": "XlogyBackward2", "number(input)": "XlogyBackward1"},
          exceptions={"awkward_gradient": "PyTorch's second derivative is NaN or rougher where this one is the limit",
                      "awkward_curvature": "the gradient of input is cut to 0 where input is, and with it its slope"},
          doc="input * log(other), 0 where input is 0.")
pointwise("_special_xlog1py(input: Operand, other: Operand)", types=floating, integers_to_float=True, private=True,
          method=False, inplace=False, node="SpecialXlog1PyBackward0",
          nodes={"number(other)": "SpecialXlog1PyBackward2", "number(input)": "SpecialXlog1PyBackward1"},
          samples="none", body="where(isnan(other), other, where(input == 0, 0, input * log1p(other)))",
          grad={"input": "g * where(input == 0, where(other <= -1, 0, log1p(1 * other)), log1p(1 * other))",
                "other": "g * input / (other + 1)"},
          doc="input * log(1 + other), 0 where input is 0.")
pointwise("logaddexp(input, other)", types=floating + complex_, inplace=False, body="log_add(input, other)",
          grad={"input": "g / (1 + exp(other - input))", "other": "g / (1 + exp(input - other))"},
          doc="log(exp(input) + exp(other)), without overflow.")
pointwise("logaddexp2(input, other)", types=floating, inplace=False,
          body="where(isinf(input) & (input == other), input, "
               "maximum(input, other) + 1.4426950408889634 * log1p(exp2(-abs(input - other))))",
          grad={"input": "g / (1 + exp2(other - input))", "other": "g / (1 + exp2(input - other))"},
          doc="log2(2 ** input + 2 ** other), without overflow.")
composite("logit(input, eps: float | None = None)",
          exceptions={"in_place_gradient": "PyTorch's second derivative is 0 where the first is NaN"},
          aliases=("_special_logit",), inplace=True, out=True,
          samples="logit",
          doc="log(input / (1 - input)), of input between eps and 1 - eps where eps is given.")
pointwise("_logit(input)", types=floating, integers_to_float=True, private=True, method=False, node="LogitBackward0",
          samples="none", body="log(input / (1 - input))",
          grad={"input": "where(y == y, g / (input * (1 - input)), y)"},
          doc="log(input / (1 - input)).")
pointwise("sinc(input)",
          exceptions={"second_gradient": "PyTorch's second derivative is NaN or rougher where this one is the limit",
          "awkward_gradient": "PyTorch's second derivative is NaN or rougher where this one is the limit"},
          aliases=("_special_sinc",), types=floating + complex_, integers_to_float=True,
          body="where(input == 0, 1, sin(3.141592653589793 * input) / (3.141592653589793 * input))",
          grad={"input": "where(input == 0, 0, g * (cos(3.141592653589793 * input) * input * 3.141592653589793 - "
                         "sin(3.141592653589793 * input)) / where(input == 0, 1, input * input * 3.141592653589793))"},
          doc="sin(pi input) / (pi input), 1 at 0.")
pointwise("deg2rad(input)", types=floating, integers_to_float=True, body="input * 0.017453292519943295",
          grad={"input": "g * 0.017453292519943295"}, node="Deg2RadBackward0", doc="Degrees as radians.")
pointwise("rad2deg(input)", types=floating, integers_to_float=True, body="input * 57.29577951308232",
          grad={"input": "g * 57.29577951308232"}, node="Rad2DegBackward0", doc="Radians as degrees.")

# ------------------------------------------------------------------ gamma

pointwise("lgamma(input)", exceptions={"second_gradient": "PyTorch's trigamma is exact to about 10 digits only",
          "in_place_gradient": "PyTorch's trigamma is exact to about 10 digits only",
          "awkward_gradient": "PyTorch's trigamma is exact to about 10 digits only"}, aliases=("_special_gammaln",),
          types=floating, integers_to_float=True, body="lgamma(input)",
          grad={"input": "g * digamma(input)"}, tolerance=1e-6, doc="The logarithm of the gamma function's size.")
pointwise("digamma(input)", exceptions={"gradient": "PyTorch's trigamma is exact to about 10 digits only",
          "in_place_gradient": "PyTorch's trigamma is exact to about 10 digits only",
          "awkward_gradient": "PyTorch's trigamma is exact to about 10 digits only",
          "awkward_tangent": "PyTorch's trigamma is finite at its poles"},
          aliases=("_special_digamma", "_special_psi"), types=floating, integers_to_float=True,
          body="digamma(input)", grad={"input": "g * _polygamma(input, 1)"}, tolerance=1e-5,
          doc="The derivative of lgamma.")
pointwise("_polygamma(input, n: Number)", types=floating, integers_to_float=True, private=True, method=False,
          body="_polygamma(input, n)", grad={"input": "g * _polygamma(input, n + 1)"}, node="PolygammaBackward0",
          samples="none", doc="The n-th derivative of digamma.")
composite("polygamma(n: int, input)", exceptions={"forms": "PyTorch's trigamma is exact to about 10 digits only",
          "values: float64": "PyTorch's trigamma is exact to about 10 digits only",
          "gradient": "PyTorch's trigamma is exact to about 10 digits only"}, aliases=("_special_polygamma",),
          method=False, out=True, samples="polygamma",
          tolerance=1e-5, doc="The n-th derivative of digamma.")
composite("mvlgamma(input, p: int)",
          exceptions={"second_gradient": "PyTorch's trigamma is exact to about 10 digits only",
          "node_name": "made of other rows, whose nodes it has"}, aliases=("_special_multigammaln",), inplace=True,
          out=True, samples="mvlgamma", tolerance=1e-5, doc="The logarithm of the gamma function of p dimensions.")
pointwise("_special_zeta(input: Operand, other: Operand)", types=floating, integers_to_float=True, private=True,
          method=False, inplace=False, body="zeta(input, other)", samples="none",
          doc="Hurwitz's zeta function: the sum of (k + other) ** -input over k = 0, 1, ...")

# ------------------------------------------------------------------ Bessel functions

pointwise("i0(input)",
          exceptions={"awkward_gradient": "PyTorch's second derivative is NaN or rougher where this one is the limit"},
          aliases=("_special_i0",), types=floating, integers_to_float=True, body="i0(input)",
          grad={"input": "g * _special_i1(input)"}, tolerance=1e-6, doc="The modified Bessel function of order 0.")
pointwise("_special_i1(input)", types=floating, integers_to_float=True, private=True, method=False, inplace=False,
          body="_special_i1(input)", samples="none", node="SpecialI1Backward0",
          grad={"input": "g * (i0(input) - where(input == 0, 0.5, _special_i1(input) / where(input == 0, 1, input)))"},
          doc="The modified Bessel function of order 1.")
pointwise("_special_i0e(input)", types=floating, integers_to_float=True, private=True, method=False, inplace=False,
          body="_special_i0e(input)", samples="none", node="SpecialI0EBackward0",
          grad={"input": "g * (_special_i1e(input) - sign(input) * y)"}, doc="exp(-|input|) * i0(input).")
pointwise("_special_i1e(input)", types=floating, integers_to_float=True, private=True, method=False, inplace=False,
          body="_special_i1e(input)", samples="none", node="SpecialI1EBackward0",
          grad={"input": "g * (where(input == 0, 0.5, _special_i0e(input) - y / where(input == 0, 1, input)) - "
                         "sign(input) * y)"}, doc="exp(-|input|) * i1(input).")

# ------------------------------------------------------------------ entropy and the normal distribution

pointwise("_special_entr(input)", types=floating, integers_to_float=True, private=True, method=False, inplace=False,
          body="where(input > 0, -(input * log(input)), "
               "where(input == 0, 0, where(isnan(input), input, -(1 / 0))))",
          grad={"input": "g * (-1 - log(input))"}, node="SpecialEntrBackward0", samples="none",
          doc="-input * log(input), 0 at 0 and -inf below.")
pointwise("_special_ndtr(input)", types=floating, integers_to_float=True, private=True, method=False, inplace=False,
          body="0.5 * erfc(input * -0.7071067811865476)", node="MulBackward1", samples="none",
          grad={"input": "g * (0.3989422804014327 * exp(-0.5 * input * input))"},
          doc="The distribution function of the standard normal distribution.")
pointwise("_special_log_ndtr(input)", types=floating, integers_to_float=True, private=True, method=False, inplace=False,
          body="log_ndtr(input)", node="SpecialLogNdtrBackward0", samples="none",
          grad={"input": "g * (0.7978845608028654 / _special_erfcx(input * -0.7071067811865476))"},
          doc="The logarithm of the standard normal distribution function.")
pointwise("_special_erfcx(input)", types=floating, integers_to_float=True, private=True, method=False, inplace=False,
          body="_special_erfcx(input)", node="SpecialErfcxBackward0", samples="none",
          grad={"input": "g * (2 * input * y - 1.1283791670955126)"}, doc="exp(input ** 2) * erfc(input).")
