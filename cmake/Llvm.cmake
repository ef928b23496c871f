# Llvm.cmake - how MLIR and LLVM are linked: `burnish_llvm` stands for both, in everything that is built of them.
#
# As shared libraries they cost every start 25 ms, most of a small compile: 57,000 symbols are looked up by name. In what users
# run, their archives are linked instead, of which the linker takes what is used; that also leaves one file that needs libc
# and libm only. Never both: each brings a registry of its own, and the imported targets of MLIR's archives and of lld's name the shared library,
# so that files are named here instead.
option(BURNISH_STATIC_LLVM "Link MLIR and LLVM into the compiler instead of loading their shared libraries" OFF)

add_library(burnish_llvm INTERFACE)
if(BURNISH_STATIC_LLVM)
  set(Protobuf_USE_STATIC_LIBS ON)
  get_property(names GLOBAL PROPERTY MLIR_ALL_LIBS)
  list(APPEND names ${LLVM_AVAILABLE_LIBS})
  foreach(name IN LISTS names)
    set(archive ${LLVM_LIBRARY_DIR}/lib${name}.a)
    if(EXISTS ${archive})
      target_link_libraries(burnish_llvm INTERFACE ${archive})
    endif()
  endforeach()
  # lld's code for link time optimisation names Polly, as Debian builds it.
  target_link_libraries(burnish_llvm INTERFACE ${LLVM_LIBRARY_DIR}/libPolly.a ${LLVM_LIBRARY_DIR}/libPollyISL.a -l:libz.a -l:libzstd.a)
  target_link_options(burnish_llvm INTERFACE -static-libstdc++ -static-libgcc -Wl,--gc-sections -Wl,-z,pack-relative-relocs)
  set_target_properties(lldELF PROPERTIES INTERFACE_LINK_LIBRARIES "lldCommon;burnish_llvm")
  set_target_properties(lldCommon PROPERTIES INTERFACE_LINK_LIBRARIES burnish_llvm)
else()
  target_link_libraries(burnish_llvm INTERFACE MLIR LLVM)
endif()
