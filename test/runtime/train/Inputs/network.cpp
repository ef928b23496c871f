// network.cpp - a training as compiled code would define it: one dense layer,
// whose gradients are written by hand. recipe.inc, made by loop.py, has the
// recipe and says which of two it is: numbers by their squared error, or
// classes by softmax and cross entropy.
#include "burnish_train.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "recipe.inc"

static const int64_t wDims[] = {kOut, kIn}, bDims[] = {kOut}, one[] = {1},
                     xDims[] = {kIn}, yDims[] = {kOut},
                     xBatch[] = {kBatch, kIn}, yBatch[] = {kBatch, kOut},
                     labelBatch[] = {kBatch}, xOne[] = {1, kIn},
                     yOne[] = {1, kOut}, recipeDims[] = {kPlaces},
                     layerDims[] = {2};

enum Slot { W, B, Seen, WMoment, BMoment, WAverage, BAverage, kSlots };
static constexpr int64_t align(int64_t bytes) { return (bytes + 63) / 64 * 64; }
static constexpr int64_t kW = 4 * kOut * kIn, kB = 4 * kOut;
static constexpr int64_t kAt[] = {64,
                                  64 + align(kW),
                                  64 + align(kW) + align(kB),
                                  128 + align(kW) + align(kB),
                                  128 + 2 * align(kW) + align(kB),
                                  128 + 2 * align(kW) + 2 * align(kB),
                                  128 + 3 * align(kW) + 2 * align(kB),
                                  128 + 3 * align(kW) + 3 * align(kB)};
static const burnish_slot slots[] = {
    {"net.w", wDims, 2, BURNISH_FLOAT, BURNISH_PARAM, -1, 0, BURNISH_NORMAL, 0,
     0.1, nullptr, kAt[W], kW},
    {"net.b", bDims, 1, BURNISH_FLOAT, BURNISH_PARAM, -1, 0, BURNISH_CONSTANT,
     0, 0, nullptr, kAt[B], kB},
    {"net.seen", one, 1, BURNISH_FLOAT, BURNISH_STATISTIC, -1, 0,
     BURNISH_CONSTANT, 0, 0, nullptr, kAt[Seen], 4},
    {"net.w.moment1", wDims, 2, BURNISH_FLOAT, BURNISH_MOMENT, W, 0,
     BURNISH_CONSTANT, 0, 0, nullptr, kAt[WMoment], kW},
    {"net.b.moment1", bDims, 1, BURNISH_FLOAT, BURNISH_MOMENT, B, 0,
     BURNISH_CONSTANT, 0, 0, nullptr, kAt[BMoment], kB},
    {"net.w.average", wDims, 2, BURNISH_FLOAT, BURNISH_AVERAGE, W, 0,
     BURNISH_COPIED, 0, 0, nullptr, kAt[WAverage], kW},
    {"net.b.average", bDims, 1, BURNISH_FLOAT, BURNISH_AVERAGE, B, 0,
     BURNISH_COPIED, 0, 0, nullptr, kAt[BAverage], kB},
};
// Averages are last, so that a recipe may do without them.
static constexpr int kSlotCount = kAverages ? kSlots : WAverage;

#define DATA(batch)                                                            \
  {"x", x##batch, nullptr, 2, BURNISH_FLOAT},                                  \
      kClasses ? burnish_info{"y", label##batch, nullptr, 1, BURNISH_INT64}    \
               : burnish_info{"y", y##batch, nullptr, 2, BURNISH_FLOAT},       \
      {"recipe", recipeDims, nullptr, 1, BURNISH_DOUBLE},                      \
      {"step", nullptr, nullptr, 0, BURNISH_INT64},                            \
      {"key", nullptr, nullptr, 0, BURNISH_INT64},                             \
      {"net.w", wDims, nullptr, 2, BURNISH_FLOAT}, {                           \
    "net.b", bDims, nullptr, 1, BURNISH_FLOAT                                  \
  }
static const int64_t *const labelOne = one;
static const burnish_info inputs[] = {
    DATA(Batch),
    {"net.seen", one, nullptr, 1, BURNISH_FLOAT},
    {"net.w.moment1", wDims, nullptr, 2, BURNISH_FLOAT},
    {"net.b.moment1", bDims, nullptr, 1, BURNISH_FLOAT},
    {"net.w.average", wDims, nullptr, 2, BURNISH_FLOAT},
    {"net.b.average", bDims, nullptr, 1, BURNISH_FLOAT},
    {"weight", labelBatch, nullptr, 1, BURNISH_FLOAT}};
static const burnish_info inputsOfOne[] = {DATA(One)};
enum Input { X, Y, Recipe, Step, Key, InW, InB, InSeen, InWM, InBM };
static const burnish_info outputs[] = {
    {"loss", nullptr, nullptr, 0, BURNISH_FLOAT},
    {"scores", yBatch, nullptr, 2, BURNISH_FLOAT},
    {"metric.largest", nullptr, nullptr, 0, BURNISH_FLOAT},
    {"net.w", wDims, nullptr, 2, BURNISH_FLOAT},
    {"net.b", bDims, nullptr, 1, BURNISH_FLOAT},
    {"net.seen", one, nullptr, 1, BURNISH_FLOAT},
    {"net.w.moment1", wDims, nullptr, 2, BURNISH_FLOAT},
    {"net.b.moment1", bDims, nullptr, 1, BURNISH_FLOAT},
    {"net.w.average", wDims, nullptr, 2, BURNISH_FLOAT},
    {"net.b.average", bDims, nullptr, 1, BURNISH_FLOAT}};
static const burnish_info outputsOfOne[] = {
    {"loss", nullptr, nullptr, 0, BURNISH_FLOAT},
    {"scores", yOne, nullptr, 2, BURNISH_FLOAT},
    {"metric.largest", nullptr, nullptr, 0, BURNISH_FLOAT}};
static const burnish_info outputsOfTrace[] = {
    {"layers", layerDims, nullptr, 1, BURNISH_UINT8}};

/// Fills scores and what the loss sends back to them; gives the loss.
static float forward(const burnish_tensor *in, int64_t count, float noise,
                     float *scores, float *back, const float *weight) {
  const float *x = static_cast<const float *>(in[X].data),
              *w = static_cast<const float *>(in[InW].data),
              *b = static_cast<const float *>(in[InB].data);
  uint64_t key = static_cast<uint64_t>(*static_cast<int64_t *>(in[Key].data));
  double loss = 0;
  for (int64_t n = 0; n < count; ++n) {
    float *s = scores + n * kOut, *g = back + n * kOut;
    for (int64_t o = 0; o < kOut; ++o) {
      s[o] = b[o];
      for (int64_t i = 0; i < kIn; ++i) {
        key = key * 6364136223846793005u + 1442695040888963407u;
        float shake = noise * (static_cast<float>(key >> 40) * 0x1p-24f - 0.5f);
        s[o] += w[o * kIn + i] * (x[n * kIn + i] + shake);
      }
    }
    float share = (weight ? weight[n] : 1) / static_cast<float>(count);
    if (!kClasses) {
      for (int64_t o = 0; o < kOut; ++o) {
        float d = s[o] - static_cast<const float *>(in[Y].data)[n * kOut + o];
        loss += d * d * share / kOut;
        g[o] = 2 * d * share / kOut;
      }
      continue;
    }
    int64_t label = static_cast<const int64_t *>(in[Y].data)[n];
    float most = s[0], sum = 0;
    for (int64_t o = 1; o < kOut; ++o)
      most = s[o] > most ? s[o] : most;
    for (int64_t o = 0; o < kOut; ++o)
      sum += expf(s[o] - most);
    for (int64_t o = 0; o < kOut; ++o)
      g[o] = (expf(s[o] - most) / sum - (o == label)) * share;
    loss += (logf(sum) + most - s[label]) * share;
  }
  return static_cast<float>(loss);
}

static float largest(const float *scores, int64_t count) {
  float most = scores[0];
  for (int64_t i = 1; i < count; ++i)
    most = scores[i] > most ? scores[i] : most;
  return most;
}

namespace {
struct Rows {
  const burnish_tensor *in;
  burnish_tensor *out;
  const float *back;
  float rate;
};
} // namespace

static void updateRows(void *closure, int64_t begin, int64_t end) {
  Rows &rows = *static_cast<Rows *>(closure);
  auto at = [&](int output) {
    return static_cast<float *>(rows.out[output].data);
  };
  const float *x = static_cast<const float *>(rows.in[X].data);
  for (int64_t o = begin; o < end; ++o)
    for (int64_t i = 0; i <= kIn; ++i) {
      float gradient = 0;
      for (int64_t n = 0; n < kBatch; ++n)
        gradient += rows.back[n * kOut + o] * (i < kIn ? x[n * kIn + i] : 1);
      bool isBias = i == kIn;
      int64_t place = isBias ? o : o * kIn + i;
      float &moment = at(isBias ? 7 : 6)[place],
            &param = at(isBias ? 4 : 3)[place];
      moment = 0.9f * moment + gradient;
      param -= rows.rate * moment;
      if (kAverages) {
        float &average = at(isBias ? 9 : 8)[place];
        average = 0.95f * average + 0.05f * param;
      }
    }
}

static int32_t runStep(const burnish_context *context, const burnish_tensor *in,
                       burnish_tensor *out, void *workspace) {
  float *back = static_cast<float *>(workspace),
        *scores = static_cast<float *>(out[1].data);
  const float *weight =
      kWeighted ? static_cast<const float *>(in[kSlotCount + 5].data) : nullptr;
  float loss = forward(in, kBatch, kNoise, scores, back, weight);
  *static_cast<float *>(out[0].data) = loss;
  *static_cast<float *>(out[2].data) = largest(scores, kBatch * kOut);
  if (!(loss - loss == 0))
    return BURNISH_OK;
  Rows rows = {in, out, back,
               static_cast<float>(
                   static_cast<const double *>(in[Recipe].data)[0])};
  if (context && context->parallel_for)
    context->parallel_for(context, updateRows, &rows, kOut);
  else
    updateRows(&rows, 0, kOut);
  *static_cast<float *>(out[5].data) += kBatch;
  return BURNISH_OK;
}

template <int64_t kCount>
static int32_t runEval(const burnish_context *, const burnish_tensor *in,
                       burnish_tensor *out, void *workspace) {
  float *scores = static_cast<float *>(out[1].data);
  *static_cast<float *>(out[0].data) =
      forward(in, kCount, 0, scores, static_cast<float *>(workspace), nullptr);
  *static_cast<float *>(out[2].data) = largest(scores, kCount * kOut);
  return BURNISH_OK;
}

static int32_t runTrace(const burnish_context *, const burnish_tensor *in,
                        burnish_tensor *out, void *workspace) {
  float *room = static_cast<float *>(workspace);
  float loss = forward(in, kBatch, kNoise, room, room + kBatch * kOut, nullptr);
  float sum = 0;
  for (int64_t i = 0; i < kBatch * kOut; ++i)
    sum += room[i] * 0;
  uint8_t *flags = static_cast<uint8_t *>(out[0].data);
  flags[0] = sum != 0;
  flags[1] = !(loss - loss == 0);
  return BURNISH_OK;
}

static constexpr int64_t kWorkspace = align(8 * kBatch * kOut);
static const burnish_model
    stepModel =
        {"net_step",     inputs,     outputs, kSlotCount + 5 + kWeighted,
         kSlotCount + 3, kWorkspace, 0,       0,
         runStep,        0},
    evalModel = {"net_eval", inputs, outputs,         7, 3, kWorkspace,
                 0,          0,      runEval<kBatch>, 0},
    evalOneModel = {"net_eval_one",
                    inputsOfOne,
                    outputsOfOne,
                    7,
                    3,
                    kWorkspace,
                    0,
                    0,
                    runEval<1>,
                    0},
    traceModel = {"net_trace", inputs, outputsOfTrace, 7, 1, kWorkspace,
                  0,           0,      runTrace,       0};
static const char *const layers[] = {"net.dense", "net.loss"};
static const burnish_column columns[] = {
    {"x", xDims, 1, BURNISH_FLOAT, 0, 0},
    kClasses ? burnish_column{"y", nullptr, 0, BURNISH_INT64, kOut, 0}
             : burnish_column{"y", yDims, 1, BURNISH_FLOAT, 0, 0},
    {"weight", nullptr, 0, BURNISH_FLOAT, 0, 0}};
extern "C" const burnish_training net = {"net",
                                         &stepModel,
                                         &evalModel,
                                         &evalOneModel,
                                         &traceModel,
                                         layers,
                                         slots,
                                         columns,
                                         values,
                                         clauses,
                                         kAt[kSlotCount],
                                         2,
                                         kSlotCount,
                                         2 + kWeighted,
                                         sizeof values / sizeof *values,
                                         sizeof clauses / sizeof *clauses,
                                         kBatch,
                                         nullptr};
#ifndef NO_PROGRAM
extern "C" const burnish_training *const burnish_program_training = &net;
#endif
