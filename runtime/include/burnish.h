/* burnish.h - runs neural networks that Burnish compiled; this is the manual.
 *
 * Compile a model, include the header that comes with it, and link the object
 * with libburnish.a (for the functions below) and libm:
 *
 *     burnish model.onnx -c            (writes model.o and model.h)
 *     cc main.c model.o libburnish.a -lm
 *
 *     #include "model.h"
 *
 *     static _Alignas(64) char workspace[MODEL_WORKSPACE_BYTES];
 *     static float image[1 * 3 * 224 * 224], scores[1 * 1000];
 *
 *     int main(void) {
 *       int32_t status = model_run(NULL, image, scores, workspace);
 *       if (status != BURNISH_OK)
 *         puts(burnish_status_text(status));
 *     }
 *
 * model_run has one pointer for each tensor. The same for a model that is known
 * only at run time, with checks, and on four threads:
 *
 *     burnish_context *context = burnish_pool_create(4);
 *     int64_t in_dims[4] = {1, 3, 224, 224}, out_dims[2];
 *     burnish_tensor in = {image, in_dims, sizeof image};
 *     burnish_tensor out = {scores, out_dims, sizeof scores};
 *     status = burnish_run(&model, context, &in, &out, workspace);
 *     burnish_pool_destroy(context);
 *
 * Rules that hold everywhere:
 *   - The caller owns every buffer. Tensors are dense, row-major and aligned to
 *     their element; inputs are only read.
 *   - Compiled code has no state: runs with workspaces and outputs of their own
 *     may overlap in time.
 *   - Results do not depend on the number of threads.
 *   - Where dims are known only at run time, the header declares
 *     NAME_workspace_size(dim, ...), which tells the bytes of a workspace for
 *     them; burnish_workspace_for does for any model. With that and buffers for
 *     the outputs, a run takes no memory unless the header says otherwise.
 *   - Where shapes of a run do not fit together inside the model, the context's
 *     `misfit` says which node they meet at, and what they are.
 *   - Nothing prints, exits or sets errno; only burnish_pool_create takes
 *     memory by itself.
 */
#ifndef BURNISH_H
#define BURNISH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef BURNISH_API
#if defined(__GNUC__)
#define BURNISH_API __attribute__((visibility("default")))
#else
#define BURNISH_API
#endif
#endif

/* What a run returns, as an int32_t. */
typedef enum burnish_status {
  /* The outputs are written. */
  BURNISH_OK = 0,
  /* A dim is not what the model has there, or shapes that are known only at
   * run time do not fit together. */
  BURNISH_BAD_SHAPE = 1,
  /* A value that must be in a range is not: an index, an axis, a size. */
  BURNISH_BAD_VALUE = 2,
  /* The context's allocator gave no memory. */
  BURNISH_NO_MEMORY = 3,
  /* Memory is needed whose size is known only at run time, or an output has no
   * buffer, and the context cannot allocate. */
  BURNISH_NO_ALLOCATOR = 4,
  /* A pointer is NULL or misaligned, or a buffer has the wrong number of
   * bytes. */
  BURNISH_BAD_ARGUMENT = 5,
  /* The context has no memory for the strings that the run makes, or too
   * little: its `text->needed` says how much it takes to come further. */
  BURNISH_NO_TEXT = 6
} burnish_status;

/* Element types, by the numbers of ONNX's TensorProto.DataType. Each element
 * takes whole bytes: bool and the types of fewer than 8 bits take one (bool is
 * 0 or 1, signed ones are sign-extended); complex ones are real, imaginary. */
typedef enum burnish_type {
  BURNISH_FLOAT = 1,
  BURNISH_UINT8 = 2,
  BURNISH_INT8 = 3,
  BURNISH_UINT16 = 4,
  BURNISH_INT16 = 5,
  BURNISH_INT32 = 6,
  BURNISH_INT64 = 7,
  BURNISH_STRING = 8,
  BURNISH_BOOL = 9,
  BURNISH_FLOAT16 = 10,
  BURNISH_DOUBLE = 11,
  BURNISH_UINT32 = 12,
  BURNISH_UINT64 = 13,
  BURNISH_COMPLEX64 = 14,
  BURNISH_COMPLEX128 = 15,
  BURNISH_BFLOAT16 = 16,
  BURNISH_FLOAT8E4M3FN = 17,
  BURNISH_FLOAT8E4M3FNUZ = 18,
  BURNISH_FLOAT8E5M2 = 19,
  BURNISH_FLOAT8E5M2FNUZ = 20,
  BURNISH_UINT4 = 21,
  BURNISH_INT4 = 22,
  BURNISH_FLOAT4E2M1 = 23,
  BURNISH_FLOAT8E8M0 = 24,
  BURNISH_UINT2 = 25,
  BURNISH_INT2 = 26
} burnish_type;

/* An element of a tensor of BURNISH_STRING: `size` bytes at `data`, UTF-8 and
 * not terminated; `data` may be NULL when that is 0. An input's strings are the
 * caller's. An output's lie in the input's, in the model's constants or in the
 * context's text memory: they are there until the next run with that, and as
 * long as the inputs are. */
typedef struct burnish_string {
  const char *data;
  int64_t size;
} burnish_string;

/* Memory for the strings that a run makes, of models with BURNISH_NEEDS_TEXT:
 * `bytes` at `data`, aligned to 8, the caller's. A run begins at its start and
 * leaves in `needed` what it took. When that is more than there is, it returns
 * BURNISH_NO_TEXT, and may be called again with more: twice of `needed`, say.
 * Runs that overlap need text memory, and so contexts, of their own. */
typedef struct burnish_text {
  void *data;
  int64_t bytes;
  int64_t needed;
} burnish_text;

/* Why shapes that only the run knows did not fit together, of a run that
 * returned BURNISH_BAD_SHAPE: `text` is the model's, as "node 'sum' (Add):
 * operands do not broadcast along axis 1", and the first `count` of `sizes` are
 * those that it is about. After burnish_run `text` is NULL when it ended
 * otherwise, or a shape was refused before the run. */
typedef struct burnish_misfit {
  const char *text;
  int64_t sizes[2];
  int32_t count;
} burnish_misfit;

/* One input or output of one run.
 *
 * An input: the caller sets all three. `dims` has as many entries as the model
 * has `rank` (NULL is fine for 0), `bytes` is exactly what these dims take
 * (but for a state that grows: burnish_info), and `data` may be NULL when that
 * is 0.
 *
 * An output: `dims` has room for `rank` entries, which the run writes. `data`
 * is the caller's buffer with room for `bytes`; or NULL, and then the run takes
 * memory from the context, sets `data` and `bytes`, and the caller gives it
 * back with the context's `release`. */
typedef struct burnish_tensor {
  void *data;
  int64_t *dims;
  int64_t bytes;
} burnish_tensor;

/* What a run may use beside its arguments; a NULL context is one whose slots
 * are all NULL. Whoever brings threads or memory of his own makes this the
 * first member of a struct of his own, and casts the pointer back in the
 * slots. */
typedef struct burnish_context burnish_context;
struct burnish_context {
  /* Calls body(closure, begin, end) on ranges that together are [0, count),
   * each number once, in any order and at the same time, and returns when all
   * calls have. NULL: the run stays on the caller's thread. */
  void (*parallel_for)(const burnish_context *context,
                       void (*body)(void *closure, int64_t begin, int64_t end),
                       void *closure, int64_t count);
  /* Returns `bytes` bytes aligned to 64, or NULL when there are none. Called
   * from several threads at once if parallel_for has them. Needed by models
   * with BURNISH_NEEDS_ALLOCATOR and for outputs without `data`. */
  void *(*allocate)(const burnish_context *context, int64_t bytes);
  /* Takes back what `allocate` gave. */
  void (*release)(const burnish_context *context, void *pointer);
  /* The contents of the model's .weights file, at an address aligned to 64.
   * Not looked at when the weights are in the object. */
  const void *weights;
  /* Where new strings go. Not looked at without BURNISH_NEEDS_TEXT. */
  burnish_text *text;
  /* Where a run says which shapes did not fit; NULL: nobody asks. */
  burnish_misfit *misfit;
};

/* One input or output of a model. `dims` has `rank` entries; -1 is a dim known
 * only at run time, and dim_names[i] its name or NULL. Dims of the same name
 * are equal. `dim_names` itself may be NULL. */
typedef struct burnish_info {
  const char *name;
  const int64_t *dims;
  const char *const *dim_names;
  int32_t rank;
  int32_t type; /* a burnish_type */
  /* Of an output: 0, or 1 more than the number of the input that it takes the
   * place of. The run changes that input's buffer, and the output is the same
   * buffer: its `data` is the input's, or NULL, and then burnish_run sets it.
   */
  int32_t updates;
  /* Of an output: 0, or 1 more than the number of the input that it is in the
   * next step (--state). */
  int32_t feeds;
  /* The least and the most that each dim may be, in turn; NULL when nothing
   * bounds them. */
  const int64_t *bounds;
  /* Of a state that grows where it is (--state with a bound for its dim), and
   * of the output that it is after a step: 1 more than the axis along which it
   * does; else 0. Its buffer is that of an array whose dim there is the
   * input's bound, bounds[2 * axis + 1], and so do its elements lie, however
   * long the state is: `bytes` is at least that array's, and `dims` says what
   * of it there is. A step adds behind that and moves nothing. */
  int32_t grows;
} burnish_info;

/* Flags: the model cannot run without the context's `allocate`, or without its
 * `text`. */
enum { BURNISH_NEEDS_ALLOCATOR = 1, BURNISH_NEEDS_TEXT = 2 };

/* A compiled model: a constant in its object, under the model's name. */
typedef struct burnish_model {
  const char *name;
  const burnish_info *inputs;
  const burnish_info *outputs;
  int32_t input_count;
  int32_t output_count;
  /* What a run needs at `workspace`. Where that depends on dims: the most that
   * it can be, or -1 when nothing bounds them. */
  int64_t workspace_bytes;
  /* Size of the .weights file; 0 when the weights are in the object. */
  int64_t weights_bytes;
  /* BURNISH_NEEDS_ALLOCATOR and BURNISH_NEEDS_TEXT, or 0. */
  int32_t flags;
  /* The run itself. It trusts its arguments; burnish_run checks them first. */
  int32_t (*run)(const burnish_context *context, const burnish_tensor *inputs,
                 burnish_tensor *outputs, void *workspace);
  /* NULL, or what tells the bytes of the workspace from the dims of the inputs
   * (nothing else is read): -1 when a shape does not fit. */
  int64_t (*workspace_size)(const burnish_tensor *inputs);
} burnish_model;

/* Runs `model` once and returns a burnish_status. `inputs` and `outputs` have
 * as many entries as the model, in its order. `workspace` has at least
 * burnish_workspace_for(model, inputs) bytes and is aligned to 64; NULL will do
 * for 0. Where these depend on dims, NULL has them taken from the context for
 * this one run.
 *
 * Arguments that do not fit the model are refused before anything is written:
 * BAD_ARGUMENT, BAD_SHAPE or NO_ALLOCATOR. When a run fails later, the caller's
 * buffers hold anything, and an output whose `data` was NULL and is not any
 * more is the caller's to release, as after success. */
BURNISH_API int32_t burnish_run(const burnish_model *model,
                                const burnish_context *context,
                                const burnish_tensor *inputs,
                                burnish_tensor *outputs, void *workspace);

/* One step of a model with states (--state OUTPUT=INPUT): like burnish_run, and
 * then each such output is the input of the next step. What has fixed sizes was
 * changed where it is. What grows within a bound (burnish_info's `grows`) was
 * added to where it is: it has one buffer, the input's, and its dims there are
 * the new ones after the step; the output's `data` may be NULL. Else the two
 * tensors change their buffers, so that nothing is copied: the caller brings
 * both, each with room for the output's `bytes`, and after the step finds the
 * state in `inputs`. A state is 0 when a sequence begins, or has a dim of 0.
 * BURNISH_BAD_SHAPE and BURNISH_BAD_ARGUMENT say that a state has become too
 * large for its bounds or buffers; it is then what it was, and a state that
 * grows is that after any other status, too. */
BURNISH_API int32_t burnish_step(const burnish_model *model,
                                 const burnish_context *context,
                                 burnish_tensor *inputs,
                                 burnish_tensor *outputs, void *workspace);

/* Bytes of the buffer of an input with these dims: those of its elements, and
 * of a state that grows as many as it can come to take. -1 when a dim is not
 * what the model has there. */
BURNISH_API int64_t burnish_buffer_bytes(const burnish_info *input,
                                         const int64_t *dims);

/* Bytes that any run needs at `workspace` at most; 0 for NULL, and -1 where
 * they depend on dims that nothing bounds. */
BURNISH_API int64_t burnish_workspace_size(const burnish_model *model);

/* Bytes that a run on inputs of these dims needs at `workspace`; data are not
 * looked at. -1 when a dim is missing or not what the model has there. */
BURNISH_API int64_t burnish_workspace_for(const burnish_model *model,
                                          const burnish_tensor *inputs);

/* A few words for a burnish_status, as "a shape does not fit the model"; for
 * any other number "unknown status". Never NULL, and never to be freed. */
BURNISH_API const char *burnish_status_text(int32_t status);

/* Bytes of one element of a burnish_type, for BURNISH_STRING those of a
 * burnish_string; 0 for numbers that are no type. */
BURNISH_API int64_t burnish_type_size(int32_t type);

/* Makes a context with `threads` threads, the caller's among them, and with
 * malloc's memory; its other slots are NULL and may be set. NULL if
 * `threads` is not in 1..1024 or there is no memory.
 *
 * The other threads start at the first parallel loop, as many as the system
 * grants; they sleep between runs and get no signals. Runs that overlap, and
 * loops inside loops, share no threads: the later one stays on its caller's.
 * burnish_pool_destroy takes the context back, or NULL, after its last run.
 * Both are there on Linux only. */
BURNISH_API burnish_context *burnish_pool_create(int32_t threads);
BURNISH_API void burnish_pool_destroy(burnish_context *context);

#ifdef __cplusplus
}
#endif

#endif
