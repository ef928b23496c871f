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

  /// Reads either one .npz, or an .npy for each input in the model's order;
  /// states may be missing, and are 0 then.
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

  /// From now on files have the steps of a sequence along one more axis in
  /// front of each input that is no state.
  void expectSteps() { hasSteps = true; }
  int64_t stepCount() const { return hasSteps ? steps : 1; }
  /// The inputs that are no states become those of a step.
  void beginStep(int64_t step);
  /// Another tensor for an input, from the next run on.
  burnish_tensor &view(int32_t index) const { return views[index]; }
  bool isState(int32_t index) const;
  /// Files have this input alone; who runs the model makes the others.
  void expectOnly(int32_t index) { only = index; }
  ~Inputs();

private:
  bool loadArchive(const class InputFile &file, Message &message);
  bool loadOne(int32_t index, const struct NpyBytes &bytes, const char *where,
               Message &message);
  bool checkDims(int32_t index, const struct NpyHeader &header,
                 const char *where, Message &message) const;
  bool isMade(int32_t index) const {
    return isState(index) || (only >= 0 && index != only);
  }
  /// Whether an input has been read or made by now.
  bool isThere(int32_t index) const { return views[index].dims != nullptr; }
  bool makeState(int32_t index, Message &message);
  /// Puts a state that grows, whose elements lie side by side, into a buffer in
  /// which it can; leaves other inputs as they are.
  bool giveRoom(int32_t index, Message &message);
  int32_t fileCount() const;
  int32_t inputOfFile(int32_t file) const;
  int64_t *dimsOf(int32_t index) const { return tensors[index].view.dims; }

  const burnish_model &model;
  const char *word;
  Array<Tensor> tensors;
  Array<int64_t> dims;
  Array<burnish_tensor> views;
  bool hasSteps = false;
  int64_t steps = -1;
  int32_t only = -1;
};

} // namespace burnish
