// OptionTable.cpp - the options of `burnish`, and what each sets.
#include "tools/burnish/OptionTable.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

using namespace burnish;
using llvm::StringRef;

static constexpr unsigned kCompiling = bit(Command::Compile) |
                                       bit(Command::Run) | bit(Command::Test) |
                                       bit(Command::Bench);

static bool parseShape(StringRef text, std::vector<int64_t> &dims) {
  if (text.empty())
    return true; // a scalar
  llvm::SmallVector<StringRef> parts;
  text.split(parts, 'x');
  for (StringRef part : parts) {
    int64_t dim;
    if (part.getAsInteger(10, dim) || dim < 0)
      return false;
    dims.push_back(dim);
  }
  return true;
}

template <typename Number>
static bool parsePositive(StringRef text, Number &number) {
  return !text.getAsInteger(10, number) && number > 0;
}

/// `256M`: bytes, or units of 2^10, 2^20 and 2^30 of them.
static bool parseBytes(StringRef text, int64_t &bytes) {
  static constexpr StringRef kUnits = "KMG";
  size_t unit = text.empty() ? StringRef::npos : kUnits.find(text.back());
  int64_t scale = 1;
  if (unit != StringRef::npos) {
    text = text.drop_back();
    scale = int64_t(1) << (10 * (unit + 1));
  }
  int64_t number;
  return parsePositive(text, number) &&
         !llvm::MulOverflow(number, scale, bytes);
}

static std::optional<Emit> emitOf(StringRef name) {
  return llvm::StringSwitch<std::optional<Emit>>(name)
      .Case("dsl", Emit::Dsl)
      .Case("onnx", Emit::Onnx)
      .Case("nn", Emit::Nn)
      .Case("linalg", Emit::Linalg)
      .Case("tiles", Emit::Tiles)
      .Case("loops", Emit::Loops)
      .Case("llvm", Emit::Llvm)
      .Case("asm", Emit::Asm)
      .Case("obj", Emit::Object)
      .Case("exe", Emit::Program)
      .Default(std::nullopt);
}

llvm::ArrayRef<Option> burnish::optionTable() {
  auto emit = [](Emit what) {
    return
        [=](Options &options, StringRef) { return options.emit = what, true; };
  };
  auto level = [](unsigned level) {
    return [=](Options &options, StringRef) {
      return options.level = level, true;
    };
  };
  auto flag = [](bool Options::*member) {
    return [=](Options &options, StringRef) { return options.*member = true; };
  };
  auto text = [](std::string Options::*member) {
    return [=](Options &options, StringRef value) {
      return options.*member = value.str(), !value.empty();
    };
  };
  auto count = [](int64_t Options::*member) {
    return [=](Options &options, StringRef value) {
      return parsePositive(value, options.*member);
    };
  };
  static const Option kTable[] = {
      {"-o", Option::Needed,
       bit(Command::Compile) | bit(Command::Run) | bit(Command::Plot),
       text(&Options::output), "-o FILE"},
      {"-c", Option::None, bit(Command::Compile), emit(Emit::Object), ""},
      {"-shared", Option::None, bit(Command::Compile), emit(Emit::Shared), ""},
      {"-static", Option::None, bit(Command::Compile), emit(Emit::Static), ""},
      {"--emit", Option::Needed, bit(Command::Compile),
       [](Options &options, StringRef value) {
         std::optional<Emit> what = emitOf(value);
         options.emit = what.value_or(options.emit);
         return what.has_value();
       },
       "--emit=dsl|onnx|nn|linalg|tiles|loops|llvm|asm|obj|exe"},
      {"--dim", Option::Needed,
       kCompiling | bit(Command::Check) | bit(Command::GradCheck),
       [](Options &options, StringRef value) {
         auto [name, size] = value.rsplit('=');
         options.dims.erase(name.str());
         options.bounds.erase(name.str());
         auto [least, most] = size.split("..");
         if (least.size() < size.size()) {
           auto &[from, to] = options.bounds[name.str()];
           return !name.empty() && !least.getAsInteger(10, from) &&
                  !most.getAsInteger(10, to) && from >= 0 && from <= to;
         }
         return !name.empty() &&
                !size.getAsInteger(10, options.dims[name.str()]) &&
                options.dims[name.str()] >= 0;
       },
       "--dim NAME=N, or --dim NAME=A..B for a range"},
      {"--shape", Option::Needed,
       kCompiling | bit(Command::Check) | bit(Command::GradCheck),
       [](Options &options, StringRef value) {
         size_t at = value.rfind('=');
         return at != StringRef::npos && at > 0 &&
                parseShape(value.substr(at + 1),
                           options.shapes[value.take_front(at).str()]);
       },
       "--shape INPUT=1x3x224x224"},
      {"--state", Option::Needed,
       bit(Command::Compile) | bit(Command::Run) | bit(Command::Bench),
       [](Options &options, StringRef value) {
         auto [output, input] = value.split('=');
         options.states.push_back(value.str());
         return !output.empty() && !input.empty() &&
                output.count('*') == input.count('*') && output.count('*') <= 1;
       },
       "--state OUTPUT=INPUT, or of all like --state present.*=past.*"},
      {"--length", Option::Needed,
       kCompiling | bit(Command::Check) | bit(Command::GradCheck),
       [](Options &options, StringRef value) {
         auto [name, count] = value.rsplit('=');
         int64_t &length = options.lengths[name.str()];
         length = -1;
         return !name.empty() &&
                (count == "none" ||
                 (!count.getAsInteger(10, length) && length >= 0));
       },
       "--length INPUT=3, or --length INPUT=none"},
      {"--net", Option::Needed,
       kCompiling | bit(Command::Check) | bit(Command::GradCheck),
       text(&Options::net), "--net=NAME"},
      {"--weights-from", Option::Needed, kCompiling | bit(Command::GradCheck),
       text(&Options::weightsFrom), "--weights-from=FILE.safetensors"},
      {"--seed", Option::Needed, kCompiling | bit(Command::GradCheck),
       [](Options &options, StringRef value) {
         return !value.getAsInteger(10, options.seed) && options.seed >= 0;
       },
       "--seed=N"},
      {"--check", Option::None, bit(Command::Format),
       flag(&Options::onlyChecks), ""},
      {"--train", Option::Possible, bit(Command::Compile) | bit(Command::Bench),
       [](Options &options, StringRef value) {
         options.trains = true;
         options.recipe = value.str();
         return value.empty() || value.ends_with(".nn");
       },
       "--train, or --train=RECIPE.nn of an ONNX model"},
      {"--target", Option::Needed, bit(Command::Compile),
       text(&Options::target), "--target=TRIPLE"},
      {"--cpu", Option::Needed, kCompiling, text(&Options::cpu), "--cpu=NAME"},
      {"--sysroot", Option::Needed, bit(Command::Compile),
       text(&Options::sysroot), "--sysroot=DIR"},
      {"-O0", Option::None, kCompiling, level(0), ""},
      {"-O1", Option::None, kCompiling, level(1), ""},
      {"-O2", Option::None, kCompiling, level(2), ""},
      {"-O3", Option::None, kCompiling, level(3), ""},
      {"--gradient", Option::Needed, kCompiling, text(&Options::loss),
       "--gradient=OUTPUT"},
      {"--loss", Option::Needed, bit(Command::GradCheck), text(&Options::loss),
       "--loss=OUTPUT"},
      {"--wrt", Option::Needed, kCompiling | bit(Command::GradCheck),
       [](Options &options, StringRef value) {
         options.wrt.push_back(value.str());
         return !value.empty();
       },
       "--wrt=NAME"},
      {"--weights", Option::Needed, bit(Command::Compile) | bit(Command::Test),
       [](Options &options, StringRef value) {
         return options.embedsWeights = value != "file",
                value == "file" || value == "embed";
       },
       "--weights=embed|file"},
      {"--precision", Option::Needed, kCompiling,
       [](Options &options, StringRef value) {
         options.narrows = value == "bf16";
         return options.narrows || value == "f32";
       },
       "--precision=f32|bf16"},
      {"--deterministic", Option::None, kCompiling,
       flag(&Options::isDeterministic), ""},
      {"--check-bounds", Option::None, kCompiling, flag(&Options::checksBounds),
       ""},
      {"--save-temps", Option::None, bit(Command::Compile),
       flag(&Options::savesTemps), ""},
      {"--remarks", Option::None, kCompiling, flag(&Options::wantsRemarks), ""},
      {"--json", Option::None,
       bit(Command::Check) | bit(Command::Test) | bit(Command::Bench) |
           bit(Command::GradCheck),
       flag(&Options::wantsJson), ""},
      {"--schedules", Option::Needed, kCompiling, text(&Options::schedules),
       "--schedules=FILE"},
      {"--tune", Option::Possible, bit(Command::Compile) | bit(Command::Bench),
       [](Options &options, StringRef value) {
         options.tunes = true;
         return value.empty() || (!value.getAsDouble(options.tuneSeconds) &&
                                  options.tuneSeconds > 0);
       },
       "--tune or --tune=SECONDS"},
      {"--profile", Option::None, bit(Command::Bench), flag(&Options::isTimed),
       ""},
      {"--threads", Option::Needed,
       bit(Command::Run) | bit(Command::Test) | bit(Command::Bench),
       count(&Options::threads), "--threads=N"},
      {"--jobs", Option::Needed, bit(Command::Test), count(&Options::jobs),
       "--jobs=N"},
      {"--timeout", Option::Needed, bit(Command::Test),
       count(&Options::timeout), "--timeout=SECONDS"},
      {"--memory", Option::Needed, bit(Command::Test) | bit(Command::Compile),
       [](Options &options, StringRef value) {
         return options.command == Command::Test
                    ? parsePositive(value, options.memory)
                    : parseBytes(value, options.memoryLimit);
       },
       "--memory=256M, in bytes or with K, M or G (test: --memory=MB)"},
      {"--pin", Option::None, bit(Command::Test), flag(&Options::pinsDims), ""},
      {"--seconds", Option::Needed, bit(Command::Bench),
       [](Options &options, StringRef value) {
         return !value.getAsDouble(options.seconds) && options.seconds > 0;
       },
       "--seconds=S"},
  };
  return kTable;
}
