// The files of assets/report and the chart libraries, as they are compiled into the program.
#pragma once

#include <string_view>

namespace reluctance {

// The bytes of the file called `name`, without its folder; assets.cmake lists what there is.
// Throws std::out_of_range for any other name, which only a bug in page.html can cause.
std::string_view asset(std::string_view name);

}  // namespace reluctance
