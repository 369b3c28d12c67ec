// Runs the backward pass: in the calling thread, without recursion.
#pragma once
#include "autograd/node.h"

namespace rl {

// Where gradients start or are wanted: a tensor, or an edge of the graph alone (an output of a node).
struct Place {
  Ref tensor;  // may be empty
  Node* node = nullptr;
  uint32_t nr = 0;
  PyRef keeper;  // of the node

  Place() = default;
  explicit Place(Tensor* x);  // node stays nullptr where x wants no gradient
  Place(Node* node, uint32_t nr) : node(node), nr(nr), keeper(PyRef::retain(node->keeper)) {}
};

struct BackwardOptions {
  bool retain_graph = false, create_graph = false;
  bool accumulate = true;         // into the leaves; false: only `inputs` are captured
  Span<const Place> inputs = {};  // empty: all leaves
  uint64_t since = 0;             // nodes older than this lead to none of the inputs
};

// Inside a run of this thread: its number (0: none is under way), and whether it comes past `node`.
uint64_t current_backward();
bool will_run(const Node* node);
bool backward_is_running(uint64_t id);

// Whether a gradient of one of `results` flows to a leaf that is none of `leaves`.
bool depends_on_others(const std::vector<Place>& results, const std::vector<Place>& leaves);

// d(sum of roots * gradients). A missing gradient of a one-element tensor is 1.
// With inputs: the gradient of each (empty where none arrives), unless accumulate.
std::vector<Ref> run_backward(Span<const Place> roots, Span<const Ref> gradients, const BackwardOptions& options);

}  // namespace rl
