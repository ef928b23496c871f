// Profile.cpp - where the time of a run goes, beside what would be possible.
#include "tools/burnish/Profile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace burnish;
using llvm::StringRef;

Roofline::Level Roofline::levelOf(double bytes) const {
  if (bytes <= l2Bytes)
    return {"L2", l2};
  return bytes <= l3Bytes ? Level{"L3", l3} : Level{"memory", memory};
}

static double msOf(double count, double billions) {
  return billions > 0 ? count / billions * 1e-6 : 0;
}

double KernelTime::operationsMs(const Roofline &machine) const {
  return msOf(operations, machine.gflops) +
         msOf(byteOperations,
              machine.byteGops > 0 ? machine.byteGops : machine.gflops);
}

double KernelTime::bytesMs(const Roofline &machine) const {
  // Constants come from where the whole run's data lies; the rest was written
  // a moment ago, if one call's fits.
  double others = bytes - constantBytes;
  return msOf(constantBytes, machine.levelOf(machine.runBytes).bandwidth) +
         msOf(others, machine.levelOf(others / std::max(calls, 1.0)).bandwidth);
}

std::optional<Profile> Profile::of(const llvm::json::Object &result) {
  const llvm::json::Object *object = result.getObject("profile");
  const llvm::json::Array *places =
      object ? object->getArray("places") : nullptr;
  if (!places)
    return std::nullopt;
  auto numberOf = [](const llvm::json::Object &object, StringRef name) {
    return object.getNumber(name).value_or(0);
  };
  auto number = [&](StringRef name) { return numberOf(*object, name); };
  Profile profile;
  profile.machine = {number("gflops"),
                     number("byte_gops"),
                     number("l2_gbs"),
                     number("l3_gbs"),
                     number("memory_gbs"),
                     number("l2_bytes"),
                     number("l3_bytes"),
                     number("weights_bytes") + number("workspace_bytes")};
  profile.medianMs = numberOf(result, "median_ms");
  profile.portBytes = number("port_bytes");
  profile.weightsBytes = number("weights_bytes");
  for (const llvm::json::Value &value : *places) {
    const llvm::json::Object *place = value.getAsObject();
    if (!place)
      return std::nullopt;
    auto text = [&](StringRef name) {
      return place->getString(name).value_or("").str();
    };
    KernelTime time;
    time.kernel = text("kernel");
    time.where = text("where");
    time.shape = text("shape");
    time.partOf = text("part_of");
    time.calls = numberOf(*place, "calls");
    double operations = numberOf(*place, "operations") * time.calls;
    (place->getBoolean("of_bytes") ? time.byteOperations : time.operations) =
        operations;
    time.plainOperations = numberOf(*place, "plain_operations") * time.calls;
    time.bytes = numberOf(*place, "bytes") * time.calls;
    time.constantBytes = numberOf(*place, "constant_bytes") * time.calls;
    time.ms = numberOf(*place, "ms");
    time.leastMs = numberOf(*place, "least_ms") * time.calls;
    profile.places.push_back(std::move(time));
  }
  return profile;
}

KernelTime &KernelTime::operator+=(const KernelTime &other) {
  operations += other.operations;
  byteOperations += other.byteOperations;
  plainOperations += other.plainOperations;
  bytes += other.bytes;
  constantBytes += other.constantBytes;
  calls += other.calls;
  ms += other.ms;
  leastMs += other.leastMs;
  return *this;
}

std::vector<KernelTime> Profile::kernels() const {
  std::vector<KernelTime> kernels;
  llvm::StringMap<size_t> byName;
  for (const KernelTime &place : places) {
    if (place.calls == 0)
      continue;
    auto [found, isNew] = byName.try_emplace(place.kernel, kernels.size());
    if (isNew) {
      kernels.push_back(place);
      continue;
    }
    KernelTime &kernel = kernels[found->second];
    kernel += place;
    ++kernel.places;
  }
  llvm::sort(kernels, [](const KernelTime &a, const KernelTime &b) {
    return std::tie(b.ms, a.kernel) < std::tie(a.ms, b.kernel);
  });
  return kernels;
}

/// `number` with three digits that count.
static std::string digits(double number) {
  int places = number >= 100 ? 0 : number >= 10 ? 1 : number >= 1 ? 2 : 3;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", places, number);
  return text;
}

static std::string percent(double part, double whole) {
  return whole > 0 ? llvm::formatv("{0:f0} %", 100 * part / whole).str() : "";
}

/// One line of the table.
static void printLine(llvm::raw_ostream &out, StringRef ms, StringRef share,
                      StringRef calls, StringRef operations, StringRef rate,
                      StringRef peak, StringRef bytes, StringRef bandwidth,
                      StringRef ofBandwidth, StringRef bound,
                      const llvm::Twine &kernel) {
  out << llvm::formatv(
      "{0,9} {1,6} {2,6} {3,8} {4,8} {5,6} {6,8} {7,7} {8,6}  {9,-6} {10}\n",
      ms, share, calls, operations, rate, peak, bytes, bandwidth, ofBandwidth,
      bound, kernel.str());
}

/// Nodes by their names alone: `conv (Conv)` for `node 'conv' (Conv)`.
static std::string shortened(StringRef where) {
  std::string text;
  while (!where.empty()) {
    if (where.consume_front("node '") || where.consume_front("'"))
      continue;
    text += where.front();
    where = where.drop_front();
  }
  return text;
}

static void printKernel(llvm::raw_ostream &out, const KernelTime &kernel,
                        const Profile &profile, double all) {
  const Roofline &machine = profile.machine;
  double operations = kernel.operations + kernel.byteOperations,
         operationsMs = kernel.operationsMs(machine),
         bytesMs = kernel.bytesMs(machine), seconds = kernel.ms * 1e-3;
  double others = kernel.bytes - kernel.constantBytes,
         call = others / std::max(kernel.calls, 1.0);
  StringRef level =
      machine.levelOf(kernel.constantBytes > others ? machine.runBytes : call)
          .name;
  bool isKnown = operations + kernel.bytes > 0;
  std::string where = shortened(kernel.where);
  if (kernel.places > 1)
    where += llvm::formatv(", and at {0} other place{1}", kernel.places - 1,
                           kernel.places > 2 ? "s" : "")
                 .str();
  printLine(
      out, digits(kernel.ms), percent(kernel.ms, all),
      llvm::formatv("{0}", static_cast<int64_t>(kernel.calls + 0.5)).str(),
      operations > 0 ? digits(operations * 1e-9) : "",
      operations > 0 ? digits(operations * 1e-9 / seconds) : "",
      operations > 0 ? percent(operationsMs, kernel.ms) : "",
      kernel.bytes > 0 ? digits(kernel.bytes * 1e-6) : "",
      kernel.bytes > 0 ? digits(kernel.bytes * 1e-9 / seconds) : "",
      kernel.bytes > 0 ? percent(bytesMs, kernel.ms) : "",
      !isKnown                 ? StringRef("")
      : operationsMs > bytesMs ? StringRef("FLOPs")
                               : level,
      kernel.kernel + (where.empty() ? "" : "  " + where));
}

void burnish::printProfile(const llvm::json::Object &result,
                           llvm::raw_ostream &out) {
  std::optional<Profile> profile = Profile::of(result);
  if (!profile)
    return;
  const Roofline &machine = profile->machine;
  out << llvm::formatv(
      "machine: {0} GFLOP/s{1}; reads {2} GB/s from L2 ({3:f1} MB a core), {4} "
      "from L3 ({5:f0} MB), {6} from memory\n\n",
      digits(machine.gflops),
      machine.byteGops > 0 ? ", " + digits(machine.byteGops) + " G of bytes"
                           : "",
      digits(machine.l2), machine.l2Bytes / 1048576, digits(machine.l3),
      machine.l3Bytes / 1048576, digits(machine.memory));
  KernelTime total;
  double bounds = 0;
  std::vector<KernelTime> kernels = profile->kernels();
  for (const KernelTime &kernel : kernels) {
    total += kernel;
    bounds += std::max(kernel.operationsMs(machine), kernel.bytesMs(machine));
  }
  double all = std::max(total.ms, profile->medianMs);
  printLine(out, "ms", "share", "calls", "GFLOP", "GFLOP/s", "peak", "MB",
            "GB/s", "bandw.", "bound", "kernel, and where it comes from");
  for (const KernelTime &kernel : kernels)
    printKernel(out, kernel, *profile, all);
  if (profile->medianMs > total.ms)
    printLine(out, digits(profile->medianMs - total.ms),
              percent(profile->medianMs - total.ms, all), "", "", "", "", "",
              "", "", "", "between them");
  total.kernel = "all";
  printKernel(out, total, *profile, all);

  // What no schedule can avoid: the operations, and weights and ports once.
  Roofline::Level level = machine.levelOf(machine.runBytes);
  double moved = profile->weightsBytes + profile->portBytes,
         movedMs = msOf(moved, level.bandwidth),
         operationsMs = total.operationsMs(machine);
  out << llvm::formatv(
      "\nbound {0} ms, {1} of it reached: operations {2} ms at the peak, {3} "
      "MB of weights, inputs and outputs {4} ms from {5}; the kernels' bounds "
      "add up to {6} ms\n",
      digits(std::max(operationsMs, movedMs)),
      percent(std::max(operationsMs, movedMs), all), digits(operationsMs),
      digits(moved * 1e-6), digits(movedMs), level.name, digits(bounds));
  if (total.plainOperations > 0) {
    KernelTime plain = total;
    llvm::StringSet<> filtered;
    for (const KernelTime &place : profile->places)
      if (place.plainOperations > 0)
        filtered.insert(place.partOf);
    double done = 0;
    for (const KernelTime &place : profile->places)
      if (filtered.contains(place.partOf))
        done += place.operations;
    plain.operations += total.plainOperations - done;
    out << llvm::formatv(
        "minimal filtering does {0} GFLOP instead of {1}, with which the bound "
        "would be {2} ms\n",
        digits(done * 1e-9), digits(total.plainOperations * 1e-9),
        digits(std::max(plain.operationsMs(machine), movedMs)));
  }
}
