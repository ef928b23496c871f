// Join.cpp - the objects of a module's parts as one.
#include "codegen/Join.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/StringTableBuilder.h"
#include "llvm/Object/ELF.h"
#include "llvm/Object/ELFTypes.h"
#include "llvm/Support/MathExtras.h"

using namespace burnish;
using llvm::StringRef;
namespace ELF = llvm::ELF;

using Elf = llvm::object::ELF64LE;
using File = llvm::object::ELFFile<Elf>;

bool burnish::canJoin(const llvm::Triple &triple) {
  if (!triple.isOSBinFormatELF() || triple.isX32())
    return false;
  return triple.getArch() == llvm::Triple::x86_64 ||
         (triple.getArch() == llvm::Triple::aarch64 &&
          triple.getEnvironment() != llvm::Triple::GNUILP32) ||
         triple.getArch() == llvm::Triple::riscv64;
}

namespace {
/// Writes the file from front to back, and keeps the table of its sections,
/// which comes last.
class FileWriter {
public:
  FileWriter(int file, const llvm::StringTableBuilder &names)
      : stream(file, /*shouldClose=*/false), names(names),
        table(1, Elf::Shdr{}) {}

  template <typename T> void put(const T *first, size_t count) {
    stream << StringRef(reinterpret_cast<const char *>(first),
                        count * sizeof(T));
  }
  void align(uint64_t alignment) {
    stream.write_zeros(
        llvm::alignTo(stream.tell(), std::max<uint64_t>(alignment, 1)) -
        stream.tell());
  }
  /// A section from here on; its contents follow.
  void begin(StringRef name, Elf::Shdr section) {
    section.sh_name = names.getOffset(name);
    section.sh_offset = stream.tell();
    table.push_back(section);
  }
  void addStrings(StringRef name, const llvm::StringTableBuilder &strings) {
    Elf::Shdr section{};
    section.sh_type = ELF::SHT_STRTAB;
    section.sh_size = strings.getSize();
    section.sh_addralign = 1;
    begin(name, section);
    strings.write(stream);
  }
  /// Leaves a hole of zeros.
  void skip(uint64_t bytes) { stream.seek(stream.tell() + bytes); }
  /// The table, and the header in front, which was left out so far.
  std::error_code finish(Elf::Ehdr header) {
    align(8);
    header.e_shoff = stream.tell();
    header.e_shnum = table.size();
    header.e_shstrndx = table.size() - 1;
    put(table.data(), table.size());
    stream.seek(0);
    put(&header, 1);
    stream.flush();
    std::error_code error = stream.error();
    stream.clear_error();
    return error;
  }
  size_t sections() const { return table.size(); }

private:
  llvm::raw_fd_ostream stream;
  const llvm::StringTableBuilder &names;
  std::vector<Elf::Shdr> table;
};
} // namespace

namespace {
/// A section of the result. Relocations have the numbers that symbols have
/// here, whatever their place in the table will be.
struct Placed {
  Elf::Shdr header;
  StringRef name;
  llvm::ArrayRef<uint8_t> contents;
  std::vector<Elf::Rela> relocations;
};

struct Named {
  Elf::Sym symbol;
  StringRef name;
};

class Join {
public:
  Join(const llvm::StringSet<> &internal, StringRef filled)
      : internal(internal), filled(filled) {}

  llvm::Error add(StringRef object);
  llvm::Error write(Output &output);

private:
  llvm::Error addSections(const File &file, const Elf::Shdr *&table);
  llvm::Error addSymbols(const File &file, const Elf::Shdr &table);
  llvm::Error addRelocations(const File &file);
  llvm::Error addGlobal(Elf::Sym symbol, StringRef name);
  void orderSymbols();
  void writeSections(FileWriter &writer) const;
  void writeRelocations(FileWriter &writer, size_t symbolTable);
  void writeSymbols(FileWriter &writer, size_t symbolTable,
                    const llvm::StringTableBuilder &names);
  static bool isOnce(const Elf::Shdr &section, StringRef name);

  static constexpr uint32_t kLeftOut = UINT32_MAX;

  const llvm::StringSet<> &internal;
  StringRef filled;
  Elf::Ehdr header;
  bool isFirst = true;
  std::vector<Placed> sections;
  std::vector<Named> symbols;
  llvm::StringMap<size_t> globals;
  /// Of the object that is being added: the new numbers of its own.
  std::vector<uint32_t> sectionOf, symbolOf;
  /// Places in the table of symbols, by number.
  std::vector<uint32_t> places;
  size_t localCount = 0;
};
} // namespace

static llvm::Error unusual(const char *what) {
  return llvm::createStringError("the parts of an object have %s", what);
}

/// What one part says for all.
bool Join::isOnce(const Elf::Shdr &section, StringRef name) {
  return section.sh_type == ELF::SHT_RISCV_ATTRIBUTES ||
         section.sh_type == ELF::SHT_AARCH64_ATTRIBUTES ||
         (section.sh_size == 0 &&
          (name == ".text" || name == ".note.GNU-stack"));
}

llvm::Error Join::addSections(const File &file, const Elf::Shdr *&table) {
  auto all = file.sections();
  if (!all)
    return all.takeError();
  sectionOf.assign(all->size(), 0);
  for (size_t index = 1; index < all->size(); ++index) {
    const Elf::Shdr &section = (*all)[index];
    llvm::Expected<StringRef> name = file.getSectionName(section);
    if (!name)
      return name.takeError();
    switch (section.sh_type) {
    case ELF::SHT_SYMTAB:
      table = &section;
      continue;
    case ELF::SHT_STRTAB:
    case ELF::SHT_RELA:
    case ELF::SHT_LLVM_ADDRSIG:
      continue;
    case ELF::SHT_REL:
    case ELF::SHT_GROUP:
    case ELF::SHT_SYMTAB_SHNDX:
      return unusual("sections that cannot be joined");
    default:
      break;
    }
    if (section.sh_flags & ELF::SHF_LINK_ORDER)
      return unusual("sections that follow others");
    if (!isFirst && isOnce(section, *name))
      continue;
    Placed placed{section, *name, {}, {}};
    if (section.sh_type == ELF::SHT_NOBITS && *name == filled) {
      placed.header.sh_type = ELF::SHT_PROGBITS;
    } else if (section.sh_type != ELF::SHT_NOBITS) {
      auto contents = file.getSectionContents(section);
      if (!contents)
        return contents.takeError();
      placed.contents = *contents;
    }
    sections.push_back(std::move(placed));
    sectionOf[index] = sections.size();
  }
  return llvm::Error::success();
}

llvm::Error Join::addGlobal(Elf::Sym symbol, StringRef name) {
  auto [entry, isNew] = globals.try_emplace(name, symbols.size());
  symbolOf.push_back(entry->second);
  if (isNew) {
    symbols.push_back({symbol, name});
    return llvm::Error::success();
  }
  Elf::Sym &present = symbols[entry->second].symbol;
  uint8_t visibility =
      std::max(present.getVisibility(), symbol.getVisibility());
  if (symbol.st_shndx != ELF::SHN_UNDEF) {
    if (present.st_shndx != ELF::SHN_UNDEF)
      return unusual("a symbol twice");
    present = symbol;
  }
  // Hidden is 2, the default 0; nothing here is protected.
  present.setVisibility(visibility);
  return llvm::Error::success();
}

llvm::Error Join::addSymbols(const File &file, const Elf::Shdr &table) {
  auto all = file.symbols(&table);
  if (!all)
    return all.takeError();
  auto names = file.getStringTableForSymtab(table);
  if (!names)
    return names.takeError();
  symbolOf.clear();
  for (size_t index = 0; index < all->size(); ++index) {
    Elf::Sym symbol = (*all)[index];
    llvm::Expected<StringRef> name = (*all)[index].getName(*names);
    if (!name)
      return name.takeError();
    if (symbol.st_shndx != ELF::SHN_UNDEF &&
        symbol.st_shndx < ELF::SHN_LORESERVE) {
      symbol.st_shndx = sectionOf[symbol.st_shndx];
      // Of what is empty, the marks of what lies there.
      if (symbol.st_shndx == ELF::SHN_UNDEF) {
        if (symbol.getBinding() != ELF::STB_LOCAL)
          return unusual("a symbol in a section that is left out");
        symbolOf.push_back(kLeftOut);
        continue;
      }
    }
    if (symbol.getBinding() != ELF::STB_LOCAL) {
      if (llvm::Error error = addGlobal(symbol, *name))
        return error;
      continue;
    }
    // One name of a file is enough, and so is one symbol that is none.
    bool isAgain = index == 0 || symbol.getType() == ELF::STT_FILE;
    if (!isFirst && isAgain) {
      symbolOf.push_back(0);
      continue;
    }
    symbolOf.push_back(symbols.size());
    symbols.push_back({symbol, *name});
  }
  return llvm::Error::success();
}

llvm::Error Join::addRelocations(const File &file) {
  auto all = file.sections();
  if (!all)
    return all.takeError();
  for (const Elf::Shdr &section : *all) {
    if (section.sh_type != ELF::SHT_RELA)
      continue;
    auto relocations = file.relas(section);
    if (!relocations)
      return relocations.takeError();
    uint32_t target =
        section.sh_info < sectionOf.size() ? sectionOf[section.sh_info] : 0;
    if (!target)
      return unusual("relocations of nothing");
    for (Elf::Rela relocation : *relocations) {
      uint32_t symbol = relocation.getSymbol(/*isMips64EL=*/false);
      if (symbol >= symbolOf.size() || symbolOf[symbol] == kLeftOut)
        return unusual("relocations by no symbol");
      relocation.setSymbolAndType(symbolOf[symbol],
                                  relocation.getType(/*IsMips64EL=*/false),
                                  /*IsMips64EL=*/false);
      sections[target - 1].relocations.push_back(relocation);
    }
  }
  return llvm::Error::success();
}

llvm::Error Join::add(StringRef object) {
  llvm::Expected<File> file = File::create(object);
  if (!file)
    return file.takeError();
  if (isFirst)
    header = file->getHeader();
  const Elf::Shdr *table = nullptr;
  if (llvm::Error error = addSections(*file, table))
    return error;
  if (table)
    if (llvm::Error error = addSymbols(*file, *table))
      return error;
  isFirst = false;
  return addRelocations(*file);
}

/// Those that others do not see come first.
void Join::orderSymbols() {
  auto isLocal = [&](const Named &named) {
    return named.symbol.getBinding() == ELF::STB_LOCAL;
  };
  for (Named &named : symbols)
    if (!isLocal(named) && named.symbol.st_shndx != ELF::SHN_UNDEF &&
        internal.contains(named.name)) {
      named.symbol.setBinding(ELF::STB_LOCAL);
      named.symbol.setVisibility(ELF::STV_DEFAULT);
    }
  localCount = llvm::count_if(symbols, isLocal);
  size_t local = 0, other = localCount;
  for (const Named &named : symbols)
    places.push_back(isLocal(named) ? local++ : other++);
  std::vector<Named> ordered(symbols.size());
  for (auto [place, named] : llvm::zip_equal(places, symbols))
    ordered[place] = named;
  symbols = std::move(ordered);
}

static std::string relocationsOf(StringRef section) {
  return (".rela" + section).str();
}

llvm::Error Join::write(Output &output) {
  orderSymbols();
  llvm::StringTableBuilder symbolNames(llvm::StringTableBuilder::ELF),
      sectionNames(llvm::StringTableBuilder::ELF);
  for (const Named &named : symbols)
    symbolNames.add(llvm::CachedHashStringRef(named.name));
  symbolNames.finalize();
  // The builder keeps no copies.
  std::vector<std::string> relocationNames;
  for (const Placed &placed : sections)
    relocationNames.push_back(relocationsOf(placed.name));
  for (auto [placed, name] : llvm::zip_equal(sections, relocationNames)) {
    sectionNames.add(llvm::CachedHashStringRef(placed.name));
    if (!placed.relocations.empty())
      sectionNames.add(llvm::CachedHashStringRef(name));
  }
  for (StringRef name : {".symtab", ".strtab", ".shstrtab"})
    sectionNames.add(llvm::CachedHashStringRef(name));
  sectionNames.finalize();

  FileWriter writer(output.fd(), sectionNames);
  writer.put(&header, 1);
  writeSections(writer);
  size_t relocated = llvm::count_if(sections, [](const Placed &placed) {
    return !placed.relocations.empty();
  });
  size_t symbolTable = writer.sections() + relocated;
  if (symbolTable + 3 >= ELF::SHN_LORESERVE)
    return unusual("too many sections");
  writeRelocations(writer, symbolTable);
  writeSymbols(writer, symbolTable, symbolNames);
  writer.addStrings(".strtab", symbolNames);
  writer.addStrings(".shstrtab", sectionNames);
  std::error_code error = writer.finish(header);
  return error ? fileError(output.path(), error) : llvm::Error::success();
}

void Join::writeSections(FileWriter &writer) const {
  for (const Placed &placed : sections) {
    writer.align(placed.header.sh_addralign);
    Elf::Shdr section = placed.header;
    section.sh_link = 0;
    section.sh_info = 0;
    writer.begin(placed.name, section);
    if (placed.contents.empty() && section.sh_type == ELF::SHT_PROGBITS)
      writer.skip(section.sh_size);
    else
      writer.put(placed.contents.data(), placed.contents.size());
  }
}

void Join::writeRelocations(FileWriter &writer, size_t symbolTable) {
  for (auto [index, placed] : llvm::enumerate(sections)) {
    if (placed.relocations.empty())
      continue;
    for (Elf::Rela &relocation : placed.relocations)
      relocation.setSymbolAndType(places[relocation.getSymbol(false)],
                                  relocation.getType(false), false);
    writer.align(8);
    Elf::Shdr section{};
    section.sh_type = ELF::SHT_RELA;
    section.sh_flags = ELF::SHF_INFO_LINK;
    section.sh_size = placed.relocations.size() * sizeof(Elf::Rela);
    section.sh_link = symbolTable;
    section.sh_info = index + 1;
    section.sh_addralign = 8;
    section.sh_entsize = sizeof(Elf::Rela);
    writer.begin(relocationsOf(placed.name), section);
    writer.put(placed.relocations.data(), placed.relocations.size());
  }
}

void Join::writeSymbols(FileWriter &writer, size_t symbolTable,
                        const llvm::StringTableBuilder &names) {
  writer.align(8);
  Elf::Shdr section{};
  section.sh_type = ELF::SHT_SYMTAB;
  section.sh_size = symbols.size() * sizeof(Elf::Sym);
  section.sh_link = symbolTable + 1;
  section.sh_info = localCount;
  section.sh_addralign = 8;
  section.sh_entsize = sizeof(Elf::Sym);
  writer.begin(".symtab", section);
  for (Named &named : symbols) {
    named.symbol.st_name = named.name.empty() ? 0 : names.getOffset(named.name);
    writer.put(&named.symbol, 1);
  }
}

llvm::Error burnish::joinObjects(llvm::ArrayRef<StringRef> objects,
                                 const llvm::StringSet<> &internal,
                                 StringRef filled, Output &output) {
  Join join(internal, filled);
  for (StringRef object : objects)
    if (llvm::Error error = join.add(object))
      return error;
  return join.write(output);
}
