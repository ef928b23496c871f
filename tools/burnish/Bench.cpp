#include "tools/burnish/Commands.h"
int burnish::bench(const Options &) { return 2; }
