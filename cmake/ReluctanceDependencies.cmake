# Every library that the project stands on, found once; scripts/setup installs them.
find_package(Torch REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(TURBOJPEG REQUIRED IMPORTED_TARGET libturbojpeg)
if(RELUCTANCE_TESTS)
  find_package(GTest REQUIRED)
endif()
if(RELUCTANCE_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()

# What LibTorch asks of everything that includes it, without the warnings of its own headers. The
# loops of ATen/Parallel.h are inline: without OpenMP's flag they compile, and run on one thread. The
# LibTorch of pytorch.org brings headers of an old protobuf, and exports parts of the C++ library that
# it was built with (its issue 133437), so the installed ones of both go first.
set(protobuf_first ${CMAKE_BINARY_DIR}/protobuf)
file(MAKE_DIRECTORY ${protobuf_first})
file(CREATE_LINK ${Protobuf_INCLUDE_DIR}/google ${protobuf_first}/google SYMBOLIC)
add_library(reluctance_torch INTERFACE)
target_include_directories(reluctance_torch SYSTEM INTERFACE $<BUILD_INTERFACE:${protobuf_first}>
                                                             ${TORCH_INCLUDE_DIRS})
target_link_libraries(reluctance_torch INTERFACE $<$<CXX_COMPILER_ID:GNU>:stdc++>
                                                 ${TORCH_LIBRARIES} OpenMP::OpenMP_CXX)
separate_arguments(reluctance_torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(reluctance_torch INTERFACE ${reluctance_torch_flags})

# Protocol-buffer messages and checker of ONNX. Debian's LibTorch links the same libraries; those of
# pytorch.org make protobuf::libprotobuf an empty target, so protobuf is taken by its path.
find_library(ONNX_LIBRARY onnx REQUIRED)
find_library(ONNX_PROTO_LIBRARY onnx_proto REQUIRED)
find_path(ONNX_INCLUDE_DIR onnx/onnx_pb.h REQUIRED)
add_library(reluctance_onnx INTERFACE)
target_include_directories(reluctance_onnx SYSTEM INTERFACE $<BUILD_INTERFACE:${ONNX_INCLUDE_DIR}>)
target_compile_definitions(reluctance_onnx INTERFACE ONNX_ML=1 ONNX_NAMESPACE=onnx)
target_link_libraries(reluctance_onnx INTERFACE ${ONNX_LIBRARY} ${ONNX_PROTO_LIBRARY}
                                                ${Protobuf_LIBRARY})

# Several processes need Gloo's headers, of the version that LibTorch was built with: pytorch.org's
# LibTorch brings none, and those of Debian fit Debian's.
include(CheckCXXSourceCompiles)
block()
  set(CMAKE_REQUIRED_LIBRARIES ${TORCH_LIBRARIES})
  set(CMAKE_REQUIRED_INCLUDES ${TORCH_INCLUDE_DIRS})
  get_target_property(definitions torch_cpu INTERFACE_COMPILE_DEFINITIONS)
  if(NOT definitions)
    set(definitions "")
  endif()
  list(TRANSFORM definitions PREPEND -D OUTPUT_VARIABLE CMAKE_REQUIRED_DEFINITIONS)
  # clang 14 reads the header only with the definition of IValue first.
  check_cxx_source_compiles("
    #include <ATen/core/ivalue.h>
    #include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
    int main() { return c10d::ProcessGroupGloo::createDefaultDevice() ? 0 : 1; }"
    RELUCTANCE_HAS_GLOO)
endblock()
if(NOT RELUCTANCE_HAS_GLOO)
  message(STATUS "No Gloo that fits LibTorch: the program is one process alone")
endif()
