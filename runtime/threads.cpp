// threads.cpp - a pool of threads behind a context's parallel_for.
//
// A loop is cut into as many parts as there are threads, always the same way,
// so that a thread meets its own data again from loop to loop. A thread takes
// its part by moving its slot from loop n-1 to loop n. The caller runs the
// first part, then takes whatever parts are not taken yet, and so never waits
// for a thread that has not woken up.
#include "burnish.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr int32_t kMaxThreads = 1024;
// A futex takes 5 us to wake a thread and costs its waker as much, so a gap
// between loops is better spun through; longer ones would steal the core from
// others.
constexpr int64_t kSpinNanoseconds = 50'000;

template <typename T> T load(const T &value) {
  return __atomic_load_n(&value, __ATOMIC_SEQ_CST);
}
template <typename T> void store(T &value, T next) {
  __atomic_store_n(&value, next, __ATOMIC_SEQ_CST);
}

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#elif defined(__riscv)
  asm volatile(".insn i 0x0F, 0, x0, x0, 0x010");
#endif
}

void sleepWhile(uint32_t &word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}
void wake(uint32_t &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
}

/// Spins until the word is no longer `value`, for a bounded time; true if it
/// changed.
bool spinWhile(const uint32_t &word, uint32_t value) {
  for (int64_t end = 0;;) {
    for (int i = 0; i < 64; ++i) {
      if (load(word) != value)
        return true;
      relax();
    }
    int64_t time = now();
    end = end ? end : time + kSpinNanoseconds;
    if (time > end)
      return false;
  }
}

struct Pool;

/// One thread's own line of cache.
struct alignas(64) Slot {
  /// The newest loop whose part of this thread is taken, and the newest whose
  /// part is done.
  uint32_t taken, done;
  Pool *pool;
  int32_t index;
  pthread_t thread;
};

struct Pool {
  burnish_context context;
  int32_t threads;
  bool isStarted;
  /// Whether a loop is running; whoever finds it so runs his own loop alone.
  bool isBusy;
  bool isStopping;
  /// The running loop.
  alignas(64) void (*body)(void *, int64_t, int64_t);
  void *closure;
  int64_t count;
  /// The number of the newest loop. Threads without work sleep on it, and
  /// `sleepers` counts them.
  alignas(64) uint32_t loop;
  alignas(64) uint32_t sleepers;
  bool isCallerAsleep;
  Slot slots[];

  void runPart(int32_t index) {
    int64_t size = count / threads, rest = count % threads;
    int64_t begin = index * size + (index < rest ? index : rest),
            end = begin + size + (index < rest);
    if (begin < end)
      body(closure, begin, end);
  }

  static bool take(Slot &slot, uint32_t number) {
    uint32_t previous = number - 1;
    return __atomic_compare_exchange_n(&slot.taken, &previous, number, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
};

void *help(void *argument) {
  Slot &slot = *static_cast<Slot *>(argument);
  Pool &pool = *slot.pool;
  for (uint32_t seen = 0;;) {
    if (!spinWhile(pool.loop, seen)) {
      __atomic_add_fetch(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
      while (load(pool.loop) == seen)
        sleepWhile(pool.loop, seen);
      __atomic_sub_fetch(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
    }
    seen = load(pool.loop);
    if (load(pool.isStopping))
      return nullptr;
    // Once a part is taken its loop cannot end, and what describes the loop
    // cannot change.
    if (!Pool::take(slot, seen))
      continue;
    pool.runPart(slot.index);
    store(slot.done, seen);
    if (load(pool.isCallerAsleep))
      wake(slot.done, 1);
  }
}

/// Starts the threads beside the caller's, or as many as the system grants.
void start(Pool &pool) {
  pool.isStarted = true;
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int32_t started = 1;
  for (; started < pool.threads; ++started) {
    Slot &slot = pool.slots[started];
    slot.pool = &pool;
    slot.index = started;
    if (pthread_create(&slot.thread, nullptr, help, &slot) != 0)
      break;
  }
  pool.threads = started;
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void awaitPart(Pool &pool, Slot &slot, uint32_t number) {
  if (spinWhile(slot.done, number - 1))
    return;
  store(pool.isCallerAsleep, true);
  while (load(slot.done) != number)
    sleepWhile(slot.done, number - 1);
  store(pool.isCallerAsleep, false);
}

void parallelFor(const burnish_context *context,
                 void (*body)(void *, int64_t, int64_t), void *closure,
                 int64_t count) {
  if (count <= 0)
    return;
  Pool &pool =
      *reinterpret_cast<Pool *>(const_cast<burnish_context *>(context));
  if (count == 1 || __atomic_exchange_n(&pool.isBusy, true, __ATOMIC_ACQUIRE)) {
    body(closure, 0, count);
    return;
  }
  if (!pool.isStarted)
    start(pool);
  pool.body = body;
  pool.closure = closure;
  pool.count = count;
  uint32_t number = pool.loop + 1;
  store(pool.loop, number);
  if (load(pool.sleepers))
    wake(pool.loop, kMaxThreads);

  pool.runPart(0);
  for (int32_t i = 1; i < pool.threads; ++i) {
    if (Pool::take(pool.slots[i], number)) {
      pool.runPart(i);
      store(pool.slots[i].done, number);
    }
  }
  for (int32_t i = 1; i < pool.threads; ++i)
    awaitPart(pool, pool.slots[i], number);
  __atomic_store_n(&pool.isBusy, false, __ATOMIC_RELEASE);
}

void *allocate(const burnish_context *, int64_t bytes) {
  constexpr int64_t kLargest = INT64_MAX - 64;
  if (bytes < 0 || bytes > kLargest)
    return nullptr;
  void *pointer = nullptr;
  return posix_memalign(&pointer, 64,
                        static_cast<size_t>(bytes + 63) / 64 * 64 +
                            (bytes == 0)) == 0
             ? pointer
             : nullptr;
}

void release(const burnish_context *, void *pointer) { free(pointer); }

} // namespace

burnish_context *burnish_pool_create(int32_t threads) {
  if (threads < 1 || threads > kMaxThreads)
    return nullptr;
  size_t bytes = sizeof(Pool) + static_cast<size_t>(threads) * sizeof(Slot);
  void *memory = nullptr;
  if (posix_memalign(&memory, 64, bytes) != 0)
    return nullptr;
  Pool &pool = *static_cast<Pool *>(__builtin_memset(memory, 0, bytes));
  pool.context = {threads > 1 ? parallelFor : nullptr,
                  allocate,
                  release,
                  nullptr,
                  nullptr,
                  nullptr};
  pool.threads = threads;
  return &pool.context;
}

void burnish_pool_destroy(burnish_context *context) {
  if (!context)
    return;
  Pool &pool = *reinterpret_cast<Pool *>(context);
  if (pool.isStarted) {
    store(pool.isStopping, true);
    __atomic_add_fetch(&pool.loop, 1, __ATOMIC_SEQ_CST);
    wake(pool.loop, kMaxThreads);
    for (int32_t i = 1; i < pool.threads; ++i)
      pthread_join(pool.slots[i].thread, nullptr);
  }
  free(context);
}
