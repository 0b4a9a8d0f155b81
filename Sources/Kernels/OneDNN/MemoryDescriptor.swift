import CDNNL
import CKernelLibrary
import Tensors

/// A tensor's shape, element type and layout as oneDNN knows them. Immutable.
///
/// @unchecked Sendable: nothing changes behind the handle after it was made.
final class MemoryDescriptor: @unchecked Sendable {
  let raw: dnnl_memory_desc_t

  private init(
    _ function: String, _ make: (UnsafeMutablePointer<dnnl_memory_desc_t?>) -> dnnl_status_t
  ) throws {
    var raw: dnnl_memory_desc_t?
    try check(make(&raw), function)
    guard let raw else { throw LibraryFailure(function: function, status: dnnl_runtime_error) }
    self.raw = raw
  }

  /// A copy of what the library owns.
  convenience init(copying other: const_dnnl_memory_desc_t) throws {
    try self.init("dnnl_memory_desc_clone") { fi_dnnl_memory_desc_clone($0, other) }
  }

  /// Elements at these distances, in elements.
  convenience init(_ dims: [Int], _ type: dnnl_data_type_t = dnnl_f32, strides: [Int]) throws {
    try self.init("dnnl_memory_desc_create_with_strides") {
      fi_dnnl_memory_desc_create_with_strides(
        $0, Int32(dims.count), dims.map(Int64.init), type, strides.map(Int64.init))
    }
  }

  convenience init(_ dims: [Int], _ type: dnnl_data_type_t = dnnl_f32, tag: dnnl_format_tag_t) throws {
    try self.init("dnnl_memory_desc_create_with_tag") {
      fi_dnnl_memory_desc_create_with_tag($0, Int32(dims.count), dims.map(Int64.init), type, tag)
    }
  }

  /// Leaves the layout to the primitive.
  static func any(_ dims: [Int], _ type: dnnl_data_type_t = dnnl_f32) throws -> MemoryDescriptor {
    try MemoryDescriptor(dims, type, tag: dnnl_format_tag_any)
  }

  /// Dense and row-major.
  static func dense(_ dims: [Int], _ type: dnnl_data_type_t = dnnl_f32) throws -> MemoryDescriptor {
    try TensorView(dims).descriptor(type)
  }

  /// The same memory with its axes in another order: axis `i` of this one is axis `permutation[i]` of the result.
  func permuted(_ permutation: [Int]) throws -> MemoryDescriptor {
    try MemoryDescriptor("dnnl_memory_desc_permute_axes") {
      fi_dnnl_memory_desc_permute_axes($0, raw, permutation.map(Int32.init))
    }
  }

  /// A box of this memory; `nil` when the layout's blocks cannot be cut there.
  func box(_ dims: [Int], at offsets: [Int]) throws -> MemoryDescriptor? {
    var result: dnnl_memory_desc_t?
    let status = fi_dnnl_memory_desc_create_submemory(
      &result, raw, dims.map(Int64.init), offsets.map(Int64.init))
    if status == dnnl_unimplemented || status == dnnl_invalid_arguments { return nil }
    return try MemoryDescriptor("dnnl_memory_desc_create_submemory") {
      $0.pointee = result
      return status
    }
  }

  /// Returns the byte offset in this memory of the box at `offsets`, if the box's elements lie one behind the
  /// other as in `part`, which has the box's dims. Returns `nil` otherwise.
  func start(of part: MemoryDescriptor, at offsets: [Int]) throws -> Int? {
    let elements = part.dims.reduce(1, *)
    guard elements > 0, dataType == part.dataType, isBlocked, part.isBlocked,
      let box = try box(part.dims, at: offsets), box.paddedDims == part.dims, part.paddedDims == part.dims,
      box.outerSteps == part.outerSteps, box.innerBlocks == part.innerBlocks
    else { return nil }
    let size = dnnl_data_type_size(dataType)
    guard part.byteCount == elements * size else { return nil }
    var start: Int64 = 0
    try check(
      dnnl_memory_desc_query(box.raw, dnnl_query_submemory_offset_s64, &start), "dnnl_memory_desc_query")
    return Int(start) * size
  }

  /// The strides from block to block along each axis; 0 where there is one block.
  private var outerSteps: [Int] {
    var counts = dims
    let (sizes, axes) = innerBlocks
    for (size, axis) in zip(sizes, axes) { counts[axis] /= size }
    return zip(counts, strides).map { $0 > 1 ? $1 : 0 }
  }

  deinit { dnnl_memory_desc_destroy(raw) }

  /// Bytes, padding included.
  var byteCount: Int { dnnl_memory_desc_get_size(raw) }

  var rank: Int {
    var rank: Int32 = 0
    return dnnl_memory_desc_query(raw, dnnl_query_ndims_s32, &rank) == dnnl_success ? Int(rank) : 0
  }

  var dims: [Int] { list(dnnl_query_dims, rank) }
  var paddedDims: [Int] { list(dnnl_query_padded_dims, rank) }
  var strides: [Int] { list(dnnl_query_strides, rank) }

  var dataType: dnnl_data_type_t {
    var type = dnnl_data_type_undef
    return dnnl_memory_desc_query(raw, dnnl_query_data_type, &type) == dnnl_success
      ? type : dnnl_data_type_undef
  }

  /// True for strided and blocked layouts; false for ones that the library keeps to itself.
  var isBlocked: Bool {
    var kind = dnnl_format_kind_undef
    return dnnl_memory_desc_query(raw, dnnl_query_format_kind, &kind) == dnnl_success
      && kind == dnnl_blocked
  }

  /// The sizes of the innermost blocks, outermost first, and the axes that they cut.
  var innerBlocks: (sizes: [Int], axes: [Int]) {
    var count: Int32 = 0
    guard dnnl_memory_desc_query(raw, dnnl_query_inner_nblks_s32, &count) == dnnl_success, count > 0 else {
      return ([], [])
    }
    return (list(dnnl_query_inner_blks, Int(count)), list(dnnl_query_inner_idxs, Int(count)))
  }

  private func list(_ what: dnnl_query_t, _ count: Int) -> [Int] {
    var values: UnsafePointer<Int64>?
    guard dnnl_memory_desc_query(raw, what, &values) == dnnl_success, let values else { return [] }
    return (0..<count).map { Int(values[$0]) }
  }
}

extension MemoryDescriptor: Equatable {
  static func == (a: MemoryDescriptor, b: MemoryDescriptor) -> Bool {
    a === b || dnnl_memory_desc_equal(a.raw, b.raw) == 1
  }
}

extension ElementType {
  /// oneDNN's name of the type; `nil` for one that it does not move.
  var dataType: dnnl_data_type_t? {
    switch self {
    case .float32: dnnl_f32
    case .float16: dnnl_f16
    case .bfloat16: dnnl_bf16
    case .int32: dnnl_s32
    case .int8: dnnl_s8
    case .uint8, .bool: dnnl_u8
    default: nil
    }
  }
}
