// Measures the memory of one oneDNN primitive: heap, and pages of compiled code, for 200 sizes of each kind.
//
// Build and run, from the repository's root:
//   cc -O1 -I.deps/onednn/include bench/primitive-bytes.c -o primitive-bytes -L.deps/onednn/lib -ldnnl
//   LD_LIBRARY_PATH=.deps/onednn/lib OMP_NUM_THREADS=2 ./primitive-bytes
// ONEDNN_MAX_CPU_ISA=AVX2 measures an older processor's implementations. The constants of
// Sources/Kernels/OneDNN/PrimitiveKernel.swift come from here.
#include <malloc.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { count = 200 };

static dnnl_engine_t engine;
static dnnl_primitive_attr_t attributes;

static dnnl_memory_desc_t described(int rank, const dnnl_dims_t sizes, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t memory = NULL;
  dnnl_memory_desc_create_with_tag(&memory, rank, sizes, dnnl_f32, tag);
  return memory;
}

static dnnl_primitive_desc_t convolution(int channels, int size, int results, int window, int groups, int stride) {
  const int half = window / 2, out = (size + 2 * half - window) / stride + 1;
  dnnl_dims_t x = {1, channels, size, size}, y = {1, results, out, out};
  dnnl_dims_t plain = {results, channels, window, window};
  dnnl_dims_t grouped = {groups, results / groups, channels / groups, window, window};
  dnnl_dims_t strides = {stride, stride}, dilation = {0, 0}, padding = {half, half};
  dnnl_primitive_desc_t made = NULL;
  dnnl_convolution_forward_primitive_desc_create(
      &made, engine, dnnl_forward_inference, dnnl_convolution_direct, described(4, x, dnnl_format_tag_any),
      groups > 1 ? described(5, grouped, dnnl_format_tag_any) : described(4, plain, dnnl_format_tag_any), NULL,
      described(4, y, dnnl_format_tag_any), strides, dilation, padding, padding, attributes);
  return made;
}

/// Of a signal, as long after it as before.
static dnnl_primitive_desc_t signal_convolution(int channels, int length, int results, int window, int dilation) {
  const int half = window / 2 * dilation;
  dnnl_dims_t x = {2, channels, length}, y = {2, results, length + 2 * half - (window - 1) * dilation};
  dnnl_dims_t w = {results, channels, window}, stride = {1}, gaps = {dilation - 1}, padding = {half};
  dnnl_primitive_desc_t made = NULL;
  dnnl_convolution_forward_primitive_desc_create(
      &made, engine, dnnl_forward_inference, dnnl_convolution_direct, described(3, x, dnnl_format_tag_any),
      described(3, w, dnnl_format_tag_any), NULL, described(3, y, dnnl_format_tag_any), stride, gaps, padding, padding,
      attributes);
  return made;
}

static dnnl_primitive_desc_t product(int batch, int rows, int inner, int columns) {
  dnnl_dims_t x = {batch, rows, inner}, w = {batch, inner, columns}, y = {batch, rows, columns};
  dnnl_primitive_desc_t made = NULL;
  dnnl_matmul_primitive_desc_create(
      &made, engine, described(3, x, dnnl_abc), described(3, w, dnnl_abc), NULL, described(3, y, dnnl_abc), attributes);
  return made;
}

static dnnl_primitive_desc_t pointwise(int size) {
  dnnl_dims_t x = {size};
  dnnl_primitive_desc_t made = NULL;
  dnnl_eltwise_forward_primitive_desc_create(
      &made, engine, dnnl_forward_inference, dnnl_eltwise_relu, described(1, x, dnnl_a), described(1, x, dnnl_a), 0, 0,
      attributes);
  return made;
}

static dnnl_primitive_desc_t sum(int size) {
  dnnl_dims_t x = {size};
  dnnl_primitive_desc_t made = NULL;
  dnnl_binary_primitive_desc_create(
      &made, engine, dnnl_binary_add, described(1, x, dnnl_a), described(1, x, dnnl_a), described(1, x, dnnl_a),
      attributes);
  return made;
}

static dnnl_primitive_desc_t softmax(int rows, int columns) {
  dnnl_dims_t x = {rows, columns};
  dnnl_primitive_desc_t made = NULL;
  dnnl_softmax_forward_primitive_desc_create(
      &made, engine, dnnl_forward_inference, dnnl_softmax_accurate, described(2, x, dnnl_ab), described(2, x, dnnl_ab),
      1, attributes);
  return made;
}

static dnnl_primitive_desc_t reduction(int rows, int columns) {
  dnnl_dims_t x = {rows, columns}, y = {rows, 1};
  dnnl_primitive_desc_t made = NULL;
  dnnl_reduction_primitive_desc_create(
      &made, engine, dnnl_reduction_mean, described(2, x, dnnl_ab), described(2, y, dnnl_ab), 0, 0, attributes);
  return made;
}

static dnnl_primitive_desc_t reorder(int channels, int size) {
  dnnl_dims_t x = {1, channels, size, size};
  dnnl_primitive_desc_t made = NULL;
  dnnl_reorder_primitive_desc_create(
      &made, described(4, x, dnnl_nchw), engine, described(4, x, dnnl_nChw16c), engine, attributes);
  return made;
}

static dnnl_primitive_desc_t asked(int kind, int i) {
  switch (kind) {
    case 0: return convolution(64, 8 + i, 64, 3, 1, 1);
    case 1: return convolution(64, 8 + i, 128, 1, 1, 1);
    case 2: return convolution(64, 8 + i, 64, 3, 64, 1);
    case 3: return convolution(3, 32 + i, 32, 3, 1, 2);
    case 4: return convolution(32, 8 + i, 32, 5, 1, 1);
    case 5: return convolution(37, 9 + i, 53, 3, 1, 1);
    case 6: return product(1, 1 + i, 256, 512);
    case 7: return product(12, 1 + i, 64, 1 + i);
    case 8: return product(1, 1 + i, 37 + i, 53);
    case 9: return pointwise(1000 + i);
    case 10: return sum(1000 + i);
    case 11: return softmax(12, 10 + i);
    case 12: return reduction(12, 10 + i);
    case 13: return reorder(64, 8 + i);
    case 14: return signal_convolution(17, 2000 + i, 100, 8, 1);
    default: return signal_convolution(17, 2000 + i, 100, 8, 9);
  }
}

static const char *names[] = {
    "convolution 3x3", "convolution 1x1", "depthwise", "first convolution", "convolution 5x5", "odd channels", "product",
    "batched product", "odd product", "pointwise", "sum", "softmax", "reduction", "reorder",
    "signal of 2000", "dilated, of 2000"};

static double heap_bytes(void) {
  malloc_trim(0);
  const struct mallinfo2 heap = mallinfo2();
  return (double)heap.uordblks + (double)heap.hblkhd;
}

/// Resident bytes of anonymous mappings that can be executed.
static double code_bytes(void) {
  FILE *maps = fopen("/proc/self/smaps", "r");
  char line[4352], flags[8];
  int is_code = 0;
  double bytes = 0;
  unsigned long from, to, inode, resident;
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "%lx-%lx %7s %*s %*s %lu", &from, &to, flags, &inode) == 4)
      is_code = inode == 0 && flags[2] == 'x' && strchr(line, '[') == NULL;
    else if (is_code && sscanf(line, "Rss: %lu", &resident) == 1)
      bytes += (double)resident * 1024;
  }
  if (maps != NULL) fclose(maps);
  return bytes;
}

int main(void) {
  dnnl_engine_create(&engine, dnnl_cpu, 0);
  dnnl_set_primitive_cache_capacity(0);
  dnnl_primitive_attr_create(&attributes);
  dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  for (int kind = 0; kind < (int)(sizeof names / sizeof *names); kind++) {
    const double heap = heap_bytes(), code = code_bytes();
    char implementation[128] = "none";
    int made = 0;
    for (int i = 0; i < count; i++) {
      dnnl_primitive_desc_t description = asked(kind, i);
      dnnl_primitive_t primitive;
      if (description == NULL) continue;
      const char *name = NULL;
      dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name);
      if (name != NULL) snprintf(implementation, sizeof implementation, "%s", name);
      made += dnnl_primitive_create(&primitive, description) == dnnl_success;
      dnnl_primitive_desc_destroy(description);
    }
    if (made == 0) continue;
    printf("%-18s %6.1f KiB heap %6.1f KiB code  %s\n", names[kind], (heap_bytes() - heap) / made / 1024,
           (code_bytes() - code) / made / 1024, implementation);
  }
}
