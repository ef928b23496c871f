// program.h - the parts of a compiled program.
#pragma once
#include "inputs.h"

/// The model of the program, defined by its object. That calls it so.
// NOLINTNEXTLINE(readability-identifier-naming,bugprone-dynamic-static-initializers)
extern "C" const burnish_model *const burnish_program_model;

namespace burnish {

/// Memory, threads and outputs for runs of one model.
class Session {
public:
  explicit Session(const burnish_model &model);
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;
  ~Session();

  /// `weightsPath` may be null: then it is NAME.weights beside the executable.
  bool prepare(int32_t threads, const char *weightsPath, Message &message);
  /// Returns a burnish_status. Outputs of the run before are gone.
  int32_t run(const Inputs &inputs);
  /// Says what the last run's status means, behind `where`; returns false.
  bool explain(int32_t status, const char *where, Message &message) const;

  /// States go from the outputs of the last run to the inputs of the next;
  /// false after a message, where one has become larger than its bounds.
  bool feed(Inputs &inputs, Message &message);

  /// States that grow lie side by side after this, as those that do not; no run
  /// follows.
  void closeGaps();

  const burnish_tensor &output(int32_t index) const { return outputs[index]; }
  const burnish_context *pool() const { return context; }
  /// What the runs until now needed, where that depends on dims.
  const int64_t *dimsWorkspaceBytes() const {
    return model.workspace_size ? &workspaceBytes : nullptr;
  }

private:
  bool mapWeights(const char *path, Message &message);
  bool makeOutputs();
  void releaseOutputs();

  const burnish_model &model;
  burnish_context *context = nullptr;
  /// For strings that runs make; it grows until they fit.
  /// Makes the workspace large enough for inputs of these shapes.
  int32_t prepareWorkspace(const Inputs &inputs);
  bool growText(int64_t bytes);
  Pages textPages;
  burnish_text text = {};
  burnish_misfit misfit = {};
  Pages workspace;
  int64_t workspaceBytes = 0;
  /// Outputs of a known size lie in `buffers`; the others are the context's,
  /// and there between runs.
  Array<burnish_tensor> outputs;
  Array<int64_t> dims;
  Pages buffers;
  /// What was an output with a buffer of the context's and is an input now.
  Array<void *> fed;
  void *weights = nullptr;
};

/// A sequence: as many runs as there are steps, with states handed on, and what
/// each gave.
class Steps {
public:
  explicit Steps(const burnish_model &model)
      : outputs(model.output_count), model(model) {}
  ~Steps();
  bool run(Session &session, Inputs &inputs, Message &message);
  /// With the steps along one more axis in front; of a state, the last.
  const burnish_tensor &output(int32_t index) const {
    return outputs[index].view;
  }

private:
  bool keep(const Session &session, int64_t step, int64_t count,
            Message &message);
  Array<Tensor> outputs;
  const burnish_model &model;
};

/// Names, element types and shapes as JSON.
void printSignature(const burnish_model &model);

/// Each output as a person wants to see it first: shape, range, and the largest
/// values of a vector.
void printSummary(const burnish_model &model, const Session &session);

/// For each output how far it is from what another run kept in a file; false,
/// with a message, where the shapes are not the same.
bool printDifferences(const burnish_model &model, const Session &session,
                      const Inputs &kept, const char *path, Message &message);

/// What is timed: `run(closure)` returns a burnish_status.
struct Timed {
  const burnish_model &model;
  int32_t (*run)(void *closure);
  void *closure;
  const burnish_context *pool;
  /// Where it says how large the workspace came to be; null: as the model says.
  const int64_t *workspaceBytes = nullptr;
};

/// Runs for that long and prints one JSON line; a burnish_status that
/// is not 0 if a run failed.
int32_t bench(const Timed &timed, int64_t nanoseconds, int32_t threads);

/// As many threads as this process may use cores.
int32_t defaultThreads();

/// The command line of a program that trains, which alone has this.
__attribute__((weak)) int trainMain(int count, char **arguments);

} // namespace burnish
