// Contrib.cpp - what nodes of com.microsoft may have, by ONNX Runtime's
// ContribOperators.md.
#include "frontend/onnx/Contrib.h"
#include "llvm/ADT/StringExtras.h"

namespace burnish::onnx_import {

namespace {
/// Operands and results in order, `?` behind those that may be absent and `*`
/// behind one that stands for any number; attributes with the first letters of
/// their types (i, f, s, is, fs, ss), `!` behind those that a node must have.
struct Line {
  const char *domain, *name, *inputs, *outputs, *attributes;
};
} // namespace

#define BURNISH_WINDOW                                                         \
  "auto_pad:s dilations:is group:i kernel_shape:is pads:is strides:is"

#define BURNISH_EXPERTS                                                        \
  "activation_alpha:f activation_beta:f activation_type:s k:i "                \
  "normalize_routing_weights:i swiglu_fusion:i swiglu_limit:f "                \
  "swiglu_limit_after_activation:i use_sparse_mixer:i"

static constexpr Line kLines[] = {
    // Models of opset 16 and less have it from ONNX Runtime.
    {"", "LayerNormalization", "X Scale B?", "Y Mean? InvStdDev?",
     "axis:i epsilon:f stash_type:i"},
    {"", "SimplifiedLayerNormalization", "X scale", "Y inv_std_var?",
     "axis:i epsilon:f stash_type:i"},
    {"com.microsoft", "Attention",
     "input weights bias? mask_index? past? attention_bias? "
     "past_sequence_length?",
     "output present?",
     "do_rotary:i mask_filter_value:f num_heads:i! past_present_share_buffer:i "
     "qkv_hidden_sizes:is rotary_embedding_dim:i scale:f unidirectional:i"},
    {"com.microsoft", "BiasAdd", "X bias skip", "Y", ""},
    {"com.microsoft", "BiasGelu", "A B", "C", ""},
    {"com.microsoft", "BiasSoftmax", "data bias", "output",
     "axis:i is_inner_broadcast:i!"},
    {"com.microsoft", "BiasSplitGelu", "X bias", "Y", ""},
    {"com.microsoft", "CDist", "A B", "C", "metric:s"},
    {"com.microsoft", "DequantizeLinear", "x x_scale x_zero_point?", "y",
     "axis:i"},
    {"com.microsoft", "DynamicQuantizeLSTM",
     "X W R B? sequence_lens? initial_h? initial_c? P? W_scale W_zero_point "
     "R_scale R_zero_point",
     "Y? Y_h? Y_c?",
     "activation_alpha:fs activation_beta:fs activations:ss clip:f direction:s "
     "hidden_size:i input_forget:i"},
    {"com.microsoft", "DynamicQuantizeMatMul",
     "A B b_scale b_zero_point? bias?", "Y", ""},
    {"com.microsoft", "EmbedLayerNormalization",
     "input_ids segment_ids? word_embedding position_embedding "
     "segment_embedding? gamma beta mask? position_ids?",
     "output mask_index? embedding_sum?", "epsilon:f mask_index_type:i"},
    {"com.microsoft", "ExpandDims", "X axis", "Y", ""},
    {"com.microsoft", "FastGelu", "X bias?", "Y", ""},
    {"com.microsoft", "FusedConv", "X W B? Z?", "Y",
     BURNISH_WINDOW " activation:s activation_params:fs"},
    {"com.microsoft", "FusedGemm", "A B C?", "Y",
     "activation:s activation_alpha:f activation_beta:f activation_gamma:f "
     "alpha:f beta:f transA:i transB:i"},
    {"com.microsoft", "FusedMatMul", "A B", "Y",
     "alpha:f transA:i transB:i transBatchA:i transBatchB:i"},
    {"com.microsoft", "Gelu", "X", "Y", ""},
    {"com.microsoft", "GroupNorm", "X gamma beta", "Y",
     "activation:i! channels_last:i epsilon:f groups:i!"},
    {"com.microsoft", "GroupQueryAttention",
     "query key? value? past_key? past_value? seqlens_k total_sequence_length "
     "cos_cache? sin_cache? position_ids? attention_bias? head_sink?",
     "output present_key? present_value?",
     "causal:i do_rotary:i k_quant_type:s kv_cache_bit_width:i kv_num_heads:i! "
     "local_window_size:i num_heads:i! qk_output:i rotary_interleaved:i "
     "scale:f sliding_window_cache:i smooth_softmax:i softcap:f "
     "v_quant_type:s"},
    {"com.microsoft", "MatMulIntegerToFloat",
     "A B a_scale b_scale a_zero_point? b_zero_point? bias?", "Y", ""},
    {"com.microsoft", "MatMulNBits", "A B scales zero_points? g_idx? bias?",
     "Y", "K:i! N:i! accuracy_level:i bits:i block_size:i! weight_prepacked:i"},
    {"com.microsoft", "MoE",
     "input router_probs fc1_experts_weights fc1_experts_bias? "
     "fc2_experts_weights fc2_experts_bias? fc3_experts_weights? "
     "fc3_experts_bias?",
     "output", BURNISH_EXPERTS},
    {"com.microsoft", "MultiHeadAttention",
     "query key? value? bias? key_padding_mask? attention_bias? past_key? "
     "past_value? past_sequence_length? cache_indirection?",
     "output present_key? present_value? qk?",
     "mask_filter_value:f num_heads:i! scale:f unidirectional:i"},
    {"com.microsoft", "NhwcConv", "X W B?", "Y", BURNISH_WINDOW},
    {"com.microsoft", "NhwcFusedConv", "X W B? Z?", "Y",
     BURNISH_WINDOW " activation:s activation_params:fs"},
    {"com.microsoft", "QAttention",
     "input weight bias input_scale weight_scale mask_index? "
     "input_zero_point? weight_zero_point? past?",
     "output present?",
     "do_rotary:i mask_filter_value:f num_heads:i! past_present_share_buffer:i "
     "scale:f unidirectional:i"},
    {"com.microsoft", "QGemm",
     "A a_scale a_zero_point B b_scale b_zero_point C? y_scale? "
     "y_zero_point?",
     "Y", "alpha:f transA:i transB:i"},
    {"com.microsoft", "QLinearAdd",
     "A A_scale A_zero_point? B B_scale B_zero_point? C_scale C_zero_point?",
     "C", ""},
    {"com.microsoft", "QLinearAveragePool",
     "X x_scale x_zero_point? y_scale y_zero_point?", "Y",
     "auto_pad:s ceil_mode:i channels_last:i count_include_pad:i "
     "kernel_shape:is! pads:is strides:is"},
    {"com.microsoft", "QLinearConcat", "Y_scale Y_zero_point inputs*", "Y",
     "axis:i!"},
    {"com.microsoft", "QLinearConv",
     "x x_scale x_zero_point w w_scale w_zero_point y_scale y_zero_point B?",
     "y", BURNISH_WINDOW " channels_last:i"},
    {"com.microsoft", "QLinearGlobalAveragePool",
     "X x_scale x_zero_point y_scale y_zero_point", "Y", "channels_last:i"},
    {"com.microsoft", "QLinearLeakyRelu",
     "X X_scale X_zero_point? Y_scale Y_zero_point?", "Y", "alpha:f"},
    {"com.microsoft", "QLinearMul",
     "A A_scale A_zero_point? B B_scale B_zero_point? C_scale C_zero_point?",
     "C", ""},
    {"com.microsoft", "QLinearReduceMean",
     "data data_scale data_zero_point? reduced_scale reduced_zero_point?",
     "reduced", "axes:is! keepdims:i!"},
    {"com.microsoft", "QLinearSigmoid",
     "X X_scale X_zero_point? Y_scale Y_zero_point?", "Y", ""},
    {"com.microsoft", "QLinearSoftmax",
     "X X_scale x_zero_point? y_scale y_zero_point", "Y", "axis:i opset:i!"},
    {"com.microsoft", "QLinearWhere",
     "condition X x_scale x_zero_point Y y_scale y_zero_point z_scale "
     "z_zero_point",
     "Z", ""},
    {"com.microsoft", "QMoE",
     "input router_probs fc1_experts_weights fc1_scales? fc1_experts_bias? "
     "fc2_experts_weights fc2_scales? fc2_experts_bias? fc3_experts_weights? "
     "fc3_scales? fc3_experts_bias? fc1_zero_points? fc2_zero_points? "
     "fc3_zero_points? router_weights? fc1_global_scale? fc2_global_scale? "
     "fc1_act_scale? fc2_act_scale? fc1_act_block_scale? fc2_act_block_scale?",
     "output",
     BURNISH_EXPERTS " accuracy_level:i block_size:i expert_weight_bits:i "
                     "fc1_expert_weight_bits:i fc2_expert_weight_bits:i "
                     "fc3_expert_weight_bits:i quant_type:s "
                     "weights_prepacked:i"},
    {"com.microsoft", "QuantizeLinear", "x y_scale y_zero_point?", "y",
     "axis:i"},
    {"com.microsoft", "QuickGelu", "X", "Y", "alpha:f"},
    {"com.microsoft", "RotaryEmbedding",
     "input position_ids cos_cache sin_cache", "output",
     "interleaved:i is_packed_batching:i num_heads:i rotary_embedding_dim:i "
     "scale:f"},
    {"com.microsoft", "SkipLayerNormalization", "input skip gamma beta? bias?",
     "output mean? inv_std_var? input_skip_bias_sum?", "epsilon:f"},
    {"com.microsoft", "SkipSimplifiedLayerNormalization",
     "input skip gamma bias?", "output mean? inv_std_var? input_skip_bias_sum?",
     "epsilon:f"},
    {"com.microsoft", "TransposeMatMul", "A B", "Y",
     "alpha:f transA:i transB:i"},
    {"com.microsoft", "Trilu", "X k?", "Y", "upper:i"},
};

#undef BURNISH_EXPERTS
#undef BURNISH_WINDOW

static std::vector<FormalParameter> parametersOf(llvm::StringRef text,
                                                 int &least, int &most) {
  std::vector<FormalParameter> parameters;
  least = most = 0;
  for (llvm::StringRef name : llvm::split(text, ' ')) {
    Arity arity = name.consume_back("?")   ? Arity::Optional
                  : name.consume_back("*") ? Arity::Variadic
                                           : Arity::Single;
    parameters.push_back({name.str(), arity});
    int count = parameters.size();
    most = arity == Arity::Variadic ? std::numeric_limits<int>::max() : count;
    if (arity == Arity::Single)
      least = count;
  }
  return parameters;
}

static onnx::AttributeProto::AttributeType typeOf(llvm::StringRef text) {
  using Proto = onnx::AttributeProto;
  return text == "i"    ? Proto::INT
         : text == "f"  ? Proto::FLOAT
         : text == "s"  ? Proto::STRING
         : text == "is" ? Proto::INTS
         : text == "fs" ? Proto::FLOATS
                        : Proto::STRINGS;
}

static Schema schemaOf(const Line &line) {
  Schema schema;
  schema.name = line.name;
  schema.domain = line.domain;
  schema.sinceVersion = 1;
  schema.isDeprecated = schema.hasBody = false;
  schema.inputs = parametersOf(line.inputs, schema.minInputs, schema.maxInputs);
  schema.outputs =
      parametersOf(line.outputs, schema.minOutputs, schema.maxOutputs);
  llvm::SmallVector<llvm::StringRef> attributes;
  llvm::SplitString(line.attributes, attributes, " ");
  for (llvm::StringRef attribute : attributes) {
    bool isRequired = attribute.consume_back("!");
    auto [name, type] = attribute.split(':');
    schema.attributes[name] = {typeOf(type), isRequired, {}};
  }
  return schema;
}

const Schema *findContribSchema(llvm::StringRef op, llvm::StringRef domain) {
  static const llvm::StringMap<Schema> schemas = [] {
    llvm::StringMap<Schema> all;
    for (const Line &line : kLines) {
      Schema schema = schemaOf(line);
      all[schema.domain + ":" + schema.name] = std::move(schema);
    }
    return all;
  }();
  auto found = schemas.find((domain + ":" + op).str());
  return found == schemas.end() ? nullptr : &found->second;
}

} // namespace burnish::onnx_import
