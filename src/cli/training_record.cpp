#include "cli/training_record.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"
#include "reluctance/jobs/training.hpp"

namespace reluctance {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t largest_record = 1 << 20;
constexpr std::uint64_t largest_diagnosis = std::uint64_t{1} << 28;

// Reads keys of one object and names the file and the key when one is not what it must be.
class Keys {
 public:
  Keys(std::string path, Json object) : path_(std::move(path)), object_(std::move(object)) {}

  double number(const char* key, double low, double high) const {
    const Json& value = at(key);
    if (!value.is_number() || !(value.get<double>() >= low) || !(value.get<double>() <= high)) {
      refuse(key, "a number from " + Json(low).dump() + " to " + Json(high).dump());
    }
    return value.get<double>();
  }

  int64_t whole(const char* key) const {
    constexpr int64_t most = 1000000;
    const Json& value = at(key);
    if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > most) {
      refuse(key, "a whole number from 1 to " + std::to_string(most));
    }
    return value.get<int64_t>();
  }

  std::string text(const char* key) const {
    const Json& value = at(key);
    if (!value.is_string()) refuse(key, "a word");
    return value.get<std::string>();
  }

  const Json& at(const char* key) const {
    static const Json nothing;
    const auto found = object_.is_object() ? object_.find(key) : object_.end();
    return object_.is_object() && found != object_.end() ? *found : nothing;
  }

 private:
  [[noreturn]] void refuse(const char* key, const std::string& wanted) const {
    throw Error(path_ + ": '" + key + "' must be " + wanted +
                "; it is no training.json that reluctance train has written");
  }

  std::string path_;
  Json object_;
};

}  // namespace

std::string training_record(const TrainingOptions& options, const AttackOptions& attack,
                            double label_smoothing) {
  Json record{{"format", 1},
              {"attack", nullptr},
              {"learning_rate", options.learning_rate},
              {"momentum", options.momentum},
              {"weight_decay", options.weight_decay},
              {"loss", attack.loss},
              {"label_smoothing", label_smoothing},
              {"carry", options.carry},
              {"crop", options.augmentation.crop},
              {"flip", options.augmentation.flip},
              {"schedule", to_string(options.schedule)},
              {"epochs", options.epochs},
              {"batch_size", options.batch_size}};
  if (options.objective.attack) {
    record["attack"] = {{"kind", attack.attack},
                        {"norm", attack.norm},
                        {"epsilon", attack.epsilon},
                        {"steps", attack.steps},
                        {"step_size", attack.step_size},
                        {"beta", attack.beta},
                        {"random_start", attack.random_start}};
  }
  return record.dump(1) + "\n";
}

namespace {

FinishedTraining training_in(const std::filesystem::path& folder,
                             const std::filesystem::path& path) {
  // What lies deeper than any key of ours is dropped, however deep.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= 2; };
  const Json record = Json::parse(read_file(path, largest_record), shallow, false);
  const Keys keys(path.string(), record);
  if (keys.whole("format") != 1) {
    throw Error(path.string() + ": was written by a newer version of reluctance");
  }
  FinishedTraining training;
  TrainingOptions& options = training.options;
  options.learning_rate = keys.number("learning_rate", 1e-30, 1e30);
  options.momentum = keys.number("momentum", 0, 1);
  options.weight_decay = keys.number("weight_decay", 0, 1e30);
  AttackOptions attack;
  attack.attack = "none";
  if (!keys.at("loss").is_null()) attack.loss = keys.text("loss");
  options.schedule = parse_schedule(keys.text("schedule"));
  options.carry = keys.at("carry") == Json(true);
  options.epochs = keys.whole("epochs");
  options.batch_size = keys.whole("batch_size");
  if (!keys.at("attack").is_null()) {
    const Keys inner(path.string(), keys.at("attack"));
    attack.attack = inner.text("kind");
    attack.norm = inner.text("norm");
    attack.epsilon = inner.number("epsilon", 1e-30, 1e30);
    attack.steps = inner.whole("steps");
    attack.step_size = inner.number("step_size", 0, 1e30);
    attack.beta = inner.number("beta", 1e-30, 1e30);
    attack.random_start = inner.at("random_start") != Json(false);
  }
  options.objective = objective_of(attack, keys.number("label_smoothing", 0, 1));
  const std::filesystem::path diagnosis = folder / "diagnosis.jsonl";
  if (std::filesystem::exists(diagnosis)) {
    training.diagnosis = read_file(diagnosis, largest_diagnosis);
  }
  return training;
}

}  // namespace

FinishedTraining read_training(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "training.json";
  try {
    return training_in(folder, path);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.starts_with(folder.string())) throw;
    throw Error(path.string() + ": " + what, error.kind());
  }
}
TrainingInfo training_info(const FinishedTraining& training) {
  const TrainingOptions& options = training.options;
  TrainingInfo info{"plain",
                    {},
                    options.epochs,
                    options.batch_size,
                    options.learning_rate,
                    training.seconds.value_or(std::nan("")),
                    training.diagnosis};
  if (options.objective.attack) {
    info.method = "adversarial";
    info.attack = describe(*options.objective.attack);
  }
  return info;
}

}  // namespace reluctance
