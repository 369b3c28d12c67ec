# Runs the generator over the table. Sets
#   RL_GEN_SOURCES   gen/*.cpp compiled once
#   RL_GEN_KERNELS   gen/kernels_*.cpp, compiled for each level
#   RL_GEN_PACKAGE   files that ship inside the package (type stubs, the summary of the table)
# and the target rl_gen, on which everything that includes a generated header depends.
#
# The generator leaves a file alone when its content is the same, so a changed row recompiles its own family only.
set(rl_gen_dir ${PROJECT_BINARY_DIR}/gen)
file(GLOB rl_table CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/ops/*.py)
file(GLOB_RECURSE rl_generator CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/codegen/*.py ${PROJECT_SOURCE_DIR}/codegen/*.pyi)
# A row may bring its family the first kernel, and with it a new file.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${rl_table} ${rl_generator})

execute_process(
  COMMAND ${Python_EXECUTABLE} -m codegen --list
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  OUTPUT_VARIABLE rl_listed OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" rl_listed "${rl_listed}")

set(rl_gen_outputs "")
foreach(name IN LISTS rl_listed)
  cmake_path(ABSOLUTE_PATH name BASE_DIRECTORY ${rl_gen_dir} NORMALIZE)
  list(APPEND rl_gen_outputs ${name})
endforeach()
set(RL_GEN_SOURCES ${rl_gen_outputs})
list(FILTER RL_GEN_SOURCES INCLUDE REGEX "\\.cpp$")
set(RL_GEN_KERNELS ${RL_GEN_SOURCES})
list(FILTER RL_GEN_KERNELS INCLUDE REGEX "/kernels_[^/]*\\.cpp$")
list(FILTER RL_GEN_SOURCES EXCLUDE REGEX "/kernels_[^/]*\\.cpp$")
set(RL_GEN_PACKAGE ${rl_gen_outputs})
list(FILTER RL_GEN_PACKAGE INCLUDE REGEX "\\.(pyi|json)$")

add_custom_command(
  OUTPUT ${rl_gen_outputs}
  COMMAND ${Python_EXECUTABLE} -m codegen --out ${rl_gen_dir}
  DEPENDS ${rl_table} ${rl_generator}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  COMMENT "Reading the table"
  VERBATIM)
add_custom_target(rl_gen DEPENDS ${rl_gen_outputs})

# Put the generated files of the package under `destination`, in the folders they were written in.
function(rl_install_generated destination)
  foreach(file IN LISTS RL_GEN_PACKAGE)
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${rl_gen_dir} OUTPUT_VARIABLE relative)
    cmake_path(GET relative PARENT_PATH folder)
    install(FILES ${file} DESTINATION ${destination}/${folder})
  endforeach()
endfunction()
