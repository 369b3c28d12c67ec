// Python's view of forward mode: the level, dual tensors, tangents.
#include "autograd/forward.h"

#include "gen/ops/shape.h"
#include "python/call.h"
#include "python/module.h"

namespace rl {
namespace {

Tensor* tensor_argument(PyObject* o, const char* op) {
  RL_CHECK(is_tensor(o), Type, "%s: expected a tensor, got %s", op, Py_TYPE(o)->tp_name);
  return reinterpret_cast<Tensor*>(o);
}

void check_level(const char* op) {
  RL_CHECK(forward_level_open, Runtime, "%s: no forward AD level is open; work inside `with dual_level():`", op);
}

PyObject* py_enter(PyObject*, PyObject*) {
  try {
    RL_CHECK(!forward_level_open, Runtime,
             "enter_dual_level: a forward AD level is open already, and levels do not nest; leave it first, or use "
             "func.jvp for derivatives of derivatives");
    forward_level_open = true;
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_exit(PyObject*, PyObject*) {
  try {
    check_level("exit_dual_level");
    forward_level_open = false;
    drop_all_tangents();
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_is_open(PyObject*, PyObject*) { return PyBool_FromLong(forward_level_open); }

PyObject* py_set_enabled(PyObject*, PyObject* on) {
  bool before = !(modes & kForwardOff);
  modes = PyObject_IsTrue(on) == 1 ? modes & ~uint32_t(kForwardOff) : modes | kForwardOff;
  return PyBool_FromLong(before);
}
PyObject* py_is_enabled(PyObject*, PyObject*) { return PyBool_FromLong(!(modes & (kForwardOff | kInferenceMode))); }

void check_tangent(const Tensor* x, const Tensor* t, const char* op) {
  check_level(op);
  RL_CHECK(t->sizes() == x->sizes(), Runtime, "%s: the tangent has shape %s, the tensor %s; they must be the same", op,
           to_string(t->sizes()).c_str(), to_string(x->sizes()).c_str());
  RL_CHECK(is_differentiable(x->dtype) && is_differentiable(t->dtype), Value,
           "%s: only floating and complex tensors have tangents, got a tensor of dtype %s and a tangent of dtype %s",
           op, name_of(x->dtype), name_of(t->dtype));
  RL_CHECK(!is_dual(t), Runtime, "%s: the tangent has itself a tangent, and levels do not nest", op);
}

PyObject* py_make_dual(PyObject*, PyObject* args) {
  PyObject *primal, *tangent;
  if (!PyArg_ParseTuple(args, "OO", &primal, &tangent)) return nullptr;
  try {
    Tensor *x = tensor_argument(primal, "make_dual"), *t = tensor_argument(tangent, "make_dual");
    check_tangent(x, t, "make_dual");
    RL_CHECK(!is_dual(x), Runtime, "make_dual: the tensor has a tangent already, and levels do not nest");
    Ref dual = ops::view(x, x->sizes());
    set_tangent(dual.get(), Ref::retain(t));
    return dual.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_primal(PyObject*, PyObject* o) {
  try {
    Tensor* x = tensor_argument(o, "unpack_dual");
    ModeGuard plain(0, kForwardOff);
    Ref primal = ops::view(x, x->sizes());
    if (is_dual(primal.get())) forget_base(primal.get());
    return primal.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_tangent(PyObject*, PyObject* o) {
  try {
    Ref t = tangent_of(tensor_argument(o, "unpack_dual"));
    return t ? t.to_python() : Py_NewRef(Py_None);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_set_tangent(PyObject*, PyObject* args) {
  PyObject *primal, *tangent;
  if (!PyArg_ParseTuple(args, "OO", &primal, &tangent)) return nullptr;
  try {
    Tensor *x = tensor_argument(primal, "set_tangent"), *t = tensor_argument(tangent, "set_tangent");
    check_tangent(x, t, "set_tangent");
    set_tangent(x, Ref::retain(t));
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef forward_functions[] = {
    {"_enter_dual_level", py_enter, METH_NOARGS, "Opens the forward AD level, in all threads."},
    {"_exit_dual_level", py_exit, METH_NOARGS, "Closes it; tensors lose their tangents."},
    {"_dual_level_open", py_is_open, METH_NOARGS, "Whether the forward AD level is open."},
    {"_set_forward_enabled", py_set_enabled, METH_O, "Computes tangents or not, in this thread; returns what was."},
    {"_is_forward_enabled", py_is_enabled, METH_NOARGS, "Whether tangents are computed in this thread."},
    {"_make_dual", py_make_dual, METH_VARARGS, "(tensor, tangent): a view of the tensor with that tangent."},
    {"_primal", py_primal, METH_O, "The tensor's memory and history without its tangent."},
    {"_tangent", py_tangent, METH_O, "The tensor's tangent, or None."},
    {"_set_tangent", py_set_tangent, METH_VARARGS, "(tensor, tangent): gives it a tangent."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_forward(PyObject* module) {
  if (PyModule_AddFunctions(module, forward_functions) < 0) throw PythonError();
}

}  // namespace rl
