// The node of a call that takes a tensor apart: one for all its pieces, so that backward joins their gradients once.
#pragma once
#include "autograd/arguments.h"

namespace rl {

enum class Pieces : uint8_t { Unbind, Split, SplitWithSizes };

// Gives `pieces`, views of x along `dim` that were made without history, the history of one call, if x wants a
// gradient.
void record_pieces(Pieces kind, In x, std::vector<Ref>& pieces, int dim);

}  // namespace rl
