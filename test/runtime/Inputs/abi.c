// abi.c - takes the address of every function of abi.def as a function of the
// listed type.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef float F32;
typedef double F64;
typedef int32_t I32;
typedef size_t SIZE;
typedef void *PTR;

// The list has one kind of pointers.
static PTR memcpyOfAny(PTR to, PTR from, SIZE bytes) {
  return memcpy(to, from, bytes);
}
static PTR memmoveOfAny(PTR to, PTR from, SIZE bytes) {
  return memmove(to, from, bytes);
}
#define memcpy memcpyOfAny
#define memmove memmoveOfAny

int main(void) {
  volatile int count = 0;
#define BURNISH_FUNCTION(name, result, ...)                                    \
  {                                                                            \
    result (*volatile function)(__VA_ARGS__) = name;                           \
    count += function != NULL;                                                 \
  }
#include "abi.def"
  printf("%d functions\n", count);
}
