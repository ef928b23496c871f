/* machine_peak.c - prints what this machine can physically do as JSON: FMA
 * peak, the peak of int8 products, and bandwidth of caches and memory.
 *
 * Arguments: threads, megabytes of one array, kilobytes that lie in L2 and in
 * L3. Accumulators are written in inline assembly on x86, so that no compiler
 * spills them. Bandwidth is the best of ten, bytes as STREAM counts them (no
 * traffic for write-allocate). */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDEST 64
#elif defined(__AVX__)
#define WIDEST 32
#else
#define WIDEST 16
#endif
typedef float Unaligned __attribute__((vector_size(WIDEST), aligned(4)));
typedef float Vector16 __attribute__((vector_size(16)));
typedef float Vector32 __attribute__((vector_size(32)));
typedef float Vector64 __attribute__((vector_size(64)));

static float sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

#define TWELVE(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)
#define DECLARE(i) y##i = {i},
#define STEP(i) ADD_PRODUCT(y##i);

/* What every `ADD_PRODUCT` of the body adds goes to a register of its own, so
 * that none waits for another. */
#define DEFINE_RUN(NAME, VECTOR)                                               \
  static void NAME(long count) {                                               \
    VECTOR x = {0.999999f}, TWELVE(DECLARE) last = {0};                        \
    for (long k = 0; k < count; k++) {                                         \
      TWELVE(STEP)                                                             \
    }                                                                          \
    last = y0 + y1 + y2 + y3 + y4 + y5 + y6 + y7 + y8 + y9 + y10 + y11 + x;    \
    sink += last[0];                                                           \
  }

#ifdef __FMA__
#define ADD_PRODUCT(Y)                                                         \
  __asm__ volatile("vfmadd231ps %1,%1,%0" : "+x"(Y) : "x"(x))
DEFINE_RUN(run_fma256, Vector32)
#undef ADD_PRODUCT
#else
#define ADD_PRODUCT(Y) Y = Y * x + x
DEFINE_RUN(run_fma128, Vector16)
#undef ADD_PRODUCT
#endif

#ifdef __AVX512F__
#define ADD_PRODUCT(Y)                                                         \
  __asm__ volatile("vfmadd231ps %1,%1,%0" : "+v"(Y) : "v"(x))
DEFINE_RUN(run_fma512, Vector64)
#undef ADD_PRODUCT
#endif

#if defined(__AVX512VNNI__)
#define INT8_BYTES 64
#define ADD_PRODUCT(Y) __asm__ volatile("vpdpbusd %1,%1,%0" : "+v"(Y) : "v"(x))
DEFINE_RUN(run_int8, Vector64)
#elif defined(__AVXVNNI__)
#define INT8_BYTES 32
#define ADD_PRODUCT(Y)                                                         \
  __asm__ volatile("%{vex%} vpdpbusd %1,%1,%0" : "+x"(Y) : "x"(x))
DEFINE_RUN(run_int8, Vector32)
#elif defined(__AVX2__)
#define INT8_BYTES 32
#define ADD_PRODUCT(Y)                                                         \
  __asm__ volatile("vpmaddubsw %1,%1,%%ymm15\n\tvpmaddwd %1,%%ymm15,%%ymm15\n" \
                   "\tvpaddd %%ymm15,%0,%0"                                    \
                   : "+x"(Y)                                                   \
                   : "x"(x)                                                    \
                   : "xmm15")
DEFINE_RUN(run_int8, Vector32)
#endif

/* Operations a second in units of 10^9, of a loop body with twelve vectors of
 * so many additions and multiplications. */
static double giga_operations(void (*run)(long), int operations, int threads) {
  const long count = 20000000;
  double best = 1e9;
  for (int r = 0; r < 12; r++) {
    double start = now();
#pragma omp parallel
    run(count);
    double took = now() - start;
    best = took < best ? took : best;
  }
  return 1e-9 * 12 * operations * count * threads / best;
}

static float sum(const float *p, long n) {
  enum { kLanes = WIDEST / 4 };
  Unaligned s[8] = {{0}};
  for (long i = 0; i + 8 * kLanes <= n; i += 8 * kLanes)
    for (int j = 0; j < 8; j++)
      s[j] += *(const Unaligned *)(p + i + kLanes * j);
  for (int i = 1; i < 8; i++)
    s[0] += s[i];
  return s[0][0];
}

static void add_to_sink(float value) {
#pragma omp atomic
  sink += value;
}

static void read_all(const float *a, long n) {
#pragma omp parallel
  add_to_sink(sum(a + n / omp_get_num_threads() * omp_get_thread_num(),
                  n / omp_get_num_threads()));
}

/* Every thread reads its own `bytes` again and again; returns GB a second. */
static double cache_bandwidth(const float *a, long bytes, int threads) {
  long n = bytes / 4, repeats = (1L << 31) / bytes;
  double best = 1e9;
  for (int r = 0; r < 10; r++) {
    double start = now();
#pragma omp parallel
    {
      float s = 0;
      for (long k = 0; k < repeats; k++) {
        s += sum(a + n * omp_get_thread_num(), n);
        __asm__ volatile("" ::: "memory");
      }
      add_to_sink(s);
    }
    double took = now() - start;
    best = took < best ? took : best;
  }
  return 1e-9 * bytes * repeats * threads / best;
}

#define BEST_OF_TEN(STATEMENT)                                                 \
  best = 1e9;                                                                  \
  for (int r = 0; r < 10; r++) {                                               \
    double start = now();                                                      \
    STATEMENT;                                                                 \
    double took = now() - start;                                               \
    best = took < best ? took : best;                                          \
  }

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  int threads = atoi(argv[1]);
  const long n = atol(argv[2]) << 18;
  double best;
  omp_set_num_threads(threads);
#ifdef __FMA__
  printf("{\"fma_gflops\": %.2f", giga_operations(run_fma256, 16, threads));
#else
  printf("{\"fma_gflops\": %.2f", giga_operations(run_fma128, 8, threads));
#endif
#ifdef __AVX512F__
  printf(", \"fma512_gflops\": %.2f", giga_operations(run_fma512, 32, threads));
#endif
#ifdef INT8_BYTES
  printf(", \"int8_gops\": %.2f",
         giga_operations(run_int8, 2 * INT8_BYTES, threads));
#endif
  float *a = aligned_alloc(64, n * 4), *b = aligned_alloc(64, n * 4),
        *c = aligned_alloc(64, n * 4);
  if (!a || !b || !c)
    return 1;
#pragma omp parallel for
  for (long i = 0; i < n; i++)
    a[i] = 1, b[i] = 2, c[i] = 3;
  BEST_OF_TEN(read_all(a, n))
  printf(", \"read_gbs\": %.2f", 4e-9 * n / best);
  BEST_OF_TEN(
      { _Pragma("omp parallel for") for (long i = 0; i < n; i++) b[i] = a[i]; })
  printf(", \"copy_gbs\": %.2f", 8e-9 * n / best);
  BEST_OF_TEN({
    _Pragma("omp parallel for") for (long i = 0; i < n; i++) a[i] =
        b[i] + 3.f * c[i];
  })
  printf(", \"triad_gbs\": %.2f", 12e-9 * n / best);
  printf(", \"l2_read_gbs\": %.2f",
         cache_bandwidth(a, atol(argv[3]) << 10, threads));
  printf(", \"l3_read_gbs\": %.2f}\n",
         cache_bandwidth(a, atol(argv[4]) << 10, threads));
  return sink == 12345.f;
}
