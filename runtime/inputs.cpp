// inputs.cpp - the inputs of a run, out of files or made up.
#include "inputs.h"
#include "characters.h"
#include "npz.h"
#include "text.h"
#include <inttypes.h>
#include <string.h>

using namespace burnish;

static int64_t sumOfRanks(const burnish_model &model) {
  int64_t sum = 0;
  for (int32_t i = 0; i < model.input_count; ++i)
    sum += model.inputs[i].rank;
  return sum;
}

static const char *dimName(const burnish_info &info, int32_t axis) {
  return info.dim_names ? info.dim_names[axis] : nullptr;
}

Inputs::Inputs(const burnish_model &model, const char *word)
    : model(model), word(word), tensors(model.input_count),
      dims(sumOfRanks(model)), views(model.input_count) {
  if (!isValid())
    return;
  for (int64_t i = 0, used = 0; i < model.input_count;
       used += model.inputs[i++].rank)
    tensors[i].view.dims = dims.data() + used;
}

Inputs::~Inputs() {
  for (int32_t i = 0; tensors.isValid() && i < model.input_count; ++i)
    tensors[i].pages.clear();
}

bool Inputs::checkDims(int32_t index, const NpyHeader &header,
                       const char *where, Message &message) const {
  const burnish_info &info = model.inputs[index];
  const ElementType *type = elementType(info.type);
  bool isOfType = info.type == BURNISH_STRING
                      ? CharacterType(header.descr).isValid()
                      : type && header.isOf(*type);
  bool fits = isOfType && header.rank == info.rank;
  for (int32_t axis = 0; fits && axis < info.rank; ++axis)
    fits = info.dims[axis] < 0 || info.dims[axis] == header.dims[axis];
  if (!fits)
    return message.set(
        "%s: is %s, the model wants %s", where, header.text().text,
        ShapeText(typeName(info.type), info.dims, info.rank, info.dim_names)
            .text);

  for (int32_t axis = 0; info.bounds && axis < info.rank; ++axis) {
    int64_t least = info.bounds[2 * axis], most = info.bounds[2 * axis + 1],
            size = header.dims[axis];
    if (size >= least && size <= most)
      continue;
    const char *name = dimName(info, axis);
    return message.set("%s: dim %d ('%s') is %" PRId64
                       ", and the model takes %" PRId64 " to %" PRId64,
                       where, axis, name ? name : "?", size, least, most);
  }

  // A name stands for one number in all inputs.
  for (int32_t axis = 0; axis < info.rank; ++axis) {
    const char *name = dimName(info, axis);
    if (info.dims[axis] >= 0 || !name || !*name)
      continue;
    for (int32_t i = 0; i <= index; ++i) {
      if (i < index && !isThere(i))
        continue;
      const burnish_info &other = model.inputs[i];
      for (int32_t j = 0; j < (i == index ? axis : other.rank); ++j) {
        int64_t known = i == index ? header.dims[j] : dimsOf(i)[j];
        if (other.dims[j] < 0 && dimName(other, j) &&
            strcmp(dimName(other, j), name) == 0 && known != header.dims[axis])
          return message.set(
              "%s: dim %d ('%s') is %" PRId64
              ", and dim %d of input '%s', of the same name, is %" PRId64,
              where, axis, name, header.dims[axis], j, other.name, known);
      }
    }
  }
  return true;
}

bool Inputs::isState(int32_t index) const {
  for (int32_t i = 0; i < model.output_count; ++i)
    if (model.outputs[i].feeds == index + 1)
      return true;
  return false;
}

bool Inputs::giveRoom(int32_t index, Message &message) {
  const burnish_info &info = model.inputs[index];
  // Outputs that are read as inputs have grown already.
  if (!info.grows || info.updates)
    return true;
  Tensor &tensor = tensors[index];
  Pages room;
  int64_t bytes = burnish_buffer_bytes(&info, tensor.view.dims);
  if (bytes < 0 || !room.allocate(static_cast<uint64_t>(bytes)))
    return message.set("state '%s': no memory for %" PRId64 " bytes", info.name,
                       bytes);
  GrownLines lines(info, tensor.view.dims);
  for (int64_t line = 0; lines.used > 0 && line < lines.count; ++line)
    memcpy(room.data() + line * lines.room,
           static_cast<const uint8_t *>(tensor.view.data) + line * lines.used,
           static_cast<size_t>(lines.used));
  tensor.pages.swap(room);
  tensor.view.data = tensor.pages.data();
  tensor.view.bytes = bytes;
  views[index] = tensor.view;
  return true;
}

void Inputs::beginStep(int64_t step) {
  for (int32_t i = 0; hasSteps && i < model.input_count; ++i)
    if (!isState(i))
      views[i].data = static_cast<uint8_t *>(tensors[i].view.data) +
                      step * tensors[i].view.bytes;
}

/// Zeros, with the dims that other inputs give to names, and the least that
/// there may be of others.
bool Inputs::makeState(int32_t index, Message &message) {
  const burnish_info &info = model.inputs[index];
  Tensor &tensor = tensors[index];
  for (int32_t axis = 0; axis < info.rank; ++axis) {
    int64_t &size = tensor.view.dims[axis];
    size = info.dims[axis] >= 0 ? info.dims[axis]
           : info.bounds        ? info.bounds[2 * axis]
                                : 0;
    const char *name = dimName(info, axis);
    if (info.dims[axis] >= 0 || !name || !*name)
      continue;
    for (int32_t i = 0; i < model.input_count; ++i)
      for (int32_t j = 0; isThere(i) && j < model.inputs[i].rank; ++j)
        if (model.inputs[i].dims[j] < 0 && dimName(model.inputs[i], j) &&
            strcmp(dimName(model.inputs[i], j), name) == 0)
          size = dimsOf(i)[j];
  }
  int64_t elements = elementCount(tensor.view.dims, info.rank);
  tensor.view.bytes = elements * burnish_type_size(info.type);
  if (elements < 0 ||
      !tensor.pages.allocate(static_cast<uint64_t>(tensor.view.bytes)))
    return message.set(
        "state '%s': no memory for %s", info.name,
        ShapeText(typeName(info.type), tensor.view.dims, info.rank).text);
  tensor.view.data = tensor.pages.data();
  views[index] = tensor.view;
  return giveRoom(index, message);
}

bool Inputs::loadOne(int32_t index, const NpyBytes &bytes, const char *where,
                     Message &message) {
  uint8_t start[NpyHeader::kMaxBytes];
  uint64_t got = 0;
  NpyHeader header;
  Tensor &tensor = tensors[index];
  if (!bytes.readStart(start, sizeof start, got, where, message) ||
      !header.parse(start, got, where, message))
    return false;
  NpyHeader step = header;
  bool isSequence = hasSteps && !isState(index);
  if (isSequence) {
    if (header.rank == 0 || header.dims[0] == 0)
      return message.set("%s: is %s, and its first axis should be the steps",
                         where, header.text().text);
    if (steps >= 0 && steps != header.dims[0])
      return message.set("%s: has %" PRId64
                         " steps, and an input before it %" PRId64,
                         where, header.dims[0], steps);
    steps = header.dims[0];
    --step.rank;
    memmove(step.dims, step.dims + 1,
            static_cast<size_t>(step.rank) * sizeof *step.dims);
  }
  int32_t type = model.inputs[index].type;
  if (!checkDims(index, step, where, message) ||
      (type == BURNISH_STRING
           ? !readStrings(bytes, header, where, tensor, message)
           : !readArray(bytes, header, type, where, tensor, message)))
    return false;
  if (isSequence)
    tensor.view.bytes /= steps;
  if (step.rank)
    memcpy(tensor.view.dims, step.dims,
           static_cast<size_t>(step.rank) * sizeof(int64_t));
  views[index] = tensor.view;
  return giveRoom(index, message);
}

/// The input that a key of an archive means: one of that name, or arr_N the one
/// at N; -1 for none.
static int32_t inputOfKey(const burnish_model &model, const NpzEntry &entry) {
  for (int32_t i = 0; i < model.input_count; ++i)
    if (strlen(model.inputs[i].name) == entry.nameLength &&
        memcmp(model.inputs[i].name, entry.name, entry.nameLength) == 0)
      return i;
  if (entry.nameLength > 12 || entry.nameLength < 5 ||
      memcmp(entry.name, "arr_", 4) != 0)
    return -1;
  int64_t number = 0;
  for (uint32_t i = 4; i < entry.nameLength; ++i) {
    if (entry.name[i] < '0' || entry.name[i] > '9')
      return -1;
    number = number * 10 + (entry.name[i] - '0');
  }
  bool isPlain = entry.name[4] != '0' || entry.nameLength == 5;
  return isPlain && number < model.input_count ? static_cast<int32_t>(number)
                                               : -1;
}

bool Inputs::loadArchive(const InputFile &file, Message &message) {
  NpzReader archive;
  if (!archive.open(file, message))
    return false;
  Array<NpzEntry *> found(model.input_count);
  if (!found.isValid())
    return message.set("%s: no memory for its directory", file.path());
  for (int64_t i = 0; i < archive.size(); ++i) {
    NpzEntry &entry = archive[i];
    int shown =
        static_cast<int>(entry.nameLength < 200 ? entry.nameLength : 200);
    int32_t input = inputOfKey(model, entry);
    if (input < 0)
      return message.set("%s: has '%.*s', which is no %s of the model",
                         file.path(), shown, entry.name, word);
    if (found[input])
      return message.set("%s: has %s '%s' twice", file.path(), word,
                         model.inputs[input].name);
    found[input] = &entry;
  }
  for (int32_t i = 0; i < model.input_count; ++i)
    if (!found[i] && !isMade(i))
      return message.set("%s: %s '%s' is missing", file.path(), word,
                         model.inputs[i].name);
  for (int32_t i = 0; i < model.input_count; ++i) {
    if (!found[i])
      continue;
    char where[sizeof message.text / 2];
    Text(where) << file.path() << ": " << word << " '" << model.inputs[i].name
                << "'";
    if (!archive.locate(*found[i], where, message) ||
        !loadOne(i, found[i]->bytes, where, message))
      return false;
  }
  for (int32_t i = 0; i < model.input_count; ++i)
    if (!found[i] && !makeState(i, message))
      return false;
  return true;
}

int32_t Inputs::fileCount() const {
  int32_t count = 0;
  for (int32_t i = 0; i < model.input_count; ++i)
    count += !isMade(i);
  return count;
}

int32_t Inputs::inputOfFile(int32_t file) const {
  int32_t input = 0;
  while (isMade(input) || file-- > 0)
    ++input;
  return input;
}

bool Inputs::load(const char *const *paths, int32_t count, Message &message) {
  for (int32_t i = 0; i < count; ++i) {
    InputFile file;
    if (!file.open(paths[i], message))
      return false;
    uint8_t magic[2] = {};
    if (file.size() >= sizeof magic &&
        !file.read(0, magic, sizeof magic, message))
      return false;
    if (file.size() == 0)
      return message.set("%s: is empty", file.path());
    bool isArchive = memcmp(magic, "PK", 2) == 0;
    if (isArchive && count > 1)
      return message.set(
          "%s: is an .npz, which comes alone, with all inputs in it",
          file.path());
    if (isArchive)
      return loadArchive(file, message);
    if (memcmp(magic, "\x93N", 2) != 0)
      return message.set("%s: is neither an .npy nor an .npz file",
                         file.path());
    if (count != fileCount())
      return message.set("%s: is one array, the model has %d %ss", file.path(),
                         fileCount(), word);
    int32_t input = inputOfFile(i);
    char where[sizeof message.text / 2];
    Text(where) << file.path() << ": " << word << " '"
                << model.inputs[input].name << "'";
    NpyBytes bytes;
    bytes.file = &file;
    bytes.size = file.size();
    if (!loadOne(input, bytes, where, message))
      return false;
  }
  for (int32_t i = 0; i < model.input_count; ++i)
    if (isMade(i) && !makeState(i, message))
      return false;
  return true;
}

//===- made up ---===//

namespace {
/// A number from -1 to 1, always the same ones (xorshift).
struct Random {
  uint64_t state = 0x9e3779b97f4a7c15;

  double next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<double>(state >> 11) * 0x1p-52 - 1;
  }
};
} // namespace

static void fill(void *data, int32_t type, int64_t count, Random &random) {
  bool isComplex = type == BURNISH_COMPLEX64 || type == BURNISH_COMPLEX128;
  for (int64_t i = 0; i < (isComplex ? 2 * count : count); ++i) {
    switch (type) {
    case BURNISH_FLOAT:
    case BURNISH_COMPLEX64:
      static_cast<float *>(data)[i] = static_cast<float>(random.next());
      break;
    case BURNISH_DOUBLE:
    case BURNISH_COMPLEX128:
      static_cast<double *>(data)[i] = random.next();
      break;
    // Between 0.5 and 1 in size, where the exponent is the largest below that
    // of 1.
    case BURNISH_FLOAT16:
      static_cast<uint16_t *>(data)[i] =
          static_cast<uint16_t>(0x3800 | ((random.state >> 20) & 0x83ff)),
                           random.next();
      break;
    case BURNISH_BFLOAT16:
      static_cast<uint16_t *>(data)[i] =
          static_cast<uint16_t>(0x3f00 | ((random.state >> 20) & 0x807f)),
                           random.next();
      break;
    default:
      return;
    }
  }
}

bool Inputs::invent(const Pin *pins, int32_t count, Message &message) {
  Random random;
  for (int32_t i = 0; i < model.input_count; ++i) {
    const burnish_info &info = model.inputs[i];
    Tensor &tensor = tensors[i];
    for (int32_t axis = 0; axis < info.rank; ++axis) {
      int64_t least =
          info.bounds && info.bounds[2 * axis] > 1 ? info.bounds[2 * axis] : 1;
      if (info.bounds && info.bounds[2 * axis + 1] < least)
        least = info.bounds[2 * axis + 1];
      tensor.view.dims[axis] = info.dims[axis] < 0 ? least : info.dims[axis];
      const char *name = dimName(info, axis);
      for (int32_t p = 0; p < count && info.dims[axis] < 0 && name; ++p)
        if (strlen(name) == pins[p].nameLength &&
            memcmp(name, pins[p].name, pins[p].nameLength) == 0)
          tensor.view.dims[axis] = pins[p].value;
    }
    int64_t elements = elementCount(tensor.view.dims, info.rank);
    tensor.view.bytes = elements * burnish_type_size(info.type);
    if (elements < 0 ||
        !tensor.pages.allocate(static_cast<uint64_t>(tensor.view.bytes)))
      return message.set(
          "input '%s': no memory for %s", info.name,
          ShapeText(typeName(info.type), tensor.view.dims, info.rank).text);
    tensor.view.data = tensor.pages.data();
    fill(tensor.view.data, info.type, elements, random);
    views[i] = tensor.view;
    if (!giveRoom(i, message))
      return false;
  }
  return true;
}
