#include "init/os/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <climits>
#include <memory>
#include <string_view>

#include "init/os/json_text.h"
#include "init/os/line_writer.h"

namespace sluice::os {

namespace {

class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    LineWriter& writer() { return writer_; }

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        writer_.write(std::string(line.data(), line.size()));
    }

    void flush_() override { writer_.flush(); }

    LineWriter writer_{STDERR_FILENO};
};

spdlog::level::level_enum to_spdlog(config::LogLevel level) {
    switch (level) {
    case config::LogLevel::debug: return spdlog::level::debug;
    case config::LogLevel::info: return spdlog::level::info;
    case config::LogLevel::warning: return spdlog::level::warn;
    case config::LogLevel::error: return spdlog::level::err;
    }
    return spdlog::level::info;
}

std::unique_ptr<spdlog::formatter> formatter(config::LogFormat format) {
    // The members of the object that a message adds are in its payload, already as JSON.
    const auto* const pattern =
        format == config::LogFormat::json
            ? R"({"@timestamp":"%Y-%m-%dT%H:%M:%S.%eZ","@version":"1","level":"%l",%v})"
            : "%Y-%m-%dT%H:%M:%S.%eZ sluice %l: %v";
    return std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc,
                                                       "\n");
}

class Log {
  public:
    Log() : sink_(std::make_shared<StderrSink>()), logger_("sluice", sink_) {
        logger_.set_error_handler([](const std::string&) {}); // its own would write to stderr
        set_up(config::LogLevel::info, config::LogFormat::text);
    }

    void set_up(config::LogLevel level, config::LogFormat format) {
        format_ = format;
        logger_.set_level(to_spdlog(level));
        sink_->set_formatter(formatter(format));
    }

    void write(const core::Message& message) {
        tell_dropped();
        logger_.log(to_spdlog(message.level), spdlog::string_view_t(payload(message)));
    }

    bool logs(config::LogLevel level) const { return logger_.should_log(to_spdlog(level)); }

    void flush() {
        sink_->writer().flush();
        tell_dropped();
    }

  private:
    std::string payload(const core::Message& message) const {
        if (format_ == config::LogFormat::text) return one_line(shortened(message.text));
        auto json = to_json(message);
        // A cut line is no JSON. An escaped byte is six, so this much always fits.
        if (json.size() > PIPE_BUF - 200) {
            json = to_json({message.level,
                            shortened(message.text).substr(0, 500) + "...",
                            {{"event", "shortened"}}});
        }
        return json;
    }

    // Whatever FPM complains of, what comes after it in the line has to fit, too.
    static std::string shortened(const std::string& text) {
        constexpr std::size_t longest = 2'000;
        return text.size() <= longest ? text : text.substr(0, longest) + "...";
    }

    static std::string to_json(const core::Message& message) {
        std::string json = "\"message\":" + json_string(message.text);
        for (const auto& field : message.fields) {
            json += "," + json_string(field.key) + ":" + json_value(field.value);
        }
        return json;
    }

    // Only when there is room again, or it would be dropped like the others.
    void tell_dropped() {
        if (sink_->writer().has_kept()) return;
        const auto dropped = sink_->writer().take_dropped();
        if (dropped == 0) return;
        const core::Message message{
            core::Level::warning,
            std::to_string(dropped) + " log lines could not be written and are lost",
            {{"event", "log_dropped"}, {"lines", static_cast<std::int64_t>(dropped)}}};
        logger_.log(spdlog::level::warn, spdlog::string_view_t(payload(message)));
    }

    std::shared_ptr<StderrSink> sink_;
    spdlog::logger logger_;
    config::LogFormat format_ = config::LogFormat::text;
};

Log& the_log() {
    static Log log;
    return log;
}

} // namespace

void set_up_log(config::LogLevel level, config::LogFormat format) {
    the_log().set_up(level, format);
}

bool logs(core::Level level) noexcept {
    return the_log().logs(level);
}

void log(const core::Message& message) noexcept {
    try {
        the_log().write(message);
    } catch (...) { // out of memory: a line less
    }
}

void log(core::Level level, std::string text, core::Fields fields) noexcept {
    try {
        log(core::Message{level, std::move(text), std::move(fields)});
    } catch (...) {
    }
}

void flush_log() noexcept {
    try {
        the_log().flush();
    } catch (...) {
    }
}

} // namespace sluice::os
