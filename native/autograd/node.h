// A node of the backward graph: one call of a row, its edges to the nodes of its inputs, and its saved values.
#pragma once
#include <vector>

#include "base/modes.h"
#include "tensor/autograd.h"
#include "tensor/promote.h"

namespace rl {

struct Node;

// What the input of a node looked like where the gradient that flows there may look different.
struct Expected {
  DType dtype;
  Dims sizes;
};

struct Edge {
  Node* node = nullptr;  // its keeper is owned; nullptr: this input wants no gradient
  uint32_t nr = 0;
  Expected* expected = nullptr;
};

// The bit of input k among those whose gradients are wanted; the inputs from 63 on share one.
inline uint64_t need_bit(int k) { return uint64_t(1) << (k < 63 ? k : 63); }

// One backward call of a node.
struct BackwardCall {
  Ref* g;         // gradients of the outputs; may be empty
  Ref* out;       // gradients of the inputs, to be written
  uint64_t need;  // need_bit(k): out[k] is wanted
  bool needs(int k) const { return need & need_bit(k); }
  bool create_graph;
};

// Static part of a node class: a Python type with PyTorch's name, and what the engine calls.
struct NodeType {
  const char* name;
  size_t size;
  void (*apply)(Node* self, BackwardCall& call);
  void (*release)(Node* self);                              // drops the saved values
  int (*traverse)(Node* self, visitproc visit, void* arg);  // saved values, for the collector
  void (*destruct)(Node* self) = nullptr;                   // destroys the members, where that does anything
  // `_saved_<name>` (`_raw_saved_<name>` if raw); nullptr without an error: no such name
  PyObject* (*saved)(Node* self, const char* name, bool raw) = nullptr;
  bool elementwise = false;            // each element of a gradient comes from one of g
  void (*free)(Node* self) = nullptr;  // gives the memory back; nullptr: to the free list
  PyTypeObject* type = nullptr;        // made on first use
  Node* free_list = nullptr;
  int free_count = 0;
};

// Python dicts of hooks, made when the first one is registered.
struct NodeHooks {
  PyObject* pre = nullptr;       // dict id -> f(grad_outputs)
  PyObject* post = nullptr;      // dict id -> f(grad_inputs, grad_outputs)
  PyObject* tensors = nullptr;   // dict output_nr -> dict of tensor hooks
  PyObject* retains = nullptr;   // dict output_nr -> weakref of the tensor that keeps its gradient
  PyObject* metadata = nullptr;  // dict
  Node* slices = nullptr;        // weak: the CopySlices that runs this node in its place, after a write to a view
};

struct Node {
  PyObject_HEAD NodeType* kind;
  PyObject* keeper;   // what edges to this node hold: the node, or the leaf that owns its accumulator
  uint64_t sequence;  // later nodes run earlier
  uint64_t task;      // which backward run `slot` belongs to
  uint32_t slot;
  int32_t n_edges, n_outputs;
  bool released;
  bool heap_edges;
  bool unrecorded;  // made for its formulas only: no tensor has it as its history
  Edge* edges;
  NodeHooks* hooks;
};
using NodeRef = Handle<Node>;

inline void retain(const Edge& e) { Py_XINCREF(e.node ? e.node->keeper : nullptr); }
void drop(Edge& e);
// The node as Python may hold it: from then on an accumulator keeps its leaf alive, not only the leaf its accumulator.
PyObject* exposed(Node* node);

// Edges lie in the node.
template <int N>
struct NodeWith : Node {
  static constexpr int edge_count = N;
  Edge own_edges[N > 0 ? N : 1];
};

// A fresh node: header, edges empty; the caller constructs what follows. Without `edges` they are allocated.
Node* allocate_node(NodeType& kind, int n_edges, int n_outputs, Edge* (*edges)(Node*));
extern uint64_t next_sequence;  // the number that the next node gets
// Anomaly mode: each new node notes where in the program it was made.
extern bool anomaly_mode __attribute__((visibility("hidden")));
void note_forward(Node* node);
template <class N>
Handle<N> new_node(NodeType& kind, int n_outputs = 1) {
  Node* raw = kind.free_list;
  if (raw) [[likely]] {  // as it was freed: its edges and hooks are empty
    kind.free_list = reinterpret_cast<Node*>(raw->task);
    --kind.free_count;
    Py_SET_REFCNT(reinterpret_cast<PyObject*>(raw), 1);
    raw->sequence = next_sequence++;
    raw->task = 0;
    raw->released = false;
    PyObject_GC_Track(raw);
  } else {
    raw = allocate_node(kind, N::edge_count, n_outputs, [](Node* n) { return static_cast<N*>(n)->own_edges; });
  }
  N* node = static_cast<N*>(raw);
  node->construct();
  if (anomaly_mode) [[unlikely]]
    note_forward(node);
  return Handle<N>::steal(node);
}

// The header of a node whose memory Python gave, without edges yet.
void start_node(Node* n, NodeType& kind);
void set_edges(Node* n, int n_edges);
void node_dealloc(PyObject* self);
int node_traverse(PyObject* self, visitproc visit, void* arg);
int node_clear(PyObject* self);

// A value kept for the backward pass. Its version is checked when it is taken out.
class Saved {
 public:
  void save(const Tensor* x);
  void save(const Ref& x) { save(x.get()); }
  // Output `nr` of the node is kept as an alias without history, so that node and output form no cycle.
  void save_output(const Tensor* x, uint32_t nr = 0);
  void save_output(const Ref& x, uint32_t nr = 0) { save_output(x.get(), nr); }
  void save_copy(const Tensor* x);
  // The saved output carries its tangent too, so that forward mode runs through the backward pass.
  void follow_tangent(const Tensor* x);
  void follow_tangent(const Ref& x) { follow_tangent(x.get()); }
  Ref unpack(Node* owner, const char* name) const;
  void reset();
  void clear() { tensor_ = nullptr; }
  int traverse(visitproc visit, void* arg) const;
  bool defined() const { return tensor_; }
  // Keeps pack(value) from now on, which unpack turns into the value again.
  void register_hooks(Node* owner, PyObject* pack, PyObject* unpack);

 private:
  struct Packed;
  void keep(Packed* packed);
  Ref unpack_hooked(Node* owner) const;
  void check_version(Node* owner, const char* name) const;

  union {
    Tensor* tensor_ = nullptr;
    Packed* packed_;
  };
  uint32_t version_ = 0;
  uint16_t output_nr_ = 0;
  bool is_output_ = false;
  bool is_packed_ = false;
};
// The innermost saved-tensor hooks of this thread; pop_saved_hooks takes them off again.
void push_saved_hooks(PyObject* pack, PyObject* unpack);
void pop_saved_hooks();

// A tensor or number kept for the backward pass.
struct SavedArg {
  Saved value;
  Scalar number;
  bool is_number = false;
  void save(const Arg& a) {
    is_number = !a.tensor;
    if (a.tensor) {
      value.save(a.tensor);
    } else {
      number = a.number;
    }
  }
  void save_copy(const Arg& a) {
    is_number = !a.tensor;
    if (a.tensor) {
      value.save_copy(a.tensor);
    } else {
      number = a.number;
    }
  }
};

[[noreturn, gnu::cold]] void released_error(Node* node);

// What unpacking a SavedArg gives: keeps the tensor alive while the formula runs.
struct HeldArg {
  Ref tensor;
  Scalar number;
  bool is_number;
  operator Arg() const { return is_number ? Arg(number) : Arg(tensor.get()); }
};
inline HeldArg unpack(const SavedArg& s, Node* owner, const char* name) {
  if (s.is_number && owner->released) released_error(owner);
  if (s.is_number) return {Ref(), s.number, true};
  return {s.value.unpack(owner, name), Scalar(), false};
}

// NodeType::destruct of a node whose values are its member `v`.
template <class N>
constexpr void (*destructor_of())(Node*) {
  using Values = typename N::Values;
  if constexpr (std::is_trivially_destructible_v<Values>) return nullptr;
  return [](Node* self) { static_cast<N*>(self)->v.~Values(); };
}
void ready_node_type(NodeType& kind);
NodeHooks* hooks_of(Node* node);
bool is_node(PyObject* o);
extern PyTypeObject node_base_type;

}  // namespace rl
