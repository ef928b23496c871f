// Tune.cpp - measures which of several schedules is best here.
//
// A round compiles the whole model with one of the alternatives for every shape
// at once and runs it with the time taken around its kernels, so that each is
// measured with the caches as its neighbours leave them. Convolutions come
// first, since minimal filtering or not decides which products there are.
#include "tools/burnish/Tune.h"
#include "codegen/Header.h"
#include "codegen/Output.h"
#include "passes/schedules/Table.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "tools/burnish/Measure.h"
#include "tools/burnish/Profile.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include <chrono>

using namespace burnish;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

/// What takes less of a run is not worth a line in a table.
static constexpr double kLeastShare = 0.003;
/// What gains less may be chance.
static constexpr double kLeastGain = 1.02;

namespace {
class Tuner {
public:
  Tuner(const Options &options, Schedules::Table &table,
        std::vector<TunedShape> &shapes)
      : options(options), table(table), shapes(shapes), start(Clock::now()),
        line(true) {}
  ~Tuner() {
    if (!folder.empty())
      (void)fs::remove_directories(folder);
  }

  bool run() {
    llvm::SmallString<128> made;
    if (std::error_code error = fs::createUniqueDirectory("burnish", made)) {
      llvm::errs() << "burnish: cannot make a folder for programs: "
                   << error.message() << "\n";
      return false;
    }
    folder = made.str().str();
    return tuneKind(/*convolutions=*/true) && tuneKind(false);
  }

private:
  using Clock = std::chrono::steady_clock;

  /// Measures with the table and these choices beside it: milliseconds by
  /// shape. Notes what shapes there are.
  bool measure(const Schedules::Table &choices,
               std::map<std::string, double> &ms) {
    Options compiled = options.timed();
    compiled.command = Command::Compile;
    compiled.emit = Emit::Program;
    compiled.isTimed = compiled.isTuning = true;
    compiled.embedsWeights = true;
    compiled.savesTemps = compiled.wantsRemarks = false;
    compiled.schedules.clear();
    compiled.chosen = table;
    for (const auto &[shape, schedule] : choices)
      compiled.chosen[shape] = schedule;
    std::string program = folder + "/program";
    Compiler compiler(compiled, llvm::errs());
    line.show(llvm::formatv("measuring, round {0}", ++rounds).str());
    if (!compiler.load(options.files[0], "program") ||
        !finishCompile(compiler, compiled, program))
      return false;
    if (auto met = compiler.module()->getAttrOfType<mlir::DictionaryAttr>(
            kAlternativesAttr))
      alternatives = copyOf(met);
    std::vector<std::string> words = {
        program, "--bench=" + llvm::formatv("{0:f2}", kSlotSeconds).str(),
        "--threads=" + std::to_string(options.threads ? options.threads : 1)};
    words.insert(words.end(), options.files.begin() + 1, options.files.end());
    std::string said;
    if (capture(words, said) != 0) {
      line.clear();
      llvm::errs() << "burnish: " << options.files[0]
                   << ": a run of the model failed\n";
      return false;
    }
    llvm::Expected<llvm::json::Object> figures = figuresOf(program, said);
    if (!figures)
      return complain(figures.takeError());
    std::optional<Profile> profile = Profile::of(*figures);
    runMs = 0;
    calls.clear();
    for (const KernelTime &place :
         profile ? profile->places : std::vector<KernelTime>()) {
      runMs += place.leastMs;
      for (const std::string &shape : {place.shape, place.partOf})
        if (!shape.empty()) {
          ms[shape] += place.leastMs;
          calls[shape] += place.calls;
        }
    }
    return true;
  }

  static llvm::StringMap<std::vector<std::string>>
  copyOf(mlir::DictionaryAttr met) {
    llvm::StringMap<std::vector<std::string>> copy;
    for (mlir::NamedAttribute entry : met)
      for (mlir::Attribute text : cast<mlir::ArrayAttr>(entry.getValue()))
        copy[entry.getName().strref()].push_back(
            cast<mlir::StringAttr>(text).str());
    return copy;
  }

  bool tuneKind(bool convolutions) {
    // Convolutions have few alternatives: a third of the time is theirs.
    Clock::time_point end =
        start + std::chrono::duration_cast<Clock::duration>(
                    std::chrono::duration<double>(options.tuneSeconds /
                                                  (convolutions ? 3 : 1)));
    std::map<std::string, double> ms;
    if (!measure({}, ms))
      return false;
    std::vector<TunedShape> found;
    for (auto &[shape, time] : ms) {
      if (StringRef(shape).starts_with("convolution ") != convolutions ||
          time < kLeastShare * runMs || alternatives[shape].size() < 2)
        continue;
      TunedShape tuned{shape, calls[shape], {}, 0};
      for (const std::string &text : alternatives[shape])
        tuned.choices.push_back({text, -1});
      // What the table has is what was measured.
      auto entry = table.find(shape);
      size_t present = 0;
      for (size_t index = 0; index < tuned.choices.size(); ++index)
        if (entry != table.end() &&
            tuned.choices[index].schedule == entry->second)
          present = index;
      tuned.choices[present].ms = time;
      tuned.best = present;
      found.push_back(std::move(tuned));
    }
    size_t most = 0;
    for (const TunedShape &shape : found)
      most = std::max(most, shape.choices.size());
    for (size_t index = 0; index < most && Clock::now() < end; ++index) {
      Schedules::Table choices;
      for (const TunedShape &shape : found)
        if (index < shape.choices.size() && shape.choices[index].ms < 0)
          choices[shape.shape] = shape.choices[index].schedule;
      if (choices.empty())
        continue;
      ms.clear();
      if (!measure(choices, ms))
        return false;
      for (TunedShape &shape : found)
        if (auto time = ms.find(shape.shape);
            choices.count(shape.shape) && time != ms.end())
          shape.choices[index].ms = time->second;
    }
    if (!confirm(found))
      return false;
    for (TunedShape &shape : found) {
      if (shape.best == 0)
        table.erase(shape.shape);
      else
        table[shape.shape] = shape.choices[shape.best].schedule;
      shapes.push_back(std::move(shape));
    }
    return true;
  }

  /// Measures what is chosen by itself and the best two others again, in turns:
  /// the best of many measurements is best by chance, too.
  bool confirm(std::vector<TunedShape> &found) {
    std::vector<std::vector<size_t>> order;
    for (const TunedShape &shape : found) {
      std::vector<size_t> indices;
      for (size_t index = 1; index < shape.choices.size(); ++index)
        if (shape.choices[index].ms >= 0)
          indices.push_back(index);
      llvm::sort(indices, [&](size_t a, size_t b) {
        return shape.choices[a].ms < shape.choices[b].ms;
      });
      indices.resize(std::min<size_t>(indices.size(), 2));
      indices.insert(indices.begin(), 0);
      order.push_back(std::move(indices));
    }
    std::vector<std::vector<double>> times(found.size());
    for (size_t shape = 0; shape < found.size(); ++shape)
      times[shape].resize(order[shape].size(), -1);
    constexpr size_t kTurns = 2;
    for (size_t turn = 0; turn < kTurns * 3; ++turn) {
      Schedules::Table choices;
      for (size_t shape = 0; shape < found.size(); ++shape)
        if (size_t place = turn % 3; place < order[shape].size())
          choices[found[shape].shape] =
              found[shape].choices[order[shape][place]].schedule;
      std::map<std::string, double> ms;
      if (choices.empty())
        continue;
      if (!measure(choices, ms))
        return false;
      for (size_t shape = 0; shape < found.size(); ++shape)
        if (size_t place = turn % 3; place < order[shape].size()) {
          double &time = times[shape][place];
          double measured = ms[found[shape].shape];
          time = time < 0 ? measured : std::min(time, measured);
        }
    }
    for (size_t shape = 0; shape < found.size(); ++shape) {
      TunedShape &tuned = found[shape];
      tuned.best = 0;
      for (size_t place = 0; place < order[shape].size(); ++place) {
        size_t index = order[shape][place];
        tuned.choices[index].ms = times[shape][place];
        if (times[shape][place] > 0 &&
            times[shape][place] * kLeastGain < tuned.choices[0].ms &&
            times[shape][place] < tuned.choices[tuned.best].ms)
          tuned.best = index;
      }
    }
    return true;
  }

  static constexpr double kSlotSeconds = 0.4;

  const Options &options;
  Schedules::Table &table;
  std::vector<TunedShape> &shapes;
  Clock::time_point start;
  Progress line;
  std::string folder;
  int rounds = 0;
  double runMs = 0;
  std::map<std::string, double> calls;
  llvm::StringMap<std::vector<std::string>> alternatives;
};
} // namespace

bool burnish::tune(const Options &options, Schedules &schedules,
                   std::vector<TunedShape> &shapes) {
  llvm::Expected<Target> target = Target::find(options.target, options.cpu);
  if (!target)
    return complain(target.takeError());
  target->isDeterministic = options.isDeterministic;
  if (!target->isHost()) {
    llvm::errs() << "burnish: --tune measures on this machine, which runs no "
                    "code for "
                 << target->triple.str() << "\n";
    return false;
  }
  return Tuner(options, schedules.of(*target), shapes).run();
}

int burnish::benchAlternatives(const Options &options) {
  llvm::Expected<Schedules> schedules = Schedules::read(options.schedules);
  if (!schedules)
    return complain(schedules.takeError()), kBadInput;
  std::vector<TunedShape> shapes;
  if (!tune(options, *schedules, shapes))
    return kBadInput;
  if (options.wantsJson) {
    llvm::json::Array list;
    for (const TunedShape &shape : shapes) {
      llvm::json::Array choices;
      for (const TunedShape::Choice &choice : shape.choices)
        if (choice.ms >= 0)
          choices.push_back(llvm::json::Object{{"schedule", choice.schedule},
                                               {"ms", choice.ms}});
      const TunedShape::Choice &best = shape.choices[shape.best];
      list.push_back(llvm::json::Object{{"shape", shape.shape},
                                        {"calls", shape.calls},
                                        {"chosen", shape.choices[0].schedule},
                                        {"chosen_ms", shape.choices[0].ms},
                                        {"best", best.schedule},
                                        {"best_ms", best.ms},
                                        {"choices", std::move(choices)}});
    }
    llvm::outs() << llvm::json::Value(std::move(list)) << "\n";
    return kDone;
  }
  llvm::sort(shapes, [](const TunedShape &a, const TunedShape &b) {
    return a.choices[0].ms - a.choices[a.best].ms >
           b.choices[0].ms - b.choices[b.best].ms;
  });
  llvm::outs() << "  ms a run     best  ratio  shape: chosen; best\n";
  for (const TunedShape &shape : shapes)
    llvm::outs() << llvm::formatv(
        "{0,10:f4} {1,8:f4} {2,6:f2}  {3}: {4}{5}\n", shape.choices[0].ms,
        shape.choices[shape.best].ms, shape.loss(), shape.shape,
        shape.choices[0].schedule,
        shape.best ? "; " + shape.choices[shape.best].schedule : "");
  return kDone;
}
