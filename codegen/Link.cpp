// Link.cpp - from objects to programs, shared libraries and archives.
#include "codegen/Link.h"
#include "codegen/Weights.h"
#include "lld/Common/CommonLinkerContext.h"
#include "lld/Common/Driver.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

LLD_HAS_DRIVER(elf)

using namespace burnish;
using llvm::StringRef;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

static llvm::Error link(llvm::ArrayRef<std::string> arguments, Output &output) {
  std::vector<const char *> raw = {"ld.lld"};
  for (const std::string &argument : arguments)
    raw.push_back(argument.c_str());
  std::string said, complaints;
  llvm::raw_string_ostream out(said), errors(complaints);
  // Not lldMain: that installs a crash handler, and one thread is enough for a
  // handful of objects.
  bool isDone = lld::elf::link(raw, out, errors, /*exitEarly=*/false,
                               /*disableOutput=*/false);
  lld::CommonLinkerContext::destroy();
  if (!isDone) {
    StringRef first = StringRef(complaints).split('\n').first;
    first.consume_front("ld.lld: ");
    first.consume_front("error: ");
    return llvm::createStringError("%s: cannot link: %s", output.path().c_str(),
                                   first.str().c_str());
  }
  return output.reopen();
}

static llvm::Error requireElf(const llvm::Triple &triple, Output &output) {
  if (triple.isOSBinFormatELF() && triple.isOSLinux())
    return llvm::Error::success();
  return llvm::createStringError(
      "%s: only Linux programs and shared libraries are linked here; "
      "for %s use -c and that system's linker",
      output.path().c_str(), triple.str().c_str());
}

/// As the dynamic linker is called on Linux, and the folder that Debian keeps
/// an architecture's libraries in.
static std::pair<StringRef, std::string>
linuxNames(const llvm::Triple &triple) {
  switch (triple.getArch()) {
  case llvm::Triple::x86_64:
    return {"/lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"};
  case llvm::Triple::aarch64:
    return {"/lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"};
  case llvm::Triple::riscv64:
    return {"/lib/ld-linux-riscv64-lp64d.so.1", "riscv64-linux-gnu"};
  case llvm::Triple::arm:
  case llvm::Triple::thumb:
    return {"/lib/ld-linux-armhf.so.3", "arm-linux-gnueabihf"};
  case llvm::Triple::x86:
    return {"/lib/ld-linux.so.2", "i386-linux-gnu"};
  default:
    return {"", triple.getArchName().str() + "-linux-gnu"};
  }
}

/// The folders that hold libc's start files and libraries: multiarch, plain,
/// and those of Debian's cross compilers.
static std::vector<std::string> libraryFolders(const LinkOptions &options) {
  std::string multiarch = linuxNames(options.triple).second;
  std::vector<std::string> folders;
  bool isPlainHost = options.sysroot.empty() &&
                     hostTriple().getArch() == options.triple.getArch();
  auto add = [&](std::string folder) {
    if (fs::is_directory(folder))
      folders.push_back(folder);
  };
  add(options.sysroot + "/usr/lib/" + multiarch);
  add(options.sysroot + "/lib/" + multiarch);
  add(options.sysroot + "/usr/" + multiarch + "/lib");
  if (isPlainHost || !options.sysroot.empty()) {
    add(options.sysroot + "/usr/lib64");
    add(options.sysroot + "/lib64");
    add(options.sysroot + "/usr/lib");
    add(options.sysroot + "/lib");
  }
  return folders;
}

static llvm::Expected<std::string>
findStartFile(StringRef name, const LinkOptions &options,
              llvm::ArrayRef<std::string> folders) {
  for (const std::string &folder : folders)
    if (std::string file = folder + "/" + name.str(); fs::exists(file))
      return file;
  if (options.sysroot.empty() &&
      hostTriple().getArch() == options.triple.getArch())
    return llvm::createStringError(
        "cannot link a program without the C library's %s; install "
        "libc6-dev (glibc-devel elsewhere), or use -c",
        name.str().c_str());
  if (!options.sysroot.empty())
    return llvm::createStringError(
        "%s: no %s of the C library for %s in the libraries of this root "
        "folder; use -c to link elsewhere",
        options.sysroot.c_str(), name.str().c_str(),
        options.triple.str().c_str());
  return llvm::createStringError(
      "no %s of the C library for %s; name its root folder with "
      "--sysroot=DIR, or use -c",
      name.str().c_str(), options.triple.str().c_str());
}

static llvm::Error requireRuntime(const LinkOptions &options) {
  if (fs::exists(options.runtime))
    return llvm::Error::success();
  return llvm::createStringError("no runtime library for %s (%s); use -c",
                                 options.triple.str().c_str(),
                                 options.runtime.c_str());
}

static std::vector<std::string> commonArguments(const Output &output) {
  // No build id and no version of the linker: two links of the same inputs give
  // the same bytes.
  return {"-o",
          output.temporary(),
          "--gc-sections",
          "-z",
          "relro",
          "-z",
          "now",
          "-z",
          "noexecstack",
          "--hash-style=gnu",
          "--build-id=none",
          "--threads=1",
          "-O2",
          "--no-undefined",
          "-s"};
}

/// The linker script for an object with room in place of weights: a section of
/// its own, so that it is found again where no symbol is left. It follows one
/// that every dynamic file has.
static llvm::Expected<Output> addRoom(std::vector<std::string> &arguments,
                                      const LinkOptions &options) {
  llvm::Expected<Output> script = Output::inMemory("room");
  if (!script || !options.hasRoom)
    return script;
  std::string name = kRoomSection.str();
  if (llvm::Error error =
          script->append("SECTIONS { " + name + " : { *(" + name + ") KEEP(*(" +
                         name + ".end)) } } INSERT AFTER .dynstr;\n"))
    return std::move(error);
  arguments.push_back(script->temporary());
  return script;
}

static void addSystem(std::vector<std::string> &arguments,
                      const LinkOptions &options,
                      llvm::ArrayRef<std::string> folders) {
  // The folder of a cross compiler (/usr/aarch64-linux-gnu) is no root: linker
  // scripts in it name files by where they are on this machine.
  if (!options.sysroot.empty() && fs::is_directory(options.sysroot + "/usr"))
    arguments.push_back("--sysroot=" + options.sysroot);
  for (const std::string &folder : folders)
    arguments.push_back("-L" + folder);
}

llvm::Error burnish::linkProgram(StringRef object, const LinkOptions &options,
                                 Output &output) {
  if (llvm::Error error = requireElf(options.triple, output))
    return error;
  if (llvm::Error error = requireRuntime(options))
    return error;
  std::vector<std::string> folders = libraryFolders(options);
  std::vector<std::string> startFiles;
  for (StringRef name : {"Scrt1.o", "crti.o", "crtn.o"}) {
    llvm::Expected<std::string> file = findStartFile(name, options, folders);
    if (!file)
      return file.takeError();
    startFiles.push_back(*file);
  }
  std::vector<std::string> arguments = commonArguments(output);
  addSystem(arguments, options, folders);
  llvm::Expected<Output> room = addRoom(arguments, options);
  if (!room)
    return room.takeError();
  arguments.insert(
      arguments.end(),
      {"-pie", "--dynamic-linker=" + linuxNames(options.triple).first.str()});
  arguments.insert(arguments.end(),
                   {startFiles[0], startFiles[1], object.str(), options.runtime,
                    "--as-needed", "-lm", "-lc", startFiles[2]});
  return link(arguments, output);
}

/// The C functions that a runtime archive offers: what it defines as burnish_*,
/// but not a program's parts.
static llvm::Expected<std::vector<std::string>>
runtimeFunctions(const std::string &archivePath) {
  auto buffer = llvm::MemoryBuffer::getFile(archivePath);
  if (!buffer)
    return fileError(archivePath, buffer.getError());
  auto archive = llvm::object::Archive::create(**buffer);
  if (!archive)
    return archive.takeError();
  std::vector<std::string> names;
  for (const llvm::object::Archive::Symbol &symbol : (*archive)->symbols())
    if (symbol.getName().starts_with("burnish_"))
      names.push_back(symbol.getName().str());
  return names;
}

llvm::Error burnish::linkShared(StringRef object, StringRef name,
                                const LinkOptions &options, Output &output) {
  if (llvm::Error error = requireElf(options.triple, output))
    return error;
  if (llvm::Error error = requireRuntime(options))
    return error;
  std::vector<std::string> folders = libraryFolders(options);
  if (llvm::Expected<std::string> libc =
          findStartFile("libc.so", options, folders);
      !libc)
    return libc.takeError();
  llvm::Expected<std::vector<std::string>> functions =
      runtimeFunctions(options.runtime);
  if (!functions)
    return functions.takeError();
  std::string script = "{ global: " + name.str() + "; " + name.str() +
                       "_run; " + name.str() +
                       "_workspace_size; burnish_*; local: *; };\n";
  llvm::Expected<Output> scriptFile = Output::inMemory("exports");
  if (!scriptFile)
    return scriptFile.takeError();
  if (llvm::Error error = scriptFile->append(script))
    return error;
  std::vector<std::string> arguments = commonArguments(output);
  addSystem(arguments, options, folders);
  llvm::Expected<Output> room = addRoom(arguments, options);
  if (!room)
    return room.takeError();
  arguments.insert(arguments.end(),
                   {"-shared", "-Bsymbolic", "--undefined-version", "-soname",
                    path::filename(output.path()).str(),
                    "--version-script=" + scriptFile->temporary()});
  for (const std::string &function : *functions)
    if (options.trains || !StringRef(function).starts_with("burnish_train_"))
      arguments.push_back("--undefined=" + function);
  arguments.insert(arguments.end(), {object.str(), options.runtime,
                                     "--as-needed", "-lm", "-lc"});
  return link(arguments, output);
}

llvm::Error burnish::linkLoadable(StringRef object, StringRef runtime,
                                  Output &output) {
  // No -s, so that a debugger or a profiler finds the kernels; what is
  // undefined is found when the library is loaded.
  std::vector<std::string> arguments = {
      "-o",          output.temporary(), "-shared",
      "-Bsymbolic",  "--hash-style=gnu", "--build-id=none",
      "--threads=1", object.str()};
  if (fs::exists(runtime))
    arguments.push_back(runtime.str());
  return link(arguments, output);
}

llvm::Error burnish::writeArchive(StringRef object, StringRef memberName,
                                  const LinkOptions &options, Output &output) {
  if (llvm::Error error = requireRuntime(options))
    return error;
  std::vector<llvm::NewArchiveMember> members;
  auto model = llvm::NewArchiveMember::getFile(object, /*Deterministic=*/true);
  if (!model)
    return model.takeError();
  std::string name = memberName.str();
  model->MemberName = name;
  members.push_back(std::move(*model));

  auto buffer = llvm::MemoryBuffer::getFile(options.runtime);
  if (!buffer)
    return fileError(options.runtime, buffer.getError());
  auto archive = llvm::object::Archive::create(**buffer);
  if (!archive)
    return archive.takeError();
  llvm::Error iteration = llvm::Error::success();
  for (const llvm::object::Archive::Child &child :
       (*archive)->children(iteration)) {
    auto member =
        llvm::NewArchiveMember::getOldMember(child, /*Deterministic=*/true);
    if (!member)
      return llvm::joinErrors(std::move(iteration), member.takeError());
    members.push_back(std::move(*member));
  }
  if (iteration)
    return iteration;

  llvm::raw_fd_ostream stream(output.fd(), /*shouldClose=*/false);
  if (llvm::Error error = llvm::writeArchiveToStream(
          stream, members, llvm::SymtabWritingMode::NormalSymtab,
          llvm::object::Archive::K_GNU, /*Deterministic=*/true,
          /*Thin=*/false))
    return error;
  stream.flush();
  std::error_code error = stream.error();
  stream.clear_error();
  return error ? fileError(output.path(), error) : llvm::Error::success();
}

std::string burnish::findRuntime(StringRef executable,
                                 const llvm::Triple &triple) {
  llvm::SmallString<128> folder(
      path::parent_path(path::parent_path(executable)));
  path::append(folder, "lib");
  if (hostTriple().getArch() != triple.getArch())
    path::append(folder, triple.str());
  path::append(folder, "libburnish.a");
  return folder.str().str();
}
