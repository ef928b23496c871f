// Skeleton.cpp - a model file without the weights in it.
// Protocol Buffers reads at most 2 GB, and copies. So the wire format is walked
// here first, and what is handed to it is a rewritten file in which the big
// tensors are references.
#include "frontend/onnx/Skeleton.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include <climits>

using namespace llvm;

namespace burnish::onnx_import {
namespace {

// Raw data up to this size is copied: the reference would not be much smaller.
constexpr uint64_t kSmallRawData = 256;

enum class Kind {
  Model,
  Graph,
  Node,
  Attribute,
  Function,
  Tensor,
  SparseTensor,
  Raw,
  Segment,
  Drop,
  Copy
};

// What a length-delimited field holds, as far as it leads to tensors.
Kind kindOf(Kind parent, uint64_t field) {
  switch (parent) {
  case Kind::Model:
    return field == 7                  ? Kind::Graph
           : field == 25               ? Kind::Function
           : field == 6 || field == 20 ? Kind::Drop
                                       : Kind::Copy;
  case Kind::Graph:
    return field == 1    ? Kind::Node
           : field == 5  ? Kind::Tensor
           : field == 15 ? Kind::SparseTensor
           : field == 10 ? Kind::Drop
                         : Kind::Copy;
  case Kind::Node:
    return field == 5 ? Kind::Attribute : field == 6 ? Kind::Drop : Kind::Copy;
  case Kind::Function:
    return field == 7    ? Kind::Node
           : field == 11 ? Kind::Attribute
           : field == 8  ? Kind::Drop
                         : Kind::Copy;
  case Kind::Attribute:
    return field == 5 || field == 10    ? Kind::Tensor
           : field == 6 || field == 11  ? Kind::Graph
           : field == 22 || field == 23 ? Kind::SparseTensor
           : field == 13                ? Kind::Drop
                                        : Kind::Copy;
  case Kind::SparseTensor:
    return field == 1 || field == 2 ? Kind::Tensor : Kind::Copy;
  case Kind::Tensor:
    return field == 9    ? Kind::Raw
           : field == 3  ? Kind::Segment
           : field == 12 ? Kind::Drop
                         : Kind::Copy;
  default:
    return Kind::Copy;
  }
}

class Rewriter {
public:
  explicit Rewriter(ArrayRef<char> file) : file(file) {}

  Error rewrite() { return message(Kind::Model, 0, file.size(), 0); }
  std::string take() { return std::move(out); }

private:
  // Copies the message in [at, end), whose subgraph depth is `depth`.
  Error message(Kind kind, uint64_t at, uint64_t end, unsigned depth);
  Error nested(Kind kind, uint64_t at, uint64_t end, unsigned depth);
  Error varint(uint64_t &at, uint64_t end, uint64_t &value);

  void append(uint64_t from, uint64_t to) {
    out.append(file.data() + from, to - from);
  }
  void appendVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
  }

  ArrayRef<char> file;
  std::string out;
};

Error malformed(const Twine &what, uint64_t at) {
  return createStringError(what + " at byte " + Twine(at));
}

Error Rewriter::varint(uint64_t &at, uint64_t end, uint64_t &value) {
  value = 0;
  uint64_t start = at;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at >= end)
      return malformed("not a complete ONNX model: it ends inside a number",
                       start);
    uint8_t byte = static_cast<uint8_t>(file[at++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80)
      return Error::success();
  }
  return malformed("not an ONNX model: a number with more than ten bytes",
                   start);
}

Error Rewriter::nested(Kind kind, uint64_t at, uint64_t end, unsigned depth) {
  // The length is known only afterwards: five bytes hold any below 2 GB, with
  // leading zeros.
  size_t lengthAt = out.size();
  out.append(5, '\0');
  if (Error error = message(kind, at, end, depth))
    return error;
  uint64_t length = out.size() - lengthAt - 5;
  for (unsigned i = 0; i < 5; ++i, length >>= 7)
    out[lengthAt + i] = static_cast<char>((length & 0x7f) | (i < 4 ? 0x80 : 0));
  return Error::success();
}

Error Rewriter::message(Kind kind, uint64_t at, uint64_t end, unsigned depth) {
  while (at < end) {
    uint64_t start = at, tag, length;
    if (Error error = varint(at, end, tag))
      return error;
    if (tag >> 32 || tag >> 3 == 0)
      return malformed("not an ONNX model: field " + Twine(tag >> 3), start);
    switch (tag & 7) {
    case 0:
      if (Error error = varint(at, end, length))
        return error;
      append(start, at);
      break;
    case 1:
    case 5:
      length = (tag & 7) == 1 ? 8 : 4;
      if (end - at < length)
        return malformed("not a complete ONNX model: it ends inside a number",
                         at);
      at += length;
      append(start, at);
      break;
    case 2: {
      if (Error error = varint(at, end, length))
        return error;
      if (length > end - at)
        return malformed("not a complete ONNX model: field " + Twine(tag >> 3) +
                             " has " + Twine(length) + " bytes, and " +
                             Twine(end - at) + " are left,",
                         start);
      uint64_t body = at;
      at += length;
      Kind child = kindOf(kind, tag >> 3);
      if (child == Kind::Raw && length > kSmallRawData) {
        out.push_back(0x1a); // TensorProto.segment
        size_t lengthAt = out.size();
        out.push_back(0);
        out.push_back(0x08); // Segment.begin
        appendVarint(body);
        out.push_back(0x10); // Segment.end
        appendVarint(at);
        out[lengthAt] = static_cast<char>(out.size() - lengthAt - 1);
      } else if (child == Kind::Copy || child == Kind::Raw) {
        append(start, at);
      } else if (child == Kind::Segment) {
        return malformed("a tensor in segments, which nothing writes,", start);
      } else if (child != Kind::Drop) {
        unsigned childDepth =
            depth + (kind == Kind::Attribute && child == Kind::Graph);
        if (childDepth > kDeepestSubgraph)
          return malformed(
              "subgraphs nested deeper than " + Twine(kDeepestSubgraph), start);
        appendVarint(tag);
        if (Error error = nested(child, body, at, childDepth))
          return error;
      }
      break;
    }
    default:
      return malformed("not an ONNX model: wire type " + Twine(tag & 7), start);
    }
    if (out.size() > INT_MAX - 4096)
      return createStringError("more than 2 GB beside the raw data of its "
                               "tensors; external data has no such limit");
  }
  return Error::success();
}

} // namespace

Error readSkeleton(ArrayRef<char> file, onnx::ModelProto &model) {
  if (file.empty())
    return createStringError("an empty file");
  Rewriter rewriter(file);
  if (Error error = rewriter.rewrite())
    return error;
  std::string skeleton = rewriter.take();
  google::protobuf::io::ArrayInputStream bytes(
      skeleton.data(), static_cast<int>(skeleton.size()));
  google::protobuf::io::CodedInputStream stream(&bytes);
  // Three messages a subgraph, and some for types of sequences of sequences.
  stream.SetRecursionLimit(3 * kDeepestSubgraph + 64);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return createStringError(
        "not an ONNX model: Protocol Buffers cannot read it");
  return Error::success();
}

} // namespace burnish::onnx_import
