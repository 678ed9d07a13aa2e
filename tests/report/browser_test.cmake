# The report page in a browser. Needs node, its packages (scripts/setup) and chromium.
add_executable(write_page ${CMAKE_CURRENT_LIST_DIR}/write_page.cpp)
target_link_libraries(write_page PRIVATE reluctance_report reluctance_flags)
add_test(NAME report_browser COMMAND ${CMAKE_CURRENT_LIST_DIR}/browser_test.sh
                                     $<TARGET_FILE:write_page>)
set_tests_properties(report_browser PROPERTIES TIMEOUT 300)
