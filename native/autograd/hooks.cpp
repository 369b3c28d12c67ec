#include "autograd/hooks.h"

#include "autograd/accumulate.h"
#include "autograd/history.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"

namespace rl {

static Ref checked_gradient(PyObject* o, const char* where) {
  if (o == Py_None) return Ref();
  RL_CHECK(is_tensor(o), Type, "%s: a hook must return None or a tensor, got %s", where, Py_TYPE(o)->tp_name);
  return Ref::retain(reinterpret_cast<Tensor*>(o));
}

static PyRef values_of(PyObject* hooks) {
  PyRef values = PyRef::steal(PyDict_Values(hooks));  // a copy: a hook may remove itself
  if (!values) throw PythonError();
  return values;
}

Ref run_tensor_hooks(PyObject* hooks, Ref g) {
  PyRef values = values_of(hooks);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.get()); ++i) {
    PyRef result =
        PyRef::steal(PyObject_CallOneArg(PyList_GET_ITEM(values.get(), i), reinterpret_cast<PyObject*>(g.get())));
    if (!result) throw PythonError();
    if (result.get() == Py_None) continue;
    Ref replaced = checked_gradient(result.get(), "tensor hook");
    RL_CHECK(replaced->sizes() == g->sizes(), Runtime,
             "tensor hook: the gradient has shape %s, but the hook returned shape %s", to_string(g->sizes()).c_str(),
             to_string(replaced->sizes()).c_str());
    RL_CHECK(replaced->dtype == g->dtype, Runtime,
             "tensor hook: the gradient has dtype %s, but the hook returned dtype %s", name_of(g->dtype),
             name_of(replaced->dtype));
    g = replaced;
  }
  return g;
}

void run_post_accumulate_hooks(PyObject* hooks, Tensor* leaf) {
  PyRef values = values_of(hooks);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.get()); ++i) {
    PyRef result =
        PyRef::steal(PyObject_CallOneArg(PyList_GET_ITEM(values.get(), i), reinterpret_cast<PyObject*>(leaf)));
    if (!result) throw PythonError();
  }
}

PyObject* metadata_of(Node* node) {
  NodeHooks* h = hooks_of(node);
  if (!h->metadata) h->metadata = PyDict_New();
  if (!h->metadata) throw PythonError();
  return h->metadata;
}

PyObject* gradients_tuple(Ref* g, int n) {
  PyObject* tuple = PyTuple_New(n);
  if (!tuple) throw PythonError();
  for (int i = 0; i < n; ++i) {
    PyObject* o = g[i] ? reinterpret_cast<PyObject*>(g[i].get()) : Py_None;
    PyTuple_SET_ITEM(tuple, i, Py_NewRef(o));
  }
  return tuple;
}

static void replace(PyObject* result, Ref* g, int n, const char* where) {
  if (result == Py_None) return;
  PyRef tuple = PyTuple_Check(result) ? PyRef::retain(result) : PyRef::steal(PyTuple_Pack(1, result));
  RL_CHECK(PyTuple_GET_SIZE(tuple.get()) == n, Runtime, "%s: expected %d gradients, the hook returned %zd", where, n,
           PyTuple_GET_SIZE(tuple.get()));
  for (int i = 0; i < n; ++i) g[i] = checked_gradient(PyTuple_GET_ITEM(tuple.get(), i), where);
}

static void add_to_retained(PyObject* weak, const Ref& g) {
  PyObject* o = PyWeakref_GetObject(weak);
  if (o == Py_None || !is_tensor(o)) return;
  Ref t = Ref::retain(reinterpret_cast<Tensor*>(o));
  Ref before = Ref::retain(autograd_of(t.get())->grad);
  set_grad(t.get(), before ? ops::add(before, g, Scalar(1)) : ops::clone(g, MemoryFormat::Contiguous));
}

void retain_gradient(Tensor* x, Node* node, uint32_t nr) {
  NodeHooks* h = hooks_of(node);
  if (!h->retains) h->retains = PyDict_New();
  PyRef key = PyRef::steal(PyLong_FromUnsignedLong(nr)),
        weak = PyRef::steal(PyWeakref_NewRef(reinterpret_cast<PyObject*>(x), nullptr));
  if (!h->retains || !key || !weak || PyDict_SetItem(h->retains, key.get(), weak.get()) < 0) throw PythonError();
  autograd_of(x)->retains_grad = true;
}

void retain_gradient(Tensor* x) {
  RL_CHECK(x->requires_grad(), Runtime, "retain_grad: the tensor does not require grad, so there is none to keep");
  Node* node = grad_fn_of(x);
  if (node && !autograd_of(x)->retains_grad) retain_gradient(x, node, x->output_nr);
}

void run_output_hooks(Node* node, Ref* g) {
  if (is_accumulator(node)) {
    Autograd* a = leaf_of(node)->autograd;
    if (a && a->hooks && g[0]) g[0] = run_tensor_hooks(a->hooks, g[0]);
    return;
  }
  if (!node->hooks) return;
  PyObject *key, *value;
  if (node->hooks->tensors) {
    PyRef items = PyRef::steal(PyDict_Copy(node->hooks->tensors));
    for (Py_ssize_t at = 0; PyDict_Next(items.get(), &at, &key, &value);) {
      long nr = PyLong_AsLong(key);
      if (nr < node->n_outputs && g[nr]) g[nr] = run_tensor_hooks(value, g[nr]);
    }
  }
  if (node->hooks && node->hooks->retains) {
    PyRef items = PyRef::steal(PyDict_Copy(node->hooks->retains));
    for (Py_ssize_t at = 0; PyDict_Next(items.get(), &at, &key, &value);) {
      long nr = PyLong_AsLong(key);
      if (nr < node->n_outputs && g[nr]) add_to_retained(value, g[nr]);
    }
  }
}

void run_pre_hooks(Node* node, Ref* g) {
  PyRef values = values_of(node->hooks->pre);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.get()); ++i) {
    PyRef tuple = PyRef::steal(gradients_tuple(g, node->n_outputs));
    PyRef result = PyRef::steal(PyObject_CallOneArg(PyList_GET_ITEM(values.get(), i), tuple.get()));
    if (!result) throw PythonError();
    replace(result.get(), g, node->n_outputs, "node pre-hook");
  }
}

void run_post_hooks(Node* node, Ref* out, Ref* g) {
  PyRef values = values_of(node->hooks->post);
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values.get()); ++i) {
    PyRef inputs = PyRef::steal(gradients_tuple(out, node->n_edges)),
          outputs = PyRef::steal(gradients_tuple(g, node->n_outputs));
    PyRef result = PyRef::steal(
        PyObject_CallFunctionObjArgs(PyList_GET_ITEM(values.get(), i), inputs.get(), outputs.get(), nullptr));
    if (!result) throw PythonError();
    replace(result.get(), out, node->n_edges, "node hook");
  }
}

}  // namespace rl
