// generate.cpp - text token by token, out of a decoder that keeps its states.
#include "generate.h"
#include "text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

using namespace burnish;

Decoder::~Decoder() {
  free(text);
  free(ordinals);
  free(ones);
  free(best);
}

/// e^x for x of at most 0, without libm, which programs need not have: halved
/// until the series is short (relative error below 1e-12 where weights count).
static double exponential(double x) {
  if (!(x > -700))
    return 0;
  int halvings = 0;
  for (; x < -0.25; x /= 2)
    ++halvings;
  double term = 1, sum = 1;
  for (int n = 1; n <= 10; ++n) {
    term *= x / n;
    sum += term;
  }
  for (; halvings > 0; --halvings)
    sum *= sum;
  return sum;
}

/// A number from 0 to 1 (splitmix64).
double Decoder::draw() {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static bool isFed(const burnish_model &model, int32_t input) {
  for (int32_t i = 0; i < model.output_count; ++i)
    if (model.outputs[i].feeds == input + 1)
      return true;
  return false;
}

bool Decoder::prepare(Message &message) {
  for (int32_t i = 0; i < model.input_count; ++i) {
    const burnish_info &info = model.inputs[i];
    if (isFed(model, i))
      continue;
    int32_t &role = strcmp(info.name, "position_ids") == 0     ? places
                    : strcmp(info.name, "attention_mask") == 0 ? mask
                                                               : ids;
    if (role >= 0)
      return message.set("--generate: inputs '%s' and '%s' are neither states "
                         "nor 'position_ids' and 'attention_mask'",
                         model.inputs[role].name, info.name);
    if (info.type != BURNISH_INT64 || info.rank != 2)
      return message.set(
          "--generate: input '%s' is %s, and should be int64[1,tokens]",
          info.name,
          ShapeText(typeName(info.type), info.dims, info.rank, info.dim_names)
              .text);
    role = i;
  }
  for (int32_t i = 0; i < model.output_count; ++i) {
    const burnish_info &info = model.outputs[i];
    if (info.feeds)
      continue;
    if (logits >= 0)
      return message.set("--generate: outputs '%s' and '%s' are no states, and "
                         "one should be",
                         model.outputs[logits].name, info.name);
    if (info.type != BURNISH_FLOAT || info.rank != 3)
      return message.set(
          "--generate: output '%s' is %s, and should be "
          "float32[1,tokens,vocabulary]",
          info.name,
          ShapeText(typeName(info.type), info.dims, info.rank, info.dim_names)
              .text);
    logits = i;
  }
  return (ids >= 0 && logits >= 0) ||
         message.set("--generate: the model has no %s that is no state",
                     ids < 0 ? "input" : "output");
}

/// The tokens from `from` to `to` are the inputs of the next run.
void Decoder::setStep(Inputs &inputs, int64_t from, int64_t to) {
  auto set = [&](int32_t input, int64_t *values, int64_t count) {
    if (input < 0)
      return;
    burnish_tensor &view = inputs.view(input);
    view.data = values;
    view.dims[0] = 1;
    view.dims[1] = count;
    view.bytes = count * 8;
  };
  set(ids, text + from, to - from);
  set(places, ordinals + from, to - from);
  set(mask, ones, to);
}

/// Of the last token's scores.
bool Decoder::choose(const burnish_tensor &scores, int64_t &token,
                     Message &message) {
  int64_t rows = scores.dims[1], count = scores.dims[2];
  if (scores.dims[0] != 1 || rows < 1 || count < 1)
    return message.set("--generate: output '%s' is [%" PRId64 ",%" PRId64
                       ",%" PRId64 "], and should be [1,tokens,vocabulary]",
                       model.outputs[logits].name, scores.dims[0], rows, count);
  const float *values =
      static_cast<const float *>(scores.data) + (rows - 1) * count;
  int64_t top = how.top < count ? how.top : count;
  if (!best)
    best =
        static_cast<int64_t *>(calloc(static_cast<size_t>(top), sizeof *best));
  if (!best)
    return message.set("no memory for %" PRId64 " tokens", top);
  // The best so far, in order; of equals the first.
  int64_t found = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (found == top && !(values[i] > values[best[found - 1]]))
      continue;
    int64_t at = found < top ? found++ : found - 1;
    for (; at > 0 && values[i] > values[best[at - 1]]; --at)
      best[at] = best[at - 1];
    best[at] = i;
  }
  token = best[0];
  if (top == 1)
    return true;
  auto weightOf = [&](int64_t i) {
    double above = static_cast<double>(values[best[i]]) -
                   static_cast<double>(values[best[0]]);
    return exponential(above / how.temperature);
  };
  double sum = 0;
  for (int64_t i = 0; i < top; ++i)
    sum += weightOf(i);
  double left = draw() * sum;
  for (int64_t i = 0; i < top; ++i) {
    token = best[i];
    left -= weightOf(i);
    if (left < 0)
      break;
  }
  return true;
}

bool Decoder::run(Session &session, Inputs &inputs, Message &message) {
  const burnish_tensor &prompt = inputs.view(ids);
  if (prompt.dims[0] != 1 || prompt.dims[1] < 1)
    return message.set("--generate: the prompt is [%" PRId64 ",%" PRId64
                       "], and should be [1,tokens]",
                       prompt.dims[0], prompt.dims[1]);
  given = length = prompt.dims[1];
  size_t most = static_cast<size_t>(given + how.count);
  text = static_cast<int64_t *>(calloc(most, sizeof *text));
  ordinals = static_cast<int64_t *>(calloc(most, sizeof *ordinals));
  ones = static_cast<int64_t *>(calloc(most, sizeof *ones));
  if (!text || !ordinals || !ones)
    return message.set("no memory for %" PRId64 " tokens", given + how.count);
  memcpy(text, prompt.data, static_cast<size_t>(given) * sizeof *text);
  for (size_t i = 0; i < most; ++i)
    ordinals[i] = static_cast<int64_t>(i), ones[i] = 1;

  for (int64_t from = 0; length < given + how.count;) {
    setStep(inputs, from, length);
    if (from > 0 && !session.feed(inputs, message))
      return false;
    if (int32_t status = session.run(inputs)) {
      char where[32];
      Text(where) << "token " << length << ": ";
      return session.explain(status, where, message);
    }
    int64_t token;
    if (!choose(session.output(logits), token, message))
      return false;
    from = length;
    text[length++] = token;
    if (token == how.end)
      break;
  }
  return true;
}
