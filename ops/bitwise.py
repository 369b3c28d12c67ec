"""Rows on the bits of integers, and on integers as such."""

from ops.kinds import comparison, pointwise
from ops.row import boolean, integral

pointwise("bitwise_and(input: Operand, other: Operand)", underivable=True, types=boolean + integral,
          body="input & other", operator="&", operator_methods=("__and__", "bitwise_and", "__iand__"),
          onnx="BitwiseAnd", doc="The bits that both have; of bools, whether both hold.")
pointwise("bitwise_or(input: Operand, other: Operand)", underivable=True, types=boolean + integral,
          body="input | other", operator="|", operator_methods=("__or__", "bitwise_or", "__ior__"),
          onnx="BitwiseOr", doc="The bits that either has; of bools, whether one holds.")
pointwise("bitwise_xor(input: Operand, other: Operand)", underivable=True, types=boolean + integral,
          body="input ^ other", operator="^", operator_methods=("__xor__", "bitwise_xor", "__ixor__"),
          onnx="BitwiseXor", doc="The bits that one of both has; of bools, whether they differ.")
pointwise("bitwise_not(input)", underivable=True, out_rule="exact", types=boolean + integral, body="bit_not(input)",
          onnx="BitwiseNot",
          doc="The bits that input does not have; of bools, the opposite.")
pointwise("bitwise_left_shift(input: Operand, other: Operand)", underivable=True, types=integral,
          body="shift_left(input, other)",
          operator="<<", operator_methods=("__lshift__", "", "__ilshift__"),
          doc="The bits moved up by other places; 0 where that is all of them, or negative.")
pointwise("bitwise_right_shift(input: Operand, other: Operand)", underivable=True, types=integral,
          body="shift_right(input, other)",
          operator=">>", operator_methods=("__rshift__", "", "__irshift__"),
          doc="The bits moved down by other places; the sign alone where that is all, or negative.")
comparison("logical_xor(input, other)", body="(input != 0) ^ (other != 0)", onnx="Xor",
           doc="True where one of both is nonzero.")
pointwise("gcd(input, other)", underivable=True, types=integral, body="gcd(input, other)",
          doc="The greatest common divisor, not negative.")
pointwise("lcm(input, other)", underivable=True, types=integral, body="lcm(input, other)",
          doc="The least common multiple, not negative.")
