// Interrupt.h - Ctrl-C, looked at between steps.
#pragma once

namespace burnish {

/// From now on the first SIGINT or SIGTERM is only noted; the second one ends
/// the program as ever. A limit on the size of files is a full disk by another
/// name, and writing says so.
void catchInterrupts();
bool isInterrupted();

} // namespace burnish
