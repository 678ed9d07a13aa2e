// reluctance explain: the report of a network that is brought, and of two that it trains.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/material.hpp"

namespace reluctance {
namespace {

namespace fs = std::filesystem;

const Arguments quick{"--limit", "8", "--batch", "16", "--steps", "3", "--out", "out"};

std::size_t occurrences(const std::string& text, const std::string& of) {
  std::size_t count = 0;
  for (std::size_t at = text.find(of); at != text.npos; at = text.find(of, at + 1)) ++count;
  return count;
}

class Explain : public Cli {
 protected:
  nlohmann::json results() const {
    return nlohmann::json::parse(bytes_of(in_folder("out/results.json")));
  }
  std::string page() const { return bytes_of(in_folder("out/report.html")); }
};

TEST_F(Explain, ANetworkThatIsBrought) {
  const ProgramOutcome outcome =
      run_here(on_both("explain") + quick + Arguments{"--json", "copy.json"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.out.find("claim 1"), std::string::npos);
  EXPECT_TRUE(outcome.out.ends_with("\nout/report.html\n")) << outcome.out;
  EXPECT_EQ(content(folder()).size(), 4U);  // out, its two files and the copy
  EXPECT_EQ(bytes_of(in_folder("copy.json")), bytes_of(in_folder("out/results.json")));
  const auto json = results();
  ASSERT_EQ(json["networks"].size(), 1U);
  EXPECT_EQ(json["networks"][0]["id"], "model");
  EXPECT_TRUE(json["networks"][0]["training"].is_null());
  EXPECT_EQ(json["networks"][0]["accuracy"]["robust"]["samples"], samples);
  EXPECT_EQ(json["networks"][0]["dynamics"]["samples"], 8);
  EXPECT_NE(page().find(json["data"]["checksum"].get<std::string>()), std::string::npos);
}

TEST_F(Explain, TwoNetworksThatItTrains) {
  const Arguments command =
      on_images("explain") + quick + Arguments{"--hidden", "16", "--epochs", "1", "--resume"};
  const ProgramOutcome outcome = run_here(command);
  ASSERT_TRUE(succeeded(outcome));
  const auto files = content(in_folder("out"));
  for (const std::string id : {"plain", "adversarial"}) {
    EXPECT_TRUE(files.contains(id + ".onnx"));
    EXPECT_TRUE(files.contains(id + ".metrics.jsonl"));
    EXPECT_TRUE(files.contains(id + ".checkpoint.npz"));
    EXPECT_TRUE(files.contains(id + ".diagnosis.jsonl"));
  }
  EXPECT_EQ(files.size(), 10U);
  EXPECT_NE(files.at("plain.onnx"), files.at("adversarial.onnx"));
  const auto first = results();
  ASSERT_EQ(first["networks"].size(), 2U);
  EXPECT_EQ(first["networks"][0]["curvature"]["data"], images().string());
  EXPECT_EQ(first["networks"][0]["training"]["method"], "plain");
  EXPECT_EQ(first["networks"][1]["training"]["method"], "adversarial");
  EXPECT_EQ(first["claims"][0]["verdicts"].size(), 2U);

  const ProgramOutcome again = run_here(command);
  ASSERT_TRUE(succeeded(again));
  EXPECT_NE(again.err.find("going on from step 3 of 3"), std::string::npos) << again.err;
  const auto second = results();
  EXPECT_EQ(second["claims"], first["claims"]);
  for (const std::size_t k : {0, 1}) {
    EXPECT_EQ(second["networks"][k]["accuracy"], first["networks"][k]["accuracy"]);
    EXPECT_EQ(second["networks"][k]["dynamics"], first["networks"][k]["dynamics"]);
  }
}

TEST_F(Explain, ATrainingThatItDidNotDo) {
  const Arguments train =
      on_images("train") + Arguments{"--attack", "pgd", "--eps",      "0.1", "--hidden", "16",
                                     "--epochs", "1",   "--diagnose", "2",   "--out",    "run"};
  ASSERT_TRUE(succeeded(run_here(train)));
  const ProgramOutcome outcome = run_here(on_images("explain") + Arguments{"--run", "run"} + quick);
  ASSERT_TRUE(succeeded(outcome));
  const auto network = results()["networks"][0];
  EXPECT_EQ(network["id"], "run");
  EXPECT_EQ(network["training"]["method"], "adversarial");
  EXPECT_EQ(network["training"]["diagnosis"].size(), 2U);  // after 1 and 2 steps
  EXPECT_TRUE(network["advice"].is_array());
  EXPECT_EQ(results()["findings"].size(), 3U);  // those that train nothing
  EXPECT_EQ(network["paper"]["results"].size(), 10U);

  std::ofstream(in_folder("run/training.json")) << "{\"format\": 1, \"learning_rate\": \"high\"}";
  const ProgramOutcome refused = run_here(on_images("explain") + Arguments{"--run", "run"} + quick);
  EXPECT_EQ(refused.code, 2) << refused;
  EXPECT_NE(refused.err.find("run/training.json: 'learning_rate' must be"), std::string::npos)
      << refused;
}

TEST_F(Explain, ATrainingOnSquaredError) {
  const Arguments train =
      on_images("train") + Arguments{"--loss", "squared-error", "--attack", "pgd",     "--norm",
                                     "l2",     "--eps",         "0.5",      "--steps", "2",
                                     "--lr",   "0.01",          "--hidden", "16",      "--epochs",
                                     "1",      "--diagnose",    "2",        "--out",   "run"};
  ASSERT_TRUE(succeeded(run_here(train)));
  const Arguments explain = on_images("explain") + Arguments{"--run", "run"} + quick;
  ASSERT_TRUE(succeeded(run_here(explain)));
  auto training = results()["networks"][0]["training"];
  EXPECT_EQ(training["attack"],
            "pgd, l2, epsilon 0.5, 2 steps, step size 0.625, loss squared-error, random start");
  ASSERT_EQ(training["diagnosis"].size(), 2U);
  EXPECT_GT(training["diagnosis"][0]["rate_times_curvature"]["hessian"], 0);
  const auto curvature = results()["networks"][0]["curvature"];
  EXPECT_EQ(curvature["loss"], "squared-error");
  EXPECT_NE(curvature["conditions"][2]["attack"].get<std::string>().find("loss squared-error"),
            std::string::npos);
  // A record of an early version, which knew no other loss than cross-entropy.
  auto record = nlohmann::json::parse(bytes_of(in_folder("run/training.json")));
  EXPECT_EQ(record["loss"], "squared-error");
  record.erase("loss");
  std::ofstream(in_folder("run/training.json")) << record;
  ASSERT_TRUE(succeeded(run_here(explain)));
  training = results()["networks"][0]["training"];
  EXPECT_EQ(training["attack"], "pgd, l2, epsilon 0.5, 2 steps, step size 0.625, random start");
  EXPECT_EQ(results()["networks"][0]["curvature"]["loss"], "cross-entropy");
}

TEST_F(Explain, ThePaperResultByResult) {
  const ProgramOutcome outcome =
      run_here(on_both("paper") + Arguments{"--limit", "6", "--steps", "5", "--out", "out"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.out.find("Theorem 6 "), std::string::npos) << outcome;
  const auto paper = results()["networks"][0]["paper"];
  EXPECT_EQ(paper["samples"], 6);
  EXPECT_EQ(paper["steps"], 5);
  ASSERT_EQ(paper["results"].size(), 10U);
  for (const auto& each : paper["results"]) {
    EXPECT_FALSE(each["checks"].empty()) << each["name"];
    EXPECT_FALSE(each["chart"]["series"].empty()) << each["name"];
  }
  EXPECT_TRUE(results()["claims"].empty());
  EXPECT_TRUE(std::filesystem::exists(in_folder("out/report.html")));
}

TEST_F(Explain, EarlierFindings) {
  const ProgramOutcome list = run_here({"findings", "--list"});
  ASSERT_TRUE(succeeded(list));
  EXPECT_EQ(occurrences(list.out, "\n  Source: "), 14U);
  const ProgramOutcome outcome =
      run_here(on_both("findings") + Arguments{"--only", "near-boundary", "label-smoothing",
                                               "--repetitions", "2", "--out", "out"});
  ASSERT_TRUE(succeeded(outcome));
  EXPECT_NE(outcome.err.find("apart from their trainings"), std::string::npos) << outcome.err;
  const auto json = results();
  ASSERT_EQ(json["findings"].size(), 2U);
  EXPECT_EQ(json["findings"][1]["name"], "label-smoothing");
  EXPECT_EQ(json["findings"][1]["checks"].size(), 3U);
  EXPECT_NE(page().find("finding-"), std::string::npos);
  const ProgramOutcome typo = run_here(on_both("findings") + Arguments{"--only", "near-boundery"});
  EXPECT_EQ(typo.code, 2) << typo;
  EXPECT_NE(typo.err.find("did you mean near-boundary?"), std::string::npos) << typo;
}

TEST_F(Explain, NamesOfFilesStayText) {
  ASSERT_TRUE(succeeded(run_here(on_both("explain") + quick)));
  const std::size_t scripts = occurrences(page(), "</script>");
  // Ends of scripts, at the end of a folder's name and within a file's, and a name that is no
  // UTF-8.
  const std::string name =
      "<\xff\xfe/script><img src=x onerror=alert(1)> \xc3\xa9 '\".d</script><script>alert(2).onnx";
  fs::create_directories(in_folder(name).parent_path());
  fs::copy_file(model(), in_folder(name));
  ASSERT_TRUE(succeeded(run_here(on_images("explain") + Arguments{"--model", name} + quick)));
  const std::string html = page();
  EXPECT_EQ(occurrences(html, "</script>"), scripts);
  EXPECT_EQ(html.find("<img src=x"), html.npos);
  EXPECT_EQ(html.find("<script>alert"), html.npos);
  const auto json = results();  // refuses what is no UTF-8
  for (const std::string part : {"alert(1)", "<script>alert(2)"}) {
    EXPECT_NE(json["networks"][0]["file"].get<std::string>().find(part), std::string::npos);
    EXPECT_NE(json["run"]["command"].get<std::string>().find(part), std::string::npos);
  }
}

}  // namespace
}  // namespace reluctance
