// main.cpp - the command line of a compiled program.
#include "characters.h"
#include "file.h"
#include "generate.h"
#include "npz.h"
#include "options.h"
#include "program.h"
#include "text.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace burnish;

/// Through syscall, which is on a page that is needed anyway.
int32_t burnish::defaultThreads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int count = syscall(SYS_sched_getaffinity, 0, sizeof set, &set) > 0
                  ? CPU_COUNT(&set)
                  : 1;
  return count < 1 ? 1 : count > 1024 ? 1024 : count;
}

namespace {

enum Exit { Done = 0, BadInput = 1, BadCommandLine = 2 };

struct Options : CommonOptions {
  const char *program = "";
  const char *weights = nullptr, *kept = nullptr;
  const char **files = nullptr;
  Inputs::Pin *pins = nullptr;
  int32_t fileCount = 0, pinCount = 0;
  bool wantsSignature = false, wantsHelp = false, inventsInputs = false,
       hasSteps = false;
  Generation generation;
  /// One of the options for generations, without --generate.
  const char *ofGeneration = nullptr;
};

const char *baseName(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

int complain(const Options &options, Exit status, const char *text) {
  fprintf(stderr, "%s: %s\n", options.program, text);
  return status;
}

/// For messages that begin with the file that they are about.
int complain(const Message &message) {
  fprintf(stderr, "%s\n", message.text);
  return BadInput;
}

bool isDimOfInputs(const burnish_model &model, const Inputs::Pin &pin) {
  for (int32_t i = 0; i < model.input_count; ++i)
    for (int32_t axis = 0;
         model.inputs[i].dim_names && axis < model.inputs[i].rank; ++axis)
      if (const char *name = model.inputs[i].dim_names[axis];
          name && model.inputs[i].dims[axis] < 0 &&
          strlen(name) == pin.nameLength &&
          memcmp(name, pin.name, pin.nameLength) == 0)
        return true;
  return false;
}

bool parsePin(const burnish_model &model, const char *text, Inputs::Pin &pin,
              Message &message) {
  const char *equals = text ? strrchr(text, '=') : nullptr;
  if (!equals || equals == text ||
      !parseNumber(equals + 1, INT64_MAX, pin.value))
    return message.set("--dim wants NAME=N, as --dim batch=4");
  pin.name = text;
  pin.nameLength = static_cast<size_t>(equals - text);
  return isDimOfInputs(model, pin) ||
         message.set("no dim of the inputs is named '%.*s'",
                     static_cast<int>(pin.nameLength), text);
}

bool parseOption(const burnish_model &model, int &index, char **arguments,
                 Options &options, Message &message) {
  const char *argument = arguments[index];
  bool isKnown;
  if (!parseCommon(index, arguments, options, isKnown, message))
    return false;
  if (isKnown)
    return true;
  if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
    options.wantsHelp = true;
  } else if (strcmp(argument, "--signature") == 0) {
    options.wantsSignature = true;
  } else if (strcmp(argument, "--dim") == 0) {
    return parsePin(model, arguments[++index], options.pins[options.pinCount++],
                    message);
  } else if (const char *dim = valueOfOption(argument, "--dim=")) {
    return parsePin(model, dim, options.pins[options.pinCount++], message);
  } else if (const char *tokens = valueOfOption(argument, "--generate=")) {
    return (parseNumber(tokens, 1'000'000, options.generation.count) &&
            options.generation.count > 0) ||
           message.set("--generate=%s: a number of tokens is wanted", tokens);
  } else if (const char *top = valueOfOption(argument, "--top=")) {
    options.ofGeneration = argument;
    return (parseNumber(top, 1000, options.generation.top) &&
            options.generation.top > 0) ||
           message.set("--top=%s: a number from 1 to 1000 is wanted", top);
  } else if (const char *end = valueOfOption(argument, "--end=")) {
    options.ofGeneration = argument;
    return parseNumber(end, INT64_MAX, options.generation.end) ||
           message.set("--end=%s: the number of a token is wanted", end);
  } else if (const char *seed = valueOfOption(argument, "--seed=")) {
    options.ofGeneration = argument;
    return parseNumber(seed, INT64_MAX, options.generation.seed) ||
           message.set("--seed=%s: a number is wanted", seed);
  } else if (const char *warm = valueOfOption(argument, "--temperature=")) {
    options.ofGeneration = argument;
    int64_t millionths = 0;
    bool isNumber = parseNumber(warm, 1000, millionths, 6) && millionths > 0;
    options.generation.temperature = static_cast<double>(millionths) * 1e-6;
    return isNumber ||
           message.set("--temperature=%s: a number above 0 is wanted", warm);
  } else if (strcmp(argument, "--steps") == 0) {
    options.hasSteps = true;
  } else if (strcmp(argument, "--random") == 0) {
    options.inventsInputs = true;
  } else if (const char *kept = valueOfOption(argument, "--compare=")) {
    options.kept = kept;
  } else if (const char *file = valueOfOption(argument, "--weights=")) {
    options.weights = file;
  } else {
    return message.set("unknown option '%s', see --help", argument);
  }
  return true;
}

bool parse(const burnish_model &model, char **arguments, Options &options,
           Message &message) {
  bool onlyFiles = false;
  for (int i = 1; arguments[i]; ++i) {
    const char *argument = arguments[i];
    if (!onlyFiles && strcmp(argument, "--") == 0)
      onlyFiles = true;
    else if (onlyFiles || argument[0] != '-' || argument[1] == 0)
      options.files[options.fileCount++] = argument;
    else if (!parseOption(model, i, arguments, options, message))
      return false;
    if (options.wantsHelp)
      return true;
  }
  return true;
}

bool endsWith(const char *text, const char *end) {
  size_t length = strlen(text), endLength = strlen(end);
  return length > endLength && strcmp(text + length - endLength, end) == 0;
}

bool isSound(const burnish_model &model, const Options &options,
             Message &message) {
  if (options.wantsSignature && (options.fileCount || options.output ||
                                 options.kept || options.benchNanoseconds >= 0))
    return message.set("--signature goes with nothing else");
  bool isBench = options.benchNanoseconds >= 0;
  if (isBench && options.output)
    return message.set("--bench has no output, -o is for runs");
  if (isBench && options.kept)
    return message.set("--bench has no output, --compare is for runs");
  bool invents = options.inventsInputs || (isBench && options.fileCount == 0);
  if (options.inventsInputs && options.fileCount)
    return message.set("--random makes inputs up, and %s has some",
                       options.files[0]);
  bool generates = options.generation.count > 0;
  if (options.ofGeneration && !generates)
    return message.set("%s is for --generate=TOKENS", options.ofGeneration);
  if (generates && (isBench || invents || options.kept || options.hasSteps))
    return message.set("--generate is for a run on a prompt");
  if (options.hasSteps && (isBench || invents || options.kept))
    return message.set("--steps is for a run on files");
  if (options.pinCount && !invents)
    return message.set("--dim is for --bench and --random without a file, "
                       "files have shapes of their own");
  if (options.output && !endsWith(options.output, ".npz") &&
      !endsWith(options.output, ".npy"))
    return message.set("-o %s: the name of an output ends in .npz or .npy",
                       options.output);
  if (options.output && endsWith(options.output, ".npy") &&
      model.output_count != 1 && options.generation.count < 0)
    return message.set("-o %s: the model has %d outputs, they fit into an .npz",
                       options.output, model.output_count);
  if (options.wantsSignature || invents || model.input_count == 0)
    return options.wantsSignature || options.fileCount == 0 ||
           message.set("the model has no inputs, %s is one too many",
                       options.files[0]);
  // One file may be an .npz; whether it is shows inside.
  if (options.fileCount == 0)
    return message.set("no input: an .npz with '%s'%s is wanted, or an .npy "
                       "for each input (see --help)",
                       model.inputs[0].name,
                       model.input_count > 1 ? " and others" : "");
  int32_t wanted = model.input_count;
  for (int32_t i = 0; i < model.output_count; ++i)
    wanted -= model.outputs[i].feeds != 0;
  return options.fileCount == 1 || options.fileCount == wanted ||
         message.set("%d files for %d input%s: one .npz is wanted, or an .npy "
                     "for each input",
                     options.fileCount, wanted, wanted == 1 ? "" : "s");
}

void printPorts(const char *title, const burnish_info *infos, int32_t count) {
  constexpr int32_t kShown = 8;
  puts(title);
  for (int32_t i = 0; i < count && i < kShown; ++i)
    printf("  %-24s %s\n", infos[i].name,
           ShapeText(typeName(infos[i].type), infos[i].dims, infos[i].rank,
                     infos[i].dim_names)
               .text);
  if (count > kShown)
    printf("  and %d more, see --signature\n", count - kShown);
}

void printHelp(const burnish_model &model, const Options &options) {
  const char *name = options.program;
  printf("%s runs the neural network '%s'.\n\n"
         "  %s in.npz -o out.npz\n"
         "  %s in.npy ... [-o out.npy]   without -o: a summary\n"
         "  %s --signature               inputs and outputs, as JSON\n"
         "  %s --bench=SECONDS [FILE...] times of runs, as JSON\n\n"
         "Keys of an .npz are the inputs' names, or arr_0, arr_1, ...; of .npy "
         "files there\nis one for each input. Strings are arrays of characters "
         "(numpy's str or bytes).\n\n"
         "  --steps          the first axis of inputs is the steps of a "
         "sequence\n"
         "  --generate=N     N tokens more, of a decoder with states: --top=K\n"
         "                   --temperature=T --seed=S draw from the likeliest, "
         "--end=TOKEN\n                   stops\n"
         "  --random         inputs made up, always the same ones\n"
         "  --compare=FILE   say how far outputs are from those in an .npz\n"
         "  --threads=N      threads (default: the cores there are)\n"
         "  --weights=FILE   weights not in the program (default: beside "
         "it)\n"
         "  --dim NAME=N     a dim known only at run time, without files\n\n",
         name, model.name, name, name, name, name);
  printPorts("Inputs:", model.inputs, model.input_count);
  printPorts("Outputs:", model.outputs, model.output_count);
}

bool writeOutputs(const burnish_model &model, const Session &session,
                  const Steps *steps, OutputFile &file, bool isArchive,
                  Message &message) {
  NpzWriter archive(file);
  for (int32_t i = 0; i < model.output_count; ++i) {
    const burnish_info &info = model.outputs[i];
    const burnish_tensor &tensor = steps ? steps->output(i) : session.output(i);
    int32_t rank = info.rank + (steps && !info.feeds);
    int64_t count = elementCount(tensor.dims, rank);
    bool isString = info.type == BURNISH_STRING;
    Characters characters;
    if (isString && count >= 0 &&
        !characters.make(static_cast<const burnish_string *>(tensor.data),
                         count))
      return message.set("output '%s': no memory for its strings", info.name);
    if (count < 0 || (!isString && !elementType(info.type)))
      return message.set(
          "output '%s': %s cannot be written", info.name,
          ShapeText(typeName(info.type), tensor.dims, rank).text);
    uint64_t bytes =
        isString ? characters.bytes
                 : static_cast<uint64_t>(count * burnish_type_size(info.type));
    const void *data = isString ? characters.pages.data() : tensor.data;
    const char *descr = isString ? characters.descr : nullptr;
    if (isArchive) {
      if (!archive.add(info.name, info.type, tensor.dims, rank, data, bytes,
                       message, descr))
        return false;
      continue;
    }
    uint8_t header[NpyHeader::kMaxBytes];
    uint64_t headerBytes =
        npyHeader(header, info.type, tensor.dims, rank, descr);
    if (headerBytes == 0)
      return message.set("output '%s': its shape is too long for a file",
                         info.name);
    if (!file.write(header, headerBytes, message) ||
        !file.write(data, bytes, message))
      return false;
  }
  return (!isArchive || archive.finish(message)) && file.commit(message);
}

/// The prompt and what followed, as one array; or on a line what followed.
bool writeTokens(const burnish_model &model, const Decoder &decoder,
                 OutputFile &file, const Options &options, Message &message) {
  int64_t dims[] = {1, decoder.tokenCount()};
  uint64_t bytes = static_cast<uint64_t>(decoder.tokenCount()) * 8;
  if (!options.output) {
    for (int64_t i = decoder.promptCount(); i < decoder.tokenCount(); ++i) {
      char number[24];
      Text(number) << decoder.tokens()[i];
      fputs(i > decoder.promptCount() ? " " : "", stdout);
      fputs(number, stdout);
    }
    puts("");
    return true;
  }
  if (endsWith(options.output, ".npz")) {
    NpzWriter archive(file);
    return archive.add(model.inputs[decoder.idsInput()].name, BURNISH_INT64,
                       dims, 2, decoder.tokens(), bytes, message) &&
           archive.finish(message) && file.commit(message);
  }
  uint8_t header[NpyHeader::kMaxBytes];
  uint64_t headerBytes = npyHeader(header, BURNISH_INT64, dims, 2);
  return file.write(header, headerBytes, message) &&
         file.write(decoder.tokens(), bytes, message) && file.commit(message);
}

int runProgram(const burnish_model &model, const Options &options) {
  Message message;
  Inputs inputs(model);
  if (!inputs.isValid())
    return complain(options, BadInput, "no memory for the inputs");
  if (options.hasSteps)
    inputs.expectSteps();
  bool generates = options.generation.count > 0;
  Decoder decoder(model, options.generation);
  if (generates) {
    if (!decoder.prepare(message))
      return complain(options, BadInput, message.text);
    inputs.expectOnly(decoder.idsInput());
  }
  bool isBench = options.benchNanoseconds >= 0;
  bool invents = options.inventsInputs || (isBench && options.fileCount == 0);
  bool hasInputs = invents
                       ? inputs.invent(options.pins, options.pinCount, message)
                       : inputs.load(options.files, options.fileCount, message);
  if (!hasInputs)
    return complain(message);
  // What is compared with is read as the inputs of a model that has these.
  burnish_model outputs = model;
  outputs.inputs = model.outputs;
  outputs.input_count = options.kept ? model.output_count : 0;
  outputs.output_count = 0;
  Inputs kept(outputs, "output");
  if (options.kept &&
      (!kept.isValid() || !kept.load(&options.kept, 1, message)))
    return kept.isValid()
               ? complain(message)
               : complain(options, BadInput, "no memory for outputs");

  OutputFile file;
  if (options.output && !file.open(options.output, message))
    return complain(message);
  Session session(model);
  int32_t threads = options.threads ? options.threads : defaultThreads();
  if (!session.prepare(threads, options.weights, message))
    return complain(message);
  struct Closure {
    Session &session;
    const Inputs &inputs;
  } closure = {session, inputs};
  Timed timed = {model,
                 [](void *of) {
                   auto &it = *static_cast<Closure *>(of);
                   return it.session.run(it.inputs);
                 },
                 &closure, session.pool(), session.dimsWorkspaceBytes()};
  if (generates) {
    if (!decoder.run(session, inputs, message))
      return complain(options, BadInput, message.text);
    return writeTokens(model, decoder, file, options, message)
               ? Done
               : complain(message);
  }
  Steps steps(model);
  if (options.hasSteps) {
    if (!steps.run(session, inputs, message))
      return complain(options, BadInput, message.text);
  } else if (int32_t status =
                 isBench ? bench(timed, options.benchNanoseconds, threads)
                         : session.run(inputs)) {
    session.explain(status, "", message);
    return complain(options, BadInput, message.text);
  }
  if (!isBench)
    session.closeGaps();
  if (options.output &&
      !writeOutputs(model, session, options.hasSteps ? &steps : nullptr, file,
                    endsWith(options.output, ".npz"), message))
    return complain(message);
  if (options.kept &&
      !printDifferences(model, session, kept, options.kept, message))
    return complain(message);
  if (!options.output && !options.kept && !isBench)
    printSummary(model, session);
  return Done;
}

int run(const burnish_model &model, char **arguments, Options &options) {
  Message message;
  if (!parse(model, arguments, options, message))
    return complain(options, BadCommandLine, message.text);
  if (options.wantsHelp) {
    printHelp(model, options);
    return Done;
  }
  if (!isSound(model, options, message))
    return complain(options, BadCommandLine, message.text);
  if (options.wantsSignature) {
    printSignature(model);
    return Done;
  }
  return runProgram(model, options);
}

} // namespace

int main(int count, char **arguments) {
  if (!burnish_program_model)
    return trainMain(count, arguments);
  Options options;
  options.program =
      count > 0 ? baseName(arguments[0]) : burnish_program_model->name;
  Array<const char *> files(count);
  Array<Inputs::Pin> pins(count);
  if (!files.isValid() || !pins.isValid())
    return complain(options, BadInput, "no memory");
  options.files = files.data();
  options.pins = pins.data();
  int status = count > 0 ? run(*burnish_program_model, arguments, options)
                         : BadCommandLine;
  // A full disk behind stdout shows only here.
  if (fflush(stdout) != 0 || ferror(stdout))
    return complain(options, BadInput, "cannot write to standard output");
  return status;
}
