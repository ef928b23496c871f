// Options.cpp - the command line of `burnish`.
#include "tools/burnish/Options.h"
#include "frontend/Diagnostics.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <functional>
#include <optional>

using namespace burnish;
using llvm::StringRef;

StringRef burnish::helpText() {
  return R"(burnish MODEL.onnx [-o FILE]              compile a neural network to a program
burnish MODEL.onnx -c | -shared | -static to an object, shared library or archive, and a C header
burnish check MODEL.onnx [--json]         everything that would stop a compile, in one report
burnish run MODEL.onnx IN... [-o OUT.npz] compile (kept in a cache) and run; IN is one .npz, or an .npy for each input
burnish test DIR...                       run ONNX backend-test folders, a line a case
burnish bench MODEL.onnx [IN.npz]         compile (kept in a cache) and time
burnish gradcheck MODEL.onnx [--json]     compare its gradients with differences, in f64 (--loss, --wrt, --seed, --dim)
burnish fmt FILE.nn... [--check]          lay out networks in the language; or say which are not
burnish plot RUN.jsonl -o RUN.svg         the curves of a training, from its --log
MODEL may also be a .nn file, in Burnish's own language, or a .mlir file, at any level of the pipeline.

  -o FILE               where the result goes; `-` is the standard output
  --emit=WHAT           stop at dsl, onnx, nn, linalg, tiles, loops, llvm, asm, obj or exe
  --dim NAME=N          give a symbolic dimension a value, or bounds: NAME=1..64
  --shape INPUT=1x3x8   give an input a shape
  --state OUT=IN        an output that is an input of the next step, or all like present.*=past.* (several times)
  --length INPUT=3      how many elements a sequence has; of an optional input, whether it is there: 1 or none
  --net=NAME            which net or export of a .nn file (default: the last net; for C, the last export)
  --weights-from=FILE   a .safetensors file with the params of a .nn network, or with some of an ONNX model
  --train[=RECIPE.nn]   a program that trains: by the recipe in a .nn file, or an ONNX model by that of RECIPE.nn (bench: its step)
  --seed=N              what initialisers draw their numbers with (default: 0)
  --target=TRIPLE       the machine to compile for (default: this one), as aarch64-linux-gnu; --sysroot=DIR has its libraries
  --cpu=NAME[,NAME...]  its CPU, as x86-64-v3, cortex-m4 (default: native); of several, the last that a machine has is run
  -O0 .. -O3            how much to optimise (default: -O2)
  --gradient=OUTPUT     give the gradients of an output that is one float, instead of the other outputs
  --wrt=NAME            by this input or parameter, or all like `fc*` (several times; default: all inputs of floats)
  --memory=256M         compute again what gradients would keep, so that the workspace takes no more (--gradient, --train)
  --weights=embed|file  weights inside the object (default), or in a file beside it
  --precision=bf16      matrix products and convolutions of f32 take their operands in bf16; bench says what that costs
  --deterministic       the same bits whatever the CPU, but for what libm's functions give there
  --check-bounds        stop the program where it would read or write outside a buffer
  --tune[=SECONDS] --schedules=FILE   measure here what is best and write it to FILE (bench: say what it would gain); or take it from there
  --save-temps --remarks    keep every stage of the way beside the result; say which optimisations did not apply, and why
  --json                results as JSON (check, test, bench, gradcheck)
  --threads=N --seconds=S   threads of a run (run, test, bench), and how long to measure (bench; default: 2)
  --profile             where the time goes, kernel by kernel, and what would be possible (bench)
  --jobs=N --timeout=S --memory=MB --pin   cases at a time, what one may take, and sizes of its data for symbolic dims (test)
  --help --version

Exit status: 0 done, 1 the input is at fault, 2 the command line is.
)";
}

/// Which commands an option is for, as bits.
static constexpr unsigned bit(Command command) {
  return 1u << static_cast<unsigned>(command);
}
static constexpr unsigned kCompiling = bit(Command::Compile) |
                                       bit(Command::Run) | bit(Command::Test) |
                                       bit(Command::Bench);

namespace {
struct Option {
  StringRef name;
  enum Value { None, Needed, Possible } value;
  unsigned commands;
  /// False when the value makes no sense.
  std::function<bool(Options &, StringRef)> set;
  StringRef form;
};
} // namespace

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

/// `-O0` and the like are here too: an option is found by its whole name, up to
/// `=`.
static llvm::ArrayRef<Option> table() {
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

static StringRef wordOf(Command command) {
  switch (command) {
  case Command::Check:
    return "burnish check";
  case Command::Run:
    return "burnish run";
  case Command::Test:
    return "burnish test";
  case Command::Bench:
    return "burnish bench";
  case Command::Format:
    return "burnish fmt";
  case Command::Plot:
    return "burnish plot";
  case Command::GradCheck:
    return "burnish gradcheck";
  default:
    return "burnish";
  }
}

static llvm::Error unknown(StringRef word) {
  std::vector<StringRef> names;
  for (const Option &option : table())
    names.push_back(option.name);
  return llvm::createStringError("unknown option '" + word + "'" +
                                 nearest(word.split('=').first, names));
}

static llvm::Error checkFiles(const Options &options) {
  size_t count = options.files.size();
  switch (options.command) {
  case Command::Compile:
  case Command::Check:
  case Command::GradCheck:
    if (count == 0)
      return llvm::createStringError("no model; burnish --help says how");
    if (count > 1)
      return llvm::createStringError(
          "one model at a time, and '%s' is a second",
          options.files[1].c_str());
    return llvm::Error::success();
  case Command::Plot:
    return count == 1 ? llvm::Error::success()
                      : llvm::createStringError(
                            "one log of a training is wanted; burnish --help "
                            "says how");
  case Command::Format:
    return count ? llvm::Error::success()
                 : llvm::createStringError(
                       "no .nn file; burnish --help says how");
  case Command::Test:
    return count ? llvm::Error::success()
                 : llvm::createStringError(
                       "no folder of cases; burnish --help says how");
  default:
    return count ? llvm::Error::success()
                 : llvm::createStringError("no model; burnish --help says how");
  }
}

/// A training is one program or object for one CPU, of what the recipe says.
static llvm::Error checkTraining(const Options &options) {
  if (StringRef(options.cpu).contains(','))
    return llvm::createStringError(
        "--train makes the code for one CPU, and --cpu names several");
  if (!options.loss.empty() || !options.wrt.empty())
    return llvm::createStringError(
        "--train takes the gradients of the recipe's loss, and --gradient "
        "those of an output");
  if (!options.dims.empty() || !options.shapes.empty())
    return llvm::createStringError(
        "--train has the sizes of the recipe's clause 'batch', so --dim and "
        "--shape are not for it");
  if (options.emit == Emit::Dsl || options.emit == Emit::Onnx)
    return llvm::createStringError(
        "--emit=dsl and --emit=onnx write networks, and --train makes more of "
        "one");
  return llvm::Error::success();
}

Options Options::timed() const {
  Options timed = *this;
  if (trains)
    timed.role = TrainingRole::Step;
  timed.trains = false;
  return timed;
}

llvm::Expected<Options>
burnish::parseOptions(llvm::ArrayRef<const char *> words) {
  Options options;
  if (!words.empty()) {
    auto command = llvm::StringSwitch<std::optional<Command>>(words[0])
                       .Case("check", Command::Check)
                       .Case("run", Command::Run)
                       .Case("test", Command::Test)
                       .Case("bench", Command::Bench)
                       .Case("fmt", Command::Format)
                       .Case("plot", Command::Plot)
                       .Case("gradcheck", Command::GradCheck)
                       .Default(std::nullopt);
    if (command) {
      options.command = *command;
      words = words.drop_front();
    }
  }
  bool onlyFiles = false;
  for (size_t index = 0; index < words.size(); ++index) {
    StringRef word = words[index];
    if (onlyFiles || word == "-" || !word.starts_with("-")) {
      if (word.empty())
        return llvm::createStringError("an empty file name");
      options.files.push_back(word.str());
      continue;
    }
    if (word == "--") {
      onlyFiles = true;
      continue;
    }
    if (word == "--help" || word == "-h" || word == "--version") {
      options.command = word == "--version" ? Command::Version : Command::Help;
      return options;
    }
    size_t equals = word.find('=');
    StringRef name = word.take_front(equals);
    const Option *option = llvm::find_if(table(), [&](const Option &candidate) {
      return candidate.name == name;
    });
    if (option == table().end())
      return unknown(word);
    if (!(option->commands & bit(options.command)))
      return llvm::createStringError("'%s' is no option of '%s'",
                                     name.str().c_str(),
                                     wordOf(options.command).str().c_str());
    StringRef value;
    if (option->value == Option::None && equals != StringRef::npos)
      return llvm::createStringError("'%s' takes no value", name.str().c_str());
    if (option->value == Option::Possible && equals != StringRef::npos) {
      value = word.substr(equals + 1);
      if (value.empty())
        return llvm::createStringError("'%s' should be %s", word.str().c_str(),
                                       option->form.str().c_str());
    }
    if (option->value == Option::Needed) {
      if (equals != StringRef::npos)
        value = word.substr(equals + 1);
      else if (index + 1 < words.size())
        value = words[++index];
      else
        return llvm::createStringError("'%s' needs a value: %s",
                                       name.str().c_str(),
                                       option->form.str().c_str());
    }
    if (!option->set(options, value))
      return llvm::createStringError("'%s %s' should be %s", name.str().c_str(),
                                     value.str().c_str(),
                                     option->form.str().c_str());
  }
  if (options.narrows && options.level == 0)
    return llvm::createStringError(
        "--precision=bf16 is an optimisation, and -O0 does none");
  if (options.trains)
    if (llvm::Error error = checkTraining(options))
      return error;
  if (options.memoryLimit && !options.trains && options.loss.empty())
    return llvm::createStringError(
        "--memory is for gradients; it wants --gradient=OUTPUT or --train");
  if (llvm::Error error = checkFiles(options))
    return error;
  return options;
}
