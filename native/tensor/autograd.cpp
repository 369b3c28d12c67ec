#include "tensor/autograd.h"

#include <new>

namespace rl {

namespace {
// Every leaf takes one: freed ones are kept, as tensors are.
constexpr int kMaxFree = 512;
Autograd* free_list[kMaxFree];
int free_count = 0;
Tangent* newest_tangent = nullptr;
}  // namespace

Autograd* new_autograd() { return free_count ? new (free_list[--free_count]) Autograd{} : new Autograd{}; }

void free_autograd(Autograd* a) {
  Py_XDECREF(reinterpret_cast<PyObject*>(a->grad));
  Py_XDECREF(a->hooks);
  Py_XDECREF(a->accumulator);
  Py_XDECREF(a->post_accumulate_hooks);
  drop_tangent(a);
  if (free_count < kMaxFree) {
    free_list[free_count++] = a;
  } else {
    delete a;
  }
}

void hold_tangent(Tensor* x, Ref value) {
  Autograd* a = autograd_of(x);
  if (a->tangent) {
    Ref old = Ref::steal(a->tangent->value);
    a->tangent->value = value.release();
    return;
  }
  a->tangent = new Tangent{value.release(), a, nullptr, newest_tangent};
  if (newest_tangent) newest_tangent->before = a->tangent;
  newest_tangent = a->tangent;
  track(x);
}

void drop_tangent(Autograd* a) {
  Tangent* t = a->tangent;
  if (!t) return;
  a->tangent = nullptr;
  (t->before ? t->before->after : newest_tangent) = t->after;
  if (t->after) t->after->before = t->before;
  Ref value = Ref::steal(t->value);
  delete t;
}

void drop_all_tangents() {
  while (newest_tangent) drop_tangent(newest_tangent->owner);
}

void forget_base(Tensor* x) {
  PyObject* base = reinterpret_cast<PyObject*>(x->base);
  x->base = nullptr;
  Py_XDECREF(base);
}

}  // namespace rl
