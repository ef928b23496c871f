// wide.cpp - writes an archive with zip64's wide fields, as if it were large.
//
// usage: wide OUT.npz
#include "npz.h"

using namespace burnish;

int main(int, char **arguments) {
  Message message;
  OutputFile file;
  static const int64_t dims[] = {2, 3};
  static const float x[6] = {0, 1, 2, 3, 4, 5};
  static const int64_t rows[] = {7}, seven[7] = {6, 5, 4, 3, 2, 1, 0};
  bool isDone = file.open(arguments[1], message);
  // The first array is below the limit, the second begins above it, the third
  // is above it itself.
  NpzWriter archive(file, 160);
  isDone = isDone && archive.add("x", BURNISH_FLOAT, dims, 2, x, 24, message) &&
           archive.add("y", BURNISH_FLOAT, dims, 2, x, 24, message) &&
           archive.add("z", BURNISH_INT64, rows, 1, seven, 56, message) &&
           archive.finish(message) && file.commit(message);
  if (!isDone)
    puts(message.text);
  return !isDone;
}
