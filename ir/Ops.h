// Ops.h - all operators of the nn dialect.
#pragma once
#include "ir/Attributes.h"
#include "ir/Dialect.h"
#include "ir/Interfaces.h"
#include "ir/Kernel.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "ir/OpClasses.h.inc"
