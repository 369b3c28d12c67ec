"""Rows of neural networks: softmax, losses, attention, convolution, pooling."""

from ops.kinds import composite, kernel
from ops.row import floating, half_complex, number

kernel("log_softmax(input, dim: int, dtype: DType | None = None)", types=floating, run="log_softmax",
       ends_at_integers=True,
       grad={"input": "_log_softmax_grad(g, y, dim)"}, graph={"input": "g - exp(y) * sum(g, dim, True)"},
       samples="softmax", onnx="LogSoftmax", tolerance=1e-6, doc="The logarithm of softmax along dim, stable.")
kernel("_log_softmax_grad(g, y, dim: int)", run="log_softmax_grad", private=True, method=False, types=floating,
       samples="none", doc="The gradient of log_softmax from its result y.")
kernel("softmax(input, dim: int, dtype: DType | None = None)", types=floating, run="softmax", ends_at_integers=True,
       grad={"input": "_softmax_grad(g, y, dim)"}, graph={"input": "(g - sum(g * y, dim, True)) * y"},
       samples="softmax", onnx="Softmax", tolerance=1e-6, doc="exp(input) / sum(exp(input)) along dim, stable.")
kernel("_softmax_grad(g, y, dim: int)", run="softmax_grad", private=True, method=False, types=floating, samples="none",
       doc="The gradient of softmax from its result y.")
kernel("_nll_loss(input, target, weight: Tensor | None, reduction: int, ignore_index: int)", run="nll_loss",
       private=True, method=False, types=floating, returns=("loss", "total_weight"), undifferentiable=("total_weight",),
       constant=("weight",), node="NllLossBackward0", nodes={"dims(input) > 2": "NllLoss2DBackward0"}, samples="none",
       grad={"input": "_nll_loss_grad(g, input, target, weight, reduction, ignore_index, total_weight)"},
       graph={"input":
              "_linked(_nll_loss_grad(g, input, target, weight, reduction, ignore_index, total_weight), input)"},
       doc="Negative log-likelihood of log-probabilities (N, C, d...). reduction: 0 none, 1 mean, 2 sum.")
kernel("_nll_loss_grad(g, input: Sizes, target, weight: Tensor | None, reduction: int, ignore_index: int, "
       "total_weight)", run="nll_loss_grad", private=True, method=False, types=floating,
       grad={"g": "_nll_loss_of(g, target, weight, reduction, ignore_index)"}, samples="none",
       doc="The gradient of _nll_loss, linear in g.")
composite("_nll_loss_of(input, target, weight: Tensor | None, reduction: int, ignore_index: int)", run="nll_loss_of",
          private=True, method=False, samples="none", doc="The loss alone, of _nll_loss.")
kernel("_cross_entropy(input, target, weight: Tensor | None, reduction: int, ignore_index: int, label_smoothing: "
       "float)", run="cross_entropy", private=True, method=False, types=floating,
       returns=("loss", "total_weight", "saved"), undifferentiable=("total_weight", "saved"), constant=("weight",),
       node="NllLossBackward0", nodes={"label_smoothing > 0": "AddBackward0", "dims(input) > 2": "NllLoss2DBackward0"},
       grad={"input": "_cross_entropy_grad(g, input, target, weight, reduction, ignore_index, label_smoothing, "
                      "total_weight, saved)"},
       graph={"input": "_cross_entropy_grad_composed(g, input, target, weight, reduction, ignore_index, "
                       "label_smoothing)"}, samples="none",
       doc="Cross entropy of logits (N, C, d...) and class indices, in one pass. reduction: 0 none, 1 mean, 2 sum.")
kernel("_cross_entropy_grad(g, input, target, weight: Tensor | None, reduction: int, ignore_index: int, "
       "label_smoothing: float, total_weight, saved)", run="cross_entropy_grad", private=True, method=False,
       types=floating, samples="none", doc="The gradient of _cross_entropy.")
composite("_cross_entropy_grad_composed(g, input, target, weight: Tensor | None, reduction: int, ignore_index: int, "
          "label_smoothing: float)", run="cross_entropy_grad_composed", private=True, method=False, samples="none",
          doc="The same gradient made of rows, for second derivatives.")

kernel("_attention(query, key, value, attn_mask: Tensor | None, is_causal: bool, scale: float)", run="attention",
       private=True, method=False, types=floating, widens=False, returns=("output", "logsumexp"),
       undifferentiable=("logsumexp",), node="ScaledDotProductFlashAttentionForCpuBackward0", samples="none",
       grad={("query", "key", "value"):
             "_attention_grad(g, query, key, value, attn_mask, is_causal, scale, output, logsumexp, need)"},
       graph={("query", "key", "value"):
              "_attention_grad_composed(g, query, key, value, attn_mask, is_causal, scale, need)"},
       doc="softmax(query @ key.T * scale + attn_mask) @ value of (N, heads, length, size), in tiles; key and value "
           "may have fewer heads. The logarithm of each row's sum of exponentials.")
kernel("_attention_grad(g, query, key, value, attn_mask: Tensor | None, is_causal: bool, scale: float, output, "
       "logsumexp, need: int)", run="attention_grad", private=True, method=False, types=floating, widens=False,
       samples="none", returns=("query", "key", "value"), doc="The gradients of _attention, weights computed again.")
composite("_attention_grad_composed(g, query, key, value, attn_mask: Tensor | None, is_causal: bool, scale: float, "
          "need: int)", run="attention_grad_composed", private=True, method=False, samples="none",
          returns=("query", "key", "value"), doc="The same gradients made of rows, for second derivatives.")
composite("scaled_dot_product_attention(query, key, value, attn_mask: Tensor | None = None, dropout_p: float = 0.0, "
          "is_causal: bool = False, *, scale: float | None = None, enable_gqa: bool = False)", method=False,
          samples="none",
          doc="softmax(query @ key.T * scale + attn_mask) @ value of (..., length, size) (Vaswani et al., 2017). "
              "attn_mask: bool, True takes part, or numbers that are added; is_causal: position i sees 0 to i; scale: "
              "1 / sqrt(size) where None; enable_gqa: key and value may have fewer heads, dimension -3.")

kernel("_convolution(input, weight, bias: Tensor | None, stride: Ints, padding: Ints, dilation: Ints, groups: int)",
       run="convolution", private=True, method=False, types=number + half_complex, node="ConvolutionBackward0",
       grad={"input": "_convolution_input_grad(g, input, weight, stride, padding, dilation, groups)",
             "weight": "_convolution_weight_grad(g, input, weight, stride, padding, dilation, groups)",
             "bias": "_convolution_bias_grad(g)"}, samples="none", onnx="Conv",
       doc="Convolution of (N, C, d...) with 1 to 3 spatial dimensions.")
kernel("_convolution_input_grad(g, input: Sizes, weight, stride: Ints, padding: Ints, dilation: Ints, groups: int)",
       run="convolution_input_grad", private=True, method=False, types=number + half_complex, samples="none",
       grad={"g": "_convolution(g_, weight, None, stride, padding, dilation, groups)",
             "weight": "_convolution_weight_grad(g, g_, weight, stride, padding, dilation, groups)"},
       doc="The gradient of convolution by its input: bilinear in g and weight.")
kernel("_convolution_weight_grad(g, input, weight: Sizes, stride: Ints, padding: Ints, dilation: Ints, groups: int)",
       run="convolution_weight_grad", private=True, method=False, types=number + half_complex, samples="none",
       grad={"g": "_convolution(input, g_, None, stride, padding, dilation, groups)",
             "input": "_convolution_input_grad(g, input, g_, stride, padding, dilation, groups)"},
       doc="The gradient of convolution by its weight: bilinear in g and input.")
composite("_convolution_bias_grad(g)", run="convolution_bias_grad", private=True, method=False, samples="none",
          doc="g summed over all but the channels.")
composite("conv2d(input, weight, bias: Tensor | None = None, stride: Ints = 1, padding: PaddingInts = 0, dilation: "
          "Ints = 1, groups: int = 1)", method=False, samples="conv2d", onnx="Conv", tolerance=1e-5,
          doc="2-d convolution of (N, C, H, W) or (C, H, W); padding may be 'same' or 'valid'.")
composite("conv1d(input, weight, bias: Tensor | None = None, stride: Ints = 1, padding: PaddingInts = 0, dilation: "
          "Ints = 1, groups: int = 1)", method=False, samples="conv1d", onnx="Conv", tolerance=1e-5,
          doc="1-d convolution of (N, C, L) or (C, L).")
composite("conv3d(input, weight, bias: Tensor | None = None, stride: Ints = 1, padding: PaddingInts = 0, dilation: "
          "Ints = 1, groups: int = 1)", method=False, samples="conv3d", onnx="Conv", tolerance=1e-5,
          doc="3-d convolution of (N, C, D, H, W) or (C, D, H, W).")

kernel("_max_pool(input, kernel_size: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool)",
       run="max_pool", private=True, method=False, types=floating, returns=("values", "indices"),
       undifferentiable=("indices",), node="MaxPool2DWithIndicesBackward0",
       grad={"input": "_max_pool_grad(g, input, indices)"}, samples="none", onnx="MaxPool",
       doc="Max pooling of (N, C, d...) and the flat position of each maximum inside its plane.")
kernel("_max_pool_grad(g, input: Sizes, indices)", run="max_pool_grad", private=True, method=False, types=floating,
       grad={"g": "_max_pool_take(g, indices)"}, samples="none", doc="g at the maxima, 0 elsewhere.")
kernel("_max_pool_take(input, indices)", run="max_pool_take", private=True, method=False, types=floating,
       grad={"input": "_max_pool_grad(g, input, indices)"}, samples="none",
       widens=False, doc="The elements at the maxima.")
composite("max_pool2d(input, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1, "
          "ceil_mode: bool = False)", method=False, samples="max_pool2d", onnx="MaxPool",
          exceptions={"node_name": "a view of the batched form"},
          doc="2-d max pooling of (N, C, H, W) or (C, H, W).")
