// The pickle machine: one pass over the opcodes, a stack, and a memo. It builds values and tensor
// descriptions; whatever would call a function ends in Error(kForbidden).
#include "pickle.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "pickle_globals.h"
#include "pickle_input.h"
#include "pickle_opcodes.h"

namespace decant {
namespace {

// What one value costs at most: itself, and as much again while its vector grows.
constexpr std::uint64_t kItemCost = 2 * sizeof(PickleValue);
constexpr std::uint64_t kNodeCost = 96;     // a container's or a storage's own record; a memo entry
constexpr std::uint64_t kTensorCost = 320;  // its record, shape and strides

// PyTorch's keys are small numbers. A long one, looked up for every tensor, would cost n * n.
constexpr std::size_t kMaxKey = 64;

// No part of a model has more dimensions than four.
constexpr std::size_t kMaxRank = 8;

class Machine {
 public:
  Machine(const FileBytes& file, std::span<const std::byte> pickle, std::uint64_t memory)
      : input_(file, pickle), budget_(memory) {}

  PickleDocument run() {
    while (!stopped_) step(input_.take<std::uint8_t>());
    document_.size = input_.position();
    return std::move(document_);
  }

 private:
  void charge(std::uint64_t bytes) {
    if (bytes > budget_)
      input_.fail(ErrorCode::kTooLarge, "describes more than a checkpoint can hold");
    budget_ -= bytes;
  }

  // ---- Stack and memo

  void push(PickleValue value) {
    if (stack_.size() == highest_) {
      charge(kItemCost);
      ++highest_;
    }
    stack_.push_back(value);
  }

  // Values below the innermost mark belong to an outer construction.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleValue pop() {
    if (stack_.size() <= floor()) input_.malformed("takes from an empty stack");
    const PickleValue value = stack_.back();
    stack_.pop_back();
    return value;
  }

  const PickleValue& top() const {
    if (stack_.size() <= floor()) input_.malformed("takes from an empty stack");
    return stack_.back();
  }

  // Removes and returns what stands above the innermost mark, and the mark.
  std::vector<PickleValue> pop_mark() {
    if (marks_.empty()) input_.malformed("misses a mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue> values(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return values;
  }

  void mark() {
    charge(kItemCost);
    marks_.push_back(stack_.size());
  }

  void put(std::uint64_t index) {
    charge(kNodeCost);
    memo_[index] = top();
  }

  void get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) input_.malformed("recalls a value that it never stored");
    push(found->second);
  }

  // ---- Containers

  std::uint32_t add_container(std::vector<PickleValue> values) {
    charge(kNodeCost + values.size() * kItemCost);
    document_.containers.push_back(std::move(values));
    return static_cast<std::uint32_t>(document_.containers.size() - 1);
  }

  void push_tuple(std::size_t size) {
    if (stack_.size() - floor() < size) input_.malformed("takes from an empty stack");
    const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(size);
    std::vector<PickleValue> values(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    push(PickleTuple{add_container(std::move(values))});
  }

  template <typename Container>
  void extend(std::span<const PickleValue> values, const char* what) {
    const auto* container = std::get_if<Container>(&top());
    if (container == nullptr) input_.malformed(std::string("adds items to what is no ") + what);
    charge(values.size() * kItemCost);
    auto& items = document_.containers[container->index];
    items.insert(items.end(), values.begin(), values.end());
  }

  void set_items(const std::vector<PickleValue>& values) {
    if (values.size() % 2 != 0) input_.malformed("has a key without a value");
    extend<PickleDict>(values, "dict");
  }

  // ---- Globals

  void push_global(std::string_view module, std::string_view name) {
    if (const std::optional<std::uint32_t> known = find_global(module, name)) {
      return push(PickleGlobal{*known});
    }
    // At the root it would be a whole module, which says nothing about its tensors' names.
    if (stack_.empty() || !makes_object(input_.rest())) forbid(module, name);
    push(PickleClass{});
  }

  [[noreturn]] void forbid(std::string_view module, std::string_view name) const {
    const std::string_view hint = forbidden_hint(module, input_.rest(), /*is_root=*/stack_.empty());
    const std::string full = std::string(module) + "." + std::string(name);
    input_.fail(ErrorCode::kForbidden, "wants to run " + quote(full) + ": " + std::string(hint));
  }

  [[noreturn]] void forbid(PickleValue callee) const {
    const auto* global = std::get_if<PickleGlobal>(&callee);
    if (global == nullptr) input_.malformed("calls what cannot be called");
    forbid(known_global(global->known).module, known_global(global->known).name);
  }

  void push_stack_global() {
    const PickleValue name = pop();
    const PickleValue module = pop();
    const auto* name_text = std::get_if<std::string_view>(&name);
    const auto* module_text = std::get_if<std::string_view>(&module);
    if (name_text == nullptr || module_text == nullptr)
      input_.malformed("names a global without text");
    push_global(*module_text, *name_text);
  }

  std::vector<std::int64_t> integers(const PickleValue& value) const {
    const auto* tuple = std::get_if<PickleTuple>(&value);
    if (tuple == nullptr) input_.malformed("gives a tensor a shape that is no tuple");
    const auto items = document_.items(*tuple);
    if (items.size() > kMaxRank) input_.malformed("gives a tensor too many dimensions");
    std::vector<std::int64_t> numbers;
    numbers.reserve(items.size());
    for (const PickleValue& item : items) {
      const auto* number = std::get_if<std::int64_t>(&item);
      if (number == nullptr) input_.malformed("gives a tensor a shape that is no number");
      numbers.push_back(*number);
    }
    return numbers;
  }

  // _rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, backward_hooks)
  PickleValue rebuild_tensor(std::span<const PickleValue> arguments) {
    if (arguments.size() < 4) input_.malformed("describes a tensor incompletely");
    const auto* storage = std::get_if<PickleStorageRef>(&arguments[0]);
    const auto* offset = std::get_if<std::int64_t>(&arguments[1]);
    if (storage == nullptr || offset == nullptr)
      input_.malformed("describes a tensor without a storage");
    charge(kTensorCost);
    document_.tensors.push_back(
        {storage->index, *offset, integers(arguments[2]), integers(arguments[3])});
    return PickleTensorRef{static_cast<std::uint32_t>(document_.tensors.size() - 1)};
  }

  // OrderedDict() or OrderedDict([(key, value), ...])
  PickleValue make_dict(std::span<const PickleValue> arguments) {
    std::vector<PickleValue> values;
    if (!arguments.empty()) {
      const auto* list = std::get_if<PickleList>(&arguments[0]);
      if (list == nullptr) input_.malformed("makes a dict from what is no list");
      for (const PickleValue& item : document_.items(*list)) {
        const auto* pair = std::get_if<PickleTuple>(&item);
        if (pair == nullptr || document_.items(*pair).size() != 2) {
          input_.malformed("makes a dict from what are no pairs");
        }
        charge(2 * kItemCost);
        for (const PickleValue& value : document_.items(*pair)) values.push_back(value);
      }
    }
    return PickleDict{add_container(std::move(values))};
  }

  void reduce() {
    const PickleValue argument = pop();
    const PickleValue callee = pop();
    const auto* global = std::get_if<PickleGlobal>(&callee);
    const auto* tuple = std::get_if<PickleTuple>(&argument);
    if (global == nullptr || tuple == nullptr) input_.malformed("calls what cannot be called");
    const auto arguments = document_.items(*tuple);
    switch (known_global(global->known).callable) {
      case Callable::kOrderedDict:
        return push(make_dict(arguments));
      case Callable::kRebuildTensor:
        return push(rebuild_tensor(arguments));
      case Callable::kRebuildParameter:  // (tensor, requires_grad, backward_hooks)
        if (arguments.empty() || !std::holds_alternative<PickleTensorRef>(arguments[0])) {
          input_.malformed("describes a parameter without a tensor");
        }
        return push(arguments[0]);
      case Callable::kUnused:
        return push(PickleOpaque{});
      case Callable::kStorage:
      case Callable::kDtype:
        forbid(callee);
    }
  }

  // The persistent id ('storage', type, key, location, element count) stands for a storage. The old
  // format has a sixth item, None, or a view of another storage, and ids for whole modules.
  void push_storage() {
    const PickleValue id = pop();
    const auto* tuple = std::get_if<PickleTuple>(&id);
    if (tuple == nullptr) input_.malformed("has a persistent id that is no tuple");
    const auto items = document_.items(*tuple);
    const auto* kind = items.empty() ? nullptr : std::get_if<std::string_view>(&items[0]);
    if (kind != nullptr && *kind == "module") {
      input_.fail(ErrorCode::kForbidden, "holds a whole module; save model.state_dict() instead");
    }
    if (items.size() < 5) input_.malformed("describes a storage incompletely");
    if (items.size() > 5 && !std::holds_alternative<PickleNone>(items[5])) {
      input_.fail(
          ErrorCode::kUnsupported,
          "describes a storage as a part of another; load it in a newer PyTorch and save it again");
    }
    const auto* type = std::get_if<PickleGlobal>(&items[1]);
    const auto* key = std::get_if<std::string_view>(&items[2]);
    const auto* count = std::get_if<std::int64_t>(&items[4]);
    if (kind == nullptr || *kind != "storage" || type == nullptr || key == nullptr ||
        count == nullptr || known_global(type->known).callable != Callable::kStorage) {
      input_.malformed("has a persistent id that is no storage");
    }
    if (key->size() > kMaxKey) input_.malformed("gives a storage a key of endless length");
    charge(kNodeCost);
    document_.storages.push_back({known_global(type->known).name, *key, *count});
    push(PickleStorageRef{static_cast<std::uint32_t>(document_.storages.size() - 1)});
  }

  // What has just been made stays without attributes until build() gives it some.
  void new_object() {
    const PickleValue arguments = pop();
    const PickleValue type = pop();
    const auto* tuple = std::get_if<PickleTuple>(&arguments);
    if (!std::holds_alternative<PickleClass>(type)) forbid(type);
    if (tuple == nullptr || !document_.items(*tuple).empty()) {
      input_.fail(ErrorCode::kForbidden,
                  "makes an object out of arguments; save it as a dict instead");
    }
    push(PickleObject{add_container({})});
  }

  // An OrderedDict's attributes (a state_dict's _metadata) say nothing about tensors.
  void build() {
    const PickleValue state = pop();
    if (std::holds_alternative<PickleDict>(top())) return;
    const auto* dict = std::get_if<PickleDict>(&state);
    if (!std::holds_alternative<PickleObject>(top()) || dict == nullptr) {
      input_.fail(ErrorCode::kForbidden, "sets the state of what is no plain object");
    }
    extend<PickleObject>(document_.items(*dict), "object");
  }

  // ---- Opcodes

  void step(std::uint8_t opcode) {
    switch (opcode) {
      case kProto:
        if (const auto version = input_.take<std::uint8_t>(); version < 2 || version > 5) {
          input_.fail(ErrorCode::kUnsupported,
                      "has protocol " + std::to_string(version) + "; Decant reads 2 to 5");
        }
        return;
      case kFrame:  // a hint for buffering
        input_.take<std::uint64_t>();
        return;
      case kStop:
        document_.root = pop();
        stopped_ = true;
        return;
      case kMark:
        return mark();
      case kPop:
        // As in Python, where nothing stands above a mark, the mark goes.
        if (!marks_.empty() && stack_.size() == marks_.back()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return;
      case kPopMark:
        pop_mark();
        return;
      case kDup:
        return push(PickleValue(top()));
      case kBinGet:
        return get(input_.take<std::uint8_t>());
      case kLongBinGet:
        return get(input_.take<std::uint32_t>());
      case kBinPut:
        return put(input_.take<std::uint8_t>());
      case kLongBinPut:
        return put(input_.take<std::uint32_t>());
      case kMemoize:
        return put(memo_.size());
      default:
        if (std::optional<PickleValue> scalar = input_.take_scalar(opcode)) return push(*scalar);
        if (!step_container(opcode)) step_global(opcode);
    }
  }

  bool step_container(std::uint8_t opcode) {
    switch (opcode) {
      case kEmptyTuple:
        push_tuple(0);
        return true;
      case kTuple1:
        push_tuple(1);
        return true;
      case kTuple2:
        push_tuple(2);
        return true;
      case kTuple3:
        push_tuple(3);
        return true;
      case kTuple:
        push(PickleTuple{add_container(pop_mark())});
        return true;
      case kEmptyList:
        push(PickleList{add_container({})});
        return true;
      case kEmptyDict:
        push(PickleDict{add_container({})});
        return true;
      case kAppend:
        extend<PickleList>(std::array{pop()}, "list");
        return true;
      case kAppends:
        extend<PickleList>(pop_mark(), "list");
        return true;
      case kSetItem: {
        const PickleValue value = pop();
        const PickleValue key = pop();
        set_items({key, value});
        return true;
      }
      case kSetItems:
        set_items(pop_mark());
        return true;
      default:
        return false;
    }
  }

  void step_global(std::uint8_t opcode) {
    switch (opcode) {
      case kGlobal: {
        const std::string_view module = input_.take_line();
        return push_global(module, input_.take_line());
      }
      case kStackGlobal:
        return push_stack_global();
      case kReduce:
        return reduce();
      case kBuild:
        return build();
      case kBinPersId:
        return push_storage();
      case kInst: {
        const std::string_view module = input_.take_line();
        forbid(module, input_.take_line());
      }
      case kNewObj:
        return new_object();
      case kNewObjEx:
      case kObj:
      case kExt1:
      case kExt2:
      case kExt4:
        input_.fail(ErrorCode::kForbidden,
                    "makes an object of a class; save model.state_dict() instead");
      case kEmptySet:
      case kFrozenSet:
        input_.fail(ErrorCode::kUnsupported, "holds a set; save model.state_dict() without it");
      default:
        input_.fail(
            std::string_view("FILPSVdglp").find(static_cast<char>(opcode)) != std::string_view::npos
                ? ErrorCode::kUnsupported
                : ErrorCode::kMalformed,
            "uses opcode " + std::to_string(opcode) + " at its byte " +
                std::to_string(input_.position() - 1) + ", which is none of protocols 2 to 5");
    }
  }

  PickleInput input_;
  std::uint64_t budget_;  // bytes that may still be taken
  bool stopped_ = false;
  std::vector<PickleValue> stack_;
  std::size_t highest_ = 0;         // the tallest that the stack has been
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, PickleValue> memo_;
  PickleDocument document_;
};

}  // namespace

PickleDocument read_pickle(const FileBytes& file, std::span<const std::byte> pickle,
                           std::optional<std::uint64_t> memory) {
  const std::uint64_t usual = 2 * std::uint64_t{file.bytes.size()} + (std::uint64_t{32} << 20);
  return Machine(file, pickle, memory.value_or(usual)).run();
}

}  // namespace decant
