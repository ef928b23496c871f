// threads.c - loops of all sizes on pools of all sizes.
#include "burnish.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failures;
static void expect(int condition, const char *what, int threads) {
  if (!condition && failures++ < 10)
    printf("%s, %d threads\n", what, threads);
}

struct loop {
  const burnish_context *context;
  unsigned char hits[1000];
};
static void hit(void *closure, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i)
    ++((struct loop *)closure)->hits[i];
}
static void hitInside(void *closure, int64_t begin, int64_t end) {
  struct loop *loop = closure;
  for (int64_t i = begin; i < end; ++i) {
    struct loop inner = {loop->context, {0}};
    loop->context->parallel_for(loop->context, hit, &inner, 10);
    for (int j = 0; j < 10; ++j)
      if (inner.hits[j] != 1)
        return;
    ++loop->hits[i];
  }
}
static int isCovered(const struct loop *loop, int count) {
  for (int i = 0; i < 1000; ++i)
    if (loop->hits[i] != (i < count))
      return 0;
  return 1;
}
static void *manyLoops(void *argument) {
  const burnish_context *context = argument;
  for (int round = 0; round < 500; ++round) {
    struct loop loop = {context, {0}};
    context->parallel_for(context, hit, &loop, round % 50);
    expect(isCovered(&loop, round % 50), "two callers", 0);
  }
  return NULL;
}

int main(void) {
  for (int threads = 2; threads <= 5; ++threads) {
    burnish_context *context = burnish_pool_create(threads);
    for (int count = 0; count < 300; ++count) {
      struct loop loop = {context, {0}};
      context->parallel_for(context, hit, &loop, count);
      expect(isCovered(&loop, count), "a loop", threads);
      if (count % 100 == 7)
        usleep(1000); // until everyone sleeps
    }
    struct loop loop = {context, {0}};
    context->parallel_for(context, hitInside, &loop, 200);
    expect(isCovered(&loop, 200), "a loop in a loop", threads);
    pthread_t other;
    pthread_create(&other, NULL, manyLoops, context);
    manyLoops(context);
    pthread_join(other, NULL);
    burnish_pool_destroy(context);
  }
  // One thread is no thread beside the caller's; pools that never ran, and
  // none, can be given back.
  burnish_context *alone = burnish_pool_create(1);
  expect(!alone->parallel_for && alone->allocate && alone->release &&
             !alone->weights,
         "a pool of one", 1);
  void *memory = alone->allocate(alone, 100);
  expect(memory && (uintptr_t)memory % 64 == 0, "its memory", 1);
  alone->release(alone, memory);
  expect(!alone->allocate(alone, INT64_MAX) && !alone->allocate(alone, -1),
         "memory that nobody has", 1);
  burnish_pool_destroy(alone);
  burnish_pool_destroy(burnish_pool_create(8));
  burnish_pool_destroy(NULL);
  expect(!burnish_pool_create(0) && !burnish_pool_create(-1) &&
             !burnish_pool_create(1025),
         "pools of no size", 0);
  return failures != 0;
}
