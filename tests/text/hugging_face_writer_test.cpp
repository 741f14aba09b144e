// What is written is what the formats' readers expect, and reads back to the same ids.
#include <nlohmann/json.hpp>
#include <random>

#include "bpe_builder.h"
#include "decant/tokenizer.h"
#include "file.h"
#include "gpt2.h"
#include "pretokenize.h"
#include "text_testing.h"
#include "tokenizer_files.h"

namespace decant {
namespace {

using nlohmann::json;
using Paths = std::vector<std::filesystem::path>;

const std::filesystem::path kOracle = DECANT_SOURCE_DIR "/tests/text/oracle";

void expect_same(const Vocabulary& a, const Vocabulary& b) {
  const auto tokens = [](const Vocabulary& vocabulary) -> const TokenBytes& {
    return std::visit([](const auto& kind) -> const TokenBytes& { return kind.tokens(); },
                      vocabulary);
  };
  ASSERT_EQ(tokens(a).size(), tokens(b).size());
  for (std::size_t at = 0; at < tokens(a).size(); ++at) {
    const auto id = static_cast<TokenId>(at);
    ASSERT_EQ(tokens(a)[id], tokens(b)[id]) << id;
  }
  ASSERT_EQ(a.index(), b.index());
  if (const auto* bpe = std::get_if<BpeVocabulary>(&a)) {
    const auto& other = std::get<BpeVocabulary>(b);
    EXPECT_EQ(bpe->split(), other.split());
    EXPECT_EQ(bpe->merges(), other.merges());
    EXPECT_EQ(bpe->specials(), other.specials());
  }
}

class HuggingFaceWriter : public WithFolder {
 protected:
  json write_and_read_json(const Vocabulary& vocabulary) const {
    EXPECT_EQ(write_tokenizer(vocabulary, folder_), Paths{folder_ / "tokenizer.json"});
    return json::parse(read_file(folder_ / "tokenizer.json", 1 << 24));
  }
};

TEST_F(HuggingFaceWriter, Gpt2sSplitIsVocabAndMerges) {
  const Vocabulary vocabulary(gpt2_vocabulary());
  EXPECT_EQ(write_tokenizer(vocabulary, folder_),
            (Paths{folder_ / "vocab.json", folder_ / "merges.txt"}));
  for (const char* name : {"", "vocab.json", "merges.txt"}) {
    expect_same(read_tokenizer(folder_ / name), vocabulary);
  }
}

// Readers of the pair would take any but "<|endoftext|>" for text.
TEST_F(HuggingFaceWriter, Gpt2sSplitWithOtherSpecialTokensNamesThem) {
  write("basis.model", "minbpe v1\n" + std::string(pattern_of_split(Split::kGpt2)) +
                           "\n2\n<|endoftext|> 257\n<|im end|> 258\n32 97\n");
  const Vocabulary vocabulary = read_tokenizer(folder_ / "basis.model");
  const json document = write_and_read_json(vocabulary);
  EXPECT_EQ(document["pre_tokenizer"]["type"], "ByteLevel");
  EXPECT_EQ(document["pre_tokenizer"]["use_regex"], true);
  EXPECT_EQ(document["added_tokens"][1]["content"], "<|im end|>");
  EXPECT_EQ(document["added_tokens"][1]["id"], 258);
  EXPECT_EQ(document["added_tokens"].size(), 2u);
  expect_same(read_tokenizer(folder_ / "tokenizer.json"), vocabulary);
}

TEST_F(HuggingFaceWriter, HolesAndSpecialTokensComeBack) {
  write("tokenizer.json",
        R"({"added_tokens": [{"id": 700, "content": "<|a \"b\\ \u4f60\n|>"}],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
            "model": {"type": "BPE", "vocab": )" +
            open_vocab() + R"(, "ab": 900, "abc": 260}, "merges": ["a b", "ab c"]}})");
  const Vocabulary vocabulary = read_tokenizer(folder_);
  EXPECT_EQ(std::get<BpeVocabulary>(vocabulary).tokens()[700], "<|a \"b\\ \u4f60\n|>");
  std::filesystem::create_directory(folder_ / "again");
  write_tokenizer(vocabulary, folder_ / "again");
  expect_same(read_tokenizer(folder_ / "again"), vocabulary);
}

TEST_F(HuggingFaceWriter, Gpt4sSplitStandsBeforeByteLevel) {
  const Vocabulary vocabulary = read_tokenizer(kOracle / "gpt4.model");
  const json document = write_and_read_json(vocabulary);
  const json& steps = document["pre_tokenizer"]["pretokenizers"];
  EXPECT_EQ(document["pre_tokenizer"]["type"], "Sequence");
  EXPECT_EQ(steps[0]["type"], "Split");
  EXPECT_EQ(steps[0]["behavior"], "Isolated");
  EXPECT_EQ(steps[0]["pattern"]["Regex"],
            R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
            R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)");
  EXPECT_EQ(steps[1]["type"], "ByteLevel");
  EXPECT_EQ(steps[1]["use_regex"], false);
  EXPECT_EQ(steps[1]["add_prefix_space"], false);
  EXPECT_EQ(document["decoder"]["type"], "ByteLevel");
  EXPECT_EQ(document["model"]["vocab"]["\u0120the"], 260);  // as gpt4.vocab of minbpe has it
  EXPECT_EQ(document["added_tokens"][0]["content"], "<|endoftext|>");
  EXPECT_EQ(document["added_tokens"][0]["id"], 386);
  expect_same(read_tokenizer(folder_), vocabulary);
}

TEST_F(HuggingFaceWriter, WithoutASplitByteLevelHasNoRegex) {
  const Vocabulary vocabulary = read_tokenizer(kOracle / "basic.model");
  const json document = write_and_read_json(vocabulary);
  EXPECT_EQ(document["pre_tokenizer"]["type"], "ByteLevel");
  EXPECT_EQ(document["pre_tokenizer"]["use_regex"], false);
  expect_same(read_tokenizer(folder_), vocabulary);
}

TEST_F(HuggingFaceWriter, CharactersAreABpeWithoutMerges) {
  const Vocabulary vocabulary = read_tokenizer(kOracle / "meta.pkl");
  const json document = write_and_read_json(vocabulary);
  EXPECT_EQ(document["pre_tokenizer"], nullptr);
  EXPECT_EQ(document["decoder"]["type"], "Fuse");
  EXPECT_EQ(document["model"]["merges"], json::array());
  EXPECT_EQ(document["model"]["vocab"][std::string(1, '\0')], 0);
  EXPECT_FALSE(document["model"]["vocab"].contains(document["model"]["unk_token"]));
  expect_same(read_tokenizer(folder_), vocabulary);
}

TEST_F(HuggingFaceWriter, SpecialTokensThatLookLikeOthersComeBack) {
  BpeBuilder builder("test");
  for (int byte = 0; byte < 256; ++byte) {
    builder.add_token(std::string(1, static_cast<char>(byte)), byte);
  }
  builder.add_token(" a", 256);
  builder.add_special("\u0120a", 300);  // reads as the alphabet spells " a"
  builder.add_special("<s p>\n\"\\\u4f60", 301);
  builder.add_special("\xFF\xFE", 302);  // that no text spells out
  builder.add_special("<|endoftext|>", 303);
  builder.add_merge(" ", "a", "1");
  for (const Split split : {Split::kNone, Split::kGpt4}) {
    const Vocabulary vocabulary =
        BpeBuilder(builder).build(split, BpeVocabulary::EveryTokenReachable::kYes);
    write_tokenizer(vocabulary, folder_);
    expect_same(read_tokenizer(folder_), vocabulary);
  }
}

TEST_F(HuggingFaceWriter, Io) {
  for (const Vocabulary& vocabulary :
       {Vocabulary(gpt2_vocabulary()), read_tokenizer(kOracle / "meta.pkl")}) {
    expect_error(ErrorCode::kIo, "cannot write",
                 [&] { write_tokenizer(vocabulary, folder_ / "missing"); });
  }
}

}  // namespace
}  // namespace decant
