// Interrupt.cpp - Ctrl-C, looked at between steps.
#include "runtime/train/Interrupt.h"
#include <signal.h>

using namespace burnish;

static volatile sig_atomic_t wasInterrupted = 0;

static void note(int) { wasInterrupted = 1; }

void burnish::catchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // What nohup ignores stays ignored.
  struct sigaction before;
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, nullptr);
  // A file that may not grow, and a reader of stdout that has gone, are errors
  // of what is written, and a run goes on without the second.
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

bool burnish::isInterrupted() { return wasInterrupted != 0; }
