"""Rows of average and adaptive pooling of (N, C, d...) with 1 to 3 spatial dimensions; nn.functional offers them."""

from ops.kinds import kernel
from ops.row import floating

kernel("_avg_pool(input, kernel_size: Ints, stride: Ints, padding: Ints, ceil_mode: bool, count_include_pad: bool, "
       "divisor_override: int)", run="avg_pool", private=True, method=False, types=floating, samples="none",
       node="AvgPool2DBackward0", onnx="AveragePool",
       grad={"input": "_avg_pool_grad(g, input, kernel_size, stride, padding, ceil_mode, count_include_pad, "
                      "divisor_override)"},
       doc="Means of windows; divisor_override 0 divides by their size.")
kernel("_avg_pool_grad(g, input: Sizes, kernel_size: Ints, stride: Ints, padding: Ints, ceil_mode: bool, "
       "count_include_pad: bool, divisor_override: int)", run="avg_pool_grad", private=True, method=False,
       types=floating, samples="none",
       grad={"g": "_avg_pool(g, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)"},
       doc="The gradient of average pooling: g spread over the windows.")
kernel("_adaptive_avg_pool(input, output_size: Ints)", run="adaptive_avg_pool", private=True, method=False,
       types=floating, samples="none", node="AdaptiveAvgPool2DBackward0",
       grad={"input": "_adaptive_avg_pool_grad(g, input, output_size)"}, doc="Means of output_size even parts.")
kernel("_adaptive_avg_pool_grad(g, input: Sizes, output_size: Ints)", run="adaptive_avg_pool_grad", private=True,
       method=False, types=floating, samples="none", grad={"g": "_adaptive_avg_pool(g, output_size)"},
       doc="The gradient of adaptive average pooling: g spread over the parts.")
kernel("_adaptive_max_pool(input, output_size: Ints)", run="adaptive_max_pool", private=True, method=False,
       types=floating, returns=("values", "indices"), undifferentiable=("indices",), samples="none",
       node="AdaptiveMaxPool2DBackward0", grad={"input": "_max_pool_grad(g, input, indices)"},
       doc="The maxima of output_size even parts, and their flat positions inside the plane.")
