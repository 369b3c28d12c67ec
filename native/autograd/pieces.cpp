#include "autograd/pieces.h"

#include <cstring>

#include "autograd/history.h"
#include "gen/ops/indexing.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

struct PiecesBackward : NodeWith<1> {
  struct Values {
    std::vector<Dims> sizes;  // of the pieces
    DType dtype;
    DeviceId device;
    int dim;
    bool stacked;
  } v;
  void construct() { new (&v) Values(); }
};

PiecesBackward::Values& values_of(Node* n) { return static_cast<PiecesBackward*>(n)->v; }

void apply(Node* self, BackwardCall& call) {
  PiecesBackward::Values& v = values_of(self);
  if (!call.needs(0)) return;
  std::vector<Ref> parts(call.g, call.g + v.sizes.size());
  for (size_t i = 0; i < parts.size(); ++i)
    if (!parts[i]) parts[i] = full(v.sizes[i], Scalar(0), v.dtype, v.device);
  call.out[0] = v.stacked ? ops::stack(parts, v.dim) : ops::cat(parts, v.dim);
}

void release(Node*) {}
int traverse(Node*, visitproc, void*) { return 0; }
PyObject* saved(Node* self, const char* name, bool raw) {
  return raw || std::strcmp(name, "dim") ? nullptr : box(int64_t(values_of(self).dim));
}

#define RL_PIECES(name) {name, sizeof(PiecesBackward), apply, release, traverse, destructor_of<PiecesBackward>(), saved}
NodeType kinds[] = {RL_PIECES("UnbindBackward0"), RL_PIECES("SplitBackward0"), RL_PIECES("SplitWithSizesBackward0")};
#undef RL_PIECES

}  // namespace

void record_pieces(Pieces kind, In x, std::vector<Ref>& pieces, int dim) {
  for (Ref& piece : pieces)  // writing one in place would leave the others without history
    if (piece->base) piece->origin = ViewOrigin::MultiView;
  if (!grad_enabled() || !wants_grad(x) || pieces.empty()) return;
  auto node = new_node<PiecesBackward>(kinds[static_cast<int>(kind)]);
  node->n_outputs = static_cast<int32_t>(pieces.size());
  connect(node.get(), 0, x.tensor());
  PiecesBackward::Values& v = node->v;
  v.dtype = x->dtype;
  v.device = x->device;
  v.dim = dim;
  v.stacked = kind == Pieces::Unbind;
  for (size_t i = 0; i < pieces.size(); ++i) {
    v.sizes.push_back(Dims(pieces[i]->sizes()));
    set_history(pieces[i].get(), node.get(), static_cast<uint32_t>(i));
  }
}

}  // namespace rl
