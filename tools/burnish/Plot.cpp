// Plot.cpp - `burnish plot RUN.jsonl`: the curves of a training's log, as SVG.
#include "codegen/Output.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>

using namespace burnish;
using llvm::StringRef;

namespace {

struct Point {
  double step, value;
};

/// One line through points; several where a run has folds.
struct Curve {
  enum Kind { Steps, Train, Validation } kind;
  int64_t fold;
  std::vector<Point> points;
};

/// A quantity with its curves: the loss, or a metric.
struct Panel {
  std::string name;
  std::vector<Curve> curves;

  Curve &curve(Curve::Kind kind, int64_t fold) {
    for (Curve &each : curves)
      if (each.kind == kind && each.fold == fold)
        return each;
    return curves.emplace_back(Curve{kind, fold, {}});
  }
};

class Plot {
public:
  /// A sentence about what is wrong with a line, or nothing.
  std::string add(StringRef line);
  bool isEmpty() const { return panels.empty(); }
  std::string draw() const;

private:
  Panel &panel(StringRef name) {
    for (Panel &each : panels)
      if (each.name == name)
        return each;
    return panels.emplace_back(Panel{name.str(), {}});
  }
  std::string addPart(const llvm::json::Value &part, StringRef name,
                      Curve::Kind kind, int64_t fold, double step);

  std::vector<Panel> panels;
};

/// From data to places of a picture, with marks at round numbers.
struct Axis {
  double low, high, start, end;
  bool isLogarithmic = false;

  double at(double value) const {
    double part = isLogarithmic ? std::log(value / low) / std::log(high / low)
                                : (value - low) / (high - low);
    return start + (end - start) * part;
  }
  std::vector<double> marks() const;
};

} // namespace

//===- reading ------------------------------------------------------------===//

std::string Plot::addPart(const llvm::json::Value &part, StringRef name,
                          Curve::Kind kind, int64_t fold, double step) {
  const llvm::json::Object *object = part.getAsObject();
  if (!object)
    return ("\"" + name + "\" is no object").str();
  // In the order in which they stand, which an object does not keep: the loss
  // first, then by name.
  std::vector<StringRef> keys;
  for (const auto &[key, value] : *object)
    keys.push_back(key);
  llvm::sort(keys, [](StringRef a, StringRef b) {
    return std::make_pair(a != "loss", a) < std::make_pair(b != "loss", b);
  });
  for (StringRef key : keys) {
    const llvm::json::Value &value = *object->get(key);
    // A confusion matrix is no curve, and null stands for what is no number.
    if (value.kind() == llvm::json::Value::Array ||
        value.kind() == llvm::json::Value::Null)
      continue;
    std::optional<double> number = value.getAsNumber();
    if (!number)
      return ("\"" + key + "\" in \"" + name + "\" is no number").str();
    panel(key).curve(kind, fold).points.push_back({step, *number});
  }
  return "";
}

std::string Plot::add(StringRef line) {
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(line);
  if (!value) {
    llvm::consumeError(value.takeError());
    return "is no JSON";
  }
  const llvm::json::Object *object = value->getAsObject();
  if (!object)
    return "is no object";
  // The test at the end is one number, not a curve.
  if (object->get("test"))
    return "";
  std::optional<double> step = object->getNumber("step");
  if (!step)
    return "has no number \"step\"";
  int64_t fold = object->getInteger("fold").value_or(0);
  const llvm::json::Value *train = object->get("train"),
                          *validation = object->get("val"),
                          *loss = object->get("loss");
  if (!train && !validation && !loss)
    return "has none of \"loss\", \"train\" and \"val\"";
  if (loss && loss->kind() != llvm::json::Value::Null) {
    if (!loss->getAsNumber())
      return "\"loss\" is no number";
    panel("loss")
        .curve(Curve::Steps, fold)
        .points.push_back({*step, *loss->getAsNumber()});
  }
  std::string error;
  if (train)
    error = addPart(*train, "train", Curve::Train, fold, *step);
  if (error.empty() && validation)
    error = addPart(*validation, "val", Curve::Validation, fold, *step);
  return error;
}

//===- drawing ------------------------------------------------------------===//

std::vector<double> Axis::marks() const {
  std::vector<double> marks;
  if (isLogarithmic) {
    bool isShort = high / low < 1000;
    for (double power = std::pow(10, std::floor(std::log10(low)));
         power <= high; power *= 10)
      for (double factor : {1.0, 2.0, 5.0})
        if ((factor == 1 || isShort) && power * factor >= low * (1 - 1e-9) &&
            power * factor <= high * (1 + 1e-9))
          marks.push_back(power * factor);
    return marks;
  }
  // 1, 2 or 5 times a power of ten, four to eight of them.
  double rough = (high - low) / 5,
         power = std::pow(10, std::floor(std::log10(rough)));
  double width = power * (rough / power < 1.5   ? 1
                          : rough / power < 3.5 ? 2
                          : rough / power < 7.5 ? 5
                                                : 10);
  for (double i = std::ceil(low / width - 1e-9);
       i * width <= high + width * 1e-9; ++i)
    marks.push_back(i * width);
  return marks;
}

/// A range with some room, never empty.
static Axis fit(const Panel &panel, double start, double end) {
  double low = INFINITY, high = -INFINITY;
  for (const Curve &curve : panel.curves)
    for (const Point &point : curve.points) {
      low = std::min(low, point.value);
      high = std::max(high, point.value);
    }
  if (low > 0 && high / low > 50)
    return {low * 0.9, high * 1.1, start, end, true};
  double room =
      high > low ? (high - low) * 0.05 : std::max(std::abs(high) * 0.05, 1e-3);
  return {low - room, high + room, start, end};
}

static std::string escaped(StringRef text) {
  std::string out;
  for (char c : text)
    out += c == '<'   ? "&lt;"
           : c == '>' ? "&gt;"
           : c == '&' ? "&amp;"
           : c == '"' ? "&quot;"
                      : std::string(1, c);
  return out;
}

static constexpr double kWidth = 760, kHeight = 260, kLeft = 72, kRight = 20,
                        kTop = 40, kBottom = 40;

static constexpr struct {
  StringRef name, colour, width;
} kLooks[] = {{"training, each step", "#b9cbe4", "1"},
              {"training", "#2f6db5", "2"},
              {"validation", "#d9720f", "2"}};

static void drawAxes(llvm::raw_ostream &os, const Axis &x, const Axis &y) {
  auto number = [](double value) { return llvm::format("%.4g", value); };
  auto place = [](double value) { return llvm::format("%.1f", value); };
  for (double mark : y.marks())
    os << "<path d=\"M" << place(x.start) << " " << place(y.at(mark)) << "H"
       << place(x.end) << "\" stroke=\"#e3e3e3\"/>\n<text x=\""
       << place(x.start - 8) << "\" y=\"" << place(y.at(mark) + 4)
       << "\" text-anchor=\"end\">" << number(mark) << "</text>\n";
  for (double mark : x.marks())
    if (mark == std::floor(mark))
      os << "<path d=\"M" << place(x.at(mark)) << " " << place(y.start)
         << "v5\" stroke=\"#666\"/>\n<text x=\"" << place(x.at(mark))
         << "\" y=\"" << place(y.start + 18) << "\" text-anchor=\"middle\">"
         << llvm::format("%.0f", mark) << "</text>\n";
  os << "<path d=\"M" << place(x.start) << " " << place(y.end) << "V"
     << place(y.start) << "H" << place(x.end)
     << "\" fill=\"none\" stroke=\"#666\"/>\n";
}

std::string Plot::draw() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  double high = 1, low = INFINITY, height = kTop + kHeight * panels.size();
  bool isThere[3] = {};
  for (const Panel &panel : panels)
    for (const Curve &curve : panel.curves) {
      isThere[curve.kind] = true;
      for (const Point &point : curve.points) {
        high = std::max(high, point.step);
        low = std::min(low, point.step);
      }
    }
  low = std::min(low, high - 1);
  os << llvm::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "
                     "%.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
                     "font-family=\"sans-serif\" font-size=\"12\">\n",
                     kWidth, height, kWidth, height)
     << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  double at = kLeft;
  for (size_t kind = 0; kind < std::size(kLooks); ++kind) {
    if (!isThere[kind])
      continue;
    os << llvm::format("<path d=\"M%.0f 20h24\" ", at) << "stroke=\""
       << kLooks[kind].colour << "\" stroke-width=\"" << kLooks[kind].width
       << "\"/>"
       << llvm::format("<text class=\"legend\" x=\"%.0f\" y=\"24\">", at + 30)
       << kLooks[kind].name << "</text>\n";
    at += 50 + 7 * static_cast<double>(kLooks[kind].name.size());
  }
  for (size_t index = 0; index < panels.size(); ++index) {
    const Panel &panel = panels[index];
    double top = kTop + kHeight * static_cast<double>(index);
    Axis x = {low, high, kLeft, kWidth - kRight},
         y = fit(panel, top + kHeight - kBottom, top + 16);
    os << llvm::format("<text x=\"%.0f\" y=\"%.0f\" font-weight=\"bold\">",
                       kLeft, top + 8)
       << escaped(panel.name) << "</text>\n";
    drawAxes(os, x, y);
    // What matters more is drawn over the rest.
    for (size_t kind = 0; kind < std::size(kLooks); ++kind)
      for (const Curve &curve : panel.curves) {
        if (curve.kind != static_cast<Curve::Kind>(kind))
          continue;
        os << "<path class=\"curve\" fill=\"none\" stroke=\""
           << kLooks[kind].colour << "\" stroke-width=\"" << kLooks[kind].width
           << "\" d=\"";
        for (const Point &point : curve.points)
          os << (&point == curve.points.data() ? "M" : "L")
             << llvm::format("%.1f %.1f", x.at(point.step), y.at(point.value));
        os << "\"/>\n";
        // A line of one point shows nothing.
        if (curve.points.size() == 1)
          os << llvm::format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" ",
                             x.at(curve.points[0].step),
                             y.at(curve.points[0].value))
             << "fill=\"" << kLooks[kind].colour << "\"/>\n";
      }
  }
  os << llvm::format("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">",
                     kWidth - kRight, height - 6)
     << "step</text>\n</svg>\n";
  return text;
}

//===- the command --------------------------------------------------------===//

int burnish::plot(const Options &options) {
  const std::string &path = options.files[0];
  auto text = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!text) {
    llvm::errs() << path << ": " << text.getError().message() << "\n";
    return kBadInput;
  }
  Plot plot;
  bool isGood = true;
  for (llvm::line_iterator line(**text, /*SkipBlanks=*/true); !line.is_at_eof();
       ++line) {
    std::string error = plot.add(*line);
    if (error.empty())
      continue;
    llvm::errs() << path << ": line " << line.line_number() << ": " << error
                 << "\n";
    isGood = false;
  }
  if (!isGood)
    return kBadInput;
  if (plot.isEmpty()) {
    llvm::errs() << path << ": has no line with a loss or a metric\n";
    return kBadInput;
  }
  std::string picture = plot.draw();
  if (options.output.empty() || options.output == "-") {
    llvm::outs() << picture;
    return kDone;
  }
  llvm::Expected<Output> output = Output::create(options.output);
  if (!output)
    return complain(output.takeError()), kBadInput;
  if (llvm::Error error = output->append(picture))
    return complain(std::move(error)), kBadInput;
  if (llvm::Error error = output->commit(/*isExecutable=*/false))
    return complain(std::move(error)), kBadInput;
  return kDone;
}
