#include "CKernelLibrary.h"

#include <new>
#include <stdexcept>

namespace {

// Calls `function`; an exception ends here. A length that no container can have is memory that there is not.
template <typename... Parameters, typename... Arguments>
dnnl_status_t guarded(dnnl_status_t (*function)(Parameters...), Arguments... arguments) noexcept {
  try {
    return function(arguments...);
  } catch (const std::bad_alloc &) {
    return dnnl_out_of_memory;
  } catch (const std::length_error &) {
    return dnnl_out_of_memory;
  } catch (...) {
    return dnnl_runtime_error;
  }
}

}  // namespace

dnnl_status_t fi_dnnl_batch_normalization_forward_primitive_desc_create(
    dnnl_primitive_desc_t *primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind,
    const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, float epsilon,
    unsigned flags, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_batch_normalization_forward_primitive_desc_create, primitive_desc, engine,
      prop_kind, src_desc, dst_desc, epsilon, flags, attr);
}

dnnl_status_t fi_dnnl_binary_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_alg_kind_t alg_kind, const_dnnl_memory_desc_t src0_desc,
    const_dnnl_memory_desc_t src1_desc, const_dnnl_memory_desc_t dst_desc,
    const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_binary_primitive_desc_create, primitive_desc, engine, alg_kind, src0_desc,
      src1_desc, dst_desc, attr);
}

dnnl_status_t fi_dnnl_concat_primitive_desc_create(dnnl_primitive_desc_t *concat_primitive_desc,
    dnnl_engine_t engine, const_dnnl_memory_desc_t dst_desc, int n, int concat_dimension,
    const_dnnl_memory_desc_t const *src_descs, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_concat_primitive_desc_create, concat_primitive_desc, engine, dst_desc, n,
      concat_dimension, src_descs, attr);
}

dnnl_status_t fi_dnnl_convolution_forward_primitive_desc_create(
    dnnl_primitive_desc_t *primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind,
    dnnl_alg_kind_t alg_kind, const_dnnl_memory_desc_t src_desc,
    const_dnnl_memory_desc_t weights_desc, const_dnnl_memory_desc_t bias_desc,
    const_dnnl_memory_desc_t dst_desc, const dnnl_dims_t strides, const dnnl_dims_t dilates,
    const dnnl_dims_t padding_l, const dnnl_dims_t padding_r, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_convolution_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      alg_kind, src_desc, weights_desc, bias_desc, dst_desc, strides, dilates, padding_l, padding_r,
      attr);
}

dnnl_status_t fi_dnnl_deconvolution_forward_primitive_desc_create(
    dnnl_primitive_desc_t *primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind,
    dnnl_alg_kind_t alg_kind, const_dnnl_memory_desc_t src_desc,
    const_dnnl_memory_desc_t weights_desc, const_dnnl_memory_desc_t bias_desc,
    const_dnnl_memory_desc_t dst_desc, const dnnl_dims_t strides, const dnnl_dims_t dilates,
    const dnnl_dims_t padding_l, const dnnl_dims_t padding_r, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_deconvolution_forward_primitive_desc_create, primitive_desc, engine,
      prop_kind, alg_kind, src_desc, weights_desc, bias_desc, dst_desc, strides, dilates, padding_l,
      padding_r, attr);
}

dnnl_status_t fi_dnnl_eltwise_forward_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
    const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, float alpha, float beta,
    const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_eltwise_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      alg_kind, src_desc, dst_desc, alpha, beta, attr);
}

dnnl_status_t fi_dnnl_gru_forward_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_rnn_direction_t direction,
    const_dnnl_memory_desc_t src_layer_desc, const_dnnl_memory_desc_t src_iter_desc,
    const_dnnl_memory_desc_t weights_layer_desc, const_dnnl_memory_desc_t weights_iter_desc,
    const_dnnl_memory_desc_t bias_desc, const_dnnl_memory_desc_t dst_layer_desc,
    const_dnnl_memory_desc_t dst_iter_desc, unsigned flags, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_gru_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      direction, src_layer_desc, src_iter_desc, weights_layer_desc, weights_iter_desc, bias_desc,
      dst_layer_desc, dst_iter_desc, flags, attr);
}

dnnl_status_t fi_dnnl_layer_normalization_forward_primitive_desc_create(
    dnnl_primitive_desc_t *primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind,
    const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc,
    const_dnnl_memory_desc_t stat_desc, float epsilon, unsigned flags,
    const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_layer_normalization_forward_primitive_desc_create, primitive_desc, engine,
      prop_kind, src_desc, dst_desc, stat_desc, epsilon, flags, attr);
}

dnnl_status_t fi_dnnl_lbr_gru_forward_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_rnn_direction_t direction,
    const_dnnl_memory_desc_t src_layer_desc, const_dnnl_memory_desc_t src_iter_desc,
    const_dnnl_memory_desc_t weights_layer_desc, const_dnnl_memory_desc_t weights_iter_desc,
    const_dnnl_memory_desc_t bias_desc, const_dnnl_memory_desc_t dst_layer_desc,
    const_dnnl_memory_desc_t dst_iter_desc, unsigned flags, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_lbr_gru_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      direction, src_layer_desc, src_iter_desc, weights_layer_desc, weights_iter_desc, bias_desc,
      dst_layer_desc, dst_iter_desc, flags, attr);
}

dnnl_status_t fi_dnnl_lrn_forward_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
    const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, dnnl_dim_t local_size,
    float alpha, float beta, float k, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_lrn_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      alg_kind, src_desc, dst_desc, local_size, alpha, beta, k, attr);
}

dnnl_status_t fi_dnnl_lstm_forward_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_rnn_direction_t direction,
    const_dnnl_memory_desc_t src_layer_desc, const_dnnl_memory_desc_t src_iter_desc,
    const_dnnl_memory_desc_t src_iter_c_desc, const_dnnl_memory_desc_t weights_layer_desc,
    const_dnnl_memory_desc_t weights_iter_desc, const_dnnl_memory_desc_t weights_peephole_desc,
    const_dnnl_memory_desc_t weights_projection_desc, const_dnnl_memory_desc_t bias_desc,
    const_dnnl_memory_desc_t dst_layer_desc, const_dnnl_memory_desc_t dst_iter_desc,
    const_dnnl_memory_desc_t dst_iter_c_desc, unsigned flags, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_lstm_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      direction, src_layer_desc, src_iter_desc, src_iter_c_desc, weights_layer_desc,
      weights_iter_desc, weights_peephole_desc, weights_projection_desc, bias_desc, dst_layer_desc,
      dst_iter_desc, dst_iter_c_desc, flags, attr);
}

dnnl_status_t fi_dnnl_matmul_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t weights_desc,
    const_dnnl_memory_desc_t bias_desc, const_dnnl_memory_desc_t dst_desc,
    const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_matmul_primitive_desc_create, primitive_desc, engine, src_desc, weights_desc,
      bias_desc, dst_desc, attr);
}

dnnl_status_t fi_dnnl_pooling_forward_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
    const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, const dnnl_dims_t strides,
    const dnnl_dims_t kernel, const dnnl_dims_t dilation, const dnnl_dims_t padding_l,
    const dnnl_dims_t padding_r, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_pooling_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      alg_kind, src_desc, dst_desc, strides, kernel, dilation, padding_l, padding_r, attr);
}

dnnl_status_t fi_dnnl_reduction_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_alg_kind_t alg_kind, const_dnnl_memory_desc_t src_desc,
    const_dnnl_memory_desc_t dst_desc, float p, float eps, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_reduction_primitive_desc_create, primitive_desc, engine, alg_kind, src_desc,
      dst_desc, p, eps, attr);
}

dnnl_status_t fi_dnnl_reorder_primitive_desc_create(dnnl_primitive_desc_t *reorder_primitive_desc,
    const_dnnl_memory_desc_t src_desc, dnnl_engine_t src_engine, const_dnnl_memory_desc_t dst_desc,
    dnnl_engine_t dst_engine, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_reorder_primitive_desc_create, reorder_primitive_desc, src_desc, src_engine,
      dst_desc, dst_engine, attr);
}

dnnl_status_t fi_dnnl_resampling_forward_primitive_desc_create(
    dnnl_primitive_desc_t *primitive_desc, dnnl_engine_t engine, dnnl_prop_kind_t prop_kind,
    dnnl_alg_kind_t alg_kind, const float *factors, const_dnnl_memory_desc_t src_desc,
    const_dnnl_memory_desc_t dst_desc, const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_resampling_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      alg_kind, factors, src_desc, dst_desc, attr);
}

dnnl_status_t fi_dnnl_softmax_forward_primitive_desc_create(dnnl_primitive_desc_t *primitive_desc,
    dnnl_engine_t engine, dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind,
    const_dnnl_memory_desc_t src_desc, const_dnnl_memory_desc_t dst_desc, int softmax_axis,
    const_dnnl_primitive_attr_t attr) {
  return guarded(dnnl_softmax_forward_primitive_desc_create, primitive_desc, engine, prop_kind,
      alg_kind, src_desc, dst_desc, softmax_axis, attr);
}

dnnl_status_t fi_dnnl_engine_create(dnnl_engine_t *engine, dnnl_engine_kind_t kind, size_t index) {
  return guarded(dnnl_engine_create, engine, kind, index);
}

dnnl_status_t fi_dnnl_stream_create(dnnl_stream_t *stream, dnnl_engine_t engine, unsigned flags) {
  return guarded(dnnl_stream_create, stream, engine, flags);
}

dnnl_status_t fi_dnnl_stream_wait(dnnl_stream_t stream) {
  return guarded(dnnl_stream_wait, stream);
}

dnnl_status_t fi_dnnl_memory_create(dnnl_memory_t *memory, const_dnnl_memory_desc_t memory_desc,
    dnnl_engine_t engine, void *handle) {
  return guarded(dnnl_memory_create, memory, memory_desc, engine, handle);
}

dnnl_status_t fi_dnnl_memory_set_data_handle(dnnl_memory_t memory, void *handle) {
  return guarded(dnnl_memory_set_data_handle, memory, handle);
}

dnnl_status_t fi_dnnl_memory_desc_clone(dnnl_memory_desc_t *memory_desc,
    const_dnnl_memory_desc_t existing_memory_desc) {
  return guarded(dnnl_memory_desc_clone, memory_desc, existing_memory_desc);
}

dnnl_status_t fi_dnnl_memory_desc_create_submemory(dnnl_memory_desc_t *memory_desc,
    const_dnnl_memory_desc_t parent_memory_desc, const dnnl_dims_t dims,
    const dnnl_dims_t offsets) {
  return guarded(dnnl_memory_desc_create_submemory, memory_desc, parent_memory_desc, dims, offsets);
}

dnnl_status_t fi_dnnl_memory_desc_create_with_strides(dnnl_memory_desc_t *memory_desc, int ndims,
    const dnnl_dims_t dims, dnnl_data_type_t data_type, const dnnl_dims_t strides) {
  return guarded(dnnl_memory_desc_create_with_strides, memory_desc, ndims, dims, data_type,
      strides);
}

dnnl_status_t fi_dnnl_memory_desc_create_with_tag(dnnl_memory_desc_t *memory_desc, int ndims,
    const dnnl_dims_t dims, dnnl_data_type_t data_type, dnnl_format_tag_t tag) {
  return guarded(dnnl_memory_desc_create_with_tag, memory_desc, ndims, dims, data_type, tag);
}

dnnl_status_t fi_dnnl_memory_desc_permute_axes(dnnl_memory_desc_t *out_memory_desc,
    const_dnnl_memory_desc_t in_memory_desc, const int *permutation) {
  return guarded(dnnl_memory_desc_permute_axes, out_memory_desc, in_memory_desc, permutation);
}

dnnl_status_t fi_dnnl_post_ops_create(dnnl_post_ops_t *post_ops) {
  return guarded(dnnl_post_ops_create, post_ops);
}

dnnl_status_t fi_dnnl_post_ops_append_binary(dnnl_post_ops_t post_ops, dnnl_alg_kind_t alg_kind,
    const_dnnl_memory_desc_t src1_desc) {
  return guarded(dnnl_post_ops_append_binary, post_ops, alg_kind, src1_desc);
}

dnnl_status_t fi_dnnl_post_ops_append_eltwise(dnnl_post_ops_t post_ops, dnnl_alg_kind_t alg_kind,
    float alpha, float beta) {
  return guarded(dnnl_post_ops_append_eltwise, post_ops, alg_kind, alpha, beta);
}

dnnl_status_t fi_dnnl_post_ops_append_sum(dnnl_post_ops_t post_ops, float scale, int32_t zero_point,
    dnnl_data_type_t data_type) {
  return guarded(dnnl_post_ops_append_sum, post_ops, scale, zero_point, data_type);
}

dnnl_status_t fi_dnnl_primitive_attr_create(dnnl_primitive_attr_t *attr) {
  return guarded(dnnl_primitive_attr_create, attr);
}

dnnl_status_t fi_dnnl_primitive_attr_set_post_ops(dnnl_primitive_attr_t attr,
    const_dnnl_post_ops_t post_ops) {
  return guarded(dnnl_primitive_attr_set_post_ops, attr, post_ops);
}

dnnl_status_t fi_dnnl_primitive_attr_set_scratchpad_mode(dnnl_primitive_attr_t attr,
    dnnl_scratchpad_mode_t mode) {
  return guarded(dnnl_primitive_attr_set_scratchpad_mode, attr, mode);
}

dnnl_status_t fi_dnnl_primitive_create(dnnl_primitive_t *primitive,
    const_dnnl_primitive_desc_t primitive_desc) {
  return guarded(dnnl_primitive_create, primitive, primitive_desc);
}

dnnl_status_t fi_dnnl_primitive_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream,
    int nargs, const dnnl_exec_arg_t *args) {
  return guarded(dnnl_primitive_execute, primitive, stream, nargs, args);
}

dnnl_status_t fi_dnnl_set_primitive_cache_capacity(int capacity) {
  return guarded(dnnl_set_primitive_cache_capacity, capacity);
}
