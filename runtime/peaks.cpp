// peaks.cpp - what this machine can do at most, measured.
//
// Each loop is there for every width that code is compiled for, and the one of
// the target is run: where its code runs, so does that. Best of several, since
// others may use the machine too.
#include "peaks.h"
#include "memory.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

using namespace burnish;

namespace {

/// So many sums hide the latency of an addition, and fit into 16 registers.
constexpr int kSums = 12;

struct Task;
using Loop = void (*)(Task &task, int32_t part);

struct Task {
  Loop loop;
  int64_t count;
  const uint8_t *memory;
  int64_t bytes; // of one thread
  int32_t sink;
};

int64_t now() { return burnish_profile_begin(); }

#define BURNISH_FOR_SUMS(statement)                                            \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < kSums; ++i) statement

/// Every lane of the result counts, so that none is left out.
#define BURNISH_KEEP(sums, type, bytes)                                        \
  type total = 0;                                                              \
  for (int lane = 0; lane < (bytes) / 4; ++lane)                               \
    total += sums[lane];                                                       \
  __atomic_store_n(&task.sink, static_cast<int32_t>(total), __ATOMIC_RELAXED);

/// Loops over vectors of `width` bytes: multiply-adds, and sums of memory.
#define BURNISH_LOOPS(suffix, features, width)                                 \
  features void multiplyAdd##suffix(Task &task, int32_t) {                     \
    typedef float Vector __attribute__((vector_size(width)));                  \
    Vector factor = Vector{} + 0.999999f, term = Vector{} + 1e-7f;             \
    Vector sums[kSums];                                                        \
    BURNISH_FOR_SUMS(sums[i] = term * static_cast<float>(i);)                  \
    for (int64_t step = 0; step < task.count; ++step) {                        \
      BURNISH_FOR_SUMS(sums[i] = sums[i] * factor + term;)                     \
    }                                                                          \
    for (int i = 1; i < kSums; ++i)                                            \
      sums[0] += sums[i];                                                      \
    BURNISH_KEEP(sums[0], float, width)                                        \
  }                                                                            \
  features void read##suffix(Task &task, int32_t part) {                       \
    typedef int32_t Vector __attribute__((vector_size(width)));                \
    constexpr int kParts = 8;                                                  \
    const uint8_t *memory = task.memory + part * task.bytes;                   \
    Vector sums[kParts] = {};                                                  \
    for (int64_t sweep = 0; sweep < task.count; ++sweep) {                     \
      for (int64_t at = 0; at < task.bytes; at += kParts * (width))            \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < kParts; ++i)    \
            sums[i] +=                                                         \
            *reinterpret_cast<const Vector *>(memory + at + i * (width));      \
      /* Each sweep reads anew. */                                             \
      __asm__ volatile("" ::: "memory");                                       \
    }                                                                          \
    for (int i = 1; i < kParts; ++i)                                           \
      sums[0] += sums[i];                                                      \
    BURNISH_KEEP(sums[0], int32_t, width)                                      \
  }

BURNISH_LOOPS(128, , 16)
#ifdef __x86_64__
BURNISH_LOOPS(256, __attribute__((target("avx2"))), 32)
BURNISH_LOOPS(256Fma, __attribute__((target("avx2,fma"))), 32)
BURNISH_LOOPS(512, __attribute__((target("avx512f"))), 64)

/// Sums of products of bytes. The instruction is written as such: compilers
/// would find out what it gives for numbers that never change.
#define BURNISH_BYTES(suffix, features, type, scratch, assembly)               \
  __attribute__((target(features))) void multiplyBytes##suffix(Task &task,     \
                                                               int32_t) {      \
    type left = {}, right = {}, sums[kSums] = {};                              \
    for (int64_t step = 0; step < task.count; ++step) {                        \
      BURNISH_FOR_SUMS(__asm__ volatile(assembly : "+v"(sums[i]) : "v"(left),  \
                                        "v"(right) : scratch);)                \
    }                                                                          \
    __atomic_store_n(&task.sink, static_cast<int32_t>(sums[0][0]),             \
                     __ATOMIC_RELAXED);                                        \
  }
BURNISH_BYTES(512, "avx512f,avx512vnni", __m512i, "xmm15",
              "vpdpbusd %2, %1, %0")
BURNISH_BYTES(256, "avx2,avxvnni", __m256i, "xmm15",
              "%{vex%} vpdpbusd %2, %1, %0")
BURNISH_BYTES(512Pairs, "avx512f,avx512bw", __m512i, "xmm15",
              "vpmaddubsw %2, %1, %%zmm15\n\tvpmaddwd %2, %%zmm15, %%zmm15\n\t"
              "vpaddd %%zmm15, %0, %0")
BURNISH_BYTES(256Pairs, "avx2", __m256i, "xmm15",
              "vpmaddubsw %2, %1, %%ymm15\n\tvpmaddwd %2, %%ymm15, %%ymm15\n\t"
              "vpaddd %%ymm15, %0, %0")
#endif

/// The best seconds of several times.
double secondsOf(Task &task, const burnish_context *context, int32_t threads,
                 int times) {
  auto body = [](void *closure, int64_t begin, int64_t end) {
    Task &task = *static_cast<Task *>(closure);
    for (int64_t part = begin; part < end; ++part)
      task.loop(task, static_cast<int32_t>(part));
  };
  int64_t best = INT64_MAX;
  for (int time = 0; time < times; ++time) {
    int64_t start = now();
    if (context && context->parallel_for && threads > 1)
      context->parallel_for(context, body, &task, threads);
    else
      body(&task, 0, 1);
    int64_t took = now() - start;
    best = took < best ? took : best;
  }
  return static_cast<double>(best) * 1e-9;
}

/// The size of a cache as the kernel knows it, which is asked first: what a
/// processor says of itself may be of more cores than a guest has.
int64_t cacheBytes(int level, int name, int64_t otherwise) {
  char path[] = "/sys/devices/system/cpu/cpu0/cache/index0/size";
  char *index = strstr(path, "index") + 5;
  *index = static_cast<char>('0' + level);
  char text[32] = {};
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    int64_t kilobytes = length > 0 ? atoll(text) : 0;
    if (kilobytes > 0)
      return kilobytes << 10;
  }
  long bytes = name < 0 ? 0 : sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

#if defined(_SC_LEVEL2_CACHE_SIZE) && defined(_SC_LEVEL3_CACHE_SIZE)
constexpr int kL2 = _SC_LEVEL2_CACHE_SIZE, kL3 = _SC_LEVEL3_CACHE_SIZE;
#else
constexpr int kL2 = -1, kL3 = -1;
#endif

} // namespace

Peaks burnish::measurePeaks(const burnish_profile &target,
                            const burnish_context *context, int32_t threads) {
  Peaks peaks = {};
  peaks.l2Bytes = cacheBytes(2, kL2, 256 << 10);
  peaks.l3Bytes = cacheBytes(3, kL3, 8 << 20);
  Loop multiplyAdd = multiplyAdd128, read = read128, multiplyBytes = nullptr;
  int64_t vectorBytes = 16;
#ifdef __x86_64__
  if (target.vectorBits >= 512) {
    multiplyAdd = multiplyAdd512, read = read512, vectorBytes = 64;
    multiplyBytes = target.bytesAtOnce == 4   ? multiplyBytes512
                    : target.bytesAtOnce == 2 ? multiplyBytes512Pairs
                                              : nullptr;
  } else if (target.vectorBits >= 256) {
    multiplyAdd = target.hasFma ? multiplyAdd256Fma : multiplyAdd256;
    read = target.hasFma ? read256Fma : read256, vectorBytes = 32;
    multiplyBytes = target.bytesAtOnce == 4   ? multiplyBytes256
                    : target.bytesAtOnce == 2 ? multiplyBytes256Pairs
                                              : nullptr;
  }
#endif
  Task task = {multiplyAdd, 200'000, nullptr, 0, 0};
  double each = 2.0 * kSums * static_cast<double>(vectorBytes) *
                static_cast<double>(task.count) * threads * 1e-9;
  peaks.gflops = each / 4 / secondsOf(task, context, threads, 30);
  if (multiplyBytes) {
    task.loop = multiplyBytes;
    // Four to a lane, in one instruction or by way of pairs.
    peaks.byteGops = each / secondsOf(task, context, threads, 30);
  }

  task.loop = read;
  auto bandwidth = [&](int64_t bytes, int64_t sweeps, int times) {
    constexpr int64_t kAlignment = 4096;
    Pages pages;
    task.bytes = bytes / threads / kAlignment * kAlignment;
    task.count = sweeps;
    uint64_t size =
        static_cast<uint64_t>(task.bytes) * static_cast<uint64_t>(threads);
    if (task.bytes == 0 || !pages.allocate(size))
      return 0.0;
    // Pages that nobody wrote are one page of zeros.
    for (uint64_t at = 0; at < size; at += kAlignment)
      pages.data()[at] = 1;
    task.memory = pages.data();
    return static_cast<double>(task.bytes) * threads *
           static_cast<double>(sweeps) * 1e-9 /
           secondsOf(task, context, threads, times);
  };
  // Half of a cache, as it holds other things too; four times the last one is
  // beyond it.
  constexpr int64_t kMost = 512 << 20;
  peaks.l2 = bandwidth(peaks.l2Bytes / 2 * threads, 40, 10);
  peaks.l3 = bandwidth(peaks.l3Bytes / 2 > 4 * threads * peaks.l2Bytes
                           ? 4 * threads * peaks.l2Bytes
                           : peaks.l3Bytes / 2,
                       4, 6);
  peaks.memory =
      bandwidth(4 * peaks.l3Bytes < kMost ? 4 * peaks.l3Bytes : kMost, 1, 4);
  return peaks;
}
