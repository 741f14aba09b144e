// Every check that is common to all formats of tokenizer files.
#include "bpe_builder.h"

#include <array>
#include <utility>

#include "byte_alphabet.h"
#include "quote.h"

namespace decant {

void BpeBuilder::fail(ErrorCode code, const std::string& message) const {
  throw Error(code, file_ + ": " + message);
}

void BpeBuilder::add_token(const std::string& bytes, std::int64_t id) {
  const auto refuse = [&](ErrorCode code, const std::string& problem) {
    fail(code, "token " + in_quotes(bytes) + " has id " + std::to_string(id) + problem);
  };
  if (bytes.empty()) refuse(ErrorCode::kMalformed, " and no bytes");
  if (id < 0) refuse(ErrorCode::kMalformed, ", which is negative");
  if (id >= kMaxTokens) {
    refuse(ErrorCode::kTooLarge,
           ", beyond the " + std::to_string(kMaxTokens) + " tokens that a vocabulary may have");
  }
  if (bytes.size() > kMaxTokenBytes) {
    refuse(ErrorCode::kTooLarge, " and " + std::to_string(bytes.size()) + " bytes, beyond the " +
                                     std::to_string(kMaxTokenBytes) + " that a token may have");
  }
  const auto at = static_cast<std::size_t>(id);
  if (at >= bytes_of_.size()) bytes_of_.resize(at + 1, nullptr);
  if (bytes_of_[at] != nullptr) {
    refuse(ErrorCode::kMalformed, ", which " + in_quotes(*bytes_of_[at]) + " has too");
  }
  const auto [entry, added] = id_of_.try_emplace(bytes, static_cast<TokenId>(id));
  if (!added) {
    refuse(ErrorCode::kMalformed, " and, once more, " + std::to_string(entry->second));
  }
  bytes_of_[at] = &entry->first;
}

void BpeBuilder::add_special(const std::string& bytes, std::int64_t id) {
  if (declared_special_.size() == kMaxSpecials) {
    fail(ErrorCode::kTooLarge, "has more than " + std::to_string(kMaxSpecials) + " added tokens");
  }
  add_token(bytes, id);
  declared_special_.push_back(static_cast<TokenId>(id));
}

bool BpeBuilder::has(const std::string& bytes, std::int64_t id) const {
  const auto found = id_of_.find(bytes);
  return found != id_of_.end() && found->second == id;
}

TokenId BpeBuilder::part(std::string_view bytes, const std::string& place) const {
  const auto found = id_of_.find(std::string(bytes));
  if (found != id_of_.end()) return found->second;
  throw Error(ErrorCode::kMalformed,
              place + ": " + in_quotes(to_symbols(bytes)) + " is not a token of " + file_);
}

void BpeBuilder::add_merge(std::string_view left, std::string_view right,
                           const std::string& place) {
  if (bpe().merges().size() == Bpe::kMaxMerges) {
    throw Error(ErrorCode::kTooLarge, place + ": more than " + std::to_string(Bpe::kMaxMerges) +
                                          " merges, the most that a vocabulary may have");
  }
  const std::string result = std::string(left).append(right);
  if (!bpe().add_merge({part(left, place), part(right, place), part(result, place)})) {
    throw Error(ErrorCode::kMalformed, place + ": the merge of " + in_quotes(to_symbols(left)) +
                                           " and " + in_quotes(to_symbols(right)) +
                                           " is there already");
  }
}

std::vector<std::string_view> BpeBuilder::merge(std::string_view bytes) {
  std::vector<TokenId> ids;
  bpe().merge(bytes, ids);
  std::vector<std::string_view> parts;
  parts.reserve(ids.size());
  for (const TokenId id : ids) parts.push_back(*bytes_of_[static_cast<std::size_t>(id)]);
  return parts;
}

Bpe& BpeBuilder::bpe() {
  if (bpe_) return *bpe_;
  Bpe::ByteIds ids{};
  for (std::size_t byte = 0; byte < ids.size(); ++byte) {
    const auto found = id_of_.find(std::string(1, static_cast<char>(byte)));
    if (found == id_of_.end()) {
      const std::string symbol = to_symbols(std::string(1, static_cast<char>(byte)));
      fail(ErrorCode::kMalformed,
           "byte " + std::to_string(byte) + " (" + in_quotes(symbol) +
               " in GPT-2's alphabet) is not a token, as every byte must be");
    }
    ids[byte] = found->second;
  }
  return bpe_.emplace(ids, id_of_.size());
}

BpeVocabulary BpeBuilder::build(Split split, BpeVocabulary::EveryTokenReachable reachable) && {
  std::vector<bool> made(bytes_of_.size(), false);
  for (const Merge& merge : bpe().merges()) made[static_cast<std::size_t>(merge.result)] = true;
  for (const TokenId id : declared_special_) {
    if (!made[static_cast<std::size_t>(id)]) continue;
    fail(ErrorCode::kUnsupported, "added token " +
                                      in_quotes(*bytes_of_[static_cast<std::size_t>(id)]) +
                                      " is also what a merge makes; Decant needs it to be either");
  }
  for (const TokenId id : bpe().byte_ids()) made[static_cast<std::size_t>(id)] = true;

  TokenBytes tokens;
  std::vector<TokenId> specials;
  for (std::size_t at = 0; at < bytes_of_.size(); ++at) {
    if (bytes_of_[at] != nullptr && !made[at]) specials.push_back(static_cast<TokenId>(at));
    tokens.append(bytes_of_[at] != nullptr ? *bytes_of_[at] : std::string_view());
  }
  if (specials.size() > kMaxSpecials) {
    fail(ErrorCode::kMalformed, "no merge makes " + std::to_string(specials.size()) + " of its " +
                                    std::to_string(id_of_.size()) +
                                    " tokens; are the merges cut short, or another vocabulary's?");
  }
  return {split, std::move(tokens), *std::move(bpe_), std::move(specials), reachable};
}

}  // namespace decant
