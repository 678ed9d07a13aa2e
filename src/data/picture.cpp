#include "data/picture.hpp"

#include <ATen/ATen.h>
#include <png.h>
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csetjmp>
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "reluctance/base/error.hpp"
#include "reluctance/base/files.hpp"

namespace reluctance {
namespace {

constexpr int longest = 4096;
constexpr std::uint64_t most_picture_bytes = std::uint64_t{256} << 20;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(where + ": " + what);
}

void require_size(const std::string& where, int64_t width, int64_t height) {
  if (width >= 1 && height >= 1 && width <= longest && height <= longest) return;
  refuse(where, "has " + std::to_string(width) + " x " + std::to_string(height) +
                    " pixels; pictures have at most 4096 x 4096");
}

// libpng leaves its functions by longjmp: those that call them hold nothing that must be destroyed.
class Png {
 public:
  Png(std::string where, const std::string& bytes) : where_(std::move(where)), rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &Png::fail, &Png::ignore);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) {
      png_destroy_read_struct(&png_, &info_, nullptr);
      throw std::bad_alloc();
    }
    png_set_user_limits(png_, longest, longest);
    png_set_read_fn(png_, this, &Png::give);
  }
  ~Png() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;

  Tensor read() {
    if (!begin()) refuse_corrupt();
    const int kind = png_get_color_type(png_, info_);
    if ((kind & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png_, info_, PNG_INFO_tRNS) != 0) {
      refuse(where_, "is transparent in places; save it without an alpha channel");
    }
    if (png_get_bit_depth(png_, info_) > 8) {
      refuse(where_, "has 16 bits a channel; save it with 8");
    }
    const int64_t channels = (kind & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    const int64_t width = png_get_image_width(png_, info_);
    const int64_t height = png_get_image_height(png_, info_);
    const Tensor pixels = at::empty({height, width, channels}, at::kByte);
    std::vector<png_bytep> rows;
    for (int64_t y = 0; y < height; ++y) rows.push_back(pixels[y].data_ptr<uint8_t>());
    if (!finish(rows.data(), static_cast<std::size_t>(width * channels))) refuse_corrupt();
    return pixels.permute({2, 0, 1});
  }

 private:
  bool begin() {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_read_info(png_, info_);
    return true;
  }

  bool finish(png_bytepp rows, std::size_t row_bytes) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != row_bytes) png_error(png_, "unexpected layout");
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  [[noreturn]] void refuse_corrupt() const {
    refuse(where_, "cannot be read as PNG: " + std::string(message_.data()));
  }

  static void fail(png_structp png, png_const_charp message) {
    auto& self = *static_cast<Png*>(png_get_error_ptr(png));
    std::snprintf(self.message_.data(), self.message_.size(), "%s", message);
    png_longjmp(png, 1);
  }
  static void ignore(png_structp, png_const_charp) {}

  static void give(png_structp png, png_bytep out, std::size_t count) {
    auto& rest = static_cast<Png*>(png_get_io_ptr(png))->rest_;
    if (count > rest.size()) png_error(png, "it ends early");
    std::copy_n(rest.data(), count, out);
    rest.remove_prefix(count);
  }

  std::string where_;
  std::string_view rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::array<char, 128> message_{};
};

struct Destroy {
  void operator()(void* decoder) const { tjDestroy(decoder); }
};

Tensor read_jpeg(const std::string& where, const std::string& bytes) {
  const std::unique_ptr<void, Destroy> decoder(tjInitDecompress());
  if (!decoder) throw std::bad_alloc();
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  const auto require = [&](int code) {  // warnings too: what ends early is filled up with grey
    if (code != 0) {
      refuse(where, "cannot be read as JPEG: " + std::string(tjGetErrorStr2(decoder.get())));
    }
  };
  int width = 0;
  int height = 0;
  int sampling = 0;
  int colours = 0;
  require(tjDecompressHeader3(decoder.get(), data, size, &width, &height, &sampling, &colours));
  if (width == 0) refuse(where, "cannot be read as JPEG: it ends before its first row");
  require_size(where, width, height);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    refuse(where, "has the colours of print (CMYK); save it as RGB");
  }
  const bool grey = colours == TJCS_GRAY;
  const int channels = grey ? 1 : 3;
  const Tensor pixels = at::empty({height, width, channels}, at::kByte);
  require(tjDecompress2(decoder.get(), data, size, pixels.data_ptr<uint8_t>(), width,
                        width * channels, height, grey ? TJPF_GRAY : TJPF_RGB, 0));
  return pixels.permute({2, 0, 1});
}

}  // namespace

bool is_picture_name(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

Tensor read_picture(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, most_picture_bytes);
  // By content: many a .png is a JPEG.
  if (bytes.starts_with("\x89PNG")) return Png(path.string(), bytes).read();
  if (bytes.starts_with("\xff\xd8")) return read_jpeg(path.string(), bytes);
  refuse(path.string(), "is neither PNG nor JPEG");
}

}  // namespace reluctance
