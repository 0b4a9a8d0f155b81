import CHost
import Device

extension LoadRequest {
  /// Checks that the extent is whole pages of the file as it is now.
  /// - Throws: ``DeviceError``.
  func check() throws {
    let (end, overflow) = offset.addingReportingOverflow(byteCount)
    guard offset >= 0, byteCount > 0, !overflow, offset % pageSize == 0, byteCount % pageSize == 0 else {
      throw DeviceError(
        .invalidArgument, "extent '\(name)' of '\(path)': \(byteCount) bytes at \(offset) are not whole pages"
      )
    }
    let size = try fileSize()
    guard end <= size else {
      throw failure("the file was cut short: it has \(size) bytes, the extent ends at \(end)")
    }
  }

  /// The file's size now.
  func fileSize() throws -> Int {
    var size: Int64 = 0
    let status = fi_file_size(descriptor, &size)
    guard status == 0 else { throw failure(systemError(status)) }
    return Int(size)
  }

  /// The error for a load that went wrong, with what the user can do.
  func failure(_ reason: String) -> DeviceError {
    DeviceError(
      .load, "cannot load extent '\(name)' of '\(path)': \(reason); 'fusedinf verify' checks the store")
  }
}
