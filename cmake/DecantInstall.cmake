# What find_package(decant) reads: the targets under their names in the build, the headers, and the
# packages that the libraries need.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/decant)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/decant DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT decant-targets NAMESPACE decant:: DESTINATION ${package_folder})
# Before 1.0, the C++ interface may change with each minor version.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/decant-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/decant-config.cmake
              ${PROJECT_BINARY_DIR}/decant-config-version.cmake
        DESTINATION ${package_folder})
