"""Complex numbers: their parts, conjugates and angles. A formula here holds for complex numbers as it stands."""

from ops.kinds import composite, pointwise, view
from ops.row import boolean, complex_, floating, half_complex, number

# ------------------------------------------------------------------ views

view("view_as_real(input)", layout="parts", parts="real", method=False, holomorphic=False, samples="unary",
     grad={"input": "_pair_up(g)"}, doc="Complex numbers as pairs of their parts, along a new last dimension.")
view("view_as_complex(input)", layout="pairs", parts="complex", method=False, holomorphic=False, samples="pairs",
     grad={"input": "view_as_real(g)"}, doc="Pairs along the last dimension as complex numbers.")
composite("_pair_up(input)", run="pair_up", private=True, method=False, samples="none",
          doc="view_as_complex, of a copy where the pairs lie apart.")
composite("real(input)", method=False, samples="unary", doc="The real parts, as a view; a real tensor itself.")
composite("imag(input)", method=False, samples="unary",
          doc="The imaginary parts of a complex tensor, as a view.")

# ------------------------------------------------------------------ conjugates

pointwise("_conj(input)", types=complex_ + half_complex, private=True, method=False, out=False,
          holomorphic=False, body="conj(input)",
          grad={"input": "_conj(g)"}, node="ConjBackward0", samples="none", doc="The complex conjugate.")
composite("conj(input)", samples="unary", doc="The complex conjugate; a real tensor itself.")
composite("conj_physical(input)", inplace=True, out=True, samples="unary",
          exceptions={"out": "PyTorch writes out= though a gradient is asked for"},
          doc="The complex conjugate; a real tensor itself.")
for _name in ("resolve_conj", "resolve_neg"):
    composite(f"{_name}(input)", run="resolved", samples="unary", doc="The tensor itself: values are as they stand.")

# ------------------------------------------------------------------ directions

pointwise("sgn(input)", out_rule="exact", types=boolean + number + half_complex, holomorphic=False, body="sgn(input)",
          grad={"input": "_sgn_grad(g, input, y)"},
          doc="The sign of a real number, the direction of a complex one; 0 at 0.")
composite("_sgn_grad(g, input, y)", run="sgn_grad", private=True, method=False, samples="none",
          doc="The gradient of sgn: what of g / abs(input) is across the direction.")
pointwise("angle(input)", types=floating + complex_, integers_to_float=True, parts="real", holomorphic=False,
          body="angle(input)", inplace=False, grad={"input": "_angle_grad(g, input)"},
          doc="The angle to the positive real axis; 0 or pi for real numbers.")
composite("_angle_grad(g, input)", run="angle_grad", private=True, method=False, samples="none",
          doc="The gradient of angle: 1j * g * input / abs(input) ** 2, 0 at 0 and for real numbers.")
pointwise("isreal(input)", types=boolean + number + half_complex, body="imag(input) == imag(0)", bool_output=True,
          inplace=False, out=False, doc="True where the imaginary part is 0.")

# ------------------------------------------------------------------ from parts

pointwise("complex(real, imag)", types=floating + half_complex, parts="complex", dtype_rule="one_dtype",
          method=False, inplace=False, holomorphic=False, body="complex(real, imag)",
          grad={"real": "real(g)", "imag": "imag(g)"},
          doc="real + 1j * imag.")
pointwise("polar(abs, angle)", types=floating, parts="complex", dtype_rule="one_dtype", method=False, inplace=False,
          holomorphic=False, body="polar(abs, angle)",
          grad={"abs": "real(g * _conj(sgn(y)))", "angle": "real(_conj(g) * (y * 1j))"},
          doc="The numbers of those absolute values and angles.")
