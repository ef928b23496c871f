// Options.cpp - the command line of `burnish`.
#include "tools/burnish/Options.h"
#include "frontend/Diagnostics.h"
#include "tools/burnish/OptionTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
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
  for (const Option &option : optionTable())
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

/// What is wrong with options that are right by themselves.
static llvm::Error checkTogether(const Options &options) {
  if (options.narrows && options.level == 0)
    return llvm::createStringError(
        "--precision=bf16 is an optimisation, and -O0 does none");
  if (options.trains)
    if (llvm::Error error = checkTraining(options))
      return error;
  if (options.memoryLimit && !options.trains && options.loss.empty())
    return llvm::createStringError(
        "--memory is for gradients; it wants --gradient=OUTPUT or --train");
  return checkFiles(options);
}

/// The value of an option: what is behind `=` in its word, or the next of
/// `words`, to which `index` then moves on.
static llvm::Expected<StringRef> valueOf(const Option &option, StringRef word,
                                         llvm::ArrayRef<const char *> words,
                                         size_t &index) {
  size_t equals = word.find('=');
  bool hasValue = equals != StringRef::npos;
  StringRef name = word.take_front(equals),
            value = hasValue ? word.substr(equals + 1) : "";
  switch (option.value) {
  case Option::None:
    if (hasValue)
      return llvm::createStringError("'%s' takes no value", name.str().c_str());
    return value;
  case Option::Possible:
    if (hasValue && value.empty())
      return llvm::createStringError("'%s' should be %s", word.str().c_str(),
                                     option.form.str().c_str());
    return value;
  case Option::Needed:
    break;
  }
  if (hasValue)
    return value;
  if (index + 1 < words.size())
    return StringRef(words[++index]);
  return llvm::createStringError("'%s' needs a value: %s", name.str().c_str(),
                                 option.form.str().c_str());
}

static llvm::Error takeOption(Options &options, StringRef word,
                              llvm::ArrayRef<const char *> words,
                              size_t &index) {
  StringRef name = word.take_front(word.find('='));
  llvm::ArrayRef<Option> table = optionTable();
  const Option *option = llvm::find_if(
      table, [&](const Option &each) { return each.name == name; });
  if (option == table.end())
    return unknown(word);
  if (!(option->commands & bit(options.command)))
    return llvm::createStringError("'%s' is no option of '%s'",
                                   name.str().c_str(),
                                   wordOf(options.command).str().c_str());
  llvm::Expected<StringRef> value = valueOf(*option, word, words, index);
  if (!value)
    return value.takeError();
  if (!option->set(options, *value))
    return llvm::createStringError("'%s %s' should be %s", name.str().c_str(),
                                   value->str().c_str(),
                                   option->form.str().c_str());
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
    if (llvm::Error error = takeOption(options, word, words, index))
      return error;
  }
  if (llvm::Error error = checkTogether(options))
    return error;
  return options;
}
