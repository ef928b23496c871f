// ImageDecoder.cpp - pictures as files have them, decoded by the runtime.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Strings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

/// The number of a format, as the runtime has it.
static std::optional<int32_t> pixelFormat(StringRef name) {
  return llvm::StringSwitch<std::optional<int32_t>>(name)
      .Case("RGB", 0)
      .Case("BGR", 1)
      .Case("Grayscale", 2)
      .Default(std::nullopt);
}

LogicalResult ImageDecoderOp::inferShapes(ShapeScope &scope) {
  std::optional<int32_t> format = pixelFormat(getPixelFormat());
  if (!format)
    return emitOpError() << "'pixel_format' is '" << getPixelFormat()
                         << "' instead of RGB, BGR or Grayscale";
  Type type = getElementTypeOrSelf(getEncodedStream().getType());
  if (!type.isUnsignedInteger(8) || scope.rank(getEncodedStream()) != 1)
    return emitOpError() << "'encoded_stream' is "
                         << getEncodedStream().getType()
                         << " instead of a list of ui8";
  return scope.set(getOperation()->getResult(0), type,
                   {Dim(), Dim(), scope.constant(*format == 2 ? 1 : 3)});
}

FailureOr<SmallVector<Value>> ImageDecoderOp::lower(Lowering &l) {
  Value file = l.lowered(getEncodedStream());
  Type type = getElementTypeOrSelf(getImage().getType()), i64 = l.getI64Type();
  auto pointer = LLVM::LLVMPointerType::get(getContext());
  auto at = [&](ImplicitLocOpBuilder &b, Value base, const Scalar &offset) {
    Value address = arith::AddIOp::create(b, base, asItem(b, offset));
    return LLVM::IntToPtrOp::create(b, pointer, address).getResult();
  };
  // The bytes go where the decoder finds them one after the other, whatever
  // becomes of the tensor's memory.
  OpFoldResult size = l.sizesOf(file)[0];
  Value bytes = asItem(l, Scalar(l, size)),
        room = makeString(l, "burnish_picture_begin", bytes);
  loopNest(l, size, l.index(0),
           [&](ImplicitLocOpBuilder &b, ValueRange index, ValueRange carried) {
             Value byte = tensor::ExtractOp::create(b, file, index);
             LLVM::StoreOp::create(b, byte, at(b, room, Scalar(b, index[0])));
             return SmallVector<Value>(carried);
           });
  Value format = arith::ConstantOp::create(
      l, l.getI32IntegerAttr(*pixelFormat(getPixelFormat())));
  Value picture = makeString(l, "burnish_picture_decode",
                             SmallVector<Value>{room, bytes, format});
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis = 0; axis < 2; ++axis) {
    Value count = LLVM::LoadOp::create(
        l, i64, at(l, picture, Scalar(l, l.index(8 * axis))));
    sizes.push_back(l.agree(
        getAsOpFoldResult(
            arith::IndexCastOp::create(l, l.getIndexType(), count).getResult()),
        l.scope.dim(getImage(), axis)));
  }
  OpFoldResult channels = l.size(l.scope.dim(getImage(), 2));
  sizes.push_back(channels);
  Scalar columns(l, sizes[1]), depth(l, channels);
  return SmallVector<Value>{loopNest(
      l, sizes, scratch(l, type, sizes),
      [&](ImplicitLocOpBuilder &b, ValueRange index, ValueRange carried) {
        Scalar row(b, index[0]), column(b, index[1]), channel(b, index[2]);
        Scalar place = (row * Scalar(b, Value(columns)) + column) *
                           Scalar(b, Value(depth)) +
                       channel + 16;
        Value pixel =
            LLVM::LoadOp::create(b, b.getI8Type(), at(b, picture, place));
        return SmallVector<Value>{
            tensor::InsertOp::create(b, pixel, carried[0], index)};
      })[0]};
}
