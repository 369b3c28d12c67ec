"""Rows of losses that compare elements; `reduction` is 0 none, 1 mean, 2 sum. Those for classes stand in nn.py."""

from ops.kinds import kernel, loss, reduction
from ops.row import complex_, floating

loss("_mse_loss(input, target, reduction: Reduction)", node="MseLossBackward0", body="square(input - target)",
     grad={"input": "g * 2 * (input - target)", "target": "g * 2 * (target - input)"},
     doc="(input - target) ** 2.")
loss("_smooth_l1_loss(input, target, reduction: Reduction, beta: Number)", node="SmoothL1LossBackward0",
     body="where(abs(input - target) < beta, square(input - target) * 0.5 / beta, abs(input - target) - beta * 0.5)",
     grad={"input": "where(input - target >= beta, g, "
                    "where(input - target <= -beta, -g, g * (input - target) / beta))",
           "target": "where(input - target >= beta, -g, "
                     "where(input - target <= -beta, g, g * (target - input) / beta))"},
     doc="d ** 2 / (2 * beta) where d = |input - target| < beta, d - beta / 2 elsewhere (Girshick, 2015).")
loss("_huber_loss(input, target, reduction: Reduction, delta: Number)", node="HuberLossBackward0", like="input",
     body="where(abs(input - target) <= delta, square(input - target) * 0.5, "
          "(abs(input - target) - delta * 0.5) * delta)",
     grad={"input": "where(input - target >= delta, g * delta, "
                    "where(input - target <= -delta, -g * delta, g * (input - target)))",
           "target": "where(input - target >= delta, -g * delta, "
                     "where(input - target <= -delta, g * delta, g * (target - input)))"},
     doc="d ** 2 / 2 where d = |input - target| <= delta, delta * (d - delta / 2) elsewhere (Huber, 1964).")
loss("_binary_cross_entropy(input, target, weight: Operand, reduction: Reduction)", constant=("weight",),
     node="BinaryCrossEntropyBackward0", like="input",
     body="((target - 1) * maximum(log1p(-input), -100) - target * maximum(log(input), -100)) * weight",
     grad={"input": "g * (input - target) / where((1 - input) * input < 1e-12, 1e-12, (1 - input) * input) * weight",
           "target": "g * (log(1 - input) - log(input)) * weight"},
     doc="-(target * log(input) + (1 - target) * log(1 - input)) * weight of probabilities; logarithms of at least "
         "-100.")
reduction("_all_probabilities(input)", types=floating, map="where(x >= 0, where(x <= 1, 1, 0), 0)",
          combine="minimum(a, b)", start="1", finish="a", out=False, private=True, method=False, samples="none",
          undifferentiable=("y",), doc="1 where all elements lie between 0 and 1, else 0.")
loss("_binary_cross_entropy_with_logits(input, target, weight: Operand, pos_weight: Operand, reduction: Reduction)",
     constant=("weight", "pos_weight"), node="BinaryCrossEntropyWithLogitsBackward0", like="target",
     body="((1 - target) * input - ((pos_weight - 1) * target + 1) * "
          "(minimum(input, 0) - log1p(exp(-abs(input))))) * weight",
     grad={"input": "g * (((pos_weight - 1) * target + 1) * sigmoid(input) - pos_weight * target) * weight",
           "target": "g * ((1 - pos_weight) * (where(input < 0, input, 0) - log1p(exp(-abs(input)))) - input) "
                     "* weight"},
     doc="The same of sigmoid(input), without overflow; pos_weight scales the part of target.")
loss("_soft_margin_loss(input, target, reduction: Reduction)", types=floating + complex_, constant=("target",),
     complex_gradient=False, node="SoftMarginLossBackward0", like="input", integers_to_float=True,
     body="log1p(exp(-target * input))",
     grad={"input": "-g * target * exp(-target * input) / (1 + exp(-target * input))"},
     doc="log(1 + exp(-target * input)), target 1 or -1.")

kernel("_multi_margin_loss(input, target, p: int, margin: float, weight: Tensor | None, reduction: int)",
       run="multi_margin_loss", private=True, method=False, types=floating, widens=False, constant=("weight",),
       node="MultiMarginLossBackward0", samples="none",
       grad={"input": "_multi_margin_loss_grad(g, input, target, p, margin, weight, reduction)"},
       doc="max(0, margin - input[target] + input) ** p, over the other classes summed and divided by their number, "
           "times weight[target].")
kernel("_multi_margin_loss_grad(g, input, target, p: int, margin: float, weight: Tensor | None, reduction: int)",
       run="multi_margin_loss_grad", private=True, method=False, types=floating, widens=False, underivable=True,
       samples="none", doc="The gradient of _multi_margin_loss.")
kernel("_multilabel_margin_loss(input, target, reduction: int)", run="multilabel_margin_loss", private=True,
       method=False, types=floating, widens=False, node="MultilabelMarginLossBackward0", samples="none",
       grad={"input": "_multilabel_margin_loss_grad(g, input, target, reduction)"},
       doc="max(0, 1 - input[right] + input[wrong]) for all pairs of a right and a wrong class, summed and divided by "
           "the number of classes. target: the right classes, up to the first -1.")
kernel("_multilabel_margin_loss_grad(g, input, target, reduction: int)", run="multilabel_margin_loss_grad",
       private=True, method=False, types=floating, widens=False, underivable=True, samples="none",
       doc="The gradient of _multilabel_margin_loss.")
