// Lifetimes.cpp - from when to when buffers are needed.
#include "passes/memory/Lifetimes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;

bool burnish::isHandedOn(memref::AllocOp alloc,
                         const BufferViewFlowAnalysis &aliases) {
  return llvm::any_of(aliases.resolve(alloc), [&](Value alias) {
    return llvm::any_of(alias.getUsers(), [&](Operation *user) {
      return user->hasTrait<OpTrait::IsTerminator>() &&
             isa<scf::ForOp, scf::WhileOp>(user->getParentOp()) &&
             user->getParentOp()->isProperAncestor(alloc);
    });
  });
}

LifetimeOf::LifetimeOf(func::FuncOp function,
                       const BufferViewFlowAnalysis &aliases)
    : body(function.getBody().front()), aliases(aliases) {
  for (auto [index, op] : llvm::enumerate(body))
    position[&op] = index;
}

Lifetime LifetimeOf::operator()(memref::AllocOp alloc) const {
  Lifetime life;
  auto touch = [&](Operation *op) {
    int64_t at = position.lookup(body.findAncestorOpInBlock(*op));
    life.first = std::min(life.first, at);
    life.last = std::max(life.last, at);
  };
  for (Value alias : aliases.resolve(alloc)) {
    // An alias that a loop carries lives as long as the loop.
    if (auto argument = dyn_cast<BlockArgument>(alias))
      touch(argument.getOwner()->getParentOp());
    for (Operation *user : alias.getUsers())
      touch(user);
  }
  // Inside a loop a buffer is taken once for all iterations.
  if (alloc->getBlock() != &body || life.first == INT64_MAX)
    touch(alloc);
  return life;
}
