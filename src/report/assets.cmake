# Compiles the page's own files and the chart libraries into reluctance_report.
file(GLOB asset_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/assets/report/*)
foreach(package vega vega-lite vega-embed)
  list(APPEND asset_files ${PROJECT_SOURCE_DIR}/node_modules/${package}/build/${package}.min.js)
endforeach()

# The licences of the libraries ask to travel with them; Vega is built on D3.
foreach(package vega vega-lite vega-embed d3-scale)
  set(licence ${PROJECT_SOURCE_DIR}/node_modules/${package}/LICENSE)
  set(named_licence ${CMAKE_CURRENT_BINARY_DIR}/assets/${package}.LICENSE)
  if(EXISTS ${licence})
    configure_file(${licence} ${named_licence} COPYONLY)
  endif()
  list(APPEND asset_files ${named_licence})
endforeach()

set(asset_bytes "")
set(asset_cases "")
set(asset_index 0)
foreach(file ${asset_files})
  if(NOT EXISTS ${file})
    message(FATAL_ERROR "${file} is missing: run scripts/setup, which installs the chart libraries")
  endif()
  get_filename_component(name ${file} NAME)
  set(symbol reluctance_asset_${asset_index})
  string(APPEND asset_bytes
         "asm(R\"(.pushsection .rodata\n"
         ".global ${symbol}, ${symbol}_end\n"
         "${symbol}: .incbin \"${file}\"\n"
         "${symbol}_end:\n"
         ".popsection)\");\n"
         "extern \"C\" const char ${symbol}[], ${symbol}_end[];\n\n")
  string(APPEND asset_cases "  if (name == \"${name}\") return {${symbol}, ${symbol}_end};\n")
  math(EXPR asset_index "${asset_index} + 1")
endforeach()

set(asset_source ${CMAKE_CURRENT_BINARY_DIR}/assets/assets.cpp)
configure_file(${PROJECT_SOURCE_DIR}/src/report/assets.cpp.in ${asset_source} @ONLY)
set_source_files_properties(${asset_source} PROPERTIES OBJECT_DEPENDS "${asset_files}")
target_sources(reluctance_report PRIVATE ${asset_source})
