// Compile.cpp - `burnish MODEL`: a program, an object, a library, or any stage
// on the way.
#include "codegen/Identifiers.h"
#include "codegen/Link.h"
#include "codegen/Output.h"
#include "frontend/dsl/Print.h"
#include "frontend/onnx/Export.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "tools/burnish/BurnishHeader.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "tools/burnish/FitWorkspace.h"
#include "tools/burnish/Tune.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace burnish;
using llvm::StringRef;
namespace path = llvm::sys::path;

static StringRef endingOf(Emit emit) {
  switch (emit) {
  case Emit::Dsl:
    return ".nn";
  case Emit::Onnx:
    return ".onnx";
  case Emit::Nn:
    return ".nn.mlir";
  case Emit::Linalg:
    return ".linalg.mlir";
  case Emit::Tiles:
    return ".tiles.mlir";
  case Emit::Loops:
    return ".loops.mlir";
  case Emit::Llvm:
    return ".ll";
  case Emit::Asm:
    return ".s";
  case Emit::Object:
    return ".o";
  case Emit::Shared:
    return ".so";
  case Emit::Static:
    return ".a";
  case Emit::Program:
    return "";
  }
  llvm_unreachable("all cases are above");
}

static std::string stemOf(StringRef file) {
  return file == "-" ? "model" : path::stem(file).str();
}

/// The path of the result without its ending: what lies beside it is called by
/// it.
static std::string basePath(StringRef output) {
  llvm::SmallString<128> base(output);
  path::replace_extension(base, "");
  return base.str().str();
}

/// The module as text, but never megabytes of numbers.
static std::string textOf(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, mlir::OpPrintingFlags()
                       .elideLargeElementsAttrs(64)
                       .elideLargeResourceString(4096));
  os << "\n";
  return text;
}

static llvm::Error writeText(StringRef file, StringRef text) {
  if (file != "-")
    return writeOutput(file, text);
  // Not llvm::outs(), which ends the process on a full disk.
  if (std::error_code error = writeFully(1, text.data(), text.size()))
    return fileError("standard output", error);
  return llvm::Error::success();
}

namespace {
/// Files that get their names together, after all of them are written.
class Products {
public:
  llvm::Error add(StringRef file,
                  llvm::function_ref<llvm::Error(Output &)> write,
                  bool isExecutable = false) {
    llvm::Expected<Output> output = Output::create(file);
    if (!output)
      return output.takeError();
    if (llvm::Error error = write(*output))
      return error;
    outputs.push_back({std::move(*output), isExecutable});
    return llvm::Error::success();
  }
  llvm::Error addText(StringRef file, StringRef text) {
    return add(file, [&](Output &output) { return output.append(text); });
  }
  const Output &last() const { return outputs.back().first; }
  /// What is copied into a device may not fit, so that goes first: nothing else
  /// has its name by then.
  llvm::Error commit() {
    for (bool copies : {true, false})
      for (auto &[output, isExecutable] : outputs)
        if (output.isCopied() == copies)
          if (llvm::Error error = output.commit(isExecutable))
            return error;
    return llvm::Error::success();
  }

private:
  std::vector<std::pair<Output, bool>> outputs;
};
} // namespace

/// What compilers of C want beside an object: its header, and burnish.h unless
/// it is there already.
static llvm::Error addHeaders(Products &products, const Compiler &compiler,
                              StringRef output, bool trains) {
  if (llvm::Error error =
          products.addText(basePath(output) + ".h", compiler.header()))
    return error;
  auto addShared = [&](StringRef name, StringRef text) -> llvm::Error {
    llvm::SmallString<128> shared(path::parent_path(output));
    path::append(shared, name);
    auto present = llvm::MemoryBuffer::getFile(shared);
    if (present && (*present)->getBuffer() == text)
      return llvm::Error::success();
    return products.addText(shared, text);
  };
  if (llvm::Error error = addShared("burnish.h", kBurnishHeader))
    return error;
  return trains ? addShared("burnish_train.h", kTrainHeader)
                : llvm::Error::success();
}

/// A program looks for its weights beside itself, under the model's name in C.
static llvm::Error addWeights(Products &products, const Object &object,
                              const std::string &name, StringRef output) {
  llvm::SmallString<128> file(path::parent_path(output));
  path::append(file, name + ".weights");
  return products.add(file, [&](Output &weights) {
    if (std::error_code error =
            llvm::sys::fs::resize_file(weights.fd(), object.weights().bytes()))
      return fileError(weights.path(), error);
    return object.weights().write(weights.fd(), 0, weights.path());
  });
}

namespace {
/// One compile: the options, and where its results go.
struct Compile {
  const Options &options;
  Compiler &compiler;
  std::string output;

  llvm::Error writeAssembly(Object &object) {
    llvm::Expected<Output> text =
        output == "-" ? Output::inMemory("assembly") : Output::create(output);
    if (!text)
      return text.takeError();
    if (llvm::Error error = object.writeAssembly(*text))
      return error;
    if (output != "-")
      return text->commit();
    auto buffer = llvm::MemoryBuffer::getFile(text->temporary());
    return buffer ? writeText("-", (*buffer)->getBuffer())
                  : fileError("standard output", buffer.getError());
  }

  llvm::Error writeMachineCode(Object &object) {
    Products products;
    if (!options.embedsWeights && object.weights().bytes() > 0)
      if (llvm::Error error =
              addWeights(products, object, compiler.name(), output))
        return error;
    if (options.emit != Emit::Program)
      if (llvm::Error error =
              addHeaders(products, compiler, output, options.trains))
        return error;
    // Programs and shared libraries get their weights once they are linked.
    bool hasRoom =
        (options.emit == Emit::Program || options.emit == Emit::Shared) &&
        !options.savesTemps;
    auto writeObject = [&](Output &code) {
      return hasRoom ? object.writeWithRoom(code) : object.write(code);
    };
    if (options.emit == Emit::Object) {
      if (llvm::Error error = products.add(output, writeObject))
        return error;
      return products.commit();
    }
    // A linker reads the object, so it lies beside the result for a moment.
    Products objects;
    if (llvm::Error error = objects.add(
            options.savesTemps ? basePath(output) + ".o" : output, writeObject))
      return error;
    LinkOptions link = {
        .triple = compiler.target().triple,
        .sysroot = options.sysroot,
        .runtime = findRuntime(executablePath(), compiler.target().triple),
        .hasRoom = object.hasRoom(),
        .trains = options.trains};
    const std::string &code = objects.last().temporary();
    auto linkResult = [&](Output &result) {
      compiler.progress().show("linking");
      llvm::Error error =
          options.emit == Emit::Program ? linkProgram(code, link, result)
          : options.emit == Emit::Shared
              ? linkShared(code, compiler.name(), link, result)
              : writeArchive(code, compiler.name() + ".o", link, result);
      return error ? std::move(error) : object.fillRoom(result);
    };
    if (llvm::Error error = products.add(
            output, linkResult, /*isExecutable=*/options.emit != Emit::Static))
      return error;
    if (options.savesTemps)
      if (llvm::Error error = objects.commit())
        return error;
    return products.commit();
  }

  /// What the network is, in a language of networks.
  bool writeNetwork() {
    // Rules of gradients are for this compiler alone.
    compiler.module().walk([](nn::WithGradientOp op) {
      op->replaceAllUsesWith(op.getValues());
      op->erase();
    });
    compiler.dropUnused();
    Diagnostics diagnostics(options.files[0]);
    if (options.emit == Emit::Onnx) {
      std::optional<std::string> model =
          exportOnnx(compiler.module(), diagnostics);
      return model ? done(writeText(output, *model)) : report(diagnostics);
    }
    std::string weights = output == "-" ? compiler.name() + ".safetensors"
                                        : basePath(output) + ".safetensors";
    std::optional<dsl::PrintedNetwork> network = dsl::printNetwork(
        compiler.module(), path::filename(weights), diagnostics);
    if (!network)
      return report(diagnostics);
    if (output == "-")
      return done(writeText("-", network->text));
    Products products;
    if (!network->tensors.empty())
      if (llvm::Error error = products.add(weights, [&](Output &file) {
            llvm::Error header =
                file.append(dsl::safeTensorsHeader(network->tensors));
            for (const dsl::NamedTensor &tensor : network->tensors)
              if (!header)
                header =
                    file.append({tensor.bytes.data(), tensor.bytes.size()});
            return header;
          }))
        return done(std::move(error));
    if (llvm::Error error = products.addText(output, network->text))
      return done(std::move(error));
    return done(products.commit());
  }

  bool report(const Diagnostics &diagnostics) {
    compiler.progress().clear();
    for (const Problem &problem : diagnostics.problems())
      llvm::errs() << diagnostics.message(problem) << "\n";
    return false;
  }

  /// Runs the stages up to the one asked for; each is kept when the options say
  /// so.
  bool run() {
    if (options.emit < Emit::Nn)
      return writeNetwork();
    for (Emit stage : {Emit::Nn, Emit::Linalg, Emit::Tiles, Emit::Loops}) {
      if (stage > options.emit)
        return true;
      if (!compiler.lower(stage))
        return false;
      if (stage == options.emit)
        return done(writeText(output, textOf(compiler.module())));
      if (options.savesTemps &&
          !done(writeText(basePath(output) + endingOf(stage).str(),
                          textOf(compiler.module()))))
        return false;
    }
    if (!compiler.lower(Emit::Llvm))
      return false;
    llvm::Expected<Object> object = compiler.object();
    if (!object)
      return done(object.takeError());
    if (options.emit == Emit::Llvm || options.savesTemps) {
      std::string text;
      llvm::raw_string_ostream os(text);
      if (llvm::Error error = object->print(os))
        return done(std::move(error));
      if (!done(writeText(options.emit == Emit::Llvm ? output
                                                     : basePath(output) + ".ll",
                          text)))
        return false;
      if (options.emit == Emit::Llvm)
        return true;
    }
    return done(options.emit == Emit::Asm ? writeAssembly(*object)
                                          : writeMachineCode(*object));
  }

  bool done(llvm::Error error) {
    compiler.progress().clear();
    return error ? complain(std::move(error)) : true;
  }
};
} // namespace

bool burnish::finishCompile(Compiler &compiler, const Options &options,
                            const std::string &output) {
  return Compile{options, compiler, output}.run();
}

/// Measures schedules and adds them to the file that the options name.
static int writeSchedules(const Options &options) {
  if (options.schedules.empty() || options.files[0] == "-" ||
      options.cpu.find(',') != std::string::npos) {
    llvm::errs() << "burnish: --tune "
                 << (options.schedules.empty()
                         ? "writes to a file; name it with --schedules=FILE"
                     : options.files[0] == "-"
                         ? "reads the model more than once, so not from the "
                           "standard input"
                         : "measures the code for one CPU")
                 << "\n";
    return kBadCommandLine;
  }
  llvm::Expected<Schedules> schedules =
      Schedules::read(options.schedules, /*mayBeNew=*/true);
  if (!schedules)
    return complain(schedules.takeError()), kBadInput;
  std::vector<TunedShape> shapes;
  if (!tune(options, *schedules, shapes))
    return kBadInput;
  if (llvm::Error error = writeOutput(options.schedules, schedules->text()))
    return complain(std::move(error)), kBadInput;
  return kDone;
}

int burnish::compile(const Options &given) {
  Options options = given;
  if (options.emit < Emit::Llvm && options.cpu.find(',') != std::string::npos) {
    llvm::errs()
        << "burnish: --emit=nn to --emit=loops show the code for one CPU\n";
    return kBadCommandLine;
  }
  const std::string &input = options.files[0];
  std::string output = options.output;
  if (output.empty())
    output = options.emit <= Emit::Asm && options.emit != Emit::Onnx
                 ? "-"
                 : stemOf(input) + endingOf(options.emit).str();
  if (output == "-" && options.emit > Emit::Asm) {
    llvm::errs() << "burnish: machine code goes to a file; name it with -o\n";
    return kBadCommandLine;
  }
  if (output == input && input != "-") {
    llvm::errs()
        << "burnish: " << output
        << ": the result would replace the model; name another file with -o\n";
    return kBadCommandLine;
  }
  if (options.tunes)
    if (int status = writeSchedules(options))
      return status;
  if (options.memoryLimit && options.emit >= Emit::Nn) {
    if (input == "-") {
      llvm::errs() << "burnish: --memory reads the model more than once, so "
                      "not from the standard input\n";
      return kBadCommandLine;
    }
    if (!fitWorkspace(options))
      return kBadInput;
  }
  Compiler compiler(options, llvm::errs());
  if (!compiler.load(input,
                     cIdentifier(stemOf(output == "-" ? input : output)) +
                         (options.trains ? "_step" : "")))
    return kBadInput;
  return finishCompile(compiler, options, output) ? kDone : kBadInput;
}
