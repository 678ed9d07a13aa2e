# `cmake --install` gives a package: find_package(reluctance), target reluctance::reluctance.
include(CMakePackageConfigHelpers)
get_property(modules GLOBAL PROPERTY reluctance_modules)
list(TRANSFORM modules PREPEND reluctance_)

install(TARGETS reluctance)
install(TARGETS reluctance_all reluctance_torch reluctance_onnx ${modules} EXPORT reluctance-targets)
install(DIRECTORY include/reluctance DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/reluctance)
install(EXPORT reluctance-targets NAMESPACE reluctance:: DESTINATION ${package_folder})
configure_package_config_file(cmake/reluctance-config.cmake.in reluctance-config.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(reluctance-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/reluctance-config.cmake
              ${CMAKE_BINARY_DIR}/reluctance-config-version.cmake DESTINATION ${package_folder})
