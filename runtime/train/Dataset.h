// Dataset.h - named columns of samples, from files of many kinds.
#pragma once
#include "Storage.h"
#include "burnish.h"

namespace burnish {

/// One named array whose first axis counts samples.
struct Column {
  static constexpr int32_t kMaxRank = 8;

  const char *name;
  /// A burnish_type of whole bytes: integers, bool, float16, bfloat16, float32
  /// or float64.
  int32_t type;
  /// Of one sample; a scalar has rank 0.
  int32_t rank;
  int64_t dims[kMaxRank];
  int64_t rows;
  /// Of one sample; and from one sample to the next, which is less where
  /// windows of a text overlap.
  int64_t bytes, pitch;
  /// Row-major, aligned for its type. In a mapped file or
  /// in memory of the data set; not to be written to.
  const uint8_t *data;
  /// Where it comes from, for messages.
  const char *file;
  /// What class numbers stand for, sorted; null where the labels were numbers.
  const char *const *classes;
  int64_t classCount;

  const uint8_t *row(int64_t index) const { return data + index * pitch; }
  /// Elements of one sample.
  int64_t elements() const;
};

enum class SourceKind { Idx, Csv, Npy, Npz, SafeTensors, Images, Text };

/// What a csv does where a number is missing: an empty field, NA, N/A, nan,
/// null or ?. A row with a missing label is always refused.
enum class Missing {
  Refuse,
  Value, ///< put `missingValue` there
  Mean,  ///< put the mean of the column's numbers there
  Skip   ///< leave the row out
};

struct SourceOptions {
  /// NaN and infinity are refused, with their row, unless this is set.
  bool allowNonFinite = false;

  // csv
  char separator = ',';
  bool hasHeader = true;
  Missing missing = Missing::Refuse;
  float missingValue = 0;
  /// The column whose texts become class numbers (int64) in sorted order; of a
  /// file without header "1", "2", and so on. Null: none.
  const char *label = nullptr;
  /// If set, the numeric columns that are not in `columns` become one column of
  /// this name, float32[k] a sample.
  const char *features = nullptr;

  // images: what they are brought to. 0: as the first file.
  int32_t height = 0, width = 0, channels = 0;
  /// Images of other sizes are resized (bilinear); else refused.
  bool resize = false;

  // text: bytes of one sample, and from one sample's start to the next (0: the
  // same). What is left at the end is no sample.
  int64_t window = 0, stride = 0;
};

/// Where columns come from. Texts must outlive the data set.
struct Source {
  SourceKind kind;
  /// idx, npy: one a column. csv, npz, safetensors, text: one. images: a folder
  /// whose subfolders are the classes.
  const char *const *files;
  int32_t fileCount;
  /// idx, npy, text: the names to give. csv, npz, safetensors: which to take;
  /// none: all. images: the names of image and label.
  const char *const *columns;
  int32_t columnCount;
  SourceOptions options;
};

/// Columns with equally many rows.
class Dataset {
public:
  /// Adds the columns of a source; after a failure the data set is not to be
  /// used.
  bool add(const Source &source, Message &message);

  int64_t rows() const { return columns.size() ? columns[0].rows : 0; }
  int64_t size() const { return columns.size(); }
  const Column &operator[](int64_t index) const { return columns[index]; }
  /// Null if there is no such column.
  const Column *find(const char *name) const;
  /// As `find`, with the message that names the columns there are.
  const Column *get(const char *name, Message &message) const;

  // For the readers of each kind:
  Storage &memory() { return storage; }
  /// Checks name, type, rows and values, and adds the column.
  bool append(const Column &column, const SourceOptions &options,
              Message &message);

private:
  Storage storage;
  List<Column> columns;
};

/// Sets what follows from type and whole shape: rows, dims of a sample, bytes.
bool setShape(Column &column, int32_t type, const int64_t *dims, int32_t rank,
              Message &message);
/// Every value of a column lies in [0, limit).
bool checkRange(const Column &column, int64_t limit, Message &message);
/// It is of integers too, and so do its named classes.
bool checkLabels(const Column &column, int64_t classes, Message &message);
/// One more than the largest label of an integer column with one element a
/// sample, or the number of its named classes; -1 after a message.
int64_t countClasses(const Column &column, Message &message);
/// An element of a sample of an integer column.
int64_t labelAt(const Column &column, int64_t row, int64_t place = 0);

// One file each: IdxSource.cpp and so on.
bool addIdx(Dataset &dataset, const Source &source, Message &message);
bool addCsv(Dataset &dataset, const Source &source, Message &message);
bool addNumpy(Dataset &dataset, const Source &source, Message &message);
bool addSafeTensors(Dataset &dataset, const Source &source, Message &message);
bool addImages(Dataset &dataset, const Source &source, Message &message);
bool addText(Dataset &dataset, const Source &source, Message &message);

} // namespace burnish
