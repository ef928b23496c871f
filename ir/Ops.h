// Ops.h - all operators of the nn dialect.
#pragma once
#include "ir/Attributes.h"
#include "ir/Dialect.h"
#include "ir/Interfaces.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "ir/ops/Arithmetic.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Contraction.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Control.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Convolution.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Layout.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Pooling.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Recurrent.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Reduction.h.inc"
#define GET_OP_CLASSES
#include "ir/ops/Structure.h.inc"
