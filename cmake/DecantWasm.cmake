# Emscripten's compiler must not see the host's C library, so the libraries that are headers are taken
# out of the host's include directory one by one, and what needs linking is left out: fmt is compiled
# from its headers, Highway with one instruction set needs no dispatcher, and there are no threads.
set(host_include /usr/include CACHE PATH "Where Highway, nlohmann-json and fmt are installed")
set(wasm_include ${CMAKE_BINARY_DIR}/include)
foreach(library hwy nlohmann fmt)
  if(NOT EXISTS ${host_include}/${library})
    message(FATAL_ERROR "${host_include}/${library} is missing: run tools/install_dependencies")
  endif()
  file(MAKE_DIRECTORY ${wasm_include})
  file(CREATE_LINK ${host_include}/${library} ${wasm_include}/${library} SYMBOLIC)
endforeach()
foreach(name Threads::Threads fmt::fmt nlohmann_json::nlohmann_json PkgConfig::hwy)
  add_library(${name} INTERFACE IMPORTED)
  target_include_directories(${name} SYSTEM INTERFACE ${wasm_include})
endforeach()
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)

# Errors are exceptions; the bits need the 128-bit instructions.
add_compile_options(-fexceptions -msimd128)
add_link_options(-fexceptions)
add_compile_options(-include ${PROJECT_SOURCE_DIR}/bindings/wasm/libcxx.h)
