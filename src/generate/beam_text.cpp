#include "beam_text.h"

#include <utility>

namespace decant {

BeamText::BeamText(const Task& task, Session session) : task_(task), searcher_(task_) {
  if (searcher_.beams().empty()) {
    end(std::nullopt);
  } else {
    tracks_.push_back({std::move(session), Context(task.options().context)});
    tracks_[0].fed = tracks_[0].context.feed(tracks_[0].session, searcher_.beams()[0].tokens);
  }
}

void BeamText::feed(std::vector<SessionGroup::Part>& parts) {
  for (Track& track : tracks_) parts.push_back({&track.session, track.fed});
}

void BeamText::take(const Rows& rows) {
  if (const auto reason = task_.interruption()) return end(reason);
  std::vector<Logits> logits;
  for (std::size_t i = 0; i < rows.count(); ++i) logits.push_back(rows.logits(i));
  searcher_.advance(logits);
  if (searcher_.beams().empty()) return end(std::nullopt);
  branch();
}

// A beam's last child takes over its session; the others fork it, and share what it has seen.
void BeamText::branch() {
  std::vector<std::size_t> children(tracks_.size());
  for (const BeamSearcher::Beam& beam : searcher_.beams()) ++children[beam.parent];
  std::vector<Track> next;
  for (const BeamSearcher::Beam& beam : searcher_.beams()) {
    Track& parent = tracks_[beam.parent];
    next.push_back(--children[beam.parent] == 0 ? std::move(parent)
                                                : Track{parent.session.fork(), parent.context});
    next.back().fed = next.back().context.feed(next.back().session, beam.tokens);
  }
  tracks_ = std::move(next);
}

void BeamText::end(std::optional<FinishReason> interruption) {
  unfinished_ = false;
  made_ = searcher_.finish(interruption);
  const Listener& listener = task_.listener();
  if (listener.on_text && !made_.hypotheses.empty() && !made_.hypotheses[0].text.empty()) {
    listener.on_text(made_.hypotheses[0].text);
  }
  if (listener.on_finish) listener.on_finish(made_);
}

}  // namespace decant
