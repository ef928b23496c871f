// run.cpp - checks the arguments of a run and calls it.
#include "burnish.h"
#include <stddef.h>

#define BURNISH_CONTEXT_SLOT(index, name, type)                                \
  static_assert(offsetof(burnish_context, name) == (index) * sizeof(void *),   \
                "abi.def and burnish.h differ");                               \
  static_assert(__is_same(decltype(burnish_context::name), type),              \
                "abi.def and burnish.h differ");
#include "abi.def"

static int64_t sizeOfType(int32_t type) {
  // By ONNX's number; 0 where there is no type of that number.
  static constexpr int8_t kString = sizeof(burnish_string);
  static constexpr int8_t kSizes[] = {0, 4, 1, 1, 2, 2, 4,  8, kString,
                                      1, 2, 8, 4, 8, 8, 16, 2, 1,
                                      1, 1, 1, 1, 1, 1, 1,  1, 1};
  static_assert(sizeof kSizes == BURNISH_INT2 + 1);
  return type >= 0 && type <= BURNISH_INT2 ? kSizes[type] : 0;
}

static bool isSameText(const char *a, const char *b) {
  while (*a && *a == *b)
    ++a, ++b;
  return *a == *b;
}

static const char *dimName(const burnish_info &info, int32_t axis) {
  return info.dim_names ? info.dim_names[axis] : nullptr;
}

static bool hasFixedShape(const burnish_info &info) {
  for (int32_t axis = 0; axis < info.rank; ++axis)
    if (info.dims[axis] < 0)
      return false;
  return true;
}

/// Multiplies two numbers that are not negative; false past 64 bits. In halves,
/// as 128-bit products and 64-bit divisions are calls into compiler-rt on some
/// targets.
static bool multiply(int64_t &product, int64_t factor) {
  uint64_t big = static_cast<uint64_t>(product),
           small = static_cast<uint64_t>(factor);
  if (small >> 32) {
    uint64_t swapped = big;
    big = small, small = swapped;
  }
  uint64_t high = (big >> 32) * small, low = (big & 0xffffffff) * small;
  if (small >> 32 || high >> 31)
    return false;
  product = static_cast<int64_t>((high << 32) + low);
  return product >= 0;
}

/// Bytes of a tensor with these dims; -1 if a dim is negative or the product
/// leaves 64 bits.
static int64_t bytesOf(const burnish_info &info, const int64_t *dims) {
  int64_t bytes = sizeOfType(info.type);
  bool isEmpty = false;
  for (int32_t axis = 0; axis < info.rank; ++axis) {
    if (dims[axis] < 0)
      return -1;
    isEmpty |= dims[axis] == 0;
  }
  for (int32_t axis = 0; axis < info.rank && !isEmpty; ++axis)
    if (!multiply(bytes, dims[axis]))
      return -1;
  return isEmpty ? 0 : bytes;
}

int64_t burnish_buffer_bytes(const burnish_info *info, const int64_t *dims) {
  if (!info || (info->rank > 0 && !dims))
    return -1;
  int64_t bytes = bytesOf(*info, dims);
  if (bytes < 0 || !info->grows || !info->bounds)
    return bytes;
  // As long as it can become along one axis.
  int32_t grown = info->grows - 1;
  bytes = sizeOfType(info->type);
  for (int32_t axis = 0; axis < info->rank; ++axis)
    if (dims[axis] == 0 && axis != grown)
      return 0;
  for (int32_t axis = 0; axis < info->rank; ++axis)
    if (!multiply(bytes,
                  axis == grown ? info->bounds[2 * axis + 1] : dims[axis]))
      return -1;
  return bytes;
}

/// What an earlier dim of the same name is, counting up to this one; -1 if this
/// is the first.
static int64_t earlierDim(const burnish_model &model,
                          const burnish_tensor *inputs, int32_t input,
                          int32_t axis) {
  const char *name = dimName(model.inputs[input], axis);
  for (int32_t i = 0; name && i <= input; ++i) {
    const burnish_info &info = model.inputs[i];
    for (int32_t j = 0; j < (i == input ? axis : info.rank); ++j)
      if (info.dims[j] < 0 && dimName(info, j) &&
          isSameText(dimName(info, j), name))
        return inputs[i].dims[j];
  }
  return -1;
}

static burnish_status checkDims(const burnish_model &model,
                                const burnish_tensor *inputs, int32_t index) {
  const burnish_info &info = model.inputs[index];
  const burnish_tensor &tensor = inputs[index];
  if (info.rank > 0 && !tensor.dims)
    return BURNISH_BAD_ARGUMENT;
  for (int32_t axis = 0; axis < info.rank; ++axis) {
    int64_t size = tensor.dims[axis];
    int64_t wanted = info.dims[axis] < 0
                         ? earlierDim(model, inputs, index, axis)
                         : info.dims[axis];
    if (size < 0 || (wanted >= 0 && size != wanted))
      return BURNISH_BAD_SHAPE;
    if (info.bounds &&
        (size < info.bounds[2 * axis] || size > info.bounds[2 * axis + 1]))
      return BURNISH_BAD_SHAPE;
  }
  return burnish_buffer_bytes(&info, tensor.dims) < 0 ? BURNISH_BAD_SHAPE
                                                      : BURNISH_OK;
}

static burnish_status checkInput(const burnish_model &model,
                                 const burnish_tensor *inputs, int32_t index) {
  const burnish_info &info = model.inputs[index];
  const burnish_tensor &tensor = inputs[index];
  if (burnish_status status = checkDims(model, inputs, index))
    return status;
  int64_t bytes = burnish_buffer_bytes(&info, tensor.dims);
  bool hasBytes = info.grows ? tensor.bytes >= bytes : tensor.bytes == bytes;
  if (!hasBytes || (!tensor.data && tensor.bytes > 0))
    return BURNISH_BAD_ARGUMENT;
  if (info.type != BURNISH_STRING)
    return BURNISH_OK;
  // Compiled code tells a string's place from a constant's by its lowest bit.
  if (reinterpret_cast<uintptr_t>(tensor.data) % 8 != 0)
    return BURNISH_BAD_ARGUMENT;
  const auto *strings = static_cast<const burnish_string *>(tensor.data);
  int64_t count = bytes / static_cast<int64_t>(sizeof *strings);
  for (int64_t i = 0; i < count; ++i)
    if (strings[i].size < 0 || (strings[i].size > 0 && !strings[i].data))
      return BURNISH_BAD_ARGUMENT;
  return BURNISH_OK;
}

static burnish_status checkOutput(const burnish_info &info,
                                  const burnish_tensor *inputs,
                                  const burnish_tensor &tensor,
                                  bool allocates) {
  if ((info.rank > 0 && !tensor.dims) || tensor.bytes < 0)
    return BURNISH_BAD_ARGUMENT;
  bool isFixed = hasFixedShape(info);
  int64_t bytes = isFixed ? bytesOf(info, info.dims) : 0;
  if (info.updates)
    return !tensor.data || tensor.data == inputs[info.updates - 1].data
               ? BURNISH_OK
               : BURNISH_BAD_ARGUMENT;
  if (!tensor.data)
    return allocates || (isFixed && bytes == 0) ? BURNISH_OK
                                                : BURNISH_NO_ALLOCATOR;
  return tensor.bytes < bytes ? BURNISH_BAD_ARGUMENT : BURNISH_OK;
}

static burnish_status checkArguments(const burnish_model &model,
                                     const burnish_context *context,
                                     const burnish_tensor *inputs,
                                     const burnish_tensor *outputs,
                                     const void *workspace) {
  if ((model.input_count > 0 && !inputs) ||
      (model.output_count > 0 && !outputs))
    return BURNISH_BAD_ARGUMENT;
  bool isTaken = !workspace && model.workspace_size;
  if (reinterpret_cast<uintptr_t>(workspace) % 64 != 0 ||
      (model.workspace_bytes > 0 && !workspace && !isTaken))
    return BURNISH_BAD_ARGUMENT;
  if (model.weights_bytes > 0 &&
      (!context || !context->weights ||
       reinterpret_cast<uintptr_t>(context->weights) % 64 != 0))
    return BURNISH_BAD_ARGUMENT;
  bool allocates = context && context->allocate && context->release;
  if ((model.flags & BURNISH_NEEDS_ALLOCATOR) && !allocates)
    return BURNISH_NO_ALLOCATOR;
  if ((model.flags & BURNISH_NEEDS_TEXT) && !(context && context->text))
    return BURNISH_NO_TEXT;
  for (int32_t i = 0; i < model.input_count; ++i)
    if (burnish_status status = checkInput(model, inputs, i))
      return status;
  for (int32_t i = 0; i < model.output_count; ++i)
    if (burnish_status status =
            checkOutput(model.outputs[i], inputs, outputs[i], allocates))
      return status;
  return BURNISH_OK;
}

/// An output that the model knows the size of, and the caller has no buffer
/// for.
static bool isOurs(const burnish_info &info, const burnish_tensor &tensor) {
  return !tensor.data && hasFixedShape(info) && bytesOf(info, info.dims) > 0;
}

int32_t burnish_run(const burnish_model *model, const burnish_context *context,
                    const burnish_tensor *inputs, burnish_tensor *outputs,
                    void *workspace) {
  if (!model)
    return BURNISH_BAD_ARGUMENT;
  if (context && context->misfit)
    context->misfit->text = nullptr;
  if (burnish_status status =
          checkArguments(*model, context, inputs, outputs, workspace))
    return status;

  // Compiled code allocates only what it alone knows the size of.
  for (int32_t i = 0; i < model->output_count; ++i) {
    if (int32_t updated = model->outputs[i].updates) {
      outputs[i].data = inputs[updated - 1].data;
      outputs[i].bytes = inputs[updated - 1].bytes;
      continue;
    }
    if (!isOurs(model->outputs[i], outputs[i]))
      continue;
    outputs[i].bytes = bytesOf(model->outputs[i], model->outputs[i].dims);
    outputs[i].data = context->allocate(context, outputs[i].bytes);
    if (!outputs[i].data)
      return BURNISH_NO_MEMORY;
  }
  if (workspace || !model->workspace_size)
    return model->run(context, inputs, outputs, workspace);

  int64_t bytes = model->workspace_size(inputs);
  if (bytes < 0)
    return BURNISH_BAD_SHAPE;
  if (bytes == 0)
    return model->run(context, inputs, outputs, nullptr);
  if (!context || !context->allocate || !context->release)
    return BURNISH_NO_ALLOCATOR;
  void *taken = context->allocate(context, bytes);
  if (!taken)
    return BURNISH_NO_MEMORY;
  int32_t status = model->run(context, inputs, outputs, taken);
  context->release(context, taken);
  return status;
}

int32_t burnish_step(const burnish_model *model, const burnish_context *context,
                     burnish_tensor *inputs, burnish_tensor *outputs,
                     void *workspace) {
  if (!model || (model->output_count > 0 && !outputs))
    return BURNISH_BAD_ARGUMENT;
  auto isSwapped = [&](int32_t i) {
    return model->outputs[i].feeds && !model->outputs[i].updates;
  };
  for (int32_t i = 0; i < model->output_count; ++i)
    if (isSwapped(i) && !outputs[i].data)
      return BURNISH_BAD_ARGUMENT;
  if (int32_t status = burnish_run(model, context, inputs, outputs, workspace))
    return status;
  for (int32_t i = 0; i < model->output_count; ++i) {
    const burnish_info &info = model->outputs[i];
    if (info.feeds && info.grows)
      inputs[info.feeds - 1].dims[info.grows - 1] =
          outputs[i].dims[info.grows - 1];
    if (!isSwapped(i))
      continue;
    burnish_tensor &next = inputs[info.feeds - 1];
    void *old = next.data;
    next.data = outputs[i].data;
    next.bytes = bytesOf(info, outputs[i].dims);
    for (int32_t axis = 0; axis < info.rank; ++axis)
      next.dims[axis] = outputs[i].dims[axis];
    outputs[i].data = old;
  }
  return BURNISH_OK;
}

int64_t burnish_workspace_for(const burnish_model *model,
                              const burnish_tensor *inputs) {
  if (!model || (model->input_count > 0 && !inputs))
    return -1;
  for (int32_t i = 0; i < model->input_count; ++i)
    if (checkDims(*model, inputs, i))
      return -1;
  return model->workspace_size ? model->workspace_size(inputs)
                               : model->workspace_bytes;
}

int64_t burnish_workspace_size(const burnish_model *model) {
  return model ? model->workspace_bytes : 0;
}

int64_t burnish_type_size(int32_t type) { return sizeOfType(type); }

const char *burnish_status_text(int32_t status) {
  switch (status) {
  case BURNISH_OK:
    return "done";
  case BURNISH_BAD_SHAPE:
    return "a shape does not fit the model";
  case BURNISH_BAD_VALUE:
    return "a value is out of its range";
  case BURNISH_NO_MEMORY:
    return "out of memory";
  case BURNISH_NO_ALLOCATOR:
    return "memory must be allocated, and the context cannot";
  case BURNISH_BAD_ARGUMENT:
    return "an argument is missing, misaligned or of the wrong size";
  case BURNISH_NO_TEXT:
    return "there is too little memory for new strings";
  default:
    return "unknown status";
  }
}
