// generate.h - text token by token, out of a decoder that keeps its states.
#pragma once
#include "program.h"

namespace burnish {

/// How the next token is chosen, and when to stop.
struct Generation {
  /// Tokens at most; negative: none is asked for.
  int64_t count = -1;
  /// The likeliest `top` are drawn from; 1 takes the likeliest.
  int64_t top = 1;
  /// A token that ends the text, or -1.
  int64_t end = -1;
  int64_t seed = 0;
  double temperature = 1;
};

/// A decoder takes ids of tokens, at most places and a mask beside them, and
/// states, and gives a number for each token that may be next.
class Decoder {
public:
  Decoder(const burnish_model &model, const Generation &how)
      : model(model), how(how), state(static_cast<uint64_t>(how.seed)) {}
  ~Decoder();
  Decoder(const Decoder &) = delete;
  Decoder &operator=(const Decoder &) = delete;

  /// Finds what is what among inputs and outputs.
  bool prepare(Message &message);
  /// The input that holds the prompt.
  int32_t idsInput() const { return ids; }
  /// Runs the model on the prompt and then on each token that it chose.
  bool run(Session &session, Inputs &inputs, Message &message);
  /// The prompt and what was made of it.
  const int64_t *tokens() const { return text; }
  int64_t tokenCount() const { return length; }
  int64_t promptCount() const { return given; }

private:
  void setStep(Inputs &inputs, int64_t from, int64_t to);
  bool choose(const burnish_tensor &scores, int64_t &token, Message &message);
  double draw();

  const burnish_model &model;
  const Generation &how;
  int32_t ids = -1, places = -1, mask = -1, logits = -1;
  int64_t *text = nullptr, *ordinals = nullptr, *ones = nullptr,
          *best = nullptr;
  int64_t length = 0, given = 0;
  uint64_t state;
};

} // namespace burnish
