"""Rows of elementary functions: roundings, remainders, trigonometry, logarithms to other bases, the error function."""

from ops.kinds import composite, pointwise
from ops.row import boolean, complex_, floating, half_complex, number, real

fractional = floating + complex_

# ------------------------------------------------------------------ roundings and remainders

pointwise("floor(input)", out_rule="exact", types=real, body="floor(input)", grad={"input": "zeros_like(g)"},
          onnx="Floor",
          doc="The largest whole number not above input.")
pointwise("ceil(input)", out_rule="exact", types=real, body="ceil(input)", grad={"input": "zeros_like(g)"}, onnx="Ceil",
          doc="The smallest whole number not below input.")
pointwise("trunc(input)", out_rule="exact", aliases=("fix",), types=real, body="trunc(input)",
          grad={"input": "zeros_like(g)"},
          doc="input without its fraction.")
pointwise("round(input)", out_rule="exact", aliases=("_special_round",), types=real, body="round(input)",
          grad={"input": "zeros_like(g)"},
          onnx="Round",
          doc="The nearest whole number; halves go to the even one.")
pointwise("_round_scaled(input, up: Number, down: Number)", types=floating, private=True, method=False, out=False,
          body="round(input * up / down) * down / up", grad={"input": "zeros_like(g)"}, node="RoundBackward1",
          samples="none", doc="The nearest multiple of down / up, one of both being 1.")
composite("round(input, *, decimals: int)", overload="decimals", run="round_decimals", inplace=True, out=True,
          out_rule="exact", samples="none",
          doc="The nearest number with so many decimals; of a negative number, of tens.")
pointwise("frac(input)", out_rule="exact", types=floating, body="frac(input)", grad={"input": "g"},
          doc="The fraction, with input's sign.")
pointwise("fmod(input, other: Operand)", types=real, dtype_rule="divides", body="fmod(input, other)",
          grad={"input": "g", "other": "-(g * trunc(input / other))"}, node="FmodBackward1",
          nodes={"number(other)": "FmodBackward0"}, onnx="Mod",
          exceptions={"awkward: float64": "PyTorch's vectors take a denormal divisor for 0",
                      "awkward_gradient: 2": "PyTorch's second derivative is NaN where this one is the limit"},
          doc="The remainder of the division rounded to zero: it has input's sign.")
pointwise("remainder(input: Operand, other: Operand)", types=real, dtype_rule="divides", body="remainder(input, other)",
          grad={"input": "g", "other": "-(g * _div_floor(input, other))"}, node="RemainderBackward1",
          nodes={"number(other)": "RemainderBackward0"}, operator="%", onnx="Mod",
          exceptions={"awkward: float64": "PyTorch's vectors take a denormal divisor for 0"},
          doc="The remainder of the division rounded down: it has other's sign.")
pointwise("floor_divide(input: Operand, other: Operand)", types=real, dtype_rule="divides",
          exact_number="other", numbers_alone=True, body="_div_floor(input, other)", operator="//",
          operator_methods=("__floordiv__", "", ""),
          underivable=True, doc="The quotient, rounded down.")
pointwise("copysign(input, other: Operand)", types=floating, integers_to_float=True, body="copysign(input, other)",
          grad={"input": "where(input == 0, 0, g * (y / where(input == 0, 1, input)))", "other": "zeros_like(g)"},
          nodes={"number(other)": "CopysignBackward1"},
          exceptions={"awkward_gradient: 2": "PyTorch's second derivative is NaN where this one is the limit"},
          doc="The size of input with the sign of other.")

# ------------------------------------------------------------------ exponentials and logarithms

pointwise("exp2(input)", aliases=("_special_exp2",), types=fractional, integers_to_float=True, body="exp2(input)",
          grad={"input": "g * y * 0.6931471805599453"}, doc="2 ** input.")
pointwise("log2(input)", types=fractional, integers_to_float=True, body="log2(input)",
          grad={"input": "g / (input * 0.6931471805599453)"}, doc="The logarithm to base 2.")
pointwise("log10(input)", types=fractional, integers_to_float=True, body="log10(input)",
          grad={"input": "g / (input * 2.302585092994046)"}, doc="The logarithm to base 10.")

# ------------------------------------------------------------------ trigonometry, in radians

pointwise("tan(input)", types=fractional, integers_to_float=True, body="tan(input)", grad={"input": "g * (1 + y * y)"},
          onnx="Tan", doc="The tangent.")
pointwise("asin(input)", aliases=("arcsin",), types=fractional, integers_to_float=True, body="asin(input)",
          grad={"input": "g * rsqrt(1 - input * input)"}, onnx="Asin", doc="The angle whose sine is input.")
pointwise("acos(input)", aliases=("arccos",), types=fractional, integers_to_float=True, body="acos(input)",
          grad={"input": "-(g * rsqrt(1 - input * input))"}, onnx="Acos", doc="The angle whose cosine is input.")
pointwise("atan(input)", aliases=("arctan",), types=fractional, integers_to_float=True, body="atan(input)",
          grad={"input": "g / (input * input + 1)"}, onnx="Atan", doc="The angle whose tangent is input.")
pointwise("atan2(input, other)", aliases=("arctan2",), types=floating, integers_to_float=True,
          body="atan2(input, other)",
          grad={"input": "where(input * input + other * other == 0, 0, g * other / "
                         "where(input * input + other * other == 0, 1, input * input + other * other))",
                "other": "where(input * input + other * other == 0, 0, -(g * input / "
                         "where(input * input + other * other == 0, 1, input * input + other * other)))"},
          exceptions={"awkward_gradient: 2": "PyTorch's second derivative at the origin is another"},
          doc="The angle of the point (other, input).")
pointwise("hypot(input, other)", types=floating, body="hypot(input, other)",
          grad={"input": "g * (input / y)", "other": "g * (other / y)"}, doc="The length of the vector (input, other).")

# ------------------------------------------------------------------ hyperbolic functions

pointwise("sinh(input)", types=fractional, integers_to_float=True, body="sinh(input)",
          grad={"input": "g * cosh(input)"},
          onnx="Sinh", doc="The hyperbolic sine.")
pointwise("cosh(input)", types=fractional, integers_to_float=True, body="cosh(input)",
          grad={"input": "g * sinh(input)"},
          onnx="Cosh", doc="The hyperbolic cosine.")
pointwise("asinh(input)", aliases=("arcsinh",), types=fractional, integers_to_float=True, body="asinh(input)",
          grad={"input": "g * rsqrt(input * input + 1)"}, onnx="Asinh", doc="The inverse hyperbolic sine.")
pointwise("acosh(input)", aliases=("arccosh",), types=fractional, integers_to_float=True, body="acosh(input)",
          grad={"input": "g * _acosh_slope(input)"}, onnx="Acosh", doc="The inverse hyperbolic cosine.")
composite("_acosh_slope(input)", run="acosh_slope", private=True, method=False, samples="none",
          doc="The derivative of acosh, from a formula whose cut is acosh's where the numbers are complex.")
pointwise("atanh(input)", aliases=("arctanh",), types=fractional, integers_to_float=True, body="atanh(input)",
          grad={"input": "g / (1 - input * input)"}, onnx="Atanh", doc="The inverse hyperbolic tangent.")

# ------------------------------------------------------------------ the error function

pointwise("erf(input)", aliases=("_special_erf",), types=floating, integers_to_float=True, body="erf(input)",
          grad={"input": "g * (1.1283791670955126 * exp(-(input * input)))"}, onnx="Erf", doc="The error function.")
pointwise("erfc(input)", aliases=("_special_erfc",), types=floating, integers_to_float=True, body="erfc(input)",
          grad={"input": "-(g * (1.1283791670955126 * exp(-(input * input))))"},
          doc="1 - erf(input), exact in the tail.")
pointwise("erfinv(input)", aliases=("_special_erfinv",), types=floating, integers_to_float=True, body="erfinv(input)",
          grad={"input": "g * (0.8862269254527579 * exp(y * y))"}, doc="The number whose error function is input.")

# ------------------------------------------------------------------ two numbers, and what a number is

pointwise("fmax(input, other)", types=boolean + real, body="fmax(input, other)", inplace=False,
          grad={"input": "where(isnan(other), g, where(input >= other, g, 0))",
                "other": "where(isnan(other), 0, where(input >= other, 0, g))"},
          doc="The larger of both; a NaN counts for nothing.")
pointwise("fmin(input, other)", types=boolean + real, body="fmin(input, other)", inplace=False,
          grad={"input": "where(isnan(other), g, where(input <= other, g, 0))",
                "other": "where(isnan(other), 0, where(input <= other, 0, g))"},
          doc="The smaller of both; a NaN counts for nothing.")
pointwise("isinf(input)", types=boolean + number + half_complex, body="isinf(input)", bool_output=True,
          inplace=False, out=False, onnx="IsInf",
          doc="True where input is infinite.")
pointwise("isfinite(input)", types=boolean + number + half_complex, body="isfinite(input)", bool_output=True,
          inplace=False, out=False, doc="True where input is neither infinite nor NaN.")
pointwise("signbit(input)", out_rule="exact", types=boolean + real, body="signbit(input)", bool_output=True,
          inplace=False,
          doc="True where the sign is negative, -0.0 included.")
