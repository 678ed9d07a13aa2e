# One module per folder: reluctance_<name> builds src/<name>/*.cpp with the headers of
# include/reluctance/<name>, and may use only the modules and libraries it names here.

# Flags of the project's own code. Warnings are errors.
add_library(reluctance_flags INTERFACE)
target_compile_options(
  reluctance_flags INTERFACE -fPIC -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Werror
                             -Wno-unknown-pragmas -fno-math-errno)
# Of files compiled together one's local names may be another's constants.
target_compile_options(
  reluctance_flags INTERFACE $<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wshadow>)
# g++ 12 warns of std::string's own code when it is inlined (GCC bugs 105329, 105651).
target_compile_options(
  reluctance_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
                             $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                             $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
                             $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>)
# g++ 13 takes a function's reference result for one to its argument (GCC bug 107532).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  target_compile_options(reluctance_flags INTERFACE -Wno-dangling-reference)
endif()
if(RELUCTANCE_SANITIZE)
  target_compile_options(reluctance_flags INTERFACE -fsanitize=${RELUCTANCE_SANITIZE}
                                                    -fno-omit-frame-pointer
                                                    -fno-sanitize-recover=all)
  target_link_options(reluctance_flags INTERFACE -fsanitize=${RELUCTANCE_SANITIZE})
endif()
if(RELUCTANCE_COVERAGE)
  target_compile_options(reluctance_flags INTERFACE --coverage -O1)
  target_link_options(reluctance_flags INTERFACE --coverage)
endif()

# ATen's headers take seconds to parse: a target made here parses them once for all that reuse it, with
# further headers if they are named. clang 14 reads them only with the definition of IValue first.
file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
function(reluctance_precompile target)
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_precompile_headers(${target} PRIVATE <ATen/core/ivalue.h> <ATen/ATen.h> <string> <vector>
                                              ${ARGN})
  target_link_libraries(${target} PRIVATE reluctance_torch $<BUILD_INTERFACE:reluctance_flags>)
endfunction()
reluctance_precompile(reluctance_precompiled)

function(reluctance_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LIBRARIES")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cpp)
  set(target reluctance_${name})
  if(NOT sources)
    add_library(${target} INTERFACE)
    return()
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(
    ${target}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM arg_DEPENDS PREPEND reluctance_)
  target_link_libraries(${target} PUBLIC reluctance_torch ${arg_DEPENDS}
                                  PRIVATE $<BUILD_INTERFACE:reluctance_flags> ${arg_LIBRARIES})
  target_precompile_headers(${target} REUSE_FROM reluctance_precompiled)
  set_property(GLOBAL APPEND PROPERTY reluctance_modules ${name})
endfunction()
