// Step.cpp - the functions of burnish_train.h that run a training. They take no
// memory and keep none.
#include "runtime/train/Initial.h"
#include "runtime/train/Recipe.h"

using namespace burnish;

static int64_t elementsOf(const burnish_slot &slot) {
  int64_t count = 1;
  for (int32_t axis = 0; axis < slot.rank; ++axis)
    count *= slot.dims[axis];
  return count;
}

/// Floats that lie at the beginning of a slot become its elements, the last one
/// first where elements are wider.
static void convert(void *slot, int32_t type, int64_t count) {
  const float *from = static_cast<const float *>(slot);
  if (type == BURNISH_DOUBLE)
    for (int64_t i = count; i-- > 0;) {
      float value = from[i];
      static_cast<double *>(slot)[i] = static_cast<double>(value);
    }
}

void burnish_train_init(const burnish_training *training, void *state,
                        uint64_t seed) {
  char *base = static_cast<char *>(state);
  __builtin_memset(state, 0, static_cast<size_t>(training->state_bytes));
  static_cast<burnish_state *>(state)->seed = seed;
  // Copies last: what they are of may stand behind them.
  for (int pass = 0; pass < 2; ++pass)
    for (int32_t i = 0; i < training->slot_count; ++i) {
      const burnish_slot &slot = training->slots[i];
      void *to = base + slot.offset;
      size_t bytes = static_cast<size_t>(slot.bytes);
      bool isCopy = slot.distribution == BURNISH_COPIED;
      if (isCopy != (pass == 1))
        continue;
      if (isCopy) {
        __builtin_memcpy(to, base + training->slots[slot.of].offset, bytes);
      } else if (slot.distribution == BURNISH_STORED) {
        __builtin_memcpy(to, slot.data, bytes);
      } else if (slot.type == BURNISH_FLOAT || slot.type == BURNISH_DOUBLE) {
        fillInitial({slot.distribution, slot.a, slot.b},
                    slot.rank > 0 ? slot.dims[0] : 1, elementsOf(slot),
                    slot.path, __builtin_strlen(slot.path), seed,
                    static_cast<float *>(to));
        convert(to, slot.type, elementsOf(slot));
      } else if (slot.type == BURNISH_INT64) {
        for (int64_t k = 0; k < elementsOf(slot); ++k)
          static_cast<int64_t *>(to)[k] = static_cast<int64_t>(slot.a);
      } else if (slot.type == BURNISH_INT32) {
        for (int64_t k = 0; k < elementsOf(slot); ++k)
          static_cast<int32_t *>(to)[k] = static_cast<int32_t>(slot.a);
      }
    }
}

namespace {
/// What one call is given beside columns and slots.
struct Numbers {
  int64_t step, key;
  double *recipe;
};

class Binder {
public:
  Binder(const burnish_training &training, char *state,
         const Operands &operands, const Numbers &numbers, bool updates)
      : training(training), state(state), operands(operands), numbers(numbers),
        updates(updates) {}

  /// Where the tensor of that name lies; null where there is none.
  void *find(const char *name) const {
    for (int32_t i = 0; i < training.column_count; ++i)
      if (isSame(training.columns[i].name, name))
        return const_cast<void *>(operands.columns[i]);
    if (isSame(name, "recipe"))
      return numbers.recipe;
    if (isSame(name, "step"))
      return const_cast<int64_t *>(&numbers.step);
    if (isSame(name, "key"))
      return const_cast<int64_t *>(&numbers.key);
    return findSlot(name);
  }

  void *findSlot(const char *name) const {
    for (int32_t i = 0; i < training.slot_count; ++i)
      if (isSame(training.slots[i].path, name))
        return state + training.slots[updates ? i : averageOf(i)].offset;
    return nullptr;
  }

private:
  int32_t averageOf(int32_t param) const {
    for (int32_t i = 0; i < training.slot_count; ++i)
      if (training.slots[i].kind == BURNISH_AVERAGE &&
          training.slots[i].of == param)
        return i;
    return param;
  }

  const burnish_training &training;
  char *state;
  const Operands &operands;
  const Numbers &numbers;
  bool updates;
};
} // namespace

static int64_t bytesOf(const burnish_info &info) {
  int64_t bytes = burnish_type_size(info.type);
  for (int32_t axis = 0; axis < info.rank; ++axis)
    bytes *= info.dims[axis];
  return bytes;
}

/// Another number for each step of each seed.
static int64_t keyOf(const burnish_state &state, int64_t step) {
  uint64_t z = state.seed * 0x9E3779B97F4A7C15u + static_cast<uint64_t>(step);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return static_cast<int64_t>((z ^ (z >> 31)) >> 1);
}

int32_t burnish::runTraining(const burnish_training &training,
                             const burnish_model &model,
                             const burnish_context *context, void *state,
                             const Operands &operands, bool updates,
                             void *workspace) {
  burnish_state &head = *static_cast<burnish_state *>(state);
  // Outputs that nobody wants go to the stack when they are small.
  constexpr int64_t kSmall = 1 << 14;
  int64_t room = 64;
  for (int32_t i = 0; i < model.output_count; ++i) {
    int64_t bytes = bytesOf(model.outputs[i]);
    room += 8 * model.outputs[i].rank + (bytes <= kSmall ? bytes + 64 : 0);
  }
  auto *inputs = static_cast<burnish_tensor *>(__builtin_alloca(
      sizeof(burnish_tensor) * static_cast<size_t>(model.input_count + 1)));
  auto *outputs = static_cast<burnish_tensor *>(__builtin_alloca(
      sizeof(burnish_tensor) * static_cast<size_t>(model.output_count + 1)));
  auto *recipe = static_cast<double *>(__builtin_alloca(
      sizeof(double) * static_cast<size_t>(training.value_count + 1)));
  char *spare = static_cast<char *>(
      __builtin_alloca_with_align(static_cast<size_t>(room), 512));

  for (int32_t i = 0; i < training.value_count; ++i)
    if (int32_t place = training.values[i].place; place >= 0)
      recipe[place] =
          operands.values ? operands.values[i] : training.values[i].value;
  int64_t step = head.steps + 1;
  if (placeOfValue(training, "lr") >= 0)
    recipe[0] = burnish_train_rate(&training, operands.values, step);
  Numbers numbers = {step, keyOf(head, step), recipe};
  Binder binder(training, static_cast<char *>(state), operands, numbers,
                updates);

  for (int32_t i = 0; i < model.input_count; ++i) {
    const burnish_info &info = model.inputs[i];
    inputs[i] = {binder.find(info.name), const_cast<int64_t *>(info.dims),
                 bytesOf(info)};
    if (!inputs[i].data)
      return BURNISH_BAD_ARGUMENT;
  }
  for (int32_t i = 0; i < model.output_count; ++i) {
    const burnish_info &info = model.outputs[i];
    int64_t bytes = bytesOf(info);
    outputs[i] = {nullptr, reinterpret_cast<int64_t *>(spare), bytes};
    spare += 8 * info.rank;
    if (updates)
      outputs[i].data = binder.findSlot(info.name);
    if (!outputs[i].data && operands.outputs)
      outputs[i].data = operands.outputs[i];
    if (!outputs[i].data && operands.loss && isSame(info.name, "loss"))
      outputs[i].data = operands.loss;
  }
  uintptr_t aligned = (reinterpret_cast<uintptr_t>(spare) + 63) / 64 * 64;
  spare = reinterpret_cast<char *>(aligned);
  for (int32_t i = 0; i < model.output_count; ++i) {
    int64_t bytes = outputs[i].bytes;
    if (outputs[i].data || bytes == 0)
      continue;
    if (bytes <= kSmall) {
      outputs[i].data = spare;
      spare += (bytes + 63) / 64 * 64;
    } else {
      outputs[i].bytes = 0;
    }
  }

  int32_t status = burnish_run(&model, context, inputs, outputs, workspace);
  for (int32_t i = 0; i < model.output_count; ++i)
    if (bytesOf(model.outputs[i]) > kSmall && outputs[i].data &&
        !(updates && binder.findSlot(model.outputs[i].name)) &&
        !(operands.outputs && operands.outputs[i]))
      context->release(context, outputs[i].data);
  if (status == BURNISH_OK && updates)
    head.steps = step;
  return status;
}

int32_t burnish_train_step(const burnish_training *training,
                           const burnish_context *context, void *state,
                           const void *const *columns, const double *values,
                           float *loss, void *workspace) {
  Operands operands = {.columns = columns, .values = values, .loss = loss};
  return runTraining(*training, *training->step, context, state, operands,
                     /*updates=*/true, workspace);
}

int32_t burnish_train_eval(const burnish_training *training,
                           const burnish_context *context, const void *state,
                           const void *const *columns, float *loss,
                           void *workspace) {
  Operands operands = {.columns = columns, .values = nullptr, .loss = loss};
  return runTraining(*training, *training->eval, context,
                     const_cast<void *>(state), operands,
                     /*updates=*/false, workspace);
}

int32_t burnish_train_predict(const burnish_training *training,
                              const burnish_context *context, const void *state,
                              const void *const *inputs, void *const *outputs,
                              void *workspace) {
  if (!training->predict)
    return BURNISH_BAD_ARGUMENT;
  const burnish_model &model = *training->predict;
  // Its inputs are some of the columns.
  auto **columns = static_cast<const void **>(__builtin_alloca(
      sizeof(void *) * static_cast<size_t>(training->column_count + 1)));
  for (int32_t i = 0; i < training->column_count; ++i)
    columns[i] = nullptr;
  for (int32_t i = 0, taken = 0; i < model.input_count; ++i)
    for (int32_t k = 0; k < training->column_count; ++k)
      if (isSame(model.inputs[i].name, training->columns[k].name))
        columns[k] = inputs[taken++];
  Operands operands = {
      .columns = columns, .values = nullptr, .outputs = outputs};
  return runTraining(*training, model, context, const_cast<void *>(state),
                     operands, /*updates=*/false, workspace);
}
