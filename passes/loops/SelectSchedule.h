// SelectSchedule.h - how a kernel is computed, by its shape and the machine.
#pragma once
#include "passes/loops/PackOperand.h"
#include "passes/schedules/Table.h"

namespace burnish {

/// Of the algorithms that fit a kernel's region the first, with its schedule;
/// none where the loops are better left as they are.
std::optional<nn::ScheduleAttr> selectSchedule(nn::KernelOp kernel,
                                               const Machine &machine,
                                               ScheduleTable &table);

/// An ensemble of trees is a kernel from the beginning, and has its walks one
/// by one.
nn::ScheduleAttr selectTrees(nn::KernelOp kernel, const Machine &machine);

/// Operands of a product that are constant, or that many rows meet, are laid
/// out as its tiles read them.
void packOperands(nn::KernelOp kernel, OperandPacker &packer,
                  const Machine &machine);

} // namespace burnish
