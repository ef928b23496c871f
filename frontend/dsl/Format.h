// Format.h - lays out the text of a network.
#pragma once
#include "frontend/dsl/Messages.h"
#include <optional>

namespace burnish::dsl {

/// A file's text laid out: two spaces for each level, one space between words,
/// `=` of neighbouring params and comments behind neighbouring lines below each
/// other. Lines stay lines, comments stay, and what is laid out stays as it is.
/// Nothing where the file cannot be read, after reports.
std::optional<std::string> format(const Sources &sources, uint32_t file,
                                  Messages &messages);

} // namespace burnish::dsl
