// The strategy of continuing several beginnings side by side.
#pragma once

#include <vector>

#include "beam_searcher.h"
#include "context.h"
#include "job.h"

namespace decant {

class BeamText : public Job {
 public:
  /// The session has seen nothing, or a beginning of the prompt.
  BeamText(const Task& task, Session session);

  bool unfinished() const override { return unfinished_; }
  void feed(std::vector<SessionGroup::Part>& parts) override;
  void take(const Rows& rows) override;
  const Generation& made() const override { return made_; }

 private:
  // Of each beam, the model's part.
  struct Track {
    Session session;
    Context context;
    std::span<const TokenId> fed = {};
  };

  void branch();
  void end(std::optional<FinishReason> interruption);

  const Task task_;
  BeamSearcher searcher_;
  std::vector<Track> tracks_;  // as the searcher's beams
  bool unfinished_ = true;
  Generation made_;
};

}  // namespace decant
