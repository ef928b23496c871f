// Signal.td - Fourier transforms and what is done with spectra.
include "ir/Base.td"

def NN_DftOp : NN_PureOp<"dft", "DFT", [NN_HasGradient, AttrSizedOperandSegments]> {
  let summary = "discrete Fourier transform along an axis";
  let description = [{
    The last axis has real and imaginary parts, or real parts only. `onesided` gives the first half of the spectrum, or
    with `inverse` takes it and gives a real signal. The axis is padded with zeros or cut to `dft_length`.
  }];
  let arguments = (ins AnyTensor:$input, Optional<AnyTensor>:$dft_length, Optional<AnyTensor>:$axis,
    DefaultValuedAttr<I64Attr, "0">:$inverse, DefaultValuedAttr<I64Attr, "0">:$onesided);
  let results = (outs AnyTensor:$output);
}

def NN_MelWeightMatrixOp : NN_PureOp<"mel_weight_matrix", "MelWeightMatrix"> {
  let summary = "triangles along a spectrum, evenly spaced on the mel scale: (bins of the spectrum, bands)";
  let arguments = (ins AnyTensor:$num_mel_bins, AnyTensor:$dft_length, AnyTensor:$sample_rate, AnyTensor:$lower_edge_hertz,
    AnyTensor:$upper_edge_hertz, DefaultValuedAttr<I64Attr, "1">:$output_datatype);
  let results = (outs AnyTensor:$output);
}
