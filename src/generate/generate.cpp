#include "decant/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "beam_pool.h"
#include "beam_text.h"
#include "contrastive_text.h"
#include "decant/error.h"
#include "job.h"
#include "sampled_text.h"

namespace decant {

namespace {

template <typename Value>
void require(bool in_range, std::string_view option, Value value, std::string_view range) {
  if (in_range) return;
  throw Error(ErrorCode::kInvalidOption,
              fmt::format("{} is {}: it must be {}", option, value, range));
}

void check(const Sampling& sampling) {
  const Speculation& s = sampling.speculation;
  require(s.prompt_lookup_num_tokens >= 0, "prompt_lookup_num_tokens", s.prompt_lookup_num_tokens,
          "0 or more (0 is off)");
  require(s.num_draft_tokens > 0, "num_draft_tokens", s.num_draft_tokens, "1 or more");
  if (s.draft == nullptr || s.prompt_lookup_num_tokens == 0) return;
  throw Error(ErrorCode::kInvalidOption,
              "prompt_lookup_num_tokens and a draft model both guess: choose one of them");
}

void check(const BeamSearch& beams) {
  require(beams.num_beams > 0 && beams.num_beams <= kMostBeams, "num_beams", beams.num_beams,
          fmt::format("from 1 to {}", kMostBeams));
  require(beams.num_return_sequences > 0 && beams.num_return_sequences <= beams.num_beams,
          "num_return_sequences", beams.num_return_sequences,
          fmt::format("from 1 to num_beams, which is {}", beams.num_beams));
  require(std::abs(beams.length_penalty) <= 10, "length_penalty", beams.length_penalty,
          "a number from -10 to 10");
  require(std::isfinite(beams.patience) && beams.patience > 0, "patience", beams.patience,
          "a number > 0");
  require(beams.num_beam_groups > 0 && beams.num_beams % beams.num_beam_groups == 0,
          "num_beam_groups", beams.num_beam_groups,
          fmt::format("a divisor of num_beams, which is {}", beams.num_beams));
  require(std::isfinite(beams.diversity_penalty) && beams.diversity_penalty >= 0,
          "diversity_penalty", beams.diversity_penalty, "a number >= 0");
  const auto kept = static_cast<std::int64_t>(finished_capacity(beams)) * beams.num_beam_groups;
  if (kept < beams.num_return_sequences) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("patience is {}, which keeps {} of the finished texts: raise it for "
                            "num_return_sequences, which is {}",
                            beams.patience, kept, beams.num_return_sequences));
  }
  if (beams.diversity_penalty > 0 && beams.num_beam_groups == 1) {
    throw Error(ErrorCode::kInvalidOption,
                "diversity_penalty acts between groups: set num_beam_groups to 2 or more");
  }
  if (beams.do_sample && beams.num_beam_groups > 1) {
    throw Error(ErrorCode::kInvalidOption,
                "num_beam_groups and do_sample exclude each other: choose one of them");
  }
}

void check(const ContrastiveSearch& contrastive) {
  require(contrastive.top_k > 0 && contrastive.top_k <= kMostBeams, "top_k", contrastive.top_k,
          fmt::format("from 1 to {} for contrastive search", kMostBeams));
  require(contrastive.penalty_alpha >= 0 && contrastive.penalty_alpha <= 1, "penalty_alpha",
          contrastive.penalty_alpha, "from 0 to 1");
}

}  // namespace

void validate(const GenerateOptions& options) {
  require(options.max_new_tokens >= 0, "max_new_tokens", options.max_new_tokens, "0 or more");
  require(options.min_new_tokens >= 0 && options.min_new_tokens <= options.max_new_tokens,
          "min_new_tokens", options.min_new_tokens,
          fmt::format("from 0 to max_new_tokens, which is {}", options.max_new_tokens));
  if (options.max_time) {
    require(options.max_time->count() >= 0, "max_time", options.max_time->count(),
            "a number of seconds >= 0");
  }
  if (std::ranges::any_of(options.stop, &std::string::empty)) {
    throw Error(ErrorCode::kInvalidOption, "stop: a stop string must not be empty");
  }
  std::visit([](const auto& strategy) { check(strategy); }, options.strategy);
}

void validate(const GenerateOptions& options, const SamplingConfig& sampling) {
  validate(options);
  if ((options.constraint != nullptr || options.min_new_tokens > 0) &&
      std::ranges::find(sampling.stages, "constraint") == sampling.stages.end()) {
    throw Error(ErrorCode::kInvalidOption,
                fmt::format("stages leaves out constraint, which {} needs: add it",
                            options.constraint != nullptr ? "a constraint" : "min_new_tokens"));
  }
  if (std::holds_alternative<ContrastiveSearch>(options.strategy) && sampling.temperature == 0) {
    throw Error(ErrorCode::kInvalidOption,
                "temperature is 0, which leaves contrastive search one token to choose from: leave "
                "out temperature or penalty_alpha");
  }
  const auto* beams = std::get_if<BeamSearch>(&options.strategy);
  if (beams == nullptr) return;
  if (beams->do_sample) {
    require(sampling.top_k == 0 || sampling.top_k >= beams->num_beams, "top_k", sampling.top_k,
            fmt::format("at least num_beams, {}, for so many beams to differ", beams->num_beams));
    require(sampling.temperature > 0, "temperature", sampling.temperature,
            "more than 0 where beams are sampled: without do_sample they are not");
    return;
  }
  const SamplingConfig off;
  const auto refuse = [](std::string_view knob) {
    throw Error(
        ErrorCode::kInvalidOption,
        fmt::format("{} acts on what is drawn, and beam search draws nothing: add do_sample, "
                    "or leave it out",
                    knob));
  };
  if (sampling.temperature != off.temperature) refuse("temperature");
  if (sampling.top_k != off.top_k) refuse("top_k");
  if (sampling.top_p != off.top_p) refuse("top_p");
  if (sampling.min_p != off.min_p) refuse("min_p");
  if (sampling.typical_p != off.typical_p) refuse("typical_p");
  if (sampling.epsilon_cutoff != off.epsilon_cutoff) refuse("epsilon_cutoff");
  if (sampling.eta_cutoff != off.eta_cutoff) refuse("eta_cutoff");
  if (sampling.top_n_sigma != off.top_n_sigma) refuse("top_n_sigma");
}

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kLength:
      return "length";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kTime:
      return "time";
    case FinishReason::kCancelled:
      return "cancelled";
    case FinishReason::kNoCandidates:
      return "no_candidates";
    case FinishReason::kError:
      break;
  }
  return "error";
}

namespace {

void check(const GenerateRequest& request, const SessionGroup& group, const Pipeline& pipeline) {
  validate(request.options, pipeline.config());
  if (request.prompt.empty()) {
    throw Error(ErrorCode::kInvalidPrompt,
                "the prompt is empty: give it at least one character, a line feed for example");
  }
  const auto* sampling = std::get_if<Sampling>(&request.options.strategy);
  const SessionGroup* draft = sampling != nullptr ? sampling->speculation.draft : nullptr;
  if (draft == nullptr || draft->vocab_size() == group.vocab_size()) return;
  throw Error(
      ErrorCode::kInvalidOption,
      fmt::format("the draft model has {} tokens, and the model {}: they must have the same "
                  "tokenizer",
                  draft->vocab_size(), group.vocab_size()));
}

std::unique_ptr<Job> make_job(const SessionGroup& group, const Tokenizer& tokenizer,
                              Pipeline& pipeline, const GenerateRequest& request, Session session,
                              Task::Clock::time_point start) {
  const Task task(group.capacity(), tokenizer, pipeline, request, start);
  if (std::holds_alternative<BeamSearch>(request.options.strategy)) {
    return std::make_unique<BeamText>(task, std::move(session));
  }
  if (std::holds_alternative<ContrastiveSearch>(request.options.strategy)) {
    return std::make_unique<ContrastiveText>(task, std::move(session));
  }
  return std::make_unique<SampledText>(task, std::move(session));
}

// A job among others.
struct Running {
  std::size_t index;  // of its request
  std::unique_ptr<Job> job;
  std::size_t rows = 0;  // that its parts of this step have
};

// Sessions for one request after the other. Neighbours with the same prompt share the cache of all
// of it but the last token, which each of them appends itself.
class Opener {
 public:
  Opener(SessionGroup& group, std::span<const GenerateRequest> requests)
      : group_(group), requests_(requests) {}

  std::size_t next() const { return next_; }

  Session open() {
    const std::size_t index = next_++;
    if (index > 0 && same_prompt(index - 1, index)) return prompt_->fork();
    prompt_.emplace(group_);
    if (next_ == requests_.size() || !same_prompt(index, next_)) return prompt_->fork();
    const auto prompt = requests_[index].prompt;
    const auto window = static_cast<std::size_t>(prompt_->capacity());
    const bool wanted = requests_[index].options.max_new_tokens > 0;
    if (wanted && prompt.size() > 1 && prompt.size() <= window)
      prompt_->prefill(prompt.first(prompt.size() - 1));
    return prompt_->fork();
  }

 private:
  bool same_prompt(std::size_t one, std::size_t other) const {
    return std::ranges::equal(requests_[one].prompt, requests_[other].prompt);
  }

  SessionGroup& group_;
  std::span<const GenerateRequest> requests_;
  std::size_t next_ = 0;
  std::optional<Session> prompt_;  // of the request before
};

}  // namespace

Generation generate(Session& session, const Tokenizer& tokenizer, Pipeline& pipeline,
                    std::span<const TokenId> prompt, const GenerateOptions& options,
                    const Listener& listener) {
  session.truncate(0);
  SessionGroup group = session.group();
  const GenerateRequest request{prompt, options, listener};
  return generate(group, tokenizer, pipeline, {&request, 1}).front();
}

std::vector<Generation> generate(SessionGroup& group, const Tokenizer& tokenizer,
                                 Pipeline& pipeline, std::span<const GenerateRequest> requests) {
  for (const GenerateRequest& request : requests) {
    check(request, group, pipeline);
    if (request.options.max_new_tokens == 0) continue;
    const auto window = static_cast<std::size_t>(group.capacity());
    group.validate(request.prompt.last(std::min(request.prompt.size(), window)));
  }
  std::vector<Generation> made(requests.size());
  std::vector<Running> running;
  std::vector<SessionGroup::Part> parts;
  Opener opener(group, requests);
  for (;;) {
    const auto start = Task::Clock::now();  // the prompt that texts share counts for each of them
    while (running.size() < kMostAtOnce && opener.next() < requests.size()) {
      const std::size_t index = opener.next();
      running.push_back(
          {index, make_job(group, tokenizer, pipeline, requests[index], opener.open(), start)});
    }
    std::erase_if(running, [&](const Running& one) {
      if (one.job->unfinished()) return false;
      made[one.index] = one.job->made();
      return true;
    });
    if (running.empty() && opener.next() == requests.size()) return made;
    if (running.empty()) continue;
    parts.clear();
    std::size_t count = 0;
    for (Running& one : running) {
      const std::size_t first = parts.size();
      one.job->feed(parts);
      one.rows = 0;
      for (std::size_t i = first; i < parts.size(); ++i) one.rows += parts[i].last;
      count += one.rows;
    }
    const Logits logits = group.append(parts);
    const Rows rows(logits, group.hidden(), count);
    std::size_t row = 0;
    for (Running& one : running) {
      one.job->take(rows.range(row, one.rows));
      row += one.rows;
    }
  }
}

}  // namespace decant
