"""Rows of activations, each one pass over memory forwards and one backwards; nn.functional offers them."""

from ops.kinds import composite, pointwise
from ops.row import complex_, floating, real

# ------------------------------------------------------------------ smooth ones

pointwise("gelu(input)", exceptions={"awkward": "PyTorch loses the digits of the tail"}, types=floating, method=False,
          inplace=False, out=False, samples="unary", onnx="Gelu",
          body="input * 0.5 * erfc(input * -0.7071067811865476)",
          grad={"input": "g * (0.5 * erfc(input * -0.7071067811865476) + "
                         "input * 0.3989422804014327 * exp(-0.5 * input * input))"}, tolerance=1e-6,
          doc="input times the standard normal distribution function of it.")
pointwise("_gelu_tanh(input)", types=floating, private=True, method=False, inplace=False, out=False, samples="none",
          node="GeluBackward0",
          body="0.5 * input * (1 + tanh(0.7978845608028654 * (input + 0.044715 * input * input * input)))",
          grad={"input": "g * 0.5 * (1 + tanh(0.7978845608028654 * (input + 0.044715 * input * input * input)) + "
                         "input * (1 - square(tanh(0.7978845608028654 * "
                         "(input + 0.044715 * input * input * input)))) * "
                         "(0.7978845608028654 + 0.1070322243 * input * input))"},
          doc="gelu with a tanh in place of the error function.")
pointwise("silu(input)", types=floating + complex_, method=False, out=False, samples="unary", complex_gradient=False,
          exceptions={"complex_tangent": "PyTorch's is that of a real function, and there is no gradient to compare"},
          body="input * sigmoid(input)",
          grad={"input": "g * (sigmoid(input) * (1 + input * (1 - sigmoid(input))))"}, doc="input * sigmoid(input).")
pointwise("mish(input)", types=floating, method=False, out=False, samples="unary", onnx="Mish",
          body="input * tanh(where(input > 20, input, log1p(exp(input))))",
          grad={"input": "g * (tanh(where(input > 20, input, log1p(exp(input)))) + input * sigmoid(input) * "
                         "(1 - square(tanh(where(input > 20, input, log1p(exp(input)))))))"},
          doc="input * tanh(softplus(input)).")
pointwise("softplus(input, beta: Number = 1, threshold: Number = 20)", types=floating, method=False, inplace=False,
          out=False, samples="softplus", onnx="Softplus",
          body="where(input * beta > threshold, input, log1p(exp(minimum(input * beta, threshold))) / beta)",
          grad={"input": "where(input * beta > threshold, g, g * sigmoid(input * beta))"},
          doc="log(1 + exp(beta * input)) / beta, input itself where beta * input is above threshold.")
pointwise("logsigmoid(input)", exceptions={"layouts": "PyTorch's result is always contiguous"}, types=floating,
          method=False, inplace=False, out=False, samples="unary",
          node="LogSigmoidBackward0", body="minimum(input, 0) - log1p(exp(-abs(input)))",
          grad={"input": "g * sigmoid(-input)"}, doc="log(sigmoid(input)).")

# ------------------------------------------------------------------ exponentials below 0

for _name, _node in (("_elu", "EluBackward"), ("_celu", "CeluBackward")):
    pointwise(f"{_name}(input, alpha: Number, scale: Number, input_scale: Number)", types=floating, private=True,
              method=False, out=False, samples="none", node=f"{_node}0", nodes={"in_place": f"{_node}1"}, onnx="Elu",
              body="where(input > 0, input * scale, expm1(minimum(input, 0) * input_scale) * (alpha * scale))",
              grad={"input": "where(input > 0, g * scale, "
                             "g * (alpha * scale * input_scale) * exp(where(input > 0, 0, input) * input_scale))"},
              doc="scale * input above 0, scale * alpha * (exp(input_scale * input) - 1) below.")
composite("celu(input, alpha: Number = 1.0)", method=False,
          inplace=True, samples="celu", onnx="Celu",
          doc="input above 0, alpha * (exp(input / alpha) - 1) below.")
composite("selu(input)", method=False, inplace=True, samples="unary", onnx="Selu",
          doc="A scaled elu that keeps mean 0 and variance 1.")

# ------------------------------------------------------------------ pieces of straight lines

pointwise("leaky_relu(input, negative_slope: Number = 0.01)", types=floating, method=False, out=False,
          nodes={"in_place": "LeakyReluBackward1"}, samples="unary", onnx="LeakyRelu",
          body="where(input > 0, input, input * negative_slope)",
          grad={"input": "where(input > 0, g, g * negative_slope)"},
          graph={"input": "_linked(where(input > 0, g, g * negative_slope), input)"},
          doc="input above 0, negative_slope * input below.")
pointwise("_rrelu(input, slope: Operand)", types=floating, private=True, method=False, out=False, samples="none",
          node="RreluWithNoiseBackward0", nodes={"in_place": "RreluWithNoiseBackward1"}, like="input",
          onnx="LeakyRelu", body="where(input > 0, input, input * slope)",
          grad={"input": "where(input > 0, g, g * slope)"},
          graph={"input": "_linked(where(input > 0, g, g * slope), input)"},
          doc="input above 0, slope * input below, in input's dtype.")
pointwise("_hardtanh(input, min_val: Number, max_val: Number)", types=real, private=True, method=False, out=False,
          samples="none", node="HardtanhBackward0", onnx="Clip", body="minimum(maximum(input, min_val), max_val)",
          grad={"input": "where(input <= min_val, 0, where(input >= max_val, 0, g))"},
          doc="input between two bounds, with the slope 0 at them.")
pointwise("hardsigmoid(input)", exceptions={"gradient": "PyTorch's slope is 1/6 as float32 in every dtype",
                                            "second_gradient": "PyTorch's slope is 1/6 as float32 in every dtype",
                                            "awkward_gradient": "PyTorch's slope is 1/6 as float32 in every dtype"},
                                            types=floating, method=False, out=False, samples="unary",
                                            onnx="HardSigmoid",
          body="minimum(maximum(input + 3, 0), 6) / 6",
          grad={"input": "where(input > -3, where(input < 3, g * 0.16666666666666666, 0), 0)"},
          graph={"input": "_linked(where(input > -3, where(input < 3, g * 0.16666666666666666, 0), 0), input)"},
          doc="input / 6 + 1/2 between 0 and 1.")
pointwise("hardswish(input)", types=floating, method=False, out=False, samples="unary", onnx="HardSwish",
          body="input * minimum(maximum(input + 3, 0), 6) / 6",
          grad={"input": "where(input <= -3, 0, where(input < 3, g * (input / 3 + 0.5), g))"},
          doc="input * hardsigmoid(input).")
pointwise("_softshrink(input, lambd: Number)", types=floating, private=True, method=False, inplace=False, out=False,
          samples="none", node="SoftshrinkBackward0", onnx="Shrink",
          body="where(input > lambd, input - lambd, "
               "where(input < -lambd, input + lambd, where(isnan(input), input, 0)))",
          grad={"input": "where(abs(input) <= lambd, 0, g)"}, doc="input moved towards 0 by lambd, 0 within.")
pointwise("hardshrink(input, lambd: Number = 0.5)", out_rule="exact", types=floating, inplace=False, samples="unary",
          onnx="Shrink",
          body="where(abs(input) <= lambd, 0, input)", grad={"input": "where(abs(input) <= lambd, 0, g)"},
          graph={"input": "_linked(where(abs(input) <= lambd, 0, g), input)"},
          doc="input where its size is above lambd, 0 elsewhere.")
pointwise("threshold(input, threshold: Number, value: Number)",
          exceptions={"awkward": "the samples of this property lack the two numbers"}, types=real, method=False,
          samples="threshold",
          nodes={"in_place": "ThresholdBackward1"}, out=False, body="where(input <= threshold, value, input)",
          grad={"input": "where(input <= threshold, 0, g)"},
          graph={"input": "_linked(where(input <= threshold, 0, g), input)"},
          doc="input where it is above threshold, value elsewhere.")
pointwise("_prelu(input, weight)", types=floating, private=True, method=False, inplace=False, out=False, samples="none",
          dtype_rule="one_dtype", node="PreluKernelBackward0", onnx="PRelu",
          body="where(input > 0, input, weight * input)",
          grad={"input": "where(input > 0, g, weight * g)", "weight": "where(input > 0, 0, input * g)"},
          doc="input above 0, weight * input below, broadcast.")
composite("prelu(input, weight)", samples="prelu", onnx="PRelu",
          doc="input above 0, weight * input below: one slope, or one for each channel.")

# ------------------------------------------------------------------ gates

pointwise("_glu(input, gate)", types=floating, private=True, method=False, inplace=False, out=False, samples="none",
          node="GluBackward0", body="input * sigmoid(gate)",
          grad={"input": "g * sigmoid(gate)", "gate": "g * input * (sigmoid(gate) * (1 - sigmoid(gate)))"},
          doc="input * sigmoid(gate).")
composite("glu(input, dim: int = -1)", method=False, samples="glu",
          doc="One half of input along dim, gated by the other.")
