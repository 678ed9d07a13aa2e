// Options that mean the same in every subcommand.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>

#include "reluctance/jobs/device.hpp"
#include "reluctance/network/architectures.hpp"
#include "reluctance/network/normalisation.hpp"

namespace reluctance {

// What the run is on.
struct CommonOptions {
  std::string data = "fashion-mnist";
  double scale = 0;                  // of the data's arrays; 0: as their type says
  std::string box;                   // LOW,HIGH or an NPZ; empty: pixels
  std::string model;                 // an ONNX file
  std::string output;                // of the model; empty: the only one
  Normalisation normalisation;       // that the model wants of images
  std::string answer = "max";        // which of its numbers is the class: max or min
  ArchitectureOptions architecture;  // for a new network
  std::uint64_t seed = 0;
  int threads = 0;  // 0: one for each core
  std::string device = "cpu";
  double memory = half_of_memory();  // GiB
  std::filesystem::path out;
  std::string json;
};

void add_data(CLI::App& app, CommonOptions& options);
void add_box(CLI::App& app, CommonOptions& options);
void add_model(CLI::App& app, CommonOptions& options);
void add_architecture(CLI::App& app, CommonOptions& options);
void add_running(CLI::App& app, CommonOptions& options);  // seed, threads, device, memory
void add_json(CLI::App& app, CommonOptions& options);
void add_out(CLI::App& app, CommonOptions& options, const std::string& folder);

// Throws Error unless `path`, the value of `option`, is empty or a file that can be written after
// the work.
void require_file_place(const std::string& option, const std::filesystem::path& path);

}  // namespace reluctance
