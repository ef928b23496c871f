// steps.cpp - a sequence of runs that hand their states on.
#include "program.h"
#include "text.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

Steps::~Steps() {
  for (int32_t i = 0; outputs.isValid() && i < model.output_count; ++i) {
    outputs[i].pages.clear();
    if (!model.outputs[i].feeds)
      free(outputs[i].view.dims);
  }
}

/// Copies what a step gave behind what those before it gave.
bool Steps::keep(const Session &session, int64_t step, int64_t count,
                 Message &message) {
  for (int32_t i = 0; i < model.output_count; ++i) {
    const burnish_info &info = model.outputs[i];
    const burnish_tensor &given = session.output(i);
    Tensor &kept = outputs[i];
    if (info.feeds) {
      kept.view = given;
      continue;
    }
    // Their characters are gone with the next step.
    if (info.type == BURNISH_STRING)
      return message.set("output '%s' has strings, which --steps cannot keep",
                         info.name);
    size_t rank = static_cast<size_t>(info.rank);
    int64_t bytes =
        elementCount(given.dims, info.rank) * burnish_type_size(info.type);
    if (step == 0) {
      int64_t total = bytes;
      kept.view.dims =
          static_cast<int64_t *>(calloc(rank + 1, sizeof(int64_t)));
      if (!kept.view.dims || bytes < 0 || !multiplySize(total, count) ||
          !kept.pages.allocate(static_cast<uint64_t>(total)))
        return message.set("output '%s': no memory for %" PRId64 " steps",
                           info.name, count);
      kept.view.dims[0] = count;
      memcpy(kept.view.dims + 1, given.dims, rank * sizeof(int64_t));
      kept.view.data = kept.pages.data();
      kept.view.bytes = total;
    }
    if (memcmp(kept.view.dims + 1, given.dims, rank * sizeof(int64_t)) != 0)
      return message.set(
          "output '%s' is %s at step %" PRId64
          ", and was %s before: steps that give other shapes cannot be kept "
          "as one array",
          info.name, ShapeText(typeName(info.type), given.dims, info.rank).text,
          step,
          ShapeText(typeName(info.type), kept.view.dims + 1, info.rank).text);
    if (bytes)
      memcpy(kept.pages.data() + step * bytes, given.data,
             static_cast<size_t>(bytes));
  }
  return true;
}

bool Steps::run(Session &session, Inputs &inputs, Message &message) {
  if (!outputs.isValid())
    return message.set("no memory for the outputs");
  int64_t count = inputs.stepCount();
  for (int64_t step = 0; step < count; ++step) {
    inputs.beginStep(step);
    if (step > 0 && !session.feed(inputs, message)) {
      char why[sizeof message.text / 2];
      strncpy(why, message.text, sizeof why - 1);
      why[sizeof why - 1] = 0;
      return message.set("step %" PRId64 ": %s", step, why);
    }
    if (int32_t status = session.run(inputs)) {
      char where[32];
      Text(where) << "step " << step << ": ";
      return session.explain(status, where, message);
    }
    if (!keep(session, step, count, message))
      return false;
  }
  return true;
}
