// inputs.h - the inputs of a run, out of files or made up.
#pragma once
#include "message.h"
#include "tensor.h"

namespace burnish {

/// The inputs of one run: tensors in the model's order, with their dims.
class Inputs {
public:
  /// `word` is what messages call them.
  explicit Inputs(const burnish_model &model, const char *word = "input");

  bool isValid() const {
    return tensors.isValid() && dims.isValid() && views.isValid();
  }
  const burnish_tensor *data() const { return views.data(); }

  /// Reads either one .npz, or an .npy for each input in the model's order.
  bool load(const char *const *paths, int32_t count, Message &message);

  /// A dim that is known only at run time, as the caller wants it: NAME=N.
  struct Pin {
    const char *name;
    size_t nameLength;
    int64_t value;
  };
  /// Random numbers from -1 to 1 for floats and zeros for the rest; dims
  /// without a pin are 1.
  bool invent(const Pin *pins, int32_t count, Message &message);
  ~Inputs();

private:
  bool loadArchive(const class InputFile &file, Message &message);
  bool loadOne(int32_t index, const struct NpyBytes &bytes, const char *where,
               Message &message);
  bool checkDims(int32_t index, const struct NpyHeader &header,
                 const char *where, Message &message) const;
  int64_t *dimsOf(int32_t index) const { return tensors[index].view.dims; }

  const burnish_model &model;
  const char *word;
  Array<Tensor> tensors;
  Array<int64_t> dims;
  Array<burnish_tensor> views;
};

} // namespace burnish
