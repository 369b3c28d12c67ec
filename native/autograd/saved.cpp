// Values that nodes keep: as they are, as a copy, or as whatever the user's hooks make of them.
#include "autograd/anomaly.h"
#include "autograd/forward.h"
#include "autograd/history.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {

void released_error(Node* node) {
  fail(ErrorType::Runtime,
       "backward: the graph was already freed: %s was run by an earlier backward(), which dropped its saved values; "
       "give that first call "
       "retain_graph=True, or compute the forward pass again",
       Py_TYPE(node)->tp_name);
}

namespace {
struct Hooks {
  PyRef pack, unpack;
};
thread_local std::vector<Hooks> hooks_of_thread;
}  // namespace

void push_saved_hooks(PyObject* pack, PyObject* unpack) {
  hooks_of_thread.push_back({PyRef::retain(pack), PyRef::retain(unpack)});
  modes |= kPackSaved;
}

void pop_saved_hooks() {
  RL_CHECK(!hooks_of_thread.empty(), Runtime, "saved_tensors_hooks: no hooks are active in this thread");
  Hooks innermost = std::move(hooks_of_thread.back());
  hooks_of_thread.pop_back();
  if (hooks_of_thread.empty()) modes &= ~kPackSaved;
}

// ------------------------------------------------------------------ what hooks make of them

struct Saved::Packed {
  PyRef value, unpack;
  Edge history;  // of an input
  ~Packed() { drop(history); }

  static Packed* make(const Tensor* x, bool is_output, PyObject* pack, PyObject* unpack) {
    ModeGuard unrecorded(0, kGradOff);
    uint32_t version = x->storage->version;
    PyRef value = PyRef::steal(PyObject_CallOneArg(pack, reinterpret_cast<PyObject*>(const_cast<Tensor*>(x))));
    if (!value) throw PythonError();
    RL_CHECK(x->storage->version == version, Runtime,
             "saved_tensors_hooks: the pack hook changed its tensor (shape %s) in place, which is part of the forward "
             "pass; change a copy",
             to_string(x->sizes()).c_str());
    return new Packed{value, PyRef::retain(unpack), is_output ? Edge{} : gradient_edge(x)};
  }

  static Packed* make(const Tensor* x, bool is_output) {
    Hooks h = hooks_of_thread.back();
    return make(x, is_output, h.pack.get(), h.unpack.get());
  }
};

void Saved::keep(Packed* packed) {
  packed_ = packed;
  is_packed_ = true;
}

// ------------------------------------------------------------------ as they are

static void check_saveable(const Tensor* x) {
  RL_CHECK(!(x->flags & kInference), Runtime,
           "an inference tensor (shape %s) cannot be saved for backward; .clone() it outside inference_mode first",
           to_string(x->sizes()).c_str());
}

void Saved::save(const Tensor* x) {
  check_saveable(x);
  version_ = x->storage->version;
  if (modes & kPackSaved) [[unlikely]]
    return keep(Packed::make(x, false));
  tensor_ = const_cast<Tensor*>(x);
  Py_INCREF(reinterpret_cast<PyObject*>(tensor_));
}

void Saved::save_output(const Tensor* x, uint32_t nr) {
  check_saveable(x);
  version_ = x->storage->version;
  is_output_ = true;
  output_nr_ = static_cast<uint16_t>(nr);
  tensor_ = alias(x).release();
  if (modes & kPackSaved) [[unlikely]] {
    Packed* packed = Packed::make(x, true);
    reset();
    keep(packed);
  }
}

void Saved::save_copy(const Tensor* x) {
  Ref copy = convert(x, x->dtype);
  // The copy has the history that x had before the write, so that second derivatives flow through it.
  if (Node* history = grad_fn_of(const_cast<Tensor*>(x))) {
    Py_INCREF(reinterpret_cast<PyObject*>(history));
    copy->grad_fn = history;
    copy->output_nr = x->output_nr;
    track(copy.get());
  }
  if (forward_enabled() && is_dual(x)) set_tangent(copy.get(), ops::clone(tangent_of(x)));
  save(copy.get());
}

void Saved::follow_tangent(const Tensor* x) {
  if (tensor_ && !is_packed_ && is_dual(x)) hold_tangent(tensor_, tangent_of(x));
}

void Saved::check_version(Node* owner, const char* name) const {
  if (tensor_->storage->version == version_) [[likely]]
    return;
  fail(ErrorType::Runtime,
       "backward: %s needs the value that '%s' (%s%s) had in the forward pass, but it was changed in place since (it "
       "was saved at version %u and is at version %u now); use the out-of-place form of the change, or .clone() the "
       "tensor before it%s",
       Py_TYPE(owner)->tp_name, name, name_of(tensor_->dtype), to_string(tensor_->sizes()).c_str(), version_,
       tensor_->storage->version, places_of_change(owner, tensor_->storage, version_).c_str());
}

Ref Saved::unpack(Node* owner, const char* name) const {
  if (owner->released) released_error(owner);
  if (!tensor_) return Ref();
  if (is_packed_) [[unlikely]]
    return unpack_hooked(owner);
  check_version(owner, name);
  if (!is_output_ || !grad_enabled() || owner->unrecorded) return Ref::retain(tensor_);
  Ref y = with_output_history(tensor_, owner, output_nr_);
  if (forward_level_open && is_dual(tensor_)) hold_tangent(y.get(), tangent_of(tensor_));
  return y;
}

Ref Saved::unpack_hooked(Node* owner) const {
  PyRef keep = packed_->value;  // the hook may drop what holds it
  PyRef result = PyRef::steal(PyObject_CallOneArg(packed_->unpack.get(), keep.get()));
  if (!result) throw PythonError();
  RL_CHECK(is_tensor(result.get()), Type, "saved_tensors_hooks: the unpack hook must return a tensor, got %s",
           Py_TYPE(result.get())->tp_name);
  Tensor* value = reinterpret_cast<Tensor*>(result.get());
  if (is_output_) return with_output_history(value, owner, output_nr_);
  Ref x = alias(value);
  if (packed_->history.node) set_history(x.get(), packed_->history.node, packed_->history.nr);
  return x;
}

void Saved::register_hooks(Node* owner, PyObject* pack_hook, PyObject* unpack_hook) {
  RL_CHECK(!owner->released, Runtime,
           "register_hooks: the saved tensors of %s are gone: backward() has run; give it retain_graph=True, or "
           "register before it",
           Py_TYPE(owner)->tp_name);
  RL_CHECK(tensor_, Runtime, "register_hooks: %s kept no tensor here (None)", Py_TYPE(owner)->tp_name);
  RL_CHECK(!is_packed_, Runtime, "register_hooks: this saved tensor of %s has hooks already", Py_TYPE(owner)->tp_name);
  check_version(owner, "saved tensor");
  Packed* packed = Packed::make(alias(tensor_).get(), true, pack_hook, unpack_hook);
  if (!is_output_) packed->history = gradient_edge(tensor_);
  reset();
  keep(packed);
}

void Saved::reset() {
  if (is_packed_) {
    Packed* packed = packed_;
    packed_ = nullptr;
    is_packed_ = false;
    delete packed;
    return;
  }
  Tensor* t = tensor_;
  tensor_ = nullptr;
  Py_XDECREF(reinterpret_cast<PyObject*>(t));
}

int Saved::traverse(visitproc visit, void* arg) const {
  if (is_packed_) {
    Py_VISIT(packed_->value.get());
    Py_VISIT(packed_->unpack.get());
    if (packed_->history.node) Py_VISIT(packed_->history.node->keeper);
    return 0;
  }
  Py_VISIT(reinterpret_cast<PyObject*>(tensor_));
  return 0;
}

}  // namespace rl
