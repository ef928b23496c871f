# Burnish.cmake - how the libraries of the compiler are built.

# TableGen writes functions that do not use all their parameters, hence -Wno-unused-parameter.
# What every MLIR target shares: MLIR's headers cost 19 s a file without this one precompiled header.
add_library(burnish_pch OBJECT ${PROJECT_SOURCE_DIR}/cmake/Pch.cpp)
target_precompile_headers(burnish_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/Pch.h)
target_compile_options(burnish_pch PRIVATE -Wall -Wextra -Wno-unused-parameter -Werror -fno-exceptions -fpch-instantiate-templates
  # The same headers give the same bytes, so that ccache knows what was compiled with them.
  "SHELL:-Xclang -fno-pch-timestamp")

# burnish_add_library(NAME SOURCES a.cpp ... LINK lib ... DEPENDS target ...)
# A static library of MLIR code.
function(burnish_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  burnish_mlir_target(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} burnish_llvm)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# Gives an existing target the compile options and the precompiled header of MLIR code; -fPIC also for executables, since
# the header is compiled with it.
function(burnish_mlir_target name)
  target_compile_options(${name} PRIVATE -fPIC -Wall -Wextra -Wno-unused-parameter -Werror -fno-exceptions -fpch-instantiate-templates)
  target_precompile_headers(${name} REUSE_FROM burnish_pch)
endfunction()
