/* machine_peak.c - prints what this machine can physically do as JSON: f32 FMA
 * peak and memory bandwidth.
 *
 * Arguments: threads, megabytes of one array. Accumulators are written in
 * inline assembly, so that no compiler spills them. Bandwidth is the best of
 * ten, bytes as STREAM counts them (no traffic for write-allocate). */
#include <immintrin.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static float sink;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

#define TWELVE(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)

static void run_fma256(long count) {
  __m256 x = _mm256_set1_ps(0.999999f), y = _mm256_set1_ps(1e-7f);
#define DECLARE(i) __m256 a##i = y;
  TWELVE(DECLARE)
#undef DECLARE
  for (long k = 0; k < count; k++) {
#define FMA(i)                                                                 \
  __asm__ volatile("vfmadd132ps %1,%2,%0" : "+x"(a##i) : "x"(x), "x"(y));
    TWELVE(FMA)
#undef FMA
  }
  sink += _mm256_cvtss_f32(_mm256_add_ps(a0, a11));
}

#ifdef __AVX512F__
static void run_fma512(long count) {
  __m512 x = _mm512_set1_ps(0.999999f), y = _mm512_set1_ps(1e-7f);
#define DECLARE(i) __m512 a##i = y;
  TWELVE(DECLARE)
#undef DECLARE
  for (long k = 0; k < count; k++) {
#define FMA(i)                                                                 \
  __asm__ volatile("vfmadd132ps %1,%2,%0" : "+v"(a##i) : "v"(x), "v"(y));
    TWELVE(FMA)
#undef FMA
  }
  sink += _mm512_cvtss_f32(_mm512_add_ps(a0, a11));
}
#endif

static double fma_seconds(void (*run)(long), long count) {
  double best = 1e9;
  for (int r = 0; r < 12; r++) {
    double start = now();
#pragma omp parallel
    run(count);
    double took = now() - start;
    best = took < best ? took : best;
  }
  return best;
}

static float sum(const float *p, long n) {
  __m256 s[8];
  for (int i = 0; i < 8; i++)
    s[i] = _mm256_setzero_ps();
  for (long i = 0; i + 64 <= n; i += 64)
    for (int j = 0; j < 8; j++)
      s[j] = _mm256_add_ps(s[j], _mm256_loadu_ps(p + i + 8 * j));
  for (int i = 1; i < 8; i++)
    s[0] = _mm256_add_ps(s[0], s[i]);
  return _mm256_cvtss_f32(s[0]);
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
  for (int r = 0; r < 6; r++) {
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
  if (argc != 3)
    return 2;
  int threads = atoi(argv[1]);
  const long n = atol(argv[2]) << 18, count = 20000000;
  double best;
  omp_set_num_threads(threads);
  printf("{\"fma_gflops\": %.2f",
         2e-9 * 12 * 8 * count * threads / fma_seconds(run_fma256, count));
#ifdef __AVX512F__
  printf(", \"fma512_gflops\": %.2f",
         2e-9 * 12 * 16 * count * threads / fma_seconds(run_fma512, count));
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
  printf(", \"l2_read_gbs\": %.2f", cache_bandwidth(a, 256 << 10, threads));
  printf(", \"l3_read_gbs\": %.2f}\n", cache_bandwidth(a, 8 << 20, threads));
  return sink == 12345.f;
}
