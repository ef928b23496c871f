// Output.cpp - a file that appears whole or not at all.
#include "codegen/Output.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace burnish;
using llvm::StringRef;
namespace fs = llvm::sys::fs;

static std::error_code systemError() {
  return std::error_code(errno, std::generic_category());
}

llvm::Error burnish::fileError(StringRef path, std::error_code error) {
  return llvm::createStringError(error, "%s: %s", path.str().c_str(),
                                 error.message().c_str());
}

std::error_code burnish::writeFully(int fd, const char *bytes, size_t count,
                                    int64_t offset) {
  while (count) {
    // Linux writes at most 2 GB at a time.
    size_t step = std::min<size_t>(count, 1 << 30);
    ssize_t written = llvm::sys::RetryAfterSignal(-1, [&] {
      return offset < 0 ? ::write(fd, bytes, step)
                        : ::pwrite(fd, bytes, step, offset);
    });
    if (written < 0)
      return systemError();
    bytes += written;
    count -= written;
    if (offset >= 0)
      offset += written;
  }
  return {};
}

llvm::Expected<Output> Output::create(StringRef path) {
  Output output;
  output.finalPath = path.str();
  fs::file_status status;
  if (!fs::status(path, status)) {
    if (status.type() == fs::file_type::directory_file)
      return fileError(path, std::make_error_code(std::errc::is_a_directory));
    if (status.type() != fs::file_type::regular_file)
      output.kind = Kind::Device;
  }
  llvm::SmallString<128> model(path);
  if (output.kind == Kind::Device) {
    model.clear();
    llvm::sys::path::system_temp_directory(/*erasedOnReboot=*/true, model);
    llvm::sys::path::append(model, "burnish");
  }
  model += ".%%%%%%%%.tmp";
  llvm::SmallString<128> name;
  if (std::error_code error =
          fs::createUniqueFile(model, output.descriptor, name))
    return fileError(path, error);
  output.temporaryPath = name.str().str();
  llvm::sys::RemoveFileOnSignal(name);
  return output;
}

llvm::Expected<Output> Output::inMemory(StringRef label) {
  Output output;
  output.kind = Kind::Memory;
  output.finalPath = label.str();
  output.descriptor = ::memfd_create(output.finalPath.c_str(), MFD_CLOEXEC);
  if (output.descriptor < 0)
    return fileError(label, systemError());
  output.temporaryPath = "/proc/self/fd/" + std::to_string(output.descriptor);
  return output;
}

Output &Output::operator=(Output &&other) {
  if (this != &other) {
    discard();
    descriptor = std::exchange(other.descriptor, -1);
    kind = other.kind;
    temporaryPath = std::exchange(other.temporaryPath, "");
    finalPath = std::exchange(other.finalPath, "");
  }
  return *this;
}

void Output::discard() {
  if (descriptor >= 0)
    ::close(std::exchange(descriptor, -1));
  if (kind == Kind::Memory || temporaryPath.empty())
    return;
  ::unlink(temporaryPath.c_str());
  llvm::sys::DontRemoveFileOnSignal(temporaryPath);
  temporaryPath.clear();
}

llvm::Error Output::reopen() {
  if (kind == Kind::Memory)
    return llvm::Error::success();
  ::close(descriptor);
  descriptor = ::open(temporaryPath.c_str(), O_RDWR | O_CLOEXEC);
  return descriptor < 0 ? fileError(finalPath, systemError())
                        : llvm::Error::success();
}

llvm::Error Output::append(StringRef bytes) {
  std::error_code error = writeFully(descriptor, bytes.data(), bytes.size());
  return error ? fileError(finalPath, error) : llvm::Error::success();
}

static std::error_code copyInto(StringRef from, const std::string &device) {
  auto contents = llvm::MemoryBuffer::getFile(from, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
  if (!contents)
    return contents.getError();
  int fd = ::open(device.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return systemError();
  std::error_code error = writeFully(fd, (*contents)->getBufferStart(),
                                     (*contents)->getBufferSize());
  if (::close(fd) && !error)
    error = systemError();
  return error;
}

llvm::Error Output::commit(bool isExecutable) {
  if (kind == Kind::Memory)
    return llvm::Error::success();
  std::error_code error;
  if (kind == Kind::Device) {
    error = copyInto(temporaryPath, finalPath);
  } else {
    mode_t mask = ::umask(0);
    ::umask(mask);
    // Closed before it has its name: a program that is open for writing cannot
    // be run.
    ::close(std::exchange(descriptor, -1));
    if (::chmod(temporaryPath.c_str(), (isExecutable ? 0777 : 0666) & ~mask) ||
        ::rename(temporaryPath.c_str(), finalPath.c_str()))
      error = systemError();
    else
      llvm::sys::DontRemoveFileOnSignal(std::exchange(temporaryPath, ""));
  }
  discard();
  return error ? fileError(finalPath, error) : llvm::Error::success();
}

llvm::Error burnish::writeOutput(StringRef path, StringRef bytes) {
  llvm::Expected<Output> output = Output::create(path);
  if (!output)
    return output.takeError();
  if (llvm::Error error = output->append(bytes))
    return error;
  return output->commit();
}
