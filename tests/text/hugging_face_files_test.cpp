// Everything that vocab.json, merges.txt and tokenizer.json may say, wrongly or beyond GPT-2.
#include <string>

#include "decant/tokenizer.h"
#include "text_testing.h"

namespace decant {
namespace {

using Ids = std::vector<TokenId>;

class VocabAndMerges : public WithFolder {
 protected:
  // The bytes and these members, with these merges.
  Tokenizer load(const std::string& members, const std::string& merges) const {
    write("vocab.json", open_vocab() + (members.empty() ? "" : ", " + members) + "}");
    write("merges.txt", merges);
    return Tokenizer::load(folder_);
  }
  void refuse(ErrorCode code, const char* message, const std::string& members,
              const std::string& merges = "#version: 0.2\n") const {
    expect_error(code, message, [&] { load(members, merges); });
  }
};

TEST_F(VocabAndMerges, IdsInAnyOrderWithHolesAndSpecialTokens) {
  const Tokenizer tokenizer = load(R"("<|endoftext|>": 300, "ab": 999, "##": 700, "<s >": 301)",
                                   "#version: 0.2\r\na b\r\n\r\n# #\r\n");
  EXPECT_EQ(tokenizer.vocab_size(), 1000u);
  EXPECT_EQ(tokenizer.encode("ab##"), (Ids{999, 700}));
  EXPECT_EQ(tokenizer.end_of_text(), 300);
  EXPECT_EQ(tokenizer.encode_with_special("ab<|endoftext|><s >"), (Ids{999, 300, 301}));
  expect_error(ErrorCode::kInvalidToken, "token id 302", [&] { tokenizer.token_bytes(302); });
}

TEST_F(VocabAndMerges, OnlyTheFirstLineMayBeAComment) {
  EXPECT_EQ(load(R"("ab": 256)", "a b\n").encode("ab"), Ids{256});
  refuse(ErrorCode::kMalformed, "merges.txt: line 2: '#version:' is not a token of", R"("ab": 256)",
         "a b\n#version: 0.2\n");
}

TEST_F(VocabAndMerges, MalformedIds) {
  refuse(ErrorCode::kMalformed, "vocab.json: token 'ab' has id -1, which is negative",
         R"("ab": -1)");
  refuse(ErrorCode::kMalformed, "vocab.json: token 'ab' has id 0, which '!' has too", R"("ab": 0)");
  refuse(ErrorCode::kMalformed, "token 'ab' has id 1.5, which is not an integer", R"("ab": 1.5)");
  refuse(ErrorCode::kMalformed, "token 'ab' has id '7', which is not an integer", R"("ab": "7")");
  refuse(ErrorCode::kMalformed, "token 'ab' has id null, which is not an integer", R"("ab": null)");
  refuse(ErrorCode::kMalformed, "token 'ab' has id an array, which is not", R"("ab": [[[]]])");
  refuse(ErrorCode::kMalformed, "token 'ab' has id an object, which is not", R"("ab": {"x": 1})");
  refuse(ErrorCode::kMalformed, "token 'ab' has id true, which is not", R"("ab": true)");
  refuse(ErrorCode::kMalformed, "token 'a' has id 300 and, once more, 64", R"("a": 300)");
  refuse(ErrorCode::kMalformed, "token '' has id 256 and no bytes", R"("": 256)");
}

TEST_F(VocabAndMerges, TooLargeIds) {
  refuse(ErrorCode::kTooLarge, "token 'ab' has id 262144, beyond", R"("ab": 262144)");
  refuse(ErrorCode::kTooLarge, "token 'ab' has id", R"("ab": 18446744073709551615)");
}

TEST_F(VocabAndMerges, MalformedWithoutAByte) {
  write("vocab.json", R"({"a": 0})");
  write("merges.txt", "#version: 0.2\n");
  expect_error(ErrorCode::kMalformed, "vocab.json: byte 0 ", [&] { Tokenizer::load(folder_); });
}

TEST_F(VocabAndMerges, MalformedMerges) {
  const char* ab = R"("ab": 256)";
  const auto refuse_line = [&](const char* message, const char* line) {
    refuse(ErrorCode::kMalformed, message, ab, std::string("#version: 0.2\n") + line);
  };
  refuse_line("merges.txt: line 2: 'ab' is not two tokens with a space between", "ab");
  refuse_line("merges.txt: line 2: 'a b c' is not two tokens", "a b c");
  refuse_line("merges.txt: line 2: ' ab' is not two tokens", " ab");
  refuse_line("merges.txt: line 2: 'ab ' is not two tokens", "ab ");
  refuse_line("merges.txt: line 2: '\u4f60' is not spelt in GPT-2's byte alphabet", "\u4f60 a");
  refuse_line("merges.txt: line 2: '\\xff' is not spelt", "a \xFF");
  refuse_line("merges.txt: line 2: 'ba' is not a token of", "b a");
  refuse_line("merges.txt: line 2: 'xy' is not a token of", "a xy");
  refuse_line("merges.txt: line 3: the merge of 'a' and 'b' is there already", "a b\na b\n");
}

TEST_F(VocabAndMerges, TruncatedMerges) {
  refuse(ErrorCode::kTruncated, "merges.txt: is empty", "", "");
}

class TokenizerJson : public WithFolder {
 protected:
  static constexpr const char* kByteLevel = R"({"type": "ByteLevel", "add_prefix_space": false})";

  static constexpr const char* kNoRegex =
      R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})";
  // As a string in JSON.
  static constexpr const char* kGpt4 =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|)"
      R"( ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+)";

  static std::string split(const std::string& pattern, const std::string& behavior, bool invert) {
    return R"({"type": "Split", "pattern": {"Regex": ")" + pattern + R"("}, "behavior": ")" +
           behavior + R"(", "invert": )" + (invert ? "true}" : "false}");
  }
  static std::string sequence(const std::string& first, const std::string& second) {
    return R"({"type": "Sequence", "pretokenizers": [)" + first + ", " + second + "]}";
  }

  Tokenizer load(const std::string& json) const {
    return Tokenizer::load(write("tokenizer.json", json));
  }
  // A good file but for these members of the document and of the model.
  std::string file(const std::string& document, const std::string& model,
                   const std::string& pre_tokenizer = kByteLevel,
                   const std::string& merges = R"(["a b"])") const {
    return "{" + document + R"("pre_tokenizer": )" + pre_tokenizer + R"(, "model": {)" + model +
           R"("vocab": )" + open_vocab() + R"(, "ab": 256, "abc": 257, "<s>": 258})" +
           R"(, "merges": )" + merges + "}}";
  }
  void refuse(ErrorCode code, const char* message, const std::string& json) const {
    expect_error(code, std::string("tokenizer.json: ") + message, [&] { load(json); });
  }
};

TEST_F(TokenizerJson, ReadsBothSpellingsOfMerges) {
  for (const char* merges : {R"(["a b", "ab c"])", R"([["a", "b"], ["ab", "c"]])"}) {
    EXPECT_EQ(load(file("", "", kByteLevel, merges)).encode("abc"), Ids{257});
  }
}

TEST_F(TokenizerJson, ReadsWhatDoesNotChangeIds) {
  const Tokenizer tokenizer = load(file(
      R"("version": "1.0", "truncation": {"max_length": 8}, "padding": null, "normalizer": null,
         "post_processor": {"type": "ByteLevel"}, "decoder": {"type": "ByteLevel"},
         "added_tokens": [{"id": 258, "content": "<s>", "special": true, "lstrip": false},
                          {"id": 259, "content": "\u00e9 !"}], )",
      R"("type": "BPE", "dropout": null, "unk_token": "<s>", "continuing_subword_prefix": "",
         "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false,
         "ignore_merges": false, )"));
  EXPECT_EQ(tokenizer.encode_with_special("ab<s>\u00e9 !"), (Ids{256, 258, 259}));
  EXPECT_EQ(tokenizer.decode(Ids{259}), "\u00e9 !");
}

TEST_F(TokenizerJson, ReadsTheSplitsOfOthers) {
  // In "ab  c1234" these tell the splits apart: a word of "b  c" for none, the spaces, the numbers.
  const std::string merges = R"(["a b", "\u0120 \u0120", "2 3", "3 4", "b \u0120\u0120"])";
  const auto pieces = [&](const std::string& pre_tokenizer, const char* text) {
    const std::string vocab = open_vocab() + R"(, "ab": 256, "\u0120\u0120": 257, "23": 258,
                                               "34": 259, "b\u0120\u0120": 260})";
    const Tokenizer tokenizer =
        load(R"({"pre_tokenizer": )" + pre_tokenizer + R"(, "model": {"type": "BPE", "vocab": )" +
             vocab + R"(, "merges": )" + merges + "}}");
    std::string joined;
    for (const TokenId id : tokenizer.encode(text)) {
      joined += std::string(tokenizer.token_bytes(id)) + "|";
    }
    return joined;
  };
  const std::string gpt2 = "ab| | |c|1|23|4|";  // "ab" " " " c" "1234"
  const std::string gpt4 = "ab| | |c|1|23|4|";  // "ab" " " " c" "123" "4"
  const std::string none = "ab|  |c|1|23|4|";
  EXPECT_EQ(pieces(kByteLevel, "ab  c1234"), gpt2);
  EXPECT_EQ(pieces(kNoRegex, "ab  c1234"), none);
  for (const std::string& step : {split(kGpt4, "Isolated", false), split(kGpt4, "Removed", true)}) {
    EXPECT_EQ(pieces(sequence(step, kNoRegex), "ab  c1234"), gpt4);
    EXPECT_EQ(pieces(sequence(step, kNoRegex), "0123"), "0|1|2|3|");  // "012" "3"
  }
  EXPECT_EQ(pieces(kByteLevel, "0123"), "0|1|23|");
  EXPECT_EQ(pieces(kByteLevel, "xb  c"), "x|b| | |c|");
  EXPECT_EQ(pieces(kNoRegex, "xb  c"), "x|b  |c|");
}

TEST_F(TokenizerJson, ReadsCharacters) {
  for (const char* decoder : {R"({"type": "Fuse"})", "null"}) {
    const Tokenizer tokenizer = load(R"({"added_tokens": [], "pre_tokenizer": null, "decoder": )" +
                                     std::string(decoder) + R"(, "model": {"type": "BPE",
        "unk_token": "<unk>", "vocab": {"b": 0, "\u4f60": 2, "\n": 1}, "merges": []}})");
    EXPECT_EQ(tokenizer.encode("\n\u4f60b"), (Ids{1, 2, 0}));
    expect_error(ErrorCode::kInvalidPrompt, "'a' (U+0061)", [&] { tokenizer.encode("a"); });
  }
  const auto file = [](const char* document, const char* vocab) {
    return std::string("{") + document + R"("model": {"type": "BPE", "vocab": )" + vocab +
           R"(, "merges": []}})";
  };
  refuse(ErrorCode::kUnsupported, "token 'ab' has id 0 and is not one character",
         file("", R"({"ab": 0})"));
  refuse(ErrorCode::kMalformed, "no character has id 0", file("", R"({"a": 1})"));
  refuse(ErrorCode::kUnsupported, "has added tokens in a vocabulary of characters",
         file(R"("added_tokens": [{"id": 1, "content": "<s>"}], )", R"({"a": 0})"));
  refuse(ErrorCode::kUnsupported, "the decoder is 'ByteLevel'; Decant reads 'Fuse' here",
         file(R"("decoder": {"type": "ByteLevel"}, )", R"({"a": 0})"));
}

TEST_F(TokenizerJson, UnsupportedModels) {
  refuse(ErrorCode::kUnsupported, "the model is 'WordPiece'", file("", R"("type": "WordPiece", )"));
  refuse(ErrorCode::kUnsupported, "the model is 'Unigram'", R"({"model": {"type": "Unigram"}})");
  refuse(ErrorCode::kUnsupported, "the model is unnamed", R"({"model": {"vocab": []}})");
  refuse(ErrorCode::kUnsupported, "'dropout' is 0.1", file("", R"("dropout": 0.1, )"));
  refuse(ErrorCode::kUnsupported, "'end_of_word_suffix' is '</w>'",
         file("", R"("end_of_word_suffix": "</w>", )"));
  refuse(ErrorCode::kUnsupported, "'continuing_subword_prefix' is '##'",
         file("", R"("continuing_subword_prefix": "##", )"));
  refuse(ErrorCode::kUnsupported, "'byte_fallback' is true",
         file("", R"("byte_fallback": true, )"));
  refuse(ErrorCode::kUnsupported, "'ignore_merges' is true",
         file("", R"("ignore_merges": true, )"));
}

TEST_F(TokenizerJson, UnsupportedSurroundings) {
  refuse(ErrorCode::kUnsupported, "'normalizer' is an object",
         file(R"("normalizer": {"type": "NFC"}, )", ""));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer is 'Metaspace'",
         file("", "", R"({"type": "Metaspace"})"));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer is 'null'", file("", "", "null"));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer has add_prefix_space = true",
         file("", "", R"({"type": "ByteLevel", "add_prefix_space": true})"));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer is 'Sequence'",
         file("", "", R"({"type": "Sequence", "pretokenizers": []})"));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer is 'Sequence'",
         file("", "", sequence(R"({"type": "Digits"})", kNoRegex)));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer is 'Sequence'",
         file("", "", R"({"type": "Sequence", "pretokenizers": [1, 2, {"type": "ByteLevel"}]})"));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer is 'Split'",
         file("", "", split(kGpt4, "Isolated", false)));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer splits twice",
         file("", "", sequence(split(kGpt4, "Isolated", false), kByteLevel)));
  refuse(ErrorCode::kUnsupported, R"(the pre_tokenizer splits by '\w+'; Decant knows)",
         file("", "", sequence(split(R"(\\w+)", "Isolated", false), kNoRegex)));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer splits by something other than a Regex",
         file("", "",
              sequence(R"({"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated"})",
                       kNoRegex)));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer's 'Split' is 'Removed'; Decant reads",
         file("", "", sequence(split(kGpt4, "Removed", false), kNoRegex)));
  refuse(ErrorCode::kUnsupported, "the pre_tokenizer's 'Split' is 'MergedWithNext'",
         file("", "", sequence(split(kGpt4, "MergedWithNext", false), kNoRegex)));
  refuse(ErrorCode::kUnsupported, "the post_processor is 'TemplateProcessing'",
         file(R"("post_processor": {"type": "TemplateProcessing"}, )", ""));
  refuse(ErrorCode::kUnsupported, "the decoder is 'WordPiece'",
         file(R"("decoder": {"type": "WordPiece"}, )", ""));
  refuse(ErrorCode::kUnsupported, "added token '<m>' has lstrip = true",
         file(R"("added_tokens": [{"id": 300, "content": "<m>", "lstrip": true}], )", ""));
  refuse(ErrorCode::kUnsupported, "added token 'ab' is also what a merge makes",
         file(R"("added_tokens": [{"id": 256, "content": "ab"}], )", ""));
}

TEST_F(TokenizerJson, Malformed) {
  refuse(ErrorCode::kMalformed, "'model' is not an object", R"({"model": null})");
  refuse(ErrorCode::kMalformed, "'vocab' is missing",
         std::string(R"({"pre_tokenizer": )") + kByteLevel + R"(, "model": {"type": "BPE"}})");
  refuse(ErrorCode::kMalformed, "'vocab' is not an object",
         std::string(R"({"pre_tokenizer": )") + kByteLevel +
             R"(, "model": {"type": "BPE", "vocab": 1}})");
  refuse(ErrorCode::kMalformed, "'merges' is not an array", file("", "", kByteLevel, "{}"));
  refuse(ErrorCode::kMalformed, "'pre_tokenizer' is not an object", file("", "", "[]"));
  refuse(ErrorCode::kMalformed, "'type' is missing", file("", "", "{}"));
  refuse(ErrorCode::kMalformed, "merge 1: is neither", file("", "", kByteLevel, R"(["a b", 1])"));
  refuse(ErrorCode::kMalformed, "merge 0: is neither", file("", "", kByteLevel, R"([["a", 1]])"));
  refuse(ErrorCode::kMalformed, "merge 0: is neither", file("", "", kByteLevel, R"([["a"]])"));
}

TEST_F(TokenizerJson, MalformedAddedTokens) {
  const auto refuse_added = [&](const char* message, const std::string& tokens) {
    refuse(ErrorCode::kMalformed, message, file(R"("added_tokens": )" + tokens + ", ", ""));
  };
  refuse_added("'added_tokens' is not an array", "{}");
  refuse_added("an added token is not an object", "[1]");
  refuse_added("'content' is missing", R"([{"id": 300}])");
  refuse_added("'content' is not a string", R"([{"id": 300, "content": 1}])");
  refuse_added("token '<m>' has id null, which is not an integer", R"([{"content": "<m>"}])");
  refuse_added("token '<m>' has id -1, which is negative", R"([{"id": -1, "content": "<m>"}])");
  refuse_added("token '' has id 300 and no bytes", R"([{"id": 300, "content": ""}])");
  refuse_added("token '<s>' has id 258 and, once more, 300", R"([{"id": 300, "content": "<s>"}])");
}

}  // namespace
}  // namespace decant
