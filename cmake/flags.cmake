# What every source of ours is compiled with: the interface library rl_flags.
#
# Nothing here may change NaN, infinities, signed zeros or denormals, so -ffast-math is out, at link time too.
# Fused multiply-adds are written by hand where they are wanted, so the compiler makes none of its own.
# Integers wrap, as PyTorch's do. The loops over a few sizes and strides must not become calls of memcpy, which cost
# 10-30 ns a view. Calls of Python's functions go without a stub (-fno-plt: 1-3% of a tiny operation).
add_library(rl_flags INTERFACE)
target_include_directories(rl_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/native ${PROJECT_BINARY_DIR} ${PROJECT_BINARY_DIR}/gen)
target_compile_options(rl_flags INTERFACE
  -fno-math-errno -fno-trapping-math -ffp-contract=off -fwrapv
  -fno-tree-loop-distribute-patterns
  -fno-plt -ffunction-sections -fdata-sections
  -Wall -Wextra -Wno-init-list-lifetime -Wno-unused-parameter -Wno-missing-field-initializers)
if(RL_WERROR)
  target_compile_options(rl_flags INTERFACE -Werror)
endif()
target_link_libraries(rl_flags INTERFACE OpenMP::OpenMP_CXX)

if(RL_SANITIZE)
  target_compile_options(rl_flags INTERFACE -fsanitize=${RL_SANITIZE} -fno-omit-frame-pointer -O1 -g1)
  target_link_options(rl_flags INTERFACE -fsanitize=${RL_SANITIZE})
endif()
