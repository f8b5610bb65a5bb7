#include "config/file_reading.h"

#include <utility>

#include "config/quote.h"

namespace sluice::config {

std::string place(const std::string& path, Position position) {
    return escaped(path) + ":" + std::to_string(position.line) + ":" +
           std::to_string(position.column);
}

void FileReading::refuse(Position position, std::string key, std::string message) {
    reading_.refuse(place(position), std::move(key), std::move(message));
}

void FileReading::set(const std::string& key, Position position) {
    reading_.set(key, place(position), escaped(path_) + ":" + std::to_string(position.line));
}

} // namespace sluice::config
