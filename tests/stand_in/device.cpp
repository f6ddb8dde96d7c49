// A GPU that is none: memory of this machine which torch takes for that of CUDA devices, computed on by the CPU's own
// kernels. What a GPU refuses is refused (tensors of two devices, memory beyond its end), and what a GPU does in its own
// time is not there before it is waited for. See tests/stand_in/__init__.py.
//
// Of torch it uses what a backend of somebody else's would: an allocator, a device guard, hooks, and kernels of a
// dispatch key, of which there are none in a build for CPUs.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/extension.h>
#include <torch/library.h>

#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

using at::Tensor;
using c10::Device;
using c10::DeviceIndex;
using c10::DeviceType;
using Stack = torch::jit::Stack;

namespace {

constexpr int kDevices = 2;
constexpr size_t kTotal = size_t(8) << 30;
const c10::DispatchKeySet kKeys(c10::DispatchKey::CUDA);

std::recursive_mutex lock;
thread_local DeviceIndex current = 0;

Device device_or_current(std::optional<Device> device) {
  return device && device->has_index() ? *device : Device(DeviceType::CUDA, current);
}

// ---------------------------------------------------------------------------------------------------------- waiting

std::map<std::string, int64_t> counts;
bool waiting_is_an_error = false;

void happened(const std::string& what, bool waits = false) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  counts[what]++;
  if (waits && waiting_is_an_error) {
    waiting_is_an_error = false;  // what is done on the way out may wait
    TORCH_CHECK(false, "called a synchronizing CUDA operation (stand-in): ", what);
  }
}

// A copy that is not waited for. What comes from a device is there only once somebody waits; what goes to it must not
// change before.
struct Copy {
  char* host;
  std::vector<char> bytes;
  bool arrives;
};
std::vector<Copy> on_their_way;

void wait_for_copies() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  std::vector<Copy> copies;
  copies.swap(on_their_way);
  for (const Copy& copy : copies) {
    if (copy.arrives) {
      std::memcpy(copy.host, copy.bytes.data(), copy.bytes.size());
    } else {
      TORCH_CHECK(!std::memcmp(copy.host, copy.bytes.data(), copy.bytes.size()),
                  "pinned memory was changed while its copy to a device was on its way (stand-in)");
    }
  }
}

// ----------------------------------------------------------------------------------------------------------- memory

struct Block {
  size_t bytes;
  DeviceIndex device;
};
std::unordered_map<void*, Block> blocks;
size_t allocated[kDevices], peak[kDevices], limit[kDevices] = {kTotal, kTotal};

void give_back(void* begin) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  auto found = blocks.find(begin);
  if (found == blocks.end()) return;
  allocated[found->second.device] -= found->second.bytes;
  blocks.erase(found);
  c10::free_cpu(begin);
}

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    std::lock_guard<std::recursive_mutex> guard(lock);
    const Device device(DeviceType::CUDA, current);
    if (!bytes) return {nullptr, nullptr, &give_back, device};
    TORCH_CHECK_WITH(OutOfMemoryError, allocated[current] + bytes <= limit[current],
                     "CUDA out of memory. Tried to allocate ", bytes, " bytes (stand-in)");
    void* begin = c10::alloc_cpu(bytes);
    std::memset(begin, 0xFF, bytes);  // not a number: nobody may count on what is there
    blocks[begin] = {bytes, current};
    allocated[current] += bytes;
    peak[current] = std::max(peak[current], allocated[current]);
    return {begin, begin, &give_back, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
} memory;

std::map<const char*, size_t> pinned;

bool is_pinned(const void* place) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  auto at = static_cast<const char*>(place);
  auto after = pinned.upper_bound(at);
  if (after == pinned.begin()) return false;
  --after;
  return at < after->first + after->second;
}

void unpin(void* begin) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  auto at = static_cast<const char*>(begin);
  const size_t bytes = pinned[at];
  for (Copy& copy : on_their_way)  // torch keeps such memory until the copy is done
    if (copy.host >= at && copy.host < at + bytes) copy.bytes.clear();
  pinned.erase(at);
  c10::free_cpu(begin);
}

struct PinnedMemory final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    std::lock_guard<std::recursive_mutex> guard(lock);
    void* begin = c10::alloc_cpu(std::max<size_t>(bytes, 1));
    pinned[static_cast<const char*>(begin)] = bytes;
    return {begin, begin, &unpin, Device(DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &unpin; }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
} pinned_memory;

// ------------------------------------------------------------------------------------------------ devices and hooks

struct Guard final : c10::impl::DeviceGuardImplInterface {
  DeviceType type() const override { return DeviceType::CUDA; }
  Device getDevice() const override { return {DeviceType::CUDA, current}; }
  void setDevice(Device device) const override {
    TORCH_CHECK(device.index() >= 0 && device.index() < kDevices, "CUDA error: invalid device ordinal (stand-in)");
    current = device.index();
  }
  void uncheckedSetDevice(Device device) const noexcept override {
    if (device.index() >= 0) current = device.index();
  }
  Device exchangeDevice(Device device) const override {
    const Device before = getDevice();
    setDevice(device);
    return before;
  }
  DeviceIndex deviceCount() const noexcept override { return kDevices; }
  c10::Stream getStream(Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getNewStream(Device device, int) const override { return getStream(device); }
  c10::Stream getStreamFromGlobalPool(Device device, bool) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  void record(void** event, const c10::Stream&, DeviceIndex, c10::EventFlag) const override { *event = &lock; }
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, DeviceIndex) const noexcept override {}
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override { wait_for_copies(); }
  void synchronizeEvent(void*) const override { wait_for_copies(); }
  void synchronizeDevice(DeviceIndex) const override { wait_for_copies(); }
  void recordDataPtrOnStream(const c10::DataPtr&, const c10::Stream&) const override {}
} the_guard;

std::vector<at::Generator>& generators() {
  static std::vector<at::Generator> own = {at::detail::createCPUGenerator(1), at::detail::createCPUGenerator(2)};
  return own;
}

struct Hooks final : at::CUDAHooksInterface {
  explicit Hooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasCUDART() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  const at::Generator& getDefaultGenerator(DeviceIndex device = -1) const override {
    return generators()[device < 0 ? current : device];
  }
  at::Generator getNewGenerator(DeviceIndex = -1) const override { return at::detail::createCPUGenerator(); }
  Device getDeviceFromPtr(void*) const override { return the_guard.getDevice(); }
  bool isPinnedPtr(const void* place) const override { return is_pinned(place); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned_memory; }
  c10::Allocator* getCUDADeviceAllocator() const override { return &memory; }
  int getNumGPUs() const override { return kDevices; }
  DeviceIndex deviceCount() const override { return kDevices; }
  DeviceIndex current_device() const override { return current; }
  DeviceIndex getCurrentDevice() const override { return current; }
  void setCurrentDevice(DeviceIndex device) const override { current = device; }
  DeviceIndex exchangeDevice(DeviceIndex device) const override { return std::exchange(current, device); }
  DeviceIndex maybeExchangeDevice(DeviceIndex device) const override {
    return device < 0 ? current : std::exchange(current, device);
  }
  void deviceSynchronize(DeviceIndex) const override { wait_for_copies(); }
};

const bool registered = [] {
  c10::SetAllocator(DeviceType::CUDA, &memory, 1);
  c10::impl::registerDeviceGuard(DeviceType::CUDA, &the_guard);
  return true;
}();

// ---------------------------------------------------------------------------------------------------------- tensors

Tensor make(at::IntArrayRef size, at::IntArrayRef stride, at::ScalarType type, Device device) {
  c10::DeviceGuard guard(device);
  return at::detail::empty_strided_generic(size, stride, &memory, kKeys, type);
}

Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
             std::optional<Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  c10::DeviceGuard guard(device_or_current(device));
  const auto own = type.value_or(at::typeMetaToScalarType(at::get_default_dtype()));
  return at::detail::empty_generic(size, &memory, kKeys, own, format);
}

Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type,
                     std::optional<at::Layout>, std::optional<Device> device, std::optional<bool>) {
  const auto own = type.value_or(at::typeMetaToScalarType(at::get_default_dtype()));
  return make(size, stride, own, device_or_current(device));
}

const Tensor& put(const Tensor& self, c10::Storage storage, int64_t offset, at::IntArrayRef size, at::IntArrayRef stride) {
  const std::vector<int64_t> sizes = size.vec(), strides = stride.vec();  // they may be its own
  auto* own = self.unsafeGetTensorImpl();
  own->set_storage_keep_dtype(std::move(storage));
  own->set_sizes_and_strides(sizes, strides, offset);
  return self;
}

size_t reach(const Tensor& tensor) {  // bytes from its first number to its last
  if (!tensor.numel()) return 0;
  int64_t last = 0;
  for (int64_t at = 0; at < tensor.dim(); ++at) last += (tensor.size(at) - 1) * tensor.stride(at);
  return (last + 1) * tensor.element_size();
}

Tensor lent(const Tensor& tensor) {  // the same memory as a tensor of the CPU
  if (!tensor.defined() || !tensor.is_cuda()) return tensor;
  Tensor found = tensor.numel()
      ? at::from_blob(const_cast<void*>(tensor.const_data_ptr()), tensor.sizes(), tensor.strides(),
                      at::TensorOptions().dtype(tensor.dtype()).device(at::kCPU))
      : at::detail::empty_strided_cpu(tensor.sizes(), tensor.strides(), tensor.scalar_type());
  if (tensor.unsafeGetTensorImpl()->is_wrapped_number()) found.unsafeGetTensorImpl()->set_wrapped_number(true);
  if (tensor.is_conj()) found = found.conj();
  return tensor.is_neg() ? at::_neg_view(found) : found;
}

Tensor taken(const Tensor& tensor, Device device) {  // a tensor of the CPU, as one of the device
  Tensor found = make(tensor.sizes(), tensor.strides(), tensor.scalar_type(), device);
  if (tensor.numel()) std::memcpy(found.mutable_data_ptr(), tensor.const_data_ptr(), reach(tensor));
  return found;
}

Tensor& copy_(Tensor& self, const Tensor& source, bool non_blocking) {
  const bool up = self.is_cuda() && !source.is_cuda(), down = !self.is_cuda() && source.is_cuda();
  Tensor from = lent(source), to = lent(self);
  if (up || down) {
    const Tensor& host = up ? source : self;
    const bool as_it_lies = host.is_contiguous() || (up && host.is_non_overlapping_and_dense());
    const bool free = non_blocking && host.numel() && as_it_lies && is_pinned(host.const_data_ptr());
    happened(up ? "copy to a device" : "copy from a device");
    auto* begin = static_cast<char*>(const_cast<void*>(host.const_data_ptr()));
    if (!free) {
      happened(up ? "waited-for copy to a device" : "waited-for copy from a device", true);
      wait_for_copies();
    } else if (down) {
      const Tensor all = from.to(self.scalar_type()).expand(self.sizes()).contiguous();
      auto* bytes = static_cast<const char*>(all.const_data_ptr());
      std::lock_guard<std::recursive_mutex> guard(lock);
      on_their_way.push_back({begin, {bytes, bytes + all.nbytes()}, true});
      std::memset(begin, 0xFF, all.nbytes());
      return self;
    } else {
      std::lock_guard<std::recursive_mutex> guard(lock);
      on_their_way.push_back({begin, {begin, begin + reach(host)}, false});
    }
  }
  to.copy_(from);
  return self;
}

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, const std::optional<Tensor>& mask,
                 double dropout, bool causal, std::optional<double> scale, bool grouped) {
  std::optional<Tensor> added = mask;
  if (mask && mask->defined() && mask->scalar_type() == at::kBool)
    added = at::zeros_like(*mask, query.options())
                .masked_fill_(mask->logical_not(), -std::numeric_limits<double>::infinity());
  return std::get<0>(at::_scaled_dot_product_attention_math(query, key, value, added, dropout, causal, std::nullopt,
                                                            scale, grouped));
}

// -------------------------------------------------------------------------- all else: by the CPU's kernels, in place

// What a GPU is waited for by: numbers that the program reads, and shapes that depend on numbers.
const std::set<std::string> kLooks = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal",
                                      "aten::_unique2", "aten::unique_dim", "aten::unique_consecutive", "aten::bincount",
                                      "aten::repeat_interleave"};
const std::set<std::string> kIndexing = {"aten::index", "aten::index_put_", "aten::_index_put_impl_"};

[[noreturn]] void refuse(const std::string& name, Device one, const std::string& other) {
  TORCH_CHECK(false, "Expected all tensors to be on the same device, but found at least two devices, ", one, " and ",
              other, "! (stand-in, in ", name, ")");
}

// The tensors of a call, of the device and as they are lent to the CPU.
struct Lending {
  explicit Lending(std::string name) : name(std::move(name)) {}

  Tensor operator()(const Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (!tensor.is_cuda()) {
      foreign = foreign || tensor.dim() > 0;  // single numbers may come from the host
      return tensor;
    }
    if (device && *device != tensor.device()) refuse(name, *device, tensor.device().str());
    device = tensor.device();
    masks = masks || tensor.scalar_type() == at::kBool || tensor.scalar_type() == at::kByte;
    pairs.emplace_back(tensor, lent(tensor));
    return pairs.back().second;
  }

  Tensor home(const Tensor& tensor, Device where) const {
    if (!tensor.defined() || tensor.is_cuda()) return tensor;
    for (const auto& [own, given] : pairs)
      if (given.is_same(tensor)) return own;
    for (const auto& [own, given] : pairs)
      if (tensor.numel() && given.numel() && given.storage().data() == tensor.storage().data()) {  // a view
        const auto* begin = static_cast<const char*>(own.storage().data());
        const auto* at = static_cast<const char*>(tensor.const_data_ptr());
        const auto offset = (at - begin) / static_cast<int64_t>(tensor.element_size());
        return put(make({0}, {1}, tensor.scalar_type(), where), own.storage(), offset, tensor.sizes(), tensor.strides());
      }
    return taken(tensor, where);
  }

  std::string name;
  std::optional<Device> device;
  bool foreign = false, masks = false;
  std::vector<std::pair<Tensor, Tensor>> pairs;
};

void by_the_cpu(const c10::OperatorHandle& op, Stack* stack) {
  const auto& schema = op.schema();
  const auto& arguments = schema.arguments();
  const std::string name = op.operator_name().name;
  happened("operations");
  if (kLooks.count(name)) {
    happened(name, true);
    wait_for_copies();
  }
  const size_t begin = stack->size() - arguments.size();
  Lending lend(name);
  std::optional<Device> asked;
  std::vector<std::pair<Tensor, Tensor>> growing;  // what is written to and empty may be given another size
  for (size_t at = 0; at < arguments.size(); ++at) {
    c10::IValue& value = (*stack)[begin + at];
    if (value.isTensor()) {
      const Tensor own = value.toTensor();
      value = lend(own);
      const auto* alias = arguments[at].alias_info();
      if (alias && alias->isWrite() && own.defined() && !own.numel()) growing.emplace_back(own, value.toTensor());
    } else if (value.isTensorList()) {
      auto list = value.toTensorVector();
      for (Tensor& tensor : list) tensor = lend(tensor);
      value = c10::List<Tensor>(list);
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<Tensor>> list;
      lend.masks = false;
      for (const std::optional<Tensor> tensor : value.toOptionalTensorList())
        list.push_back(tensor ? std::optional<Tensor>(lend(*tensor)) : std::nullopt);
      if (lend.masks && kIndexing.count(name)) happened(name + " by a mask", true);
      value = list;
    } else if (value.isDevice()) {
      asked = value.toDevice().is_cuda() ? device_or_current(value.toDevice()) : value.toDevice();
      value = Device(DeviceType::CPU);
    } else if (value.isNone() && arguments[at].type()->str().find("Generator") != std::string::npos) {
      value = generators()[current];
    }
  }
  if (lend.device && lend.foreign) refuse(name, *lend.device, "cpu");
  op.callBoxed(stack);
  const Device where = device_or_current(lend.device ? lend.device : asked);
  for (const auto& [own, given] : growing)
    if (given.numel()) {
      const Tensor grown = taken(given, where);
      put(own, grown.storage(), 0, grown.sizes(), grown.strides());
    }
  if (asked && !asked->is_cuda()) return;
  for (size_t at = stack->size() - schema.returns().size(); at < stack->size(); ++at) {
    c10::IValue& value = (*stack)[at];
    if (value.isTensor()) {
      value = lend.home(value.toTensor(), where);
    } else if (value.isTensorList()) {
      auto list = value.toTensorVector();
      for (Tensor& tensor : list) tensor = lend.home(tensor, where);
      value = c10::List<Tensor>(list);
    }
  }
}

}  // namespace

namespace at {
C10_REGISTER_TYPED_CLASS(CUDAHooksRegistry, "CUDAHooks", ::Hooks)
}

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&by_the_cpu>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("copy_", copy_);
  m.impl("view", at::native::view);
  m.impl("_reshape_alias", at::native::_reshape_alias);
  m.impl("as_strided", at::native::as_strided_tensorimpl);
  m.impl("unfold", at::native::unfold);
  m.impl("set_.source_Storage_storage_offset",
         [](Tensor& self, c10::Storage storage, int64_t offset, at::IntArrayRef size, at::IntArrayRef stride) -> Tensor& {
           put(self, std::move(storage), offset, size, stride);
           return self;
         });
  m.impl("set_.source_Tensor", [](Tensor& self, const Tensor& source) -> Tensor& {
    put(self, source.storage(), source.storage_offset(), source.sizes(), source.strides());
    return self;
  });
  m.impl("set_.source_Storage", [](Tensor& self, c10::Storage storage) -> Tensor& {
    const int64_t size = static_cast<int64_t>(storage.nbytes() / self.element_size());
    put(self, std::move(storage), 0, {size}, {1});
    return self;
  });
  m.impl("record_stream", [](Tensor&, c10::Stream) {});
  m.impl("scaled_dot_product_attention", attention);
  // made of others, which choose kernels by the device
  for (const char* name : {"convolution", "convolution_backward", "native_layer_norm", "native_layer_norm_backward"})
    m.impl(name, torch::CppFunction::makeFromBoxedFunction<&by_the_cpu>());
}

// What processes tell each other: by gloo, from the same memory.
TORCH_LIBRARY_IMPL(c10d, CUDA, m) {
  for (const char* name : {"allreduce_", "broadcast_", "allgather_", "_allgather_base_", "reduce_scatter_",
                           "_reduce_scatter_base_", "allgather_into_tensor_coalesced_", "allreduce_coalesced_",
                           "reduce_scatter_tensor_coalesced_", "reduce_", "gather_", "scatter_", "barrier"})
    m.impl(name, torch::CppFunction::makeFromBoxedFunction<&by_the_cpu>());
}

TORCH_LIBRARY_IMPL(aten, AutogradCUDA, m) { m.impl("scaled_dot_product_attention", attention); }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.attr("devices") = kDevices;
  m.attr("total") = kTotal;
  m.def("current", [] { return static_cast<int>(current); });
  m.def("exchange", [](int device) { return static_cast<int>(device < 0 ? current : std::exchange(current, device)); });
  m.def("allocated", [](int device) { return allocated[device]; });
  m.def("peak", [](int device) { return peak[device]; });
  m.def("forget_peak", [](int device) { peak[device] = allocated[device]; });
  m.def("limit", [](int device) { return limit[device]; });
  m.def("set_limit", [](int device, size_t bytes) { limit[device] = bytes; });
  m.def("resize", [](const Tensor& whole, size_t bytes) {  // of its storage
    c10::DeviceGuard guard(whole.device());
    auto* storage = whole.storage().unsafeGetStorageImpl();
    auto fresh = memory.allocate(bytes);
    if (const size_t kept = std::min(bytes, storage->nbytes())) std::memcpy(fresh.get(), storage->data(), kept);
    storage->set_data_ptr_noswap(std::move(fresh));
    storage->set_nbytes(bytes);
  });
  m.def("wait", wait_for_copies);
  m.def("waiting_is_an_error", [](bool on) { return std::exchange(waiting_is_an_error, on); });
  m.def("counts", [] { return counts; });
  m.def("forget_counts", [] { counts.clear(); });
  m.def("generators", [] { return generators(); });
}
