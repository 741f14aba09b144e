# find_package(decant) gives decant::sampling (logits to a token, no model), decant::decant (the whole
# engine) and decant::c (the same for C).
get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
if("CXX" IN_LIST languages)
  # What the static libraries are linked with; a C project can only use the shared one.
  include(CMakeFindDependencyMacro)
  find_dependency(Threads)
  find_dependency(fmt)
  find_dependency(PkgConfig)
  pkg_check_modules(hwy QUIET IMPORTED_TARGET GLOBAL libhwy)
  if(NOT hwy_FOUND)
    set(decant_FOUND FALSE)
    set(decant_NOT_FOUND_MESSAGE "Highway (libhwy) was not found by pkg-config")
    return()
  endif()
endif()
include(${CMAKE_CURRENT_LIST_DIR}/decant-targets.cmake)
