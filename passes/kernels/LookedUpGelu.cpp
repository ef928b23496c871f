// LookedUpGelu.cpp - gelu of vectors of f32 by tables in registers.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/kernels/VectorMath.h"
#include <cmath>

using namespace mlir;
using namespace burnish;

/// Of t + kShift, pieces are quarters of an octave: those of t are narrow near
/// 0, where the function is least like a polynomial. The first is from 0 to
/// 1/8, and the last from 12 1/8 on.
constexpr float kShift = 0.875f, kLastPiece = 13.0f;
constexpr int32_t kPieceBits = 21;

/// t P(-t) e^(t^2 / 2) in each piece, as a polynomial of what is above its
/// beginning: coefficients of least relative error, 2.4e-8 at most, by the last
/// bits of the number of the piece. The first one begins with t / 2.
constexpr float kPieces[6][16] = {
    {2.7599782e-01f, 3.1691256e-01f, 3.4123272e-01f, 3.5656846e-01f,
     3.6672682e-01f, 3.7875056e-01f, 3.8522455e-01f, 3.8906246e-01f,
     3.915078e-01f, 3.9431414e-01f, 3.9579406e-01f, 0.0f, 5.6724153e-02f,
     1.4235166e-01f, 2.0209761e-01f, 2.4479926e-01f},
    {1.07017845e-01f, 6.1724436e-02f, 3.7947126e-02f, 2.460423e-02f,
     1.6678663e-02f, 8.527325e-03f, 4.862297e-03f, 3.0065677e-03f,
     1.9777613e-03f, 9.805749e-04f, 5.5288116e-04f, 5e-01f, 4.1101563e-01f,
     2.833827e-01f, 2.0032813e-01f, 1.4489534e-01f},
    {-6.272158e-02f, -3.1869456e-02f, -1.7387178e-02f, -1.007929e-02f,
     -6.1469553e-03f, -2.6020927e-03f, -1.2575034e-03f, -6.71987e-04f,
     -3.8762577e-04f, -1.5404922e-04f, -7.201022e-05f, -3.989417e-01f,
     -3.165115e-01f, -2.0344537e-01f, -1.3423596e-01f, -9.0747826e-02f},
    {2.9757554e-02f, 1.351621e-02f, 6.625074e-03f, 3.4690658e-03f,
     1.896679e-03f, 6.757581e-04f, 2.798775e-04f, 1.3024939e-04f,
     6.5184846e-05f, 2.1030412e-05f, 7.987558e-06f, 2.4996348e-01f,
     1.9197589e-01f, 1.1606281e-01f, 7.2088346e-02f, 4.591773e-02f},
    {-1.1569911e-02f, -4.7817514e-03f, -2.1386833e-03f, -1.0251822e-03f,
     -4.7644644e-04f, -1.471128e-04f, -5.3383636e-05f, -2.2000395e-05f,
     -8.960184e-06f, -2.4277274e-06f, -6.950175e-07f, -1.321565e-01f,
     -9.658829e-02f, -5.5317257e-02f, -3.2591406e-02f, -1.9705478e-02f},
    {2.8684451e-03f, 1.1083932e-03f, 4.640603e-04f, 2.085177e-04f,
     7.180484e-05f, 2.0102216e-05f, 6.646524e-06f, 2.5089328e-06f,
     7.2435176e-07f, 1.7423558e-07f, 3.32948e-08f, 5.4793876e-02f,
     3.4047768e-02f, 1.8638574e-02f, 1.0537778e-02f, 6.119582e-03f}};

/// Parts of a power of two that an exponent is rounded to: one for each lane.
constexpr int kParts = 16;
/// 2 ln 2 / kParts: 12 bits, whose products with whole numbers are exact, and
/// the rest.
constexpr float kPart = 0x1.62ep-4f, kRestOfPart = 0x1.0bfbe8p-18f;

Value VectorMath::lookedUpGelu(Value x) {
  // Beyond this the product is below half of the least denormal number.
  Value t = atMost(magnitude(x), number(14.5f));
  // t^2 is the square of 12 bits, which is exact, and a small rest: the power
  // has the error of its exponent, which comes to 100.
  Value high = fromBits(arith::AndIOp::create(b, bits(t), integer(-4096))),
        low = mul(sub(t, high), add(t, high));
  Value rounder = number(magic()),
        shifted = fma(mul(t, t), number(-kParts / 2 / std::log(2.0)), rounder),
        n = sub(shifted, rounder);
  // e^(r / 2) is what is left of the power, less than 2^(1/32).
  Value square = arith::NegFOp::create(b, mul(high, high)),
        r = sub(fma(n, number(-kPart), square), low);
  r = fma(n, number(-kRestOfPart), r);
  Value tail = mul(polynomial(r, {0.5f, 0.12500408f, 0.0208319f}), r);
  // With 2^64 too much until the end: denormal products are rounded once.
  Value scale = lookedUpPower(shifted, 64);

  Value moved = bits(atMost(add(t, number(kShift)), number(kLastPiece))),
        piece = arith::ShRUIOp::create(b, moved, integer(kPieceBits)),
        begin = fromBits(
            arith::AndIOp::create(b, moved, integer(-(1 << kPieceBits))));
  Value rest = sub(t, sub(begin, number(kShift))),
        curve = lookedUp(kPieces[5], piece);
  for (int power = 4; power >= 0; --power)
    curve = fma(curve, rest, lookedUp(kPieces[power], piece));
  Value part = mul(curve, scale), zero = number(0.0f),
        product = fma(part, tail, part);
  return sub(select(less(zero, x), x, zero), mul(product, number(0x1p-64f)));
}
