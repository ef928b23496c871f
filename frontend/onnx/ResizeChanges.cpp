// ResizeChanges.cpp - what Resize and Upsample of old versions are today.
#include "frontend/onnx/Rewrite.h"

using namespace llvm;
using onnx::NodeProto;

namespace burnish::onnx_import {

// Upsample, and Resize before opset 11, count from corners (x / scale), and the
// nearest element is the one before; the one after along axes where the result
// is smaller (as ONNX Runtime has it, and ONNX's tests of then).
bool resizeModes(Rewrite &r) {
  std::string scales = r.node.input(1);
  if (stringAttribute(r.node, "mode", "nearest") == "nearest") {
    SmallVector<float> known =
        r.context.floats(scales).value_or(SmallVector<float>());
    auto isLess = [](float scale) { return scale < 1; };
    bool shrinks = any_of(known, isLess);
    // Axes that shrink go first, where others grow.
    if (shrinks && any_of(known, [](float scale) { return scale > 1; })) {
      SmallVector<float> less(known), more(known);
      for (auto [small, great] : zip(less, more))
        (isLess(small) ? great : small) = 1;
      std::string first =
          r.before("Resize", {r.node.input(0), "", r.floats(less)});
      NodeProto &before = r.last();
      setAttribute(before, "mode", StringRef("nearest"));
      setAttribute(before, "nearest_mode", StringRef("ceil"));
      setAttribute(before, "coordinate_transformation_mode",
                   StringRef("asymmetric"));
      r.node.set_input(0, first);
      scales = r.floats(more);
      shrinks = false;
    }
    setAttribute(r.node, "nearest_mode", StringRef(shrinks ? "ceil" : "floor"));
  }
  setAttribute(r.node, "coordinate_transformation_mode",
               StringRef("asymmetric"));
  r.setInput(1, "");
  r.setInput(2, scales);
  return true;
}

// Opset 13 took out `tf_half_pixel_for_nn`, floor((x + 0.5) / scale): half
// pixels, rounded half up.
bool resizeHalfPixel(Rewrite &r) {
  if (stringAttribute(r.node, "coordinate_transformation_mode", "half_pixel") !=
      "tf_half_pixel_for_nn")
    return true;
  if (stringAttribute(r.node, "mode", "nearest") != "nearest" ||
      stringAttribute(r.node, "nearest_mode", "round_prefer_floor") != "floor")
    return r.fail("tf_half_pixel_for_nn is supported with mode nearest and "
                  "nearest_mode floor only");
  setAttribute(r.node, "coordinate_transformation_mode",
               StringRef("half_pixel"));
  setAttribute(r.node, "nearest_mode", StringRef("round_prefer_ceil"));
  return true;
}

// Exporters give inputs that are not there as empty tensors.
bool resizeEmptyInputs(Rewrite &r) {
  for (int i = 1; i < r.node.input_size(); ++i)
    if (r.isEmpty(r.node.input(i)))
      r.node.set_input(i, "");
  return true;
}

bool upsampleHeightAndWidth(Rewrite &r) {
  auto &attribute = *r.node.add_attribute();
  attribute.set_name("scales");
  attribute.set_type(onnx::AttributeProto::FLOATS);
  for (float scale : {1.0f, 1.0f, floatAttribute(r.node, "height_scale", 1),
                      floatAttribute(r.node, "width_scale", 1)})
    attribute.add_floats(scale);
  removeAttribute(r.node, "height_scale");
  removeAttribute(r.node, "width_scale");
  return true;
}

bool upsampleScales(Rewrite &r) {
  std::string scales = r.floats(
      floatsAttribute(r.node, "scales").value_or(SmallVector<float>()));
  removeAttribute(r.node, "scales");
  r.setInput(1, scales);
  return true;
}

bool upsampleName(Rewrite &r) {
  r.node.set_op_type("Resize");
  return resizeModes(r);
}

} // namespace burnish::onnx_import
