// Doubles.cpp - a network in f64 instead of what it was written in.
#include "tools/burnish/Doubles.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;

static bool isConverted(Type type) {
  return isa<Float32Type, Float16Type, BFloat16Type>(type);
}

static Type converted(Type type) {
  auto tensor = dyn_cast<ShapedType>(type);
  if (!tensor || !isConverted(tensor.getElementType()))
    return type;
  return tensor.clone(Float64Type::get(type.getContext()));
}

static ElementsAttr converted(ElementsAttr constant) {
  auto type = cast<RankedTensorType>(constant.getShapedType());
  if (!isConverted(type.getElementType()))
    return constant;
  SmallVector<double> numbers =
      *nn::readFloats(constant, std::numeric_limits<int64_t>::max());
  const char *bytes = reinterpret_cast<const char *>(numbers.data());
  return nn::constantWith(
      cast<RankedTensorType>(converted(type)), "double",
      SmallVector<char>(bytes, bytes + numbers.size() * sizeof(double)));
}

LogicalResult burnish::computeInDoubles(func::FuncOp function) {
  Builder b(function.getContext());
  Type f64 = b.getF64Type();
  WalkResult result = function.walk([&](Operation *op) {
    if (isa<nn::BitCastOp>(op) &&
        isConverted(getElementTypeOrSelf(op->getOperand(0).getType()))) {
      op->emitError()
          << "looks at the bits of a float, and would see others in "
             "f64";
      return WalkResult::interrupt();
    }
    if (auto constant = dyn_cast<nn::ConstantOp>(op))
      constant.setValueAttr(converted(constant.getValue()));
    if (auto fill = dyn_cast<nn::ConstantOfShapeOp>(op))
      fill.setValueAttr(fill.getValue()
                            ? converted(*fill.getValue())
                            : cast<ElementsAttr>(DenseElementsAttr::get(
                                  RankedTensorType::get({1}, f64), 0.0)));
    // Element types by their numbers.
    for (StringRef name :
         {"to", "dtype", "output_dtype", "output_datatype", "precision"})
      if (auto number = op->getAttrOfType<IntegerAttr>(name))
        if (Type type = nn::typeOfOnnx(number.getInt(), b.getContext());
            type && isConverted(type))
          op->setAttr(name, b.getI64IntegerAttr(nn::onnxType(f64)));
    for (Value value : op->getResults())
      value.setType(converted(value.getType()));
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Value argument : block.getArguments())
          argument.setType(converted(argument.getType()));
    return WalkResult::advance();
  });
  Block &body = function.getBody().front();
  function.setType(b.getFunctionType(body.getArgumentTypes(),
                                     body.getTerminator()->getOperandTypes()));
  return failure(result.wasInterrupted());
}
