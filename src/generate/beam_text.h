// The strategy of continuing several beginnings side by side.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "beam_pool.h"
#include "context.h"
#include "job.h"
#include "stream.h"

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
  // A beginning that the model continues.
  struct Beam {
    Session session;
    Context context;
    Stream stream;
    std::vector<TokenId> tokens;  // the prompt and what was made
    std::span<const TokenId> fed = {};
  };
  struct Group {
    BeamPool pool;
    std::vector<std::size_t> beams;  // where in beams_ the pool's live ones are
  };

  std::vector<BeamCandidate> candidates(const Group& group, std::size_t most, const Rows& rows);
  std::vector<BeamCandidate> draw(std::size_t index, const Group& group, std::size_t most,
                                  std::vector<BeamCandidate> all) const;
  bool ends(const Beam& beam, TokenId token) const;
  void advance(std::size_t index, const Rows& rows);
  void branch();
  void end(std::optional<FinishReason> interruption);
  Hypothesis hypothesis(std::int64_t node, double final_score) const;

  const Task task_;
  const BeamSearch options_;
  std::vector<Beam> beams_;
  std::vector<Group> groups_;
  std::map<TokenId, double> handicap_;  // of tokens that groups have chosen in this step
  bool unfinished_ = true;
  Generation made_;
};

}  // namespace decant
