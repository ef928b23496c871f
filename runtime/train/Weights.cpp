// Weights.cpp - params and statistics as a file of safetensors.
#include "runtime/train/Weights.h"
#include "runtime/train/SafeTensors.h"
#include "tensor.h"
#include <string.h>
#include <type_traits>

using namespace burnish;

static bool isSaved(const burnish_slot &slot) {
  return slot.kind == BURNISH_PARAM || slot.kind == BURNISH_STATISTIC;
}

/// Where the average of a param lies, or the param.
static int64_t offsetToSave(const burnish_training &training, int32_t slot) {
  for (int32_t i = 0; i < training.slot_count; ++i)
    if (training.slots[i].kind == BURNISH_AVERAGE &&
        training.slots[i].of == slot)
      return training.slots[i].offset;
  return training.slots[slot].offset;
}

/// The factor of a param, or -1.
static int32_t factorOf(const burnish_training &training, int32_t param,
                        int32_t kind) {
  for (int32_t i = 0; i < training.slot_count; ++i)
    if (training.slots[i].kind == kind && training.slots[i].of == param)
      return i;
  return -1;
}

/// weight + scale * left right, of rows x columns. Sums are of doubles, so that
/// what is written is rounded once.
template <typename Float>
static void addProduct(Float *to, const Float *weight, const Float *left,
                       const Float *right, double scale, int64_t rows,
                       int64_t rank, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < rank; ++k)
        sum += static_cast<double>(left[i * rank + k]) *
               static_cast<double>(right[k * columns + j]);
      int64_t at = i * columns + j;
      to[at] =
          static_cast<Float>(static_cast<double>(weight[at]) + scale * sum);
    }
}

/// Where what is to be saved of a slot lies; null where there is no memory.
static const void *valueToSave(const burnish_training &training,
                               const char *state, int32_t slot,
                               Storage &storage) {
  const void *weight = state + offsetToSave(training, slot);
  int32_t left = factorOf(training, slot, BURNISH_LEFT_FACTOR),
          right = factorOf(training, slot, BURNISH_RIGHT_FACTOR);
  if (left < 0 || right < 0)
    return weight;
  const burnish_slot &of = training.slots[slot], &first = training.slots[left];
  void *sum = storage.take(static_cast<uint64_t>(of.bytes));
  if (!sum)
    return nullptr;
  auto add = [&](auto *to) {
    using Float = std::remove_pointer_t<decltype(to)>;
    auto at = [&](int32_t factor) {
      return reinterpret_cast<const Float *>(state +
                                             offsetToSave(training, factor));
    };
    addProduct(to, static_cast<const Float *>(weight), at(left), at(right),
               first.scale, of.dims[0], first.dims[1], of.dims[1]);
  };
  if (of.type == BURNISH_DOUBLE)
    add(static_cast<double *>(sum));
  else
    add(static_cast<float *>(sum));
  return sum;
}

bool burnish::saveWeights(const burnish_training &training, const void *state,
                          const char *path, Message &message) {
  SafeTensorsWriter writer;
  Storage storage;
  for (int32_t i = 0; i < training.slot_count; ++i) {
    const burnish_slot &slot = training.slots[i];
    if (!isSaved(slot))
      continue;
    const void *value =
        valueToSave(training, static_cast<const char *>(state), i, storage);
    if (!value)
      return message.set("%s: no memory for '%.200s'", path, slot.path);
    if (!writer.add(slot.path, slot.type, slot.dims, slot.rank, value, message))
      return false;
  }
  return writer.write(path, message);
}

static bool isFactor(const burnish_slot &slot) {
  return slot.kind == BURNISH_LEFT_FACTOR || slot.kind == BURNISH_RIGHT_FACTOR;
}

bool burnish::hasFactors(const burnish_training &training) {
  for (int32_t i = 0; i < training.slot_count; ++i)
    if (isFactor(training.slots[i]))
      return true;
  return false;
}

bool burnish::saveFactors(const burnish_training &training, const void *state,
                          const char *path, Message &message) {
  SafeTensorsWriter writer;
  for (int32_t i = 0; i < training.slot_count; ++i) {
    const burnish_slot &slot = training.slots[i];
    if (isFactor(slot) &&
        !writer.add(slot.path, slot.type, slot.dims, slot.rank,
                    static_cast<const char *>(state) +
                        offsetToSave(training, i),
                    message))
      return false;
  }
  return writer.write(path, message);
}

static bool check(const SafeTensor &tensor, const burnish_slot &slot,
                  const char *path, Message &message) {
  bool isAlike = tensor.type == slot.type && tensor.rank == slot.rank;
  for (int32_t axis = 0; isAlike && axis < slot.rank; ++axis)
    isAlike = tensor.dims[axis] == slot.dims[axis];
  return isAlike ||
         message.set(
             "%s: '%s' is %s, and the network wants %s", path, slot.path,
             ShapeText(typeName(tensor.type), tensor.dims, tensor.rank).text,
             ShapeText(typeName(slot.type), slot.dims, slot.rank).text);
}

/// No training makes a param of NaN or infinity, and from one nothing is
/// learned.
static bool isFinite(const SafeTensor &tensor, const char *path,
                     Message &message) {
  if (tensor.type != BURNISH_FLOAT && tensor.type != BURNISH_DOUBLE &&
      tensor.type != BURNISH_FLOAT16 && tensor.type != BURNISH_BFLOAT16)
    return true;
  int64_t count = elementCount(tensor.dims, tensor.rank);
  for (int64_t i = 0; i < count; ++i)
    if (double value = valueAt(tensor.data, tensor.type, i); value - value != 0)
      return message.set("%s: '%s': element %lld is %s", path, tensor.name,
                         static_cast<long long>(i),
                         value != value ? "NaN"
                         : value > 0    ? "infinity"
                                        : "-infinity");
  return true;
}

bool burnish::loadWeights(const burnish_training &training, void *state,
                          const char *path, Message &message) {
  SafeTensorsReader reader;
  if (!reader.open(path, message))
    return false;
  int64_t found = 0;
  for (int32_t i = 0; i < training.slot_count; ++i) {
    const burnish_slot &slot = training.slots[i];
    if (!isSaved(slot))
      continue;
    const SafeTensor *tensor = reader.find(slot.path);
    if (!tensor)
      return message.set("%s: '%s' is missing", path, slot.path);
    if (!check(*tensor, slot, path, message) ||
        (slot.kind == BURNISH_PARAM && !isFinite(*tensor, path, message)))
      return false;
    ++found;
  }
  for (int64_t k = 0; found < reader.size() && k < reader.size(); ++k) {
    bool isKnown = false;
    for (int32_t i = 0; i < training.slot_count; ++i)
      isKnown |= isSaved(training.slots[i]) &&
                 isSame(training.slots[i].path, reader[k].name);
    if (!isKnown)
      return message.set("%s: '%s' is no param of the network", path,
                         reader[k].name);
  }
  // Nothing is changed before all of it is known to fit.
  char *base = static_cast<char *>(state);
  for (int32_t i = 0; i < training.slot_count; ++i) {
    const burnish_slot &slot = training.slots[i];
    if (slot.kind == BURNISH_RIGHT_FACTOR) {
      memset(base + slot.offset, 0, static_cast<size_t>(slot.bytes));
      memset(base + offsetToSave(training, i), 0,
             static_cast<size_t>(slot.bytes));
    }
    if (!isSaved(slot))
      continue;
    const SafeTensor *tensor = reader.find(slot.path);
    memcpy(base + slot.offset, tensor->data, static_cast<size_t>(slot.bytes));
    // Averages begin with what they are of.
    memcpy(base + offsetToSave(training, i), tensor->data,
           static_cast<size_t>(slot.bytes));
  }
  return true;
}
