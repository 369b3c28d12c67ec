#include "autograd/node.h"

#include <cstdlib>
#include <new>

namespace rl {

uint64_t next_sequence = 1;

// ------------------------------------------------------------------ life

Node* allocate_node(NodeType& kind, int n_edges, int n_outputs, Edge* (*edges)(Node*)) {
  if (!kind.type) [[unlikely]]
    ready_node_type(kind);
  Node* n = reinterpret_cast<Node*>(_PyObject_GC_New(kind.type));
  if (!n) throw std::bad_alloc();
  n->kind = &kind;
  n->keeper = reinterpret_cast<PyObject*>(n);
  n->sequence = next_sequence++;
  n->task = 0;
  n->slot = 0;
  n->n_edges = n_edges;
  n->n_outputs = n_outputs;
  n->released = false;
  n->heap_edges = !edges;
  n->unrecorded = false;
  n->edges = edges ? edges(n) : new Edge[n_edges];
  n->hooks = nullptr;
  for (int i = 0; i < n_edges; ++i) n->edges[i] = Edge{};
  PyObject_GC_Track(n);
  return n;
}

void start_node(Node* n, NodeType& kind) {
  n->kind = &kind;
  n->keeper = reinterpret_cast<PyObject*>(n);
  n->sequence = next_sequence++;
  n->task = 0;
  n->slot = 0;
  n->n_edges = n->n_outputs = 0;
  n->released = false;
  n->heap_edges = true;
  n->edges = nullptr;
  n->hooks = nullptr;
  if (anomaly_mode) [[unlikely]]
    note_forward(n);
}

void set_edges(Node* n, int n_edges) {
  n->edges = new Edge[n_edges];
  n->n_edges = n_edges;
}

static void clear_hooks(Node* n) {
  NodeHooks* h = n->hooks;
  if (!h) return;
  n->hooks = nullptr;
  for (PyObject* o : {h->pre, h->post, h->tensors, h->retains, h->metadata}) Py_XDECREF(o);
  delete h;
}

static void clear_edges(Node* n) {
  for (int i = 0; i < n->n_edges; ++i)
    if (n->edges[i].node) drop(n->edges[i]);
}

void drop(Edge& e) {
  Edge old = e;
  e = Edge{};
  delete old.expected;
  if (old.node) Py_DECREF(old.node->keeper);
}

// Freeing a node frees the nodes before it: a long chain is taken apart by a loop, not by recursion. Nodes that wait
// are linked through `task`, so that freeing allocates nothing.
struct Doomed {
  bool busy = false;
  Node* first = nullptr;
};
static thread_local Doomed doomed __attribute__((tls_model("initial-exec")));

static void destroy(Node* n) {
  NodeType& kind = *n->kind;
  kind.release(n);
  if (n->hooks) clear_hooks(n);
  clear_edges(n);
  if (kind.destruct) kind.destruct(n);
  if (n->heap_edges) {
    delete[] n->edges;
    kind.free ? kind.free(n) : PyObject_GC_Del(n);
  } else if (kind.free_count < 256) {
    n->task = reinterpret_cast<uint64_t>(kind.free_list);
    kind.free_list = n;
    ++kind.free_count;
  } else {
    PyObject_GC_Del(n);
  }
}

void node_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Node* n = reinterpret_cast<Node*>(self);
  if (doomed.busy) {
    n->task = reinterpret_cast<uint64_t>(doomed.first);
    doomed.first = n;
    return;
  }
  doomed.busy = true;
  for (; n; n = doomed.first, doomed.first = n ? reinterpret_cast<Node*>(n->task) : nullptr) destroy(n);
  doomed.busy = false;
}

int node_traverse(PyObject* self, visitproc visit, void* arg) {
  Node* n = reinterpret_cast<Node*>(self);
  for (int i = 0; i < n->n_edges; ++i) Py_VISIT(n->edges[i].node ? n->edges[i].node->keeper : nullptr);
  if (NodeHooks* h = n->hooks)
    for (PyObject* o : {h->pre, h->post, h->tensors, h->retains, h->metadata}) Py_VISIT(o);
  return n->kind->traverse(n, visit, arg);
}

int node_clear(PyObject* self) {
  Node* n = reinterpret_cast<Node*>(self);
  n->kind->release(n);
  n->released = true;
  clear_hooks(n);
  clear_edges(n);
  return 0;
}

// ------------------------------------------------------------------ types

PyTypeObject node_base_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

void ready_node_type(NodeType& kind) {
  PyTypeObject* t = new PyTypeObject{PyVarObject_HEAD_INIT(nullptr, 0)};
  t->tp_name = kind.name;
  t->tp_basicsize = static_cast<Py_ssize_t>(kind.size);
  t->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  t->tp_base = &node_base_type;
  t->tp_dealloc = node_dealloc;
  t->tp_traverse = node_traverse;
  t->tp_clear = node_clear;
  if (PyType_Ready(t) < 0) throw PythonError();
  kind.type = t;
}

bool is_node(PyObject* o) { return PyType_IsSubtype(Py_TYPE(o), &node_base_type); }

NodeHooks* hooks_of(Node* node) {
  if (!node->hooks) node->hooks = new NodeHooks;
  return node->hooks;
}

}  // namespace rl
