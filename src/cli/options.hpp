// Options that mean the same in every subcommand.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "reluctance/attack/attack.hpp"
#include "reluctance/data/dataset.hpp"
#include "reluctance/network/architectures.hpp"
#include "reluctance/network/network.hpp"
#include "reluctance/report/results.hpp"

namespace reluctance {

// What the run is on.
struct CommonOptions {
  std::string data = "fashion-mnist";
  std::string model;                 // an ONNX file
  ArchitectureOptions architecture;  // for a new network
  std::uint64_t seed = 0;
  int threads = 0;  // 0: one for each core
  std::string device = "cpu";
  std::filesystem::path out;
  std::string json;
};

// The attack, as every subcommand spells it.
struct AttackOptions {
  std::string attack = "pgd";
  std::string norm = "linf";
  double epsilon = 0.05;
  int64_t steps = 20;
  double step_size = 0;
  int64_t restarts = 1;
  double beta = 1.0;
  bool random_start = true;  // not an option: theory that starts at the image turns it off
};

void add_data(CLI::App& app, CommonOptions& options);
void add_model(CLI::App& app, CommonOptions& options);
void add_architecture(CLI::App& app, CommonOptions& options);
void add_running(CLI::App& app, CommonOptions& options);  // seed, threads, device
void add_json(CLI::App& app, CommonOptions& options);
void add_out(CLI::App& app, CommonOptions& options, const std::string& folder);
void add_attack(CLI::App& app, AttackOptions& options);  // norm, epsilon, steps, ...

// Sets threads and device; throws Error if they, or the file of --json, cannot be had.
void apply(const CommonOptions& options);

Attack make_attack(const AttackOptions& options);

// The network of --model, checked against the data (and its notes shown).
Network load_network(const CommonOptions& options, const Dataset& data);

// A sample shape of the data, without the batch axis.
Shape sample_shape(const Dataset& data);

// Throws Error if `path`, the value of `option`, is anything but a file or a free name: a folder,
// or a device, which writing would replace.
void require_file_place(const std::string& option, const std::filesystem::path& path);

// Where the words for people go: standard output, unless `--json -` gives that to the numbers.
std::FILE* summary_stream(const CommonOptions& options);

// Writes `json` to the file of --json, or to standard output for "-", if the option was given.
void write_json(const CommonOptions& options, const std::string& json);

// The record of this run, without its duration.
RunInfo run_info(const CommonOptions& options);
DataInfo data_info(const Dataset& data);

// The command line, quoted for a shell; set once by main.
void remember_command_line(int argc, const char* const* argv);

}  // namespace reluctance
