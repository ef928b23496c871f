// Cache.cpp - programs that `burnish run` and `burnish bench` keep.
#include "tools/burnish/Cache.h"
#include "codegen/Identifiers.h"
#include "codegen/Link.h"
#include "codegen/Target.h"
#include "frontend/onnx/TestData.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include <chrono>

using namespace burnish;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

namespace {
/// What a program depends on, one thing after the other, none of which can be
/// taken for a part of its neighbour.
class Key {
public:
  void add(StringRef text) {
    uint64_t size = text.size();
    hash.update(StringRef(reinterpret_cast<const char *>(&size), sizeof size));
    hash.update(text);
  }
  std::error_code addContents(const llvm::Twine &file) {
    auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return buffer.getError();
    add((*buffer)->getBuffer());
    return {};
  }
  /// Of a file whose absence is the compiler's to report.
  void addIfThere(const llvm::Twine &file) {
    if (addContents(file))
      add("missing");
  }
  /// Of the compiler's own files, which change together with their times.
  void addVersion(StringRef file) {
    fs::file_status status;
    if (fs::status(file, status))
      return;
    add(std::to_string(status.getSize()) + " " +
        std::to_string(
            status.getLastModificationTime().time_since_epoch().count()));
  }
  std::string text() {
    return llvm::toHex(hash.final(), /*LowerCase=*/true).substr(0, 40);
  }

private:
  llvm::SHA256 hash;
};
} // namespace

static std::string cacheFolder() {
  llvm::SmallString<128> folder;
  if (std::optional<std::string> home =
          llvm::sys::Process::GetEnv("XDG_CACHE_HOME");
      home && path::is_absolute(*home))
    folder = *home;
  else if (!path::cache_directory(folder))
    path::system_temp_directory(/*erasedOnReboot=*/false, folder);
  path::append(folder, "burnish");
  return folder.str().str();
}

/// What the kept programs may take together, in bytes: a dozen large models.
constexpr uint64_t kMostBytes = uint64_t(4) << 30;

/// Removes what nobody has run for a month, and, as long as the rest takes
/// more than kMostBytes, what was not run for longest.
static void removeOld(StringRef root) {
  struct Kept {
    llvm::sys::TimePoint<> lastRun;
    std::string folder;
    uint64_t bytes = 0;
  };
  std::vector<Kept> kept;
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; entry != end && !error;
       entry.increment(error)) {
    fs::file_status status;
    if (fs::status(entry->path(), status))
      continue;
    Kept program{status.getLastModificationTime(), entry->path()};
    std::error_code ignored;
    for (fs::directory_iterator file(entry->path(), ignored);
         file != end && !ignored; file.increment(ignored))
      if (!fs::status(file->path(), status))
        program.bytes += status.getSize();
    kept.push_back(std::move(program));
  }
  llvm::sort(kept, [](const Kept &a, const Kept &b) {
    return std::tie(b.lastRun, b.folder) < std::tie(a.lastRun, a.folder);
  });
  auto limit = std::chrono::system_clock::now() - std::chrono::hours(24 * 30);
  uint64_t bytes = 0;
  for (const Kept &program : kept) {
    bytes += program.bytes;
    if (bytes > kMostBytes || program.lastRun < limit)
      (void)fs::remove_directories(program.folder);
  }
}

static bool isNative(const Options &options) {
  return options.cpu.empty() || options.cpu == "native";
}

/// A name for the program that these options make of their model, after all
/// that it depends on; nothing, and a diagnostic, when the model cannot be
/// read.
static std::optional<std::string> programKey(const Options &options,
                                             const Target &target) {
  const std::string &model = options.files[0];
  // What `native` stands for here; several CPUs are what their names say.
  std::string cpu =
      isNative(options) ? target.cpu + " " + target.features : options.cpu;
  Key key;
  key.addVersion(executablePath());
  key.addVersion(findRuntime(executablePath(), target.triple));
  key.add(target.triple.str() + " " + cpu + " " +
          std::to_string(options.level) +
          (options.isDeterministic ? " deterministic" : "") +
          (options.narrows ? " bf16" : "") +
          (options.checksBounds ? " check-bounds" : "") +
          (options.isTimed ? " timed" : "") +
          (options.role == TrainingRole::Step ? " step" : ""));
  if (!options.recipe.empty()) {
    key.add(options.recipe);
    key.addIfThere(options.recipe);
  }
  key.add(options.loss);
  for (const std::string &name : options.wrt)
    key.add(name);
  for (auto &[name, size] : options.dims)
    key.add(name + "=" + std::to_string(size));
  for (auto &[name, bounds] : options.bounds)
    key.add(name + "=" + std::to_string(bounds.first) + ".." +
            std::to_string(bounds.second));
  for (const std::string &state : options.states)
    key.add("state " + state);
  for (auto &[name, dims] : options.shapes)
    key.add(
        name + "=" +
        llvm::join(llvm::map_range(
                       dims, [](int64_t dim) { return std::to_string(dim); }),
                   "x"));
  for (auto &[name, length] : options.lengths)
    key.add(name + " has " + std::to_string(length));
  if (std::error_code error = key.addContents(model)) {
    llvm::errs() << model << ": " << error.message() << "\n";
    return std::nullopt;
  }
  key.add(options.schedules);
  if (!options.schedules.empty())
    key.addIfThere(options.schedules);
  key.add(options.net);
  key.add(std::to_string(options.seed));
  for (const std::string &file : networkFiles(model)) {
    key.add(file);
    key.addIfThere(file);
  }
  if (!options.weightsFrom.empty())
    key.addIfThere(options.weightsFrom);
  if (!StringRef(model).ends_with(".mlir") && !isNetwork(model))
    for (const std::string &file : onnx_import::externalFiles(model)) {
      key.add(file);
      key.addIfThere(file);
    }
  return key.text();
}

std::string burnish::cachedProgram(const Options &options, int &status) {
  const std::string &model = options.files[0];
  status = kBadInput;
  if (model == "-") {
    llvm::errs() << "burnish: the standard input can be compiled, not run: it "
                    "is read more than once\n";
    status = kBadCommandLine;
    return "";
  }
  llvm::Expected<Target> target =
      Target::find(options.target, isNative(options) ? options.cpu : "");
  if (!target) {
    complain(target.takeError());
    return "";
  }
  std::optional<std::string> key = programKey(options, *target);
  if (!key)
    return "";
  std::string root = cacheFolder(), folder = root + "/" + *key;
  std::string program = folder + "/" + cIdentifier(path::stem(model));
  if (fs::can_execute(program)) {
    // The time of the last use.
    int fd;
    if (!fs::openFileForRead(folder, fd)) {
      (void)fs::setLastAccessAndModificationTime(
          fd, std::chrono::system_clock::now());
      fs::file_t file = fd;
      (void)fs::closeFile(file);
    }
    status = kDone;
    return program;
  }
  removeOld(root);
  if (std::error_code error = fs::create_directories(folder)) {
    llvm::errs() << "burnish: " << folder << ": " << error.message() << "\n";
    return "";
  }
  Options compiled = options;
  compiled.command = Command::Compile;
  compiled.emit = Emit::Program;
  compiled.output = program;
  status = compile(compiled);
  if (status == kDone)
    return program;
  // Does nothing when another process has put the program there.
  (void)fs::remove(folder);
  return "";
}
