// Random counts: numbers of a Poisson and of a binomial distribution.
#pragma once
#include "cpu/random.h"

namespace rl {

// W. Hörmann, The transformed rejection method for generating Poisson random variables (1993), algorithm PTRS, from a
// rate of 10 on; below that the product of uniform numbers (D. Knuth).
int64_t random_poisson(double rate, Generator& generator);

// W. Hörmann, The generation of binomial random variates (1993), algorithm BTRS, where count * prob is 10 or more;
// below that sums of geometric numbers. NaN where prob is NaN.
template <class T>
T random_binomial(T count, T prob, Generator& generator);

}  // namespace rl
