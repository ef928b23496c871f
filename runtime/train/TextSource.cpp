// TextSource.cpp - windows of a file's bytes.
#include "Dataset.h"
#include <inttypes.h>

using namespace burnish;

bool burnish::addText(Dataset &dataset, const Source &source,
                      Message &message) {
  if (source.fileCount != 1 || source.columnCount != 1)
    return message.set("text: is one file and one column, not %d and %d",
                       source.fileCount, source.columnCount);
  int64_t window = source.options.window,
          stride = source.options.stride ? source.options.stride : window;
  Column column = {};
  column.file = source.files[0];
  column.name = source.columns[0];
  if (window < 1 || stride < 1)
    return message.set("%s: windows of %" PRId64 " bytes every %" PRId64
                       " bytes are not possible",
                       column.file, window, stride);
  uint64_t size;
  if (!dataset.memory().map(column.file, column.data, size, message))
    return false;
  if (size < static_cast<uint64_t>(window))
    return message.set("%s: has %" PRIu64 " bytes, a window %" PRId64,
                       column.file, size, window);
  int64_t dims[] = {(static_cast<int64_t>(size) - window) / stride + 1, window};
  // Windows that overlap count more bytes than the file has.
  if (!setShape(column, BURNISH_UINT8, dims, 2, message))
    return false;
  column.pitch = stride;
  return dataset.append(column, source.options, message);
}
