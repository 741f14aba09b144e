// Pickles that lie or want to run something, a test for each error code.
#include <ctime>

#include "hostile/expect_error.h"

namespace decant {
namespace {

using hostile::big_number;
using hostile::dict;
using hostile::expect_error;
using hostile::global;
using hostile::kProto2;
using hostile::number;
using hostile::state_dict;
using hostile::storage;
using hostile::tensor;
using hostile::text;
using hostile::torch_zip;
using hostile::tuple;
using std::string_literals::operator""s;

void expect_pickle_error(const std::string& pickle, ErrorCode code, const std::string& message) {
  expect_error(torch_zip(pickle, std::string(16, '\0')), code, message);
}

TEST(HostilePickle, ForbiddenGlobal) {
  expect_pickle_error(
      kProto2 + global("posix", "system") + tuple(text("id")) + "R.", ErrorCode::kForbidden,
      "model.pt: the pickle in it wants to run 'posix.system': a state_dict never needs that");
  expect_pickle_error(kProto2 + text("builtins") + text("eval") + "\x93.", ErrorCode::kForbidden,
                      "wants to run 'builtins.eval'");
  expect_pickle_error(kProto2 + "(iposix\nsystem\n.", ErrorCode::kForbidden, "'posix.system'");
  // Also where nothing would call it, and where its name only begins as a known one does.
  expect_pickle_error(kProto2 + global("torch", "FloatStorage2") + "0}.", ErrorCode::kForbidden,
                      "'torch.FloatStorage2'");
  expect_pickle_error(kProto2 + global("torch._utils", "_rebuild_tensor"), ErrorCode::kForbidden,
                      "'torch._utils._rebuild_tensor'");
}

TEST(HostilePickle, ForbiddenWholeModule) {
  for (const std::string& put : {"q\0"s, "r\0\0\0\0"s, "\x94"s, ""s}) {
    expect_pickle_error(kProto2 + global("llm.model", "GPT") + put + ")\x81}b.",
                        ErrorCode::kForbidden,
                        "wants to run 'llm.model.GPT': a whole module was pickled; save "
                        "model.state_dict() instead");
  }
  expect_pickle_error(kProto2 + dict(text("loss") + global("numpy.core.multiarray", "scalar")),
                      ErrorCode::kForbidden, "NumPy values were saved with the weights");
}

TEST(HostilePickle, ForbiddenCalls) {
  expect_pickle_error(kProto2 + global("torch", "FloatStorage") + ")R.", ErrorCode::kForbidden,
                      "'torch.FloatStorage'");
  expect_pickle_error(kProto2 + global("collections", "OrderedDict") + ")\x81.",
                      ErrorCode::kForbidden, "'collections.OrderedDict'");
  expect_pickle_error(kProto2 + global("collections", "OrderedDict") + ")}\x92.",
                      ErrorCode::kForbidden, "an object of a class");
  expect_pickle_error(kProto2 + "]}b.", ErrorCode::kForbidden, "state of what is no plain object");
  expect_pickle_error(kProto2 + "\x82\x01.", ErrorCode::kForbidden, "an object of a class");
}

// A plain object is read as its attributes; whatever else one can be is refused.
TEST(HostilePickle, ObjectsThatAreNotPlain) {
  const std::string type = global("__main__", "GPTConfig");
  const std::string object = type + ")\x81";
  const auto in_dict = [](const std::string& value) {
    return kProto2 + dict(text("config") + value) + ".";
  };
  expect_pickle_error(in_dict(object + "K\1b"), ErrorCode::kForbidden, "no plain object");
  expect_pickle_error(in_dict(type + "q\1)\x81h\1" + tuple(number(1)) + "\x81"),
                      ErrorCode::kForbidden, "an object out of arguments");
  expect_pickle_error(in_dict(type + "q\1)\x81h\1)R"), ErrorCode::kMalformed, "cannot be called");
  // Attributes that are taken again and again are paid for each time.
  std::string many = object + "q\1";
  std::string thousand;
  for (int i = 0; i < 1000; ++i) thousand += "K\1K\2";
  many += dict(thousand) + "q\2b";
  for (int i = 0; i < 100'000; ++i) many += "h\2b";
  expect_pickle_error(in_dict(many), ErrorCode::kTooLarge, "more than");
}

TEST(HostilePickle, Unsupported) {
  expect_pickle_error("\x80\x01}.", ErrorCode::kUnsupported, "protocol 1; Decant reads 2 to 5");
  expect_pickle_error("\x80\x06}.", ErrorCode::kUnsupported, "protocol 6");
  expect_pickle_error("\x80\x02I1\n.", ErrorCode::kUnsupported, "opcode 73");
  expect_pickle_error("\x80\x04\x8f.", ErrorCode::kUnsupported, "holds a set");
}

TEST(HostilePickle, Truncated) {
  const std::string whole = state_dict(tensor(storage("0", number(4)), number(4), number(1)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Error error = hostile::error_of([&] {
      read_tensor_file(hostile::file_bytes(torch_zip(whole.substr(0, size), "0123456789abcdef")));
    });
    EXPECT_EQ(error.code(), ErrorCode::kTruncated) << size << ": " << error.what();
  }
}

TEST(HostilePickle, LengthsThatOverflow) {
  for (const std::string& head :
       {"X\xff\xff\xff\xff"s, "T\xff\xff\xff\xff"s, "B\xff\xff\xff\xff"s, "\x8b\xff\xff\xff\xff"s,
        "\x8d"s + std::string(8, '\xff'), "\x8e"s + std::string(8, '\xff'),
        "\x96"s + std::string(8, '\xff'), "\x8c\xff"s}) {
    expect_pickle_error(kProto2 + head + "abc", ErrorCode::kTruncated, "ends in the middle");
  }
}

TEST(HostilePickle, MalformedStack) {
  for (const std::string& broken :
       {"."s, "0"s, "1"s,   "2"s, "t"s, "u"s,    "e"s,    "\x85"s, "\x87"s,  "R"s,
        "b"s, "Q"s, "q\0"s, "s"s, "a"s, "\x81"s, "\x93"s, "((0."s, "K\1(."s, "K\1(\x85"s}) {
    expect_pickle_error(kProto2 + broken, ErrorCode::kMalformed, "the pickle in it");
  }
  expect_pickle_error(kProto2 + "\xff", ErrorCode::kMalformed, "opcode 255");
  expect_pickle_error(kProto2 + "h\7.", ErrorCode::kMalformed, "never stored");
  expect_pickle_error(kProto2 + "}K\1K\2e.", ErrorCode::kMalformed, "misses a mark");
  expect_pickle_error(kProto2 + "}(K\1u.", ErrorCode::kMalformed, "a key without a value");
  expect_pickle_error(kProto2 + "](K\1K\2u.", ErrorCode::kMalformed, "no dict");
  expect_pickle_error(kProto2 + "}K\1a.", ErrorCode::kMalformed, "no list");
  expect_pickle_error(kProto2 + "K\1)R.", ErrorCode::kMalformed, "cannot be called");
  expect_pickle_error(kProto2 + "K\1K\2\x93.", ErrorCode::kMalformed, "without text");
}

TEST(HostilePickle, MalformedTensors) {
  const std::string four = storage("0", number(4));
  const auto expect = [](const std::string& tensor, const std::string& message) {
    expect_pickle_error(state_dict(tensor), ErrorCode::kMalformed, message);
  };
  expect(tensor(four, number(5), number(1)), "tensor 'w': the shape (5) at element 0 reaches past");
  expect(tensor(four, number(4), number(1), number(1)), "at element 1 reaches past");
  expect(tensor(four, number(2) + number(2), number(3) + number(1)), "reaches past");
  expect(tensor(four, number(4), number(1), number(-1)), "makes no sense");
  expect(tensor(four, number(-4), number(1)), "makes no sense");
  expect(tensor(four, number(4), number(-1)), "makes no sense");
  expect(tensor(four, number(2) + number(2), number(1)), "makes no sense");
  expect(tensor(storage("0", number(5)), number(4), number(1)), "storage of 5 elements has 4");
  expect(tensor(storage("0", number(-1)), number(0), number(1)), "storage of -1 elements");
  expect(tensor(storage("7", number(4)), number(4), number(1)), "storage '7' is not in the file");
  expect(tensor(storage("0/../0", number(4)), number(4), number(1)), "is not in the file");
  expect(tensor(storage(std::string(1000, 'k'), number(4)), number(4), number(1)),
         "endless length");
  // An expanded tensor may not claim more than its storage has.
  expect(tensor(four, number(1 << 30) + number(1 << 30), number(0) + number(0)), "reaches past");
  expect(tensor(number(0), number(4), number(1)), "without a storage");
  expect(tensor(four, text("4"), number(1)), "no number");
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += number(1);
  expect(tensor(four, nine, nine), "too many dimensions");
  expect(tuple(text("matter") + number(1) + number(1) + number(1) + number(1)) + "Q", "no storage");
  expect(tuple(text("storage")) + "Q", "incompletely");
  expect(global("torch._utils", "_rebuild_tensor_v2") + ")R", "incompletely");
  expect(global("torch._utils", "_rebuild_parameter") + ")R", "without a tensor");
  expect(global("collections", "OrderedDict") + tuple(number(1)) + "R", "from what is no list");
  expect(global("collections", "OrderedDict") + tuple("](K\1e") + "R", "no pairs");
}

TEST(HostilePickle, TooLarge) {
  const std::string huge = big_number(std::int64_t{1} << 62);
  expect_pickle_error(state_dict(tensor(storage("0", number(4)), huge + huge, huge + number(1))),
                      ErrorCode::kTooLarge, "overflows");
  expect_pickle_error(
      state_dict(tensor(storage("0", number(4)), huge + number(1), number(4) + number(1))),
      ErrorCode::kTooLarge, "overflows");
  // Every byte makes an object: memory is bounded by the file's size, not by what it asks for.
  expect_pickle_error(kProto2 + std::string(4 << 20, ']'), ErrorCode::kTooLarge, "more than");
  expect_pickle_error(kProto2 + std::string(8 << 20, '('), ErrorCode::kTooLarge, "more than");
  std::string doubling = kProto2 + "]";  // a list that is appended to itself
  for (int i = 0; i < 3'000'000; ++i) doubling += "2a";
  expect_pickle_error(doubling, ErrorCode::kTooLarge, "more than");
}

TEST(HostilePickle, DuplicateNames) {
  const std::string four = tensor(storage("0", number(4)), number(4), number(1));
  expect_pickle_error(kProto2 + dict(text("w") + four + text("w") + four) + ".",
                      ErrorCode::kMalformed, "tensor 'w' is there twice");
  expect_pickle_error(kProto2 + dict(number(1) + four) + ".", ErrorCode::kMalformed,
                      "a tensor without a name");
}

TEST(HostilePickle, DeepNestingIsHarmless) {
  const std::string deep = kProto2 + std::string(100'000, ']') + std::string(99'999, 'a');
  expect_pickle_error(deep + ".", ErrorCode::kUnrecognized, "holds no state_dict");
  expect_pickle_error(kProto2 + dict(text("model") + std::string(100'000, ')')),
                      ErrorCode::kMalformed, "");
}

TEST(HostilePickle, CyclesAreHarmless) {
  const std::string list = kProto2 + "]q\0h\0a."s;  // holds itself
  expect_pickle_error(list, ErrorCode::kUnrecognized, "holds no state_dict");
  const std::string root =  // {"model": itself, "model_args": itself}
      kProto2 + "}q\0("s + text("model") + "h\0"s + text("model_args") + "h\0u."s;
  expect_pickle_error(root, ErrorCode::kUnrecognized,
                      "holds no state_dict (its keys: 'model', 'model_args')");
}

TEST(HostilePickle, RepeatedKeysTakeLinearTime) {
  // 100,000 keys "model" for one dict of 100,000 items: looking at each would be 10^10 steps.
  std::string items;
  for (int i = 0; i < 100'000; ++i) items += "K\1K\2";
  std::string root = kProto2 + dict(items) + "q\1" + text("model") + "q\2" + "}(";
  for (int i = 0; i < 100'000; ++i) root += "h\2h\1";
  const std::clock_t start = std::clock();  // of this process alone, however busy the machine
  expect_pickle_error(root + "u.", ErrorCode::kUnrecognized, "holds no state_dict");
  EXPECT_LT((std::clock() - start) / CLOCKS_PER_SEC, 2);
}

}  // namespace
}  // namespace decant
