// A line of diagnosis.jsonl, which may come from anybody.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace reluctance {

// The JSON of a line; discarded if it is none. What lies deeper than any key of ours is dropped,
// however deep: values are written by recursion.
inline nlohmann::ordered_json diagnosis_line(const std::string& line) {
  using Json = nlohmann::ordered_json;
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= 3; };
  return Json::parse(line, shallow, /*allow_exceptions=*/false);
}

}  // namespace reluctance
