// What the readers of tokenizers take of memory, whatever a file holds.
#include "hostile/memory.h"

#include <functional>

#include "bpe_builder.h"
#include "text_testing.h"
#include "tokenizer_files.h"

namespace decant {
namespace {

using namespace std::string_literals;

class Memory : public WithFolder {
 protected:
  void expect_bounded(const char* name, const std::string& content) const {
    SCOPED_TRACE(name + (": " + content.substr(0, 80)));
    const auto path = write(name, content);
    hostile::expect_bounded(content.size(), [&] { read_tokenizer(path); });
  }

  // Likewise, of a file that is read to its end.
  void expect_read(const char* name, const std::string& content) const {
    expect_bounded(name, content);
    const Vocabulary vocabulary = read_tokenizer(folder_ / name);
    const auto* bpe = std::get_if<BpeVocabulary>(&vocabulary);
    ASSERT_NE(bpe, nullptr);
    EXPECT_EQ(bpe->tokens().size(), BpeBuilder::kMaxTokens);
  }
};

// A byte as JSON spells it in GPT-2's alphabet.
std::string symbol(int byte) {
  if (byte == '"' || byte == '\\') return {'\\', static_cast<char>(byte)};
  return to_symbols(std::string(1, static_cast<char>(byte)));
}

// The two halves of token 256 + `number`: all pairs of bytes, and then a pair and a byte more.
struct Halves {
  explicit Halves(int number) {
    if (number < 65536) {
      left = symbol(number / 256);
      right = symbol(number % 256);
    } else {
      left = symbol(number % 65536 / 256) + symbol(number % 256);
      right = symbol('a' + number / 65536);
    }
  }

  std::string left;
  std::string right;
};

constexpr int kMerges = static_cast<int>(BpeBuilder::kMaxTokens) - 256;

// All that a vocabulary may have, each but the bytes made by a merge.
std::string largest_vocab() {
  std::string vocab = open_vocab();
  for (int i = 0; i < kMerges; ++i) {
    const Halves token(i);
    vocab += ",\"" + token.left + token.right + "\":" + std::to_string(256 + i);
  }
  return vocab + "}";
}

template <typename Each>
std::string list(int count, const Each& each) {
  std::string all = "[";
  for (int i = 0; i < count; ++i) all += std::string(each(i)) + ',';
  all.back() = ']';
  return all;
}

const char* const kModel = R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "model": {"type": "BPE", "merges": )";

TEST_F(Memory, OfTokenizerJson) {
  const std::string vocab = largest_vocab();
  const auto text = [](int i) { return '"' + Halves(i).left + ' ' + Halves(i).right + '"'; };
  const auto pair = [](int i) {
    return "[\"" + Halves(i).left + "\",\"" + Halves(i).right + "\"]";
  };
  const auto file = [&](const std::string& merges) {
    return kModel + merges + ", \"vocab\": " + vocab + "}}";
  };
  const std::string whole = file(list(kMerges, text));
  expect_read("tokenizer.json", whole);
  expect_bounded("tokenizer.json", file(list(100'000, pair)));
  // The same and much that nobody asked for.
  expect_bounded("tokenizer.json",
                 "{\"a\": " + list(100'000, [](int) { return "[]"; }) + ',' + whole.substr(1));
  expect_bounded("tokenizer.json",
                 R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": )" +
                     list(400'000, [](int) { return "{\"a\":1}"; }) +
                     R"(}, "model": {"type": "BPE", "merges": [], "vocab": {}}})");
  const auto added = [](int i) {
    return "{\"id\":" + std::to_string(i) + ",\"content\":\"" + std::to_string(i) + "\"}";
  };
  expect_bounded("tokenizer.json",
                 kModel + R"([], "vocab": {}}, "added_tokens": )"s + list(150'000, added) + "}");
  expect_bounded("tokenizer.json", '"' + std::string(60 << 20, 'a') + '"');
  expect_bounded("tokenizer.json", list(1 << 20, [](int) { return "[]"; }));
}

TEST_F(Memory, OfVocabularies) {
  write("merges.txt", "Ġ a\n");
  expect_bounded("vocab.json", largest_vocab());
  expect_bounded("vocab.json", "{\"" + std::string(60 << 20, 'a') + "\":1}");
  expect_bounded("chars.json", "[\"" + std::string(60 << 20, 'a') + "\"]");
}

TEST_F(Memory, OfMinbpeModels) {
  std::string lines = "minbpe v1\n\n0\n";
  for (int i = 0; i < kMerges; ++i) {
    const int left = i < 65536 ? i / 256 : 256 + i % 65536;
    const int right = i < 65536 ? i % 256 : 'a' + i / 65536;
    lines += std::to_string(left) + ' ' + std::to_string(right) + '\n';
  }
  expect_read("large.model", lines);
}

}  // namespace
}  // namespace decant
