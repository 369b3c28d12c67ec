"""Rows of normalisations: over the last dimensions, over groups of channels, over the batch."""

from ops.kinds import composite, kernel
from ops.row import complex_, floating

kernel("native_layer_norm(input, normalized_shape: IntList, weight: Tensor | None, bias: Tensor | None, eps: float)",
       run="layer_norm", method=False, types=floating, widens=False, returns=("y", "mean", "rstd"),
       undifferentiable=("mean", "rstd"), samples="native_layer_norm", tolerance=1e-5,
       grad={("input", "weight", "bias"): "_layer_norm_grad(g, input, normalized_shape, mean, rstd, weight, need)"},
       graph={("input", "weight", "bias"): "_layer_norm_grad_composed(g, input, normalized_shape, weight, eps, need)"},
       doc="input with mean 0 and variance 1 over its last dimensions, of sizes normalized_shape, scaled and shifted; "
           "the means and the reciprocal standard deviations. The means are rounded before they are subtracted.")
kernel("_layer_norm_grad(g, input, normalized_shape: Ints, mean, rstd, weight: Tensor | None, need: int)",
       run="layer_norm_grad", private=True, method=False, types=floating, widens=False, samples="none",
       returns=("input", "weight", "bias"), doc="The gradients of native_layer_norm in one pass.")
composite("_layer_norm_grad_composed(g, input, normalized_shape: Ints, weight: Tensor | None, eps: float, need: int)",
          run="layer_norm_grad_composed", private=True, method=False, samples="none",
          returns=("input", "weight", "bias"), doc="The same gradients made of rows, for second derivatives.")
composite("layer_norm(input, normalized_shape: IntList, weight: Tensor | None = None, bias: Tensor | None = None, "
          "eps: float = 1e-05, cudnn_enable: bool = True)", method=False, samples="layer_norm", tolerance=1e-5,
          onnx="LayerNormalization",
          doc="input with mean 0 and variance 1 over its last dimensions, of sizes normalized_shape, times weight plus "
              "bias (Ba et al., 2016).")

kernel("_rms_norm(input, normalized_shape: IntList, weight: Tensor | None, eps: float)", run="rms_norm", private=True,
       method=False, types=floating, widens=False, returns=("y", "rstd"), undifferentiable=("rstd",),
       node="MulBackward0", samples="none",
       grad={("input", "weight"): "_rms_norm_grad(g, input, normalized_shape, rstd, weight, need)"},
       graph={("input", "weight"): "_rms_norm_grad_composed(g, input, normalized_shape, weight, eps, need)"},
       doc="input divided by its root mean square over the last dimensions, times weight; the reciprocals.")
kernel("_rms_norm_grad(g, input, normalized_shape: Ints, rstd, weight: Tensor | None, need: int)",
       run="rms_norm_grad", private=True, method=False, types=floating, widens=False, samples="none",
       returns=("input", "weight"), doc="The gradients of _rms_norm in one pass.")
composite("_rms_norm_grad_composed(g, input, normalized_shape: Ints, weight: Tensor | None, eps: float, need: int)",
          run="rms_norm_grad_composed", private=True, method=False, samples="none", returns=("input", "weight"),
          doc="The same gradients made of rows, for second derivatives.")
composite("rms_norm(input, normalized_shape: IntList, weight: Tensor | None = None, eps: float | None = None)",
          method=False, types=floating + complex_, samples="rms_norm", tolerance=1e-5,
          doc="input divided by its root mean square over the last dimensions, times weight (Zhang and Sennrich, "
              "2019). eps: the dtype's epsilon where None.")

kernel("_group_norm(input, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, "
       "eps: float)", run="group_norm", private=True, method=False, types=floating, widens=False,
       returns=("y", "mean", "rstd"), undifferentiable=("mean", "rstd"), node="NativeGroupNormBackward0",
       samples="none",
       grad={("input", "weight", "bias"): "_group_norm_grad(g, input, mean, rstd, weight, N, C, HxW, group, need)"},
       graph={("input", "weight", "bias"):
              "_group_norm_grad_composed(g, input, weight, N, C, HxW, group, eps, need)"},
       doc="(N, C, HxW) with mean 0 and variance 1 over groups of channels; the means and the reciprocal standard "
           "deviations (N, group).")
kernel("_group_norm_grad(g, input, mean, rstd, weight: Tensor | None, N: int, C: int, HxW: int, group: int, need: int)",
       run="group_norm_grad", private=True, method=False, types=floating, widens=False, samples="none",
       returns=("input", "weight", "bias"), doc="The gradients of _group_norm.")
composite("_group_norm_grad_composed(g, input, weight: Tensor | None, N: int, C: int, HxW: int, group: int, "
          "eps: float, need: int)", run="group_norm_grad_composed", private=True, method=False, samples="none",
          returns=("input", "weight", "bias"), doc="The same gradients made of rows, for second derivatives.")
composite("native_group_norm(input, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, "
          "group: int, eps: float)", method=False, samples="none", returns=("y", "mean", "rstd"),
          doc="_group_norm with statistics that have gradients.")
composite("group_norm(input, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, "
          "eps: float = 1e-05, cudnn_enabled: bool = True)", method=False, samples="group_norm", tolerance=1e-5,
          onnx="GroupNormalization",
          doc="(N, C, ...) with mean 0 and variance 1 over groups of channels, times weight plus bias of each channel "
              "(Wu and He, 2018).")

kernel("_batch_norm(input, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, "
       "running_var: Tensor | None, training: bool, momentum: float, eps: float)", run="batch_norm", private=True,
       method=False, types=floating, widens=False, returns=("y", "mean", "rstd"), undifferentiable=("mean", "rstd"),
       node="NativeBatchNormBackward0", samples="none",
       grad={("input", "weight", "bias"): "_batch_norm_grad(g, input, mean, rstd, weight, training, need)"},
       graph={("input", "weight", "bias"):
              "_batch_norm_grad_composed(g, input, mean, rstd, weight, training, eps, need)"},
       doc="(N, C, ...) normalised by the batch's statistics, which the running ones follow, or by these; the means "
           "and reciprocal standard deviations that were used.")
kernel("_batch_norm_grad(g, input, mean, rstd, weight: Tensor | None, training: bool, need: int)",
       run="batch_norm_grad", private=True, method=False, types=floating, widens=False, samples="none",
       returns=("input", "weight", "bias"), doc="The gradients of _batch_norm.")
composite("_batch_norm_grad_composed(g, input, mean, rstd, weight: Tensor | None, training: bool, eps: float, "
          "need: int)", run="batch_norm_grad_composed", private=True, method=False, samples="none",
          returns=("input", "weight", "bias"), doc="The same gradients made of rows, for second derivatives.")
composite("native_batch_norm(input, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, "
          "running_var: Tensor | None, training: bool, momentum: float, eps: float)", method=False, samples="none",
          returns=("y", "mean", "rstd"),
          doc="_batch_norm; the statistics are empty where they are the running ones.")
composite("batch_norm(input, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, "
          "running_var: Tensor | None, training: bool, momentum: float, eps: float, cudnn_enabled: bool)",
          method=False, samples="batch_norm", tolerance=1e-5, onnx="BatchNormalization",
          exceptions={"meta: float32 transposed": "PyTorch's meta kernel keeps strides that its CPU kernel does not"},
          doc="(N, C, ...) with mean 0 and variance 1 over the batch, times weight plus bias of each channel (Ioffe "
              "and Szegedy, 2015).")
composite("instance_norm(input, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, "
          "running_var: Tensor | None, use_input_stats: bool, momentum: float, eps: float, cudnn_enabled: bool)",
          method=False, samples="instance_norm", tolerance=1e-5, onnx="InstanceNormalization",
          doc="(N, C, ...) with mean 0 and variance 1 over each channel of each sample, times weight plus bias of each "
              "channel (Ulyanov et al., 2016).")
