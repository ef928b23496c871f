// Dialect.td - the nn dialect: networks on tensors, in the terms of ONNX.
#ifndef BURNISH_IR_DIALECT_TD
#define BURNISH_IR_DIALECT_TD

include "mlir/IR/OpBase.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let summary = "neural networks on tensors";
  let description = [{
    Every operator has the operands, results and attributes of the ONNX operator it is named for, in their order and
    in the form of the newest opset, so that import is a table. Signed integers are signless types (`i32`), unsigned
    ones keep their sign (`ui8`), booleans are `i1`, strings `!nn.string`. Shapes may have dims known only at run time.
  }];
  let cppNamespace = "::burnish::nn";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    /// The name of the operator ("nn.gather") that is ONNX's `onnxName` ("Gather"); empty when there is none.
    ::llvm::StringRef operatorFor(::llvm::StringRef onnxName) const { return onnxNames.lookup(onnxName); }

    /// Registers a family of operators.
    template <typename... Ops> void addFamily() {
      addOperations<Ops...>();
      ((Ops::kOnnxName.empty() ? void() : void(onnxNames.try_emplace(Ops::kOnnxName, Ops::getOperationName()))), ...);
    }

    void registerAttributes();
    void registerTypes();

    /// Says that a file is mapped at `bytes`, for as long as the context lives: what was read of it may be dropped.
    void addMapping(::llvm::ArrayRef<char> bytes) { mappings.push_back(bytes); }
    bool isMapped(::llvm::ArrayRef<char> bytes) const;

  private:
    ::llvm::SmallVector<::llvm::ArrayRef<char>> mappings;
    ::llvm::StringMap<::llvm::StringRef> onnxNames;

  public:
  }];
}

#endif
