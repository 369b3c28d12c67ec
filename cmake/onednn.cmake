# oneDNN, from the pip packages onednn-cpu-gomp and onednn-devel-cpu-gomp, or from a folder named by RL_ONEDNN_ROOT.
# Its headers are used at build time only: the library is opened when a matmul or convolution first wants it. One
# stripped copy of it goes into the package with its licence. Without it the library computes with its own kernels.
set(RL_ONEDNN_ROOT "$ENV{RL_ONEDNN_ROOT}" CACHE PATH "folder with oneDNN 3 (empty: the pip packages)")
option(RL_ONEDNN "build with oneDNN where it is found" ON)

if(RL_ONEDNN)
  execute_process(
    COMMAND ${Python_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/find_onednn.py ${RL_ONEDNN_ROOT}
    OUTPUT_VARIABLE rl_onednn OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  if(rl_onednn)
    string(REPLACE "\n" ";" rl_onednn "${rl_onednn}")
    list(POP_FRONT rl_onednn rl_onednn_include rl_onednn_library)
    set(rl_onednn_licences ${rl_onednn})
    message(STATUS "oneDNN: ${rl_onednn_library}")
    # Headers are included from a copy, so that command lines, and with them objects, outlive the build environment.
    file(GLOB rl_headers RELATIVE ${rl_onednn_include}
      ${rl_onednn_include}/dnnl*.h* ${rl_onednn_include}/oneapi/dnnl/*.h*)
    foreach(header IN LISTS rl_headers)
      configure_file(${rl_onednn_include}/${header} ${PROJECT_BINARY_DIR}/include/${header} COPYONLY)
    endforeach()
  else()
    message(STATUS "oneDNN: not found; matmul and convolution use the library's own kernels")
  endif()
endif()

function(rl_use_onednn target)
  if(NOT rl_onednn_library)
    return()
  endif()
  target_compile_definitions(${target} PRIVATE RL_ONEDNN=1)
  target_include_directories(${target} SYSTEM PRIVATE ${PROJECT_BINARY_DIR}/include)
  set(copy ${PROJECT_BINARY_DIR}/lib/libdnnl.so.3)
  add_custom_command(
    OUTPUT ${copy}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/lib
    COMMAND ${CMAKE_STRIP} --strip-unneeded -o ${copy} ${rl_onednn_library}
    DEPENDS ${rl_onednn_library}
    COMMENT "Stripping libdnnl.so.3"
    VERBATIM)
  add_custom_target(rl_onednn_copy ALL DEPENDS ${copy})
  install(PROGRAMS ${copy} DESTINATION rushlight/lib)
  foreach(licence IN LISTS rl_onednn_licences)
    cmake_path(GET licence FILENAME name)
    install(FILES ${licence} DESTINATION rushlight/lib RENAME oneDNN-${name})
  endforeach()
endfunction()
