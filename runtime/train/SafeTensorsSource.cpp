// SafeTensorsSource.cpp - columns from the tensors of a safetensors file.
#include "Dataset.h"
#include "SafeTensors.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

static bool addTensor(Dataset &dataset, const SafeTensor &tensor,
                      const Source &source, Message &message) {
  Column column = {};
  column.file = source.files[0];
  column.name = dataset.memory().text(tensor.name, strlen(tensor.name));
  if (!column.name)
    return message.set("%s: no memory", column.file);
  if (!setShape(column, tensor.type, tensor.dims, tensor.rank, message))
    return false;
  column.data = tensor.data;
  bool isAligned = reinterpret_cast<uintptr_t>(tensor.data) %
                       static_cast<uintptr_t>(burnish_type_size(tensor.type)) ==
                   0;
  if (!isAligned || tensor.type == BURNISH_BOOL) {
    uint8_t *copy = static_cast<uint8_t *>(dataset.memory().take(tensor.bytes));
    if (!copy)
      return message.set("%s: no memory for %" PRIu64 " bytes", column.file,
                         tensor.bytes);
    memcpy(copy, tensor.data, tensor.bytes);
    if (tensor.type == BURNISH_BOOL)
      for (uint64_t i = 0; i < tensor.bytes; ++i)
        copy[i] = copy[i] != 0;
    column.data = copy;
  }
  return dataset.append(column, source.options, message);
}

bool burnish::addSafeTensors(Dataset &dataset, const Source &source,
                             Message &message) {
  if (source.fileCount != 1)
    return message.set("safetensors: is one file, not %d", source.fileCount);
  SafeTensorsReader reader;
  if (!reader.open(source.files[0], message))
    return false;
  if (source.columnCount == 0 && reader.size() == 0)
    return message.set("%s: has no tensors", source.files[0]);
  for (int64_t i = 0; source.columnCount == 0 && i < reader.size(); ++i)
    if (!addTensor(dataset, reader[i], source, message))
      return false;
  for (int32_t i = 0; i < source.columnCount; ++i) {
    const SafeTensor *tensor = reader.find(source.columns[i]);
    if (!tensor)
      return message.set("%s: has no tensor '%.200s'", source.files[0],
                         source.columns[i]);
    if (!addTensor(dataset, *tensor, source, message))
      return false;
  }
  // What its columns point into goes on with the data set.
  dataset.memory().adopt(reader.memory());
  return true;
}
