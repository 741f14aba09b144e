// Figures about texts: how much they repeat themselves and each other, and how probable they are.
//
// Texts are token ids; what comes back is the same for any renaming of the ids. A figure that is
// not defined for its texts (none of them has n tokens, say) is std::nullopt, never a number that
// looks like one. An n-gram is n tokens that follow each other in one text; n is at least 1.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "decant/types.h"

namespace decant {

using Texts = std::span<const std::vector<TokenId>>;

/// distinct-n: the different n-grams of all texts together over the n-grams of all texts. In (0,
/// 1]; 1 where none comes twice. None, if no text has n tokens. (Li et al. 2016, "A
/// Diversity-Promoting Objective Function for Neural Conversation Models", who divide by the number
/// of tokens; by that of n-grams, as is usual since, texts of any length can reach 1.)
std::optional<double> distinct(Texts texts, std::size_t n);

/// rep-n: 1 - (the different n-grams of each text, summed) / (the n-grams of each text, summed). In
/// [0, 1); 0 where no text repeats itself: unlike distinct(), it does not see what two texts share.
/// None, if no text has n tokens. (Welleck et al. 2020, "Neural Text Generation with Unlikelihood
/// Training", seq-rep-n; summed over texts as by Su et al. 2022, "A Contrastive Framework for
/// Neural Text Generation")
std::optional<double> repetition(Texts texts, std::size_t n);

/// (1 - rep-2) (1 - rep-3) (1 - rep-4). In (0, 1]; 1 where no text repeats itself. None, if no text
/// has 4 tokens. (Su et al. 2022)
std::optional<double> diversity(Texts texts);

/// rep/l: the share of tokens that are also among the `window` tokens before them, in the same
/// text. In [0, 1). None, if there are no tokens. (Welleck et al. 2020, there of a model's
/// predictions, here of the tokens that were written)
std::optional<double> token_repetition(Texts texts, std::size_t window = 128);

/// self-BLEU: the mean of each text's BLEU-4 with the other texts as its references. In [0, 1]; 1
/// where all are the same and have 4 tokens or more: the lower, the more the texts differ. None, if
/// there are fewer than two. (Zhu et al. 2018, "Texygen")
///
/// BLEU-4 is Papineni et al.'s (2002): BP * (p_1 p_2 p_3 p_4)^(1/4). p_n is the share of the text's
/// n-grams that a reference has, each counted at most as often as the reference that has it most;
/// BP = min(1, exp(1 - r / c)), with c the text's length and r that of the reference nearest to it,
/// the shorter on ties. Smoothed by the first method of Chen & Cherry (2014) with epsilon 0.1, as
/// Texygen does: p_n with no match is 0.1 / (the number of n-grams, at least 1), and so it is for a
/// text of fewer than n tokens. Without a common token BLEU is 0, as it is for a text of none.
std::optional<double> self_bleu(Texts texts);

/// The mean log-probability of a token, in nats. None, if there is none; -inf, if one is
/// impossible.
std::optional<double> mean_logprob(std::span<const double> logprobs);

/// exp(-mean_logprob): as many tokens, equally probable, would be as hard to foretell. At least 1.
std::optional<double> perplexity(std::span<const double> logprobs);

/// The share of tokens from the tail: outside the nucleus, which is the smallest set of the most
/// probable tokens that holds probability p under the raw distribution. `mass_before` has for each
/// token the TokenReport::mass_before, and it is outside from p on. In [0, 1]; where texts are
/// drawn from the raw distribution, at most 1 - p on average. None, if there is no token. (The
/// nucleus, and why what lies outside is unreliable: Holtzman et al. 2020, "The Curious Case of
/// Neural Text Degeneration")
std::optional<double> tail_share(std::span<const double> mass_before, double p = 0.9);

}  // namespace decant
