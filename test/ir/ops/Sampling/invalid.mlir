// RUN: burnish-opt %s --split-input-file --verify-diagnostics

func.func @grid(%x: tensor<1x3x5x7xf32>, %g: tensor<1x2x2x3xf32>) {
  // expected-error@+1 {{X has shape 1x3x5x7 and 'grid' 1x2x2x3, whose last axis has a number for each spatial axis of X}}
  %0 = nn.grid_sample %x, %g : (tensor<1x3x5x7xf32>, tensor<1x2x2x3xf32>) -> tensor<1x3x2x2xf32>
  return
}

// -----

func.func @batches(%x: tensor<1x3x5x7xf32>, %g: tensor<2x2x2x2xf32>) {
  // expected-error@+1 {{X has a batch of 1 and 'grid' one of 2}}
  %0 = nn.grid_sample %x, %g : (tensor<1x3x5x7xf32>, tensor<2x2x2x2xf32>) -> tensor<1x3x2x2xf32>
  return
}

// -----

func.func @padding(%x: tensor<1x3x5x7xf32>, %g: tensor<1x2x2x2xf32>) {
  // expected-error@+1 {{'padding_mode' is 'wrap' instead of zeros, border or reflection}}
  %0 = nn.grid_sample %x, %g {padding_mode = "wrap"} : (tensor<1x3x5x7xf32>, tensor<1x2x2x2xf32>) -> tensor<1x3x2x2xf32>
  return
}

// -----

func.func @regions(%x: tensor<1x3x5x7xf32>, %r: tensor<2x5xf32>, %b: tensor<2xi64>) {
  // expected-error@+1 {{'rois' has shape 2x5 instead of Rx4}}
  %0 = nn.roi_align %x, %r, %b : (tensor<1x3x5x7xf32>, tensor<2x5xf32>, tensor<2xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @pooled(%x: tensor<1x3x5x7xf32>, %r: tensor<2x5xf32>) {
  // expected-error@+1 {{'pooled_shape' is not two positive sizes}}
  %0 = nn.max_roi_pool %x, %r {pooled_shape = array<i64: 2, 0>} : (tensor<1x3x5x7xf32>, tensor<2x5xf32>) -> tensor<2x3x?x?xf32>
  return
}

// -----

func.func @kernel(%x: tensor<1x3x5x7xf32>, %i: tensor<1x3x5x7xi64>) {
  // expected-error@+1 {{'kernel_shape', 'strides' or 'pads' do not fit the 2 spatial axes of X}}
  %0 = nn.max_unpool %x, %i {kernel_shape = array<i64: 2>} : (tensor<1x3x5x7xf32>, tensor<1x3x5x7xi64>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @no_multiple(%x: tensor<1x5x4xf32>) {
  %i = nn.constant {value = dense<[3, 3]> : tensor<2xi64>} : () -> tensor<2xi64>
  %b = nn.constant {value = dense<[2, 2]> : tensor<2xi64>} : () -> tensor<2xi64>
  // expected-error@+1 {{5 rows are no multiple of blocks of 2x2}}
  %0 = nn.col2im %x, %i, %b : (tensor<1x5x4xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x?x3x3xf32>
  return
}
