"""Rows whose result at a place depends on the inputs at that place alone."""

from ops.kinds import comparison, composite, kernel, pointwise
from ops.row import boolean, complex_, floating, half_complex, number, real

arithmetic = number + half_complex

# ------------------------------------------------------------------ arithmetic

pointwise("add(input: Operand, other: Operand, *, alpha: Number = 1)", types=boolean + arithmetic,
          legacy=("input", "alpha", "other"), body="fma(alpha, other, input)", numbers_alone=True,
          grad={"input": "g", "other": "g * alpha"}, operator="+", operator_methods=("", "add", ""), onnx="Add",
          doc="input + alpha * other.")
pointwise("sub(input: Operand, other: Operand, *, alpha: Number = 1)", types=arithmetic,
          body="fma(alpha, other, input)", negated=("alpha",), numbers_alone=True, dtype_rule="no_bool",
          legacy=("input", "alpha", "other"), grad={"input": "g", "other": "-(g * alpha)"},
          nodes={"number(input)": "RsubBackward1"}, operator="-",
          onnx="Sub",
          doc="input - alpha * other.")
composite("subtract(input: Operand, other: Operand, *, alpha: Number = 1)", inplace=True, out=True, samples="pair",
          numbers_alone=True, doc="input - alpha * other.")
composite("subtract(input: Operand, other: Number, alpha: Number = 1)", overload="number", run="subtract_number",
          inplace=True, samples="none", doc="The same with a number, where alpha may come third.")
pointwise("rsub(input, other: Operand, *, alpha: Number = 1)", types=arithmetic, body="fma(alpha, input, other)",
          negated=("alpha",), nodes={"number(other)": "RsubBackward1"}, dtype_rule="no_bool", inplace=False, out=False,
          grad={"input": "-(g * alpha)", "other": "g"},
          reversed_operator="-",
          doc="other - alpha * input.")
pointwise("mul(input: Operand, other: Operand)", aliases=("multiply",), types=boolean + arithmetic,
          body="input * other", exact_number="other", numbers_alone=True, narrow_reversed="other * input",
          grad={"input": "g * other", "other": "g * input"}, operator="*",
          operator_methods=("", "mul", ""), onnx="Mul", doc="input * other.")
pointwise("div(input: Operand, other: Operand)", aliases=("true_divide", "divide"), types=floating + complex_,
          integers_to_float=True, exact_number="other", numbers_alone=True,
          narrow_reversed="reciprocal(other) * input",
          body="input / other", grad={"input": "g / other", "other": "-(g * (input / other) / other)"},
          nodes={"number(input)": "MulBackward0"},  # PyTorch multiplies the reciprocal
          operator="/", operator_methods=("", "__rdiv__", ""),
          onnx="Div", doc="True division; integers divide as floating-point numbers.")
pointwise("neg(input)", out_rule="exact", aliases=("negative",), types=arithmetic, dtype_rule="no_bool", body="-input",
          grad={"input": "-g"}, onnx="Neg", doc="-input.")
pointwise("abs(input)", out_rule="exact", aliases=("absolute",), types=arithmetic,
          parts="real", holomorphic=False, body="abs(input)",
          grad={"input": "g * sgn(input)"},
          onnx="Abs",
          doc="The absolute value.")
pointwise("sign(input)", out_rule="exact", types=boolean + real, body="sign(input)", grad={"input": "zeros_like(g)"},
          onnx="Sign",
          doc="-1, 0 or 1.")
pointwise("square(input)", types=number, dtype_rule="bools_as_int64", body="input * input",
          grad={"input": "g * (2 * input)"}, node="PowBackward0", doc="input ** 2.")
pointwise("reciprocal(input)", types=floating + complex_, integers_to_float=True, body="1 / input",
          grad={"input": "-(g * y * y)"}, onnx="Reciprocal", doc="1 / input.")
pointwise("sqrt(input)", types=floating + complex_, integers_to_float=True, body="sqrt(input)",
          grad={"input": "g / (2 * y)"}, onnx="Sqrt", doc="The square root; NaN below 0.")
pointwise("rsqrt(input)", types=floating + complex_, integers_to_float=True, body="1 / sqrt(input)",
          grad={"input": "-(g * y * y * y) / 2"}, doc="1 / sqrt(input).")
pointwise("pow(input: Operand, exponent: Operand)", types=number, body="pow(input, exponent)",
          dtype_rule="powers", fitting_numbers=("exponent",), number_body={"exponent": "pow_number(input, exponent)"},
          grad={"input": "where(exponent == 0, 0, g * (exponent * pow(input, exponent - 1)))",
                "exponent": "where(input == 0, where(isfinite(y), 0, -(g * y)), g * y * log(where(input == 0, 1, "
                            "input)))"},
          node="PowBackward1", nodes={"number(exponent)": "PowBackward0", "number(input)": "PowBackward2"},
          operator="**", onnx="Pow",
          exceptions={"awkward_gradient: 2": "PyTorch's second derivative is NaN where this one is the limit",
                      "awkward_curvature": "the gradient of input is 0 where exponent is, and with it its slope"},
          doc="input raised to exponent.")
pointwise("addcmul(input, tensor1, tensor2, *, value: Number = 1)", types=arithmetic,
          body="fma(value * tensor1, tensor2, input)",
          legacy=("input", "value", "tensor1", "tensor2"),
          grad={"input": "g", "tensor1": "g * (tensor2 * value)", "tensor2": "g * (tensor1 * value)"},
          doc="input + value * tensor1 * tensor2.")
pointwise("addcdiv(input, tensor1, tensor2, *, value: Number = 1)", types=floating + complex_, dtype_rule="quotient",
          legacy=("input", "value", "tensor1", "tensor2"), body="input + (value * tensor1) / tensor2",
          grad={"input": "g",
                "tensor1": "g * (value / tensor2)",
                "tensor2": "-(g * value * tensor1 / (tensor2 * tensor2))"},
          doc="input + value * tensor1 / tensor2.")
pointwise("lerp(input, end, weight: Operand)", types=floating + complex_, dtype_rule="one_dtype",
          exact_number="weight", fitting_numbers=("weight",), out_rule="exact_weight",
          body="where(abs(weight) < abs(0.5), fma(end - input, weight, input), fma(-(1 - weight), end - input, end))",
          node="LerpBackward1", nodes={"number(weight)": "LerpBackward0"},
          grad={"input": "g * (1 - weight)", "end": "g * weight", "weight": "g * (end - input)"},
          doc="input + weight * (end - input), exact at both ends.")
pointwise("maximum(input, other)", types=boolean + real, body="maximum(input, other)", inplace=False,
          grad={"input": "where(input == other, g / 2, where(input < other, 0, g))",
                "other": "where(input == other, g / 2, where(other < input, 0, g))"}, onnx="Max",
          doc="The larger of both; NaN where either is NaN. Ties share the gradient.")
pointwise("minimum(input, other)", types=boolean + real, body="minimum(input, other)", inplace=False,
          grad={"input": "where(input == other, g / 2, where(input > other, 0, g))",
                "other": "where(input == other, g / 2, where(other > input, 0, g))"}, onnx="Min",
          doc="The smaller of both; NaN where either is NaN. Ties share the gradient.")

# ------------------------------------------------------------------ exponentials

pointwise("exp(input)", types=floating + complex_, integers_to_float=True, body="exp(input)", grad={"input": "g * y"},
          onnx="Exp", doc="e ** input.")
pointwise("expm1(input)", aliases=("_special_expm1",), types=floating + complex_, integers_to_float=True,
          body="expm1(input)",
          grad={"input": "g * (y + 1)"}, doc="e ** input - 1, exact near 0.")
pointwise("log(input)", types=floating + complex_, integers_to_float=True, body="log(input)",
          grad={"input": "g / input"}, onnx="Log", doc="The natural logarithm; -inf at 0, NaN below.")
pointwise("log1p(input)", aliases=("_special_log1p",), types=floating + complex_, integers_to_float=True,
          body="log1p(input)",
          grad={"input": "g / (input + 1)"}, node="Log1PBackward0", doc="log(1 + input), exact near 0.")
pointwise("sin(input)", types=floating + complex_, integers_to_float=True, body="sin(input)",
          grad={"input": "g * cos(input)"}, onnx="Sin", doc="The sine, in radians.")
pointwise("cos(input)", types=floating + complex_, integers_to_float=True, body="cos(input)",
          grad={"input": "-(g * sin(input))"}, onnx="Cos", doc="The cosine, in radians.")
pointwise("tanh(input)", types=floating + complex_, integers_to_float=True, body="tanh(input)",
          grad={"input": "g * (1 - y * y)"}, onnx="Tanh", doc="The hyperbolic tangent.")
pointwise("sigmoid(input)", aliases=("_special_expit",), types=floating + complex_, integers_to_float=True,
          body="sigmoid(input)",
          grad={"input": "g * y * (1 - y)"}, onnx="Sigmoid", doc="1 / (1 + e ** -input).")
pointwise("relu(input)", types=real, body="where(input < 0, 0, input)", grad={"input": "where(y <= 0, 0, g)"},
          graph={"input": "_linked(where(y <= 0, 0, g), y)"}, onnx="Relu", out=False,
          doc="The positive part; NaN and -0 stay what they are.")
pointwise("_linked(g, x)", types=floating + complex_, body="g", grad={"g": "g", "x": "zeros_like(g)"}, private=True,
          method=False, inplace=False, out=False, samples="none",
          doc="g, for a gradient that is flat in x: the second derivative is 0, not missing.")

# ------------------------------------------------------------------ comparison and selection

FLAT = {"input": "zeros_like(g)", "other": "zeros_like(g)"}  # for the in-place forms, which keep the dtype

comparison("eq(input: Operand, other: Operand)", node="EqBackward1", nodes={"number(other)": "EqBackward0"},
           types=boolean + arithmetic, grad=FLAT, body="input == other", operator="==", onnx="Equal",
           doc="input == other.")
comparison("ne(input: Operand, other: Operand)", node="NeBackward1", nodes={"number(other)": "NeBackward0"},
           types=boolean + arithmetic, grad=FLAT, aliases=("not_equal",), body="input != other", operator="!=",
           doc="input != other.")
comparison("lt(input: Operand, other: Operand)", node="LtBackward1", nodes={"number(other)": "LtBackward0"},
           grad=FLAT, aliases=("less",), types=boolean + real, body="input < other",
           operator="<", onnx="Less",
           doc="input < other.")
comparison("le(input: Operand, other: Operand)", node="LeBackward1", nodes={"number(other)": "LeBackward0"},
           grad=FLAT, aliases=("less_equal",), types=boolean + real, body="input <= other",
           operator="<=",
           onnx="LessOrEqual", doc="input <= other.")
comparison("gt(input: Operand, other: Operand)", node="GtBackward1", nodes={"number(other)": "GtBackward0"},
           grad=FLAT, aliases=("greater",), types=boolean + real, body="input > other",
           operator=">",
           onnx="Greater", doc="input > other.")
comparison("ge(input: Operand, other: Operand)", node="GeBackward1", nodes={"number(other)": "GeBackward0"},
           grad=FLAT, aliases=("greater_equal",), types=boolean + real,
           body="input >= other", operator=">=",
           onnx="GreaterOrEqual", doc="input >= other.")
comparison("logical_not(input)", body="input == 0", onnx="Not", doc="True where input is 0.")
comparison("logical_and(input, other)", body="(input != 0) & (other != 0)", onnx="And",
           doc="True where both are nonzero.")
comparison("logical_or(input, other)", body="(input != 0) | (other != 0)", onnx="Or",
           doc="True where either is nonzero.")
pointwise("isnan(input)", types=boolean + arithmetic, body="input != input", bool_output=True, inplace=False,
          out=False, onnx="IsNaN", doc="True where input is NaN.")
pointwise("where(condition, input: Operand, other: Operand)", types=boolean + arithmetic, out_rule="exact",
          dtype_rule="elements",
          body="where(condition, input, other)",
          bool_inputs=("condition",), grad={"input": "where(condition, g, 0)", "other": "where(condition, 0, g)"},
          inplace=False, method=False, samples="where", onnx="Where",
          doc="input where condition holds, other elsewhere.")

# ------------------------------------------------------------------ taken apart

kernel("frexp(input)", types=floating, returns=("mantissa", "exponent"), undifferentiable=("exponent",), out=True,
       grad={"input": "_frexp_grad(g, exponent)"}, samples="unary",
       doc="mantissa * 2**exponent is input; the mantissa is 0 or at least 1/2 and below 1 in size.")
composite("_frexp_grad(g, exponent)", run="frexp_grad", private=True, method=False, samples="none",
          doc="g / 2**exponent.")
