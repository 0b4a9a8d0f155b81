/// A model's inputs and outputs. A size of -1 is open.
struct ModelMetadata: Decodable {
  struct Tensor: Decodable {
    var name: String
    var datatype: String
    var shape: [Int]
  }
  var inputs: [Tensor]
  var outputs: [Tensor]
}

/// A tensor whose bytes follow the JSON.
struct TensorHeader: Codable {
  struct Parameters: Codable {
    enum CodingKeys: String, CodingKey { case bytes = "binary_data_size" }
    var bytes: Int
  }
  var name: String
  var datatype: String
  var shape: [Int]
  var parameters: Parameters
}

struct InferRequest: Encodable {
  struct Parameters: Encodable {
    enum CodingKeys: String, CodingKey { case binaryOutput = "binary_data_output" }
    var binaryOutput = true
  }
  var inputs: [TensorHeader]
  var parameters = Parameters()
}

struct InferResponse: Decodable { var outputs: [TensorHeader] }

struct ErrorBody: Decodable { var error: String }
