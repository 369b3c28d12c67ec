#include "autograd/engine.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "autograd/accumulate.h"
#include "autograd/anomaly.h"
#include "autograd/history.h"
#include "autograd/hooks.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

// What one backward run knows of one node. A node remembers its slot in the run, so that no map is needed.
struct State {
  Node* node;
  int dependencies = 0;  // nodes that still have to send their gradient here
  bool needed = true;    // on a path to what was asked for
  int first = 0;         // of its gradients in Run::gradients
};

uint64_t next_task = 1;
std::vector<uint64_t> active_tasks;  // runs inside runs, or in other threads while work has released the GIL

struct Run {
  uint64_t id = next_task++;
  std::vector<State> states;
  std::vector<Ref> gradients;
  std::vector<uint32_t> ready;                  // a heap: latest node first
  std::unordered_map<Node*, uint32_t> foreign;  // nodes that another active run has marked
  std::unordered_map<uint64_t, int> captures;   // (slot, output) -> which input wants it
  std::vector<Ref> captured;
  const BackwardOptions& options;

  Run* outer;  // of the same thread

  explicit Run(const BackwardOptions& options) : options(options), outer(innermost) {
    active_tasks.push_back(id);
    innermost = this;
  }
  ~Run() {
    active_tasks.erase(std::find(active_tasks.begin(), active_tasks.end(), id));
    innermost = outer;
  }
  static inline thread_local Run* innermost = nullptr;

  bool find(const Node* node, uint32_t* slot) const {
    if (node->task == id) {
      *slot = node->slot;
      return true;
    }
    if (foreign.empty()) return false;
    auto it = foreign.find(const_cast<Node*>(node));
    if (it == foreign.end()) return false;
    *slot = it->second;
    return true;
  }

  uint32_t slot_of(Node* node) {
    uint32_t slot;
    if (find(node, &slot)) return slot;
    slot = static_cast<uint32_t>(states.size());
    bool taken = active_tasks.size() > 1 &&
                 std::find(active_tasks.begin(), active_tasks.end(), node->task) != active_tasks.end();
    if (taken) {
      foreign.emplace(node, slot);
    } else {
      node->task = id;
      node->slot = slot;
    }
    State s{node};
    s.first = static_cast<int>(gradients.size());
    gradients.resize(gradients.size() + node->n_outputs);
    states.push_back(s);
    return slot;
  }

  // Visits every node below the roots once and counts who waits for whom.
  void discover() {
    for (size_t i = 0; i < states.size(); ++i) {  // grows while it runs
      Node* node = states[i].node;
      for (int k = 0; k < node->n_edges; ++k)
        if (Node* next = node->edges[k].node; next && next->sequence >= options.since) {
          uint32_t slot = slot_of(next);
          ++states[slot].dependencies;
        }
    }
  }

  // Only nodes from which a captured gradient is reachable need to run.
  void mark_needed() {
    std::vector<uint8_t> color(states.size(), 0);  // 0 new, 1 open, 2 done
    for (State& s : states) s.needed = false;
    for (auto& c : captures) states[c.first >> 32].needed = true;
    std::vector<std::pair<uint32_t, int>> stack;
    for (uint32_t root = 0; root < states.size(); ++root) {
      if (color[root]) continue;
      stack.push_back({root, 0});
      color[root] = 1;
      while (!stack.empty()) {
        auto& [slot, k] = stack.back();
        Node* node = states[slot].node;
        if (k < node->n_edges) {
          uint32_t next;
          if (Node* n = node->edges[k++].node; n && find(n, &next) && !color[next]) {
            color[next] = 1;
            stack.push_back({next, 0});
          }
          continue;
        }
        for (int e = 0; e < node->n_edges; ++e) {
          uint32_t next;
          if (Node* n = node->edges[e].node; n && find(n, &next) && states[next].needed) states[slot].needed = true;
        }
        color[slot] = 2;
        stack.pop_back();
      }
    }
  }

  bool later(uint32_t a, uint32_t b) const { return states[a].node->sequence < states[b].node->sequence; }
  void push_ready(uint32_t slot) {
    ready.push_back(slot);
    std::push_heap(ready.begin(), ready.end(), [this](uint32_t a, uint32_t b) { return later(a, b); });
  }
  uint32_t pop_ready() {
    std::pop_heap(ready.begin(), ready.end(), [this](uint32_t a, uint32_t b) { return later(a, b); });
    uint32_t slot = ready.back();
    ready.pop_back();
    return slot;
  }

  void add_gradient(uint32_t slot, uint32_t nr, Ref g) {
    Ref& at = gradients[states[slot].first + nr];
    if (!at) {
      at = std::move(g);
    } else if (!options.create_graph && Py_REFCNT(reinterpret_cast<PyObject*>(at.get())) == 1 &&
               at->storage->refs == 1 && !at->autograd && at->dtype == g->dtype && at->sizes() == g->sizes()) {
      ops::add_(at.get(), g, Scalar(1));
    } else {
      at = ops::add(at, g, Scalar(1));
    }
  }

  void capture(uint32_t slot, Node* node, Ref* g) {
    if (captures.empty()) return;
    for (int nr = 0; nr < node->n_outputs; ++nr)
      if (auto it = captures.find(uint64_t(slot) << 32 | nr); it != captures.end()) captured[it->second] = g[nr];
  }

  // The node's own backward; in anomaly mode watched for errors and NaN.
  static void apply(Node* node, BackwardCall& call) {
    if (!anomaly_mode) [[likely]]
      return node->kind->apply(node, call);
    Evaluating scope(node);
    try {
      node->kind->apply(node, call);
      check_nan(node, call.out);
    } catch (...) {
      report_failure(node);
      throw;
    }
  }

  void run_node(uint32_t slot) {
    Node* node = states[slot].node;
    Ref* g = &gradients[states[slot].first];
    bool any = false;
    for (int i = 0; i < node->n_outputs; ++i) any |= bool(g[i]);
    uint64_t need = 0;
    for (int k = 0; k < node->n_edges; ++k) {
      uint32_t next;
      if (node->edges[k].node && find(node->edges[k].node, &next) && states[next].needed) need |= need_bit(k);
    }
    Ref few[4];
    std::vector<Ref> many(node->n_edges > 4 ? node->n_edges : 0);
    Ref* out = node->n_edges > 4 ? many.data() : few;
    bool accumulates = is_accumulator(node);
    if (any) {
      bool runs = accumulates ? options.accumulate && (options.inputs.n == 0 || is_captured(slot)) : need != 0;
      if (runs)
        capture(slot, node, g);  // as PyTorch: what flows on is captured before its hooks, what ends here after them
      run_output_hooks(node, g);
      if (!runs) capture(slot, node, g);
      if (runs) {
        if (node->hooks && node->hooks->pre) run_pre_hooks(node, g);
        // With tangents about, formulas must be made of operations, as they are for a graph of their own.
        BackwardCall call{g, out, need, options.create_graph || forward_level_open};
        bool post = node->hooks && node->hooks->post;
        std::vector<Ref> kept(post ? node->n_outputs : 0);
        for (size_t i = 0; i < kept.size(); ++i) kept[i] = g[i];
        apply(node, call);
        g = &gradients[states[slot].first];
        if (post) run_post_hooks(node, out, kept.data());
        if (!options.retain_graph && !accumulates) {
          node->kind->release(node);
          node->released = true;
        }
      }
      for (int i = 0; i < node->n_outputs; ++i) g[i] = Ref();
    }
    for (int k = 0; k < node->n_edges; ++k) {
      const Edge& e = node->edges[k];
      uint32_t next;
      if (!e.node || !find(e.node, &next)) continue;
      if (out[k] && states[next].needed) {
        if (e.expected) out[k] = finish_gradient(std::move(out[k]), *e.expected);
        add_gradient(next, e.nr, std::move(out[k]));
      }
      if (--states[next].dependencies == 0) push_ready(next);
    }
  }

  bool is_captured(uint32_t slot) const { return captures.count(uint64_t(slot) << 32) > 0; }
};

Ref root_gradient(const Tensor* y, const Ref& given) {
  if (!given) {
    RL_CHECK(y->numel == 1, Runtime,
             "backward: the gradient of a tensor of shape %s has to be given (only for one element it is 1 by itself); "
             "reduce it first, with .sum() or .mean(), or pass gradient=",
             to_string(y->sizes()).c_str());
    RL_CHECK(is_differentiable(y->dtype), Runtime,
             "backward: only floating and complex tensors have gradients, got dtype %s", name_of(y->dtype));
    RL_CHECK(!is_complex(y->dtype), Runtime,
             "backward: a complex number has no slope of its own (dtype %s); take .real or .abs() of it, or pass "
             "gradient=",
             name_of(y->dtype));
    return full(y->sizes(), Scalar(1), y->dtype, y->device);
  }
  RL_CHECK(is_differentiable(y->dtype), Runtime, "backward: a tensor of dtype %s has no gradients", name_of(y->dtype));
  RL_CHECK(given->sizes() == y->sizes(), Runtime,
           "backward: the given gradient has shape %s, but the tensor has shape %s; both must be the same",
           to_string(given->sizes()).c_str(), to_string(y->sizes()).c_str());
  if (given->dtype == y->dtype) return given;
  RL_CHECK(is_complex(given->dtype) == is_complex(y->dtype), Runtime,
           "backward: the given gradient is %s, but the tensor is %s; both must be complex, or both real",
           name_of(given->dtype), name_of(y->dtype));
  return ops::_to_copy(given, y->dtype);
}

}  // namespace

uint64_t current_backward() { return Run::innermost ? Run::innermost->id : 0; }
bool will_run(const Node* node) {
  uint32_t slot;
  return Run::innermost && Run::innermost->find(node, &slot) && Run::innermost->states[slot].needed;
}
bool backward_is_running(uint64_t id) {
  return std::find(active_tasks.begin(), active_tasks.end(), id) != active_tasks.end();
}

Place::Place(Tensor* x) : tensor(Ref::retain(x)) {
  Edge e = gradient_edge(x);
  if (!e.node) return;
  node = e.node;
  nr = e.nr;
  keeper = PyRef::steal(e.node->keeper);
}

bool depends_on_others(const std::vector<Place>& results, const std::vector<Place>& leaves) {
  std::unordered_set<Node*> seen;
  std::vector<Node*> open;
  auto visit = [&](Node* node) {
    if (node && seen.insert(node).second) open.push_back(node);
  };
  for (const Place& x : leaves) seen.insert(x.node);
  for (const Place& y : results) visit(y.node);
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    if (is_accumulator(node)) return true;
    for (int k = 0; k < node->n_edges; ++k) visit(node->edges[k].node);
  }
  return false;
}

static std::string described(const Place& p) {
  if (!p.tensor) return "an edge of the graph";
  return format_text("shape %s, dtype %s", to_string(p.tensor->sizes()).c_str(), name_of(p.tensor->dtype));
}

static Ref start_of(const Place& root, const Ref& given) {
  if (root.tensor) return root_gradient(root.tensor.get(), given);
  RL_CHECK(given, Runtime, "backward: an edge of the graph does not know its shape, so its gradient has to be given");
  return given;
}

std::vector<Ref> run_backward(Span<const Place> roots, Span<const Ref> gradients, const BackwardOptions& options) {
  Run run(options);
  std::vector<std::pair<uint32_t, uint32_t>> starts;
  for (int i = 0; i < roots.n; ++i) {
    RL_CHECK(roots[i].node, Runtime,
             "backward: tensor %d (%s) does not require grad and has no grad_fn: nothing it was computed from has "
             "requires_grad=True, or it was computed under no_grad() or detached",
             i, described(roots[i]).c_str());
    RL_CHECK(roots[i].nr < static_cast<uint32_t>(roots[i].node->n_outputs), Index,
             "backward: %s has %d outputs, there is no number %u", Py_TYPE(roots[i].node)->tp_name,
             roots[i].node->n_outputs, roots[i].nr);
    starts.push_back({run.slot_of(roots[i].node), roots[i].nr});
  }
  ModeGuard mode(kGradOff, options.create_graph ? 0u : uint32_t(kGradOff));
  run.discover();
  run.captured.resize(options.inputs.n);
  std::vector<int> same(options.inputs.n, -1);
  for (int i = 0; i < options.inputs.n; ++i) {
    const Place& input = options.inputs[i];
    // A view that is older than its base's wish for a gradient wants one too, but nothing leads to it.
    RL_CHECK(input.node || wants_grad(input.tensor), Runtime, "backward: input %d (%s) does not require grad", i,
             described(input).c_str());
    uint32_t slot;
    if (!input.node || !run.find(input.node, &slot)) continue;
    auto [it, fresh] = run.captures.emplace(uint64_t(slot) << 32 | input.nr, i);
    if (!fresh) same[i] = it->second;
  }
  if (options.inputs.n) run.mark_needed();
  for (int i = 0; i < roots.n; ++i)
    run.add_gradient(starts[i].first, starts[i].second, start_of(roots[i], gradients[i]));
  std::vector<uint8_t> pushed(run.states.size(), 0);
  for (auto [slot, nr] : starts)
    if (run.states[slot].dependencies == 0 && !pushed[slot]) {
      pushed[slot] = 1;
      run.push_ready(slot);
    }
  while (!run.ready.empty()) run.run_node(run.pop_ready());
  for (int i = 0; i < options.inputs.n; ++i)
    if (same[i] >= 0) run.captured[i] = run.captured[same[i]];
  return std::move(run.captured);
}

}  // namespace rl
