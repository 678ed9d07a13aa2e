#include "data/pickle.hpp"

#include <ATen/ATen.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/decoding.hpp"
#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

// The largest batch of CIFAR has 155 MB and 150,000 objects.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 28;
constexpr std::size_t most_objects = std::size_t{1} << 21;

enum class Kind { none, boolean, number, text, list, tuple, dictionary, name, type, array };

// An object of the pickle, known by its place in a list of all: those that hold others hold places,
// so that a list may even hold itself.
struct Object {
  Kind kind;
  int64_t number = 0;
  std::string_view text;  // of the file: a string, a global name, an element type, an array's bytes
  std::vector<std::size_t> parts;  // an array's is its shape; keys and values alternate
};

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {}

  // The dictionary that the program leaves.
  const Object& run() {
    if (take(2) != "\x80\x02") fail("is no pickle of protocol 2");
    while (step(take_byte())) {
    }
    require(at_ == bytes_.size() && stack_.size() == 1 && marks_.empty(),
            "does not end as it should");
    return at(stack_[0], Kind::dictionary);
  }

  const Object& at(std::size_t object, Kind kind) const {
    require(objects_[object].kind == kind, "holds an object where another kind belongs");
    return objects_[object];
  }

  // What the dictionary holds under that key.
  const Object* find(const Object& dictionary, std::string_view key) const {
    const Object* found = nullptr;
    for (std::size_t i = 0; i + 1 < dictionary.parts.size(); i += 2) {
      if (at(dictionary.parts[i], Kind::text).text != key) continue;
      require(!found, "has a key twice");
      found = &objects_[dictionary.parts[i + 1]];
    }
    return found;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(what + " (byte " + std::to_string(begin_) + ")");
  }

  void require(bool fits, const char* what) const {
    if (!fits) fail(what);
  }

 private:
  std::string_view take(std::uint64_t count) {
    require(count <= bytes_.size() - at_, "ends early");
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  unsigned char take_byte() { return static_cast<unsigned char>(take(1)[0]); }

  // An unsigned number of so many bytes, the lowest first.
  std::uint32_t take_number(std::size_t size) {
    std::uint32_t number = 0;
    const std::string_view bytes = take(size);
    for (std::size_t i = 0; i < size; ++i) {
      number |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    return number;
  }

  std::string_view take_line() {
    const std::size_t end = bytes_.find('\n', at_);
    require(end != bytes_.npos, "ends early");
    const std::string_view line = take(end - at_);
    take(1);
    return line;
  }

  void push(std::size_t object) {
    require(++pushed_ <= most_objects, "holds too many objects");
    stack_.push_back(object);
  }

  void push(Object object) {
    objects_.push_back(std::move(object));
    push(objects_.size() - 1);
  }

  // The topmost objects, in the order in which they came; not those below the last mark.
  std::vector<std::size_t> pop(std::size_t count) {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    require(count <= stack_.size() - floor, "takes more objects than there are");
    const std::vector<std::size_t> popped(stack_.end() - static_cast<std::ptrdiff_t>(count),
                                          stack_.end());
    stack_.resize(stack_.size() - count);
    return popped;
  }

  std::vector<std::size_t> pop_to_mark() {
    require(!marks_.empty(), "lacks a mark");
    std::vector<std::size_t> popped = pop(stack_.size() - marks_.back());
    marks_.pop_back();
    return popped;
  }

  std::size_t top() const {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    require(stack_.size() > floor, "takes more objects than there are");
    return stack_.back();
  }

  void extend_top(Kind kind, const std::vector<std::size_t>& parts) {
    at(top(), kind);
    require(kind != Kind::dictionary || parts.size() % 2 == 0, "has a key without a value");
    std::vector<std::size_t>& own = objects_[top()].parts;
    own.insert(own.end(), parts.begin(), parts.end());
  }

  int64_t number_at(std::size_t object) const { return at(object, Kind::number).number; }
  std::string_view text_at(std::size_t object) const { return at(object, Kind::text).text; }
  std::string_view name_at(std::size_t object) const { return at(object, Kind::name).text; }

  // The two calls that describe an array: an empty one to be filled, and the type of its elements.
  void call() {
    const std::vector<std::size_t> popped = pop(2);
    const std::string_view name = name_at(popped[0]);
    const bool is_array = name == "numpy.core.multiarray\n_reconstruct";
    require(is_array || name == "numpy\ndtype",
            "calls something else than what describes an array");
    const std::vector<std::size_t>& given = at(popped[1], Kind::tuple).parts;
    require(given.size() == 3, "describes an array of another kind");
    if (is_array) {
      const std::vector<std::size_t>& shape = at(given[1], Kind::tuple).parts;
      require(name_at(given[0]) == "numpy\nndarray" && shape.size() == 1 &&
                  number_at(shape[0]) == 0 && text_at(given[2]) == "b",
              "describes an array of another kind");
      push({Kind::array, 0, {}, {}});
    } else {
      require(number_at(given[1]) == 0 && number_at(given[2]) == 1,
              "describes an array of another kind");
      push({Kind::type, 0, text_at(given[0]), {}});
    }
  }

  // Fills the array, or says more of the type, as their __setstate__ would.
  void build() {
    const std::vector<std::size_t>& state = at(pop(1)[0], Kind::tuple).parts;
    Object& object = objects_[top()];
    if (object.kind == Kind::type) {
      require(state.size() == 8 && number_at(state[0]) == 3 && text_at(state[1]) == "|" &&
                  number_at(state[5]) == -1 && number_at(state[6]) == -1 &&
                  number_at(state[7]) == 0,
              "has another type of numbers than bytes");
      for (std::size_t i = 2; i < 5; ++i) at(state[i], Kind::none);
      return;
    }
    require(object.kind == Kind::array && object.parts.empty() && state.size() == 5,
            "fills something else than an array");
    const bool by_columns = at(state[3], Kind::boolean).number != 0;
    require(number_at(state[0]) == 1 && at(state[2], Kind::type).text == "u1" && !by_columns,
            "has an array of another kind than rows of bytes");
    at(state[1], Kind::tuple);
    object.parts = {state[1]};  // shared, however many arrays have that shape
    object.text = text_at(state[4]);
  }

  void remember(std::uint32_t number) {
    require(memo_.size() < most_objects, "holds too many objects");
    memo_[number] = top();
  }

  void recall(std::uint32_t number) {
    const auto found = memo_.find(number);
    require(found != memo_.end(), "recalls what it did not remember");
    push(found->second);
  }

  void mark() {
    require(marks_.size() < most_objects, "holds too many objects");
    marks_.push_back(stack_.size());
  }

  // Module and name, as two lines.
  void name() {
    const std::size_t begin = at_;
    take_line();
    take_line();
    push({Kind::name, 0, bytes_.substr(begin, at_ - 1 - begin), {}});
  }

  // One instruction; false for the last one.
  bool step(unsigned char code) {
    begin_ = at_ - 1;
    switch (code) {
      case '.':
        return false;
      case '(':
        mark();
        break;
      case 'q':
      case 'r':
        remember(take_number(code == 'q' ? 1 : 4));
        break;
      case 'h':
      case 'j':
        recall(take_number(code == 'h' ? 1 : 4));
        break;
      case 'N':
        push({Kind::none, 0, {}, {}});
        break;
      case 0x88:
      case 0x89:
        push({Kind::boolean, code == 0x88, {}, {}});
        break;
      case 'K':
      case 'M':
        push({Kind::number, take_number(code == 'K' ? 1 : 2), {}, {}});
        break;
      case 'J':
        push({Kind::number, static_cast<std::int32_t>(take_number(4)), {}, {}});
        break;
      case 'U':
      case 'T':
        push({Kind::text, 0, take(take_number(code == 'U' ? 1 : 4)), {}});
        break;
      case ']':
        push({Kind::list, 0, {}, {}});
        break;
      case 'a':
        extend_top(Kind::list, pop(1));
        break;
      case 'e':
        extend_top(Kind::list, pop_to_mark());
        break;
      case '}':
        push({Kind::dictionary, 0, {}, {}});
        break;
      case 's':
        extend_top(Kind::dictionary, pop(2));
        break;
      case 'u':
        extend_top(Kind::dictionary, pop_to_mark());
        break;
      case 0x85:
      case 0x86:
      case 0x87:
        push({Kind::tuple, 0, {}, pop(code - std::size_t{0x84})});
        break;
      case 't':
        push({Kind::tuple, 0, {}, pop_to_mark()});
        break;
      case 'c':
        name();
        break;
      case 'R':
        call();
        break;
      case 'b':
        build();
        break;
      default:
        fail("has the instruction " + std::to_string(code) + ", which CIFAR's batches do not have");
    }
    return true;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;     // the next byte
  std::size_t begin_ = 0;  // of the instruction
  std::size_t pushed_ = 0;
  std::vector<Object> objects_;
  std::vector<std::size_t> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint32_t, std::size_t> memo_;
};

Tensor array_of(const Machine& machine, const Object& array) {
  machine.require(!array.parts.empty(), "has an array without rows of bytes");
  Shape shape;
  for (const std::size_t part : machine.at(array.parts[0], Kind::tuple).parts) {
    shape.push_back(machine.at(part, Kind::number).number);
  }
  machine.require(shape.size() == 2 && shape[0] > 0 && shape[1] > 0,
                  "has an array without rows of bytes");
  machine.require(bounded_bytes("its array", shape, 1) == static_cast<int64_t>(array.text.size()),
                  "has an array of another size than its bytes");
  const Tensor values = at::empty(shape, at::kByte);
  std::memcpy(values.data_ptr(), array.text.data(), array.text.size());
  return values;
}

Tensor numbers_of(const Machine& machine, const Object& list) {
  const Tensor values = at::empty({static_cast<int64_t>(list.parts.size())}, at::kLong);
  auto* value = values.data_ptr<int64_t>();
  for (const std::size_t part : list.parts) *value++ = machine.at(part, Kind::number).number;
  return values;
}

}  // namespace

std::pair<Tensor, Tensor> read_pickled_batch(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, most_bytes);
  try {
    Machine machine(bytes);
    const Object& batch = machine.run();
    const Object* data = machine.find(batch, "data");
    const Object* labels = machine.find(batch, "labels");
    machine.require(data && data->kind == Kind::array, "has no array 'data'");
    machine.require(labels && labels->kind == Kind::list, "has no list 'labels'");
    return {array_of(machine, *data), numbers_of(machine, *labels)};
  } catch (const Error& error) {
    const std::string name = path.filename().string();
    throw Error(path.string() + ": " + error.what() +
                "; if you trust it, make an NPZ file of it: python3 -c \"import numpy, pickle; d = "
                "pickle.load(open('" +
                name + "', 'rb'), encoding='latin1'); numpy.savez('" + name +
                ".npz', images=d['data'].reshape(-1, 3, 32, 32), labels=d['labels'])\"");
  }
}

}  // namespace reluctance
