// Text that is put inside of HTML elements must not end them.
#pragma once

#include <string>
#include <string_view>

namespace reluctance {

// JSON for a <script> element, meaning the same: it has no `<` any more.
std::string json_for_html(std::string_view json);

// JavaScript for a <script> element, doing the same, without its reference to a source map.
std::string script_for_html(std::string_view script);

}  // namespace reluctance
