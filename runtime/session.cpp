// session.cpp - memory, threads and outputs for the runs of a program.
#include "program.h"
#include "text.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace burnish;

static int64_t sumOfRanks(const burnish_model &model) {
  int64_t sum = 0;
  for (int32_t i = 0; i < model.output_count; ++i)
    sum += model.outputs[i].rank;
  return sum;
}

Session::Session(const burnish_model &model)
    : model(model), outputs(model.output_count), dims(sumOfRanks(model)),
      fed(model.output_count) {}

Session::~Session() {
  if (context) {
    releaseOutputs();
    for (int32_t i = 0; fed.isValid() && i < model.output_count; ++i)
      if (fed[i])
        context->release(context, fed[i]);
  }
  burnish_pool_destroy(context);
  if (weights)
    munmap(weights, static_cast<size_t>(model.weights_bytes));
}

bool Session::makeOutputs() {
  uint64_t total = 0;
  for (int pass = 0; pass < 2; ++pass) {
    if (pass == 1 && !buffers.allocate(total))
      return false;
    uint64_t offset = 0;
    for (int64_t i = 0, usedDims = 0; i < model.output_count;
         usedDims += model.outputs[i++].rank) {
      const burnish_info &info = model.outputs[i];
      outputs[i].dims = dims.data() + usedDims;
      // What takes the place of an input has its buffer.
      int64_t count = hasFixedShape(info) && !info.updates
                          ? elementCount(info.dims, info.rank)
                          : 0;
      if (count < 0)
        return false;
      outputs[i].bytes = count * burnish_type_size(info.type);
      outputs[i].data =
          outputs[i].bytes && pass == 1 ? buffers.data() + offset : nullptr;
      offset += (static_cast<uint64_t>(outputs[i].bytes) + 63) / 64 * 64;
    }
    total = offset;
  }
  return true;
}

void Session::releaseOutputs() {
  for (int32_t i = 0; i < model.output_count; ++i) {
    if (hasFixedShape(model.outputs[i]) || model.outputs[i].updates ||
        !outputs[i].data)
      continue;
    context->release(context, outputs[i].data);
    outputs[i].data = nullptr;
    outputs[i].bytes = 0;
  }
}

bool Session::mapWeights(const char *path, Message &message) {
  char beside[PATH_MAX];
  if (!path) {
    ssize_t length = readlink("/proc/self/exe", beside, sizeof beside - 1);
    if (length <= 0)
      return message.set(
          "cannot tell where this program is, give --weights=FILE");
    beside[length] = 0;
    char *name = strrchr(beside, '/') + 1;
    Text text(name, sizeof beside - static_cast<size_t>(name - beside));
    if (!(text << model.name << ".weights").fits())
      return message.set("%s.weights: %s", model.name, strerror(ENAMETOOLONG));
    path = beside;
  }
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0)
    return message.set("%s: cannot open the weights: %s", path,
                       strerror(errno));
  bool hasSize =
      S_ISREG(status.st_mode) && status.st_size == model.weights_bytes;
  if (!hasSize)
    message.set("%s: has %lld bytes, the weights of this model are %" PRId64,
                path, static_cast<long long>(status.st_size),
                model.weights_bytes);
  void *memory = hasSize
                     ? mmap(nullptr, static_cast<size_t>(model.weights_bytes),
                            PROT_READ, MAP_PRIVATE, file, 0)
                     : nullptr;
  if (memory == MAP_FAILED)
    return message.set("%s: cannot map the weights: %s", path, strerror(errno));
  close(file);
  weights = memory;
  context->weights = weights;
  return hasSize;
}

bool Session::prepare(int32_t threads, const char *weightsPath,
                      Message &message) {
#ifdef __GLIBC__
  // Freed memory of one run is for the next: giving it back to the system costs
  // page faults again.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
  context = burnish_pool_create(threads);
  if (!context || !outputs.isValid() || !dims.isValid() || !fed.isValid() ||
      !makeOutputs())
    return message.set("no memory for the outputs");
  context->misfit = &misfit;
  // One that depends on dims is made by the first run that has them.
  if (!model.workspace_size &&
      !workspace.allocate(static_cast<uint64_t>(model.workspace_bytes)))
    return message.set("no memory for a workspace of %" PRId64 " bytes",
                       model.workspace_bytes);
  constexpr int64_t kFirstText = 1 << 16;
  if (model.flags & BURNISH_NEEDS_TEXT && !growText(kFirstText))
    return message.set("no memory for strings");
  return model.weights_bytes == 0 || mapWeights(weightsPath, message);
}

bool Session::growText(int64_t bytes) {
  Pages larger;
  if (!mayFit(static_cast<uint64_t>(bytes)) ||
      !larger.allocate(static_cast<uint64_t>(bytes)))
    return false;
  textPages.swap(larger);
  text = {textPages.data(), bytes, 0};
  context->text = &text;
  return true;
}

bool Session::feed(Inputs &inputs, Message &message) {
  for (int32_t i = 0; i < model.output_count; ++i) {
    if (!model.outputs[i].feeds)
      continue;
    int32_t input = model.outputs[i].feeds - 1;
    // What has fixed sizes was changed where it is, and what grows within its
    // bounds has more behind it.
    if (int32_t grown = model.outputs[i].grows)
      inputs.view(input).dims[grown - 1] = outputs[i].dims[grown - 1];
    if (model.outputs[i].updates)
      continue;
    const burnish_info &info = model.inputs[input];
    burnish_tensor &next = inputs.view(input);
    for (int32_t axis = 0; axis < info.rank; ++axis) {
      int64_t size = outputs[i].dims[axis];
      bool isFull = info.bounds && size > info.bounds[2 * axis + 1];
      if (isFull)
        return message.set("state '%s' is full: dim %d would be %" PRId64
                           ", and the model takes %" PRId64,
                           info.name, axis, size, info.bounds[2 * axis + 1]);
      if (info.dims[axis] >= 0 && size != info.dims[axis])
        return message.set("state '%s': dim %d is %" PRId64
                           " after the step, and the model takes %" PRId64,
                           info.name, axis, size, info.dims[axis]);
      next.dims[axis] = size;
    }
    void *data = outputs[i].data;
    int64_t bytes =
        elementCount(next.dims, info.rank) * burnish_type_size(info.type);
    if (hasFixedShape(model.outputs[i])) {
      // Its buffer is for the next output.
      data = context->allocate(context, bytes);
      if (!data)
        return message.set("no memory for state '%s'", info.name);
      memcpy(data, outputs[i].data, static_cast<size_t>(bytes));
    } else {
      outputs[i].data = nullptr;
      outputs[i].bytes = 0;
    }
    if (fed[i])
      context->release(context, fed[i]);
    fed[i] = data;
    next.data = data;
    next.bytes = bytes;
  }
  return true;
}

void Session::closeGaps() {
  for (int32_t i = 0; i < model.output_count; ++i) {
    const burnish_info &info = model.outputs[i];
    if (!info.grows)
      continue;
    GrownLines lines(model.inputs[info.feeds - 1], outputs[i].dims);
    auto *data = static_cast<uint8_t *>(outputs[i].data);
    for (int64_t line = 0; lines.used > 0 && line < lines.count; ++line)
      memmove(data + line * lines.used, data + line * lines.room,
              static_cast<size_t>(lines.used));
    outputs[i].bytes = lines.count * lines.used;
  }
}

int32_t Session::prepareWorkspace(const Inputs &inputs) {
  if (!model.workspace_size)
    return BURNISH_OK;
  int64_t bytes = burnish_workspace_for(&model, inputs.data());
  if (bytes < 0)
    return BURNISH_BAD_SHAPE;
  if (bytes <= workspaceBytes)
    return BURNISH_OK;
  workspace.clear();
  workspaceBytes = 0;
  if (!workspace.allocate(static_cast<uint64_t>(bytes)))
    return BURNISH_NO_MEMORY;
  workspaceBytes = bytes;
  return BURNISH_OK;
}

int32_t Session::run(const Inputs &inputs) {
  if (int32_t status = prepareWorkspace(inputs))
    return status;
  for (;;) {
    releaseOutputs();
    int32_t status = burnish_run(&model, context, inputs.data(), outputs.data(),
                                 workspace.data());
    if (status != BURNISH_NO_TEXT || text.needed <= text.bytes ||
        text.needed > INT64_MAX / 4 || !growText(2 * text.needed))
      return status;
  }
}

bool Session::explain(int32_t status, const char *where,
                      Message &message) const {
  const char *words = burnish_status_text(status);
  if (status != BURNISH_BAD_SHAPE || !misfit.text)
    return message.set("%s%s", where, words);
  if (misfit.count == 0)
    return message.set("%s%s: %s", where, words, misfit.text);
  if (misfit.count == 1)
    return message.set("%s%s: %s: %" PRId64, where, words, misfit.text,
                       misfit.sizes[0]);
  return message.set("%s%s: %s: %" PRId64 " and %" PRId64, where, words,
                     misfit.text, misfit.sizes[0], misfit.sizes[1]);
}
