#include "reluctance/network/parameters.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <unordered_set>

#include "reluctance/base/error.hpp"
#include "reluctance/base/suggest.hpp"

namespace reluctance {
namespace {

constexpr std::size_t most_shown = 20;  // names in a message

std::string file_name(const ImportedNetwork::Source& source,
                      const std::vector<NamedParameter>& before) {
  static const std::string weight = "weight";
  std::string name = source.name;
  if (name.empty() && source.folded && !before.empty() && before.back().name.ends_with(weight)) {
    const std::string& last = before.back().name;  // what was added to it follows its layer
    name = last.substr(0, last.size() - weight.size()) + "bias";
  }
  if (name.empty()) name = "parameter" + std::to_string(before.size());
  return source.transposed ? name + ".T" : name;
}

bool is_named(const NamedParameter& parameter, const std::string& name) {
  return parameter.name == name || parameter.name.starts_with(name + ".");
}

std::string unknown(const std::vector<NamedParameter>& all, const std::string& name) {
  std::vector<std::string> known;
  for (const NamedParameter& each : all) known.push_back(each.name);
  std::string text = "no parameter is named " + name;
  const std::string near = nearest(name, known);
  text += near.empty() ? "; there are " : "; did you mean " + near + "? There are ";
  const std::size_t left_out = known.size() - std::min(known.size(), most_shown);
  known.resize(known.size() - left_out);
  if (left_out > 0) known.push_back(std::to_string(left_out) + " more");
  return text + listed(known, "and");
}

}  // namespace

std::vector<NamedParameter> named_parameters(const ImportedNetwork& imported) {
  std::vector<NamedParameter> all;
  std::unordered_set<std::string> taken;
  int64_t begin = 0;
  const Tensors tensors = imported.network.parameters();
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    std::string name = file_name(imported.sources.at(k), all);
    while (!taken.insert(name).second) name += "'";
    all.push_back({name, tensors[k].sizes().vec(), begin});
    begin += tensors[k].numel();
  }
  return all;
}

std::vector<NamedParameter> chosen_parameters(const std::vector<NamedParameter>& all,
                                              const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::none_of(all.begin(), all.end(),
                     [&](const auto& each) { return is_named(each, name); })) {
      throw Error(unknown(all, name));
    }
  }
  std::vector<NamedParameter> chosen;
  for (const NamedParameter& each : all) {
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& name) { return is_named(each, name); })) {
      chosen.push_back(each);
    }
  }
  return chosen;
}

Tensor places_of(const std::vector<NamedParameter>& parameters) {
  Tensors places;
  for (const NamedParameter& each : parameters) {
    places.push_back(at::arange(each.begin, each.begin + elements(each.shape), at::kLong));
  }
  return places.empty() ? at::empty({0}, at::kLong) : at::cat(places);
}

}  // namespace reluctance
