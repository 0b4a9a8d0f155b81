import Foundation
import Tensors
import Testing

import InferenceProtocol

private func decode(_ json: String, tail: [UInt8] = []) throws -> InferRequest {
  let text = Array(json.utf8)
  let buffer = try TensorBuffer(byteCount: text.count + tail.count) { $0.copyBytes(from: text + tail) }
  var reader = JSONReader(UnsafeRawBufferPointer(rebasing: buffer.bytes.prefix(text.count)))
  var binary = BinaryTail(buffer, from: text.count)
  let request = try withExtendedLifetime(buffer) {
    let request = try InferRequest(json: &reader, tail: &binary, model: "m")
    try reader.finish()
    return request
  }
  try binary.finish()
  return request
}

private func input(_ datatype: String, _ shape: String, _ rest: String) -> String {
  #"{"inputs":[{"name":"x","datatype":"\#(datatype)","shape":\#(shape),\#(rest)}]}"#
}

private func elements<Element: TensorElement>(_: Element.Type, _ request: InferRequest) throws -> [Element] {
  guard case .tensor(let tensor) = try #require(request.inputs.first).contents else { return [] }
  return try tensor.elements(as: Element.self)
}

@Suite(.timeLimit(.minutes(5))) struct InferRequestJSONTests {
  @Test func dataMayBeFlatOrNested() throws {
    for data in ["[1,2,3,4]", "[[1,2],[3,4]]", "[[[1],[2]],[[3],[4]]]"] {
      #expect(try elements(Float.self, decode(input("FP32", "[2,2]", #""data":\#(data)"#))) == [1, 2, 3, 4])
    }
  }

  @Test func dataMayComeBeforeWhatItIs() throws {
    let request = try decode(#"{"inputs":[{"data":[1,-2],"shape":[2],"datatype":"INT8","name":"x"}]}"#)
    #expect(try elements(Int8.self, request) == [1, -2])
  }

  @Test func wholeNumbersOf64BitsAreExact() throws {
    #expect(
      try elements(
        Int64.self, decode(input("INT64", "[2]", #""data":[9007199254740993,-9223372036854775808]"#)))
        == [9_007_199_254_740_993, .min])
    #expect(
      try elements(UInt64.self, decode(input("UINT64", "[1]", #""data":[18446744073709551615]"#))) == [.max])
  }

  @Test func emptyTensorsAndScalarsAreRead() throws {
    #expect(try elements(Float.self, decode(input("FP32", "[0,4]", #""data":[]"#))).isEmpty)
    #expect(try elements(Float.self, decode(input("FP32", "[]", #""data":[3]"#))) == [3])
  }

  @Test func binaryTensorsFollowInTheOrderOfTheInputs() throws {
    let request = try decode(
      """
      {"inputs":[{"name":"a","shape":[2],"datatype":"UINT8","parameters":{"binary_data_size":2}},
      {"name":"b","shape":[1],"datatype":"UINT8","data":[9]},
      {"name":"c","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":11}}]}
      """, tail: [1, 2, 1, 0, 0, 0, 65, 2, 0, 0, 0, 66, 67])
    guard case .tensor(let a) = request.inputs[0].contents, case .strings(let c) = request.inputs[2].contents
    else {
      Issue.record("the contents are of another kind")
      return
    }
    #expect(try a.elements(as: UInt8.self) == [1, 2])
    #expect(c == [[65], [66, 67]])
  }

  @Test func parametersOfTensorsAreRead() throws {
    let request = try decode(
      """
      {"id":"7","parameters":{"priority":2,"timeout":5000,"timing":true,"x":null,"y":{"z":[1]}},
      "inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":
      {"shared_memory_region":"r","shared_memory_offset":4,"shared_memory_byte_size":4}}],
      "outputs":[{"name":"y","parameters":{"classification":3,"binary_data":false}}]}
      """)
    #expect(request.id == "7")
    #expect(request.parameters == ["priority": .int(2), "timeout": .int(5000), "timing": .bool(true)])
    #expect(request.outputs == [RequestedOutput(name: "y", classCount: 3, isBinary: false)])
    guard case .shared(let range) = request.inputs[0].contents else {
      Issue.record("the input is not in shared memory")
      return
    }
    #expect(range == SharedMemoryRange(region: "r", offset: 4, byteCount: 4))
  }

  @Test(arguments: [
    "{}", #"{"inputs":{}}"#, #"{"inputs":[{}]}"#,
    input("FP32", "[2]", #""data":[1]"#), input("FP32", "[1]", #""data":[1,2]"#),
    input("FP32", "[-1]", #""data":[1]"#), input("FP32", "[1.5]", #""data":[1]"#),
    input("FP32", "[4611686018427387904,4]", #""data":[1]"#),
    input("FP32", "[1099511627776]", #""data":[1]"#),
    input("FP33", "[1]", #""data":[1]"#), input("FP32", "[1]", #""data":["a"]"#),
    input("INT8", "[1]", #""data":[128]"#), input("UINT8", "[1]", #""data":[-1]"#),
    input("INT64", "[1]", #""data":[9223372036854775808]"#), input("INT32", "[1]", #""data":[1.5]"#),
    input("BOOL", "[1]", #""data":[2]"#), input("FP16", "[1]", #""data":[1]"#),
    input("BYTES", "[2]", #""data":["a"]"#), input("FP32", "[1]", #""x":1"#),
    input("FP32", "[1]", #""parameters":{"binary_data_size":4}"#),
    input("FP32", "[1]", #""parameters":{"binary_data_size":-4}"#),
    input("FP32", "[1]", #""parameters":{"binary_data_size":1e99}"#),
    input("FP32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", #""data":[1]"#),
    input("FP32", "[1]", #""parameters":{"shared_memory_region":"r"}"#),
    #"{"inputs":[],"parameters":{"sequence_id":3}}"#,
    #"{"inputs":[],"outputs":[{"name":"y","parameters":{"classification":-1}}]}"#,
  ])
  func whatIsWrongIsRefused(_ json: String) {
    #expect(throws: ProtocolError.self) { try decode(json) }
  }

  @Test func bytesThatNoTensorTakesAreRefused() {
    #expect(throws: ProtocolError.self) { try decode(#"{"inputs":[]}"#, tail: [1]) }
  }

  @Test(
    arguments: [[1, 0, 0], [2, 0, 0, 0, 65], [255, 255, 255, 255, 65], [0, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]])
  func brokenStringsAreRefused(_ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { bytes in
      #expect(throws: ProtocolError.self) { try BinaryTail.strings(bytes, name: "x", count: 1) }
    }
  }

  @Test func aRawBodyFillsTheOpenAxis() throws {
    func raw(_ count: Int, _ shape: [Int]) throws -> Shape {
      let body = try TensorBuffer(byteCount: count) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
      let metadata = ModelMetadataMessage(
        name: "m", versions: ["1"], platform: "",
        inputs: [TensorMetadata(name: "x", datatype: "FP32", shape: shape)], outputs: [])
      return try #require(InferRequest(raw: body, for: metadata).inputs.first).shape
    }
    #expect(try raw(48, [-1, 4]) == [3, 4])
    #expect(try raw(16, [1, 4]) == [1, 4])
    #expect(try raw(0, [-1, 4]) == [0, 4])
    for (count, shape) in [
      (47, [-1, 4]), (32, [1, 4]), (16, [-1, -1]), (16, [-1, 0]), (16, [.max, .max]),
    ] {
      #expect(throws: (any Error).self) { try raw(count, shape) }
    }
  }

  /// Requests that are changed at random are read or refused, and never trap.
  @Test func randomBytesNeverTrap() throws {
    var random = SplitMix(state: 11)
    let json =
      #"{"inputs":[{"name":"x","shape":[1,2],"datatype":"INT16","parameters":{"binary_data_size":4}},{"name":"y","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":10}}],"outputs":[{"name":"z"}]}"#
    let tail: [UInt8] = [1, 2, 3, 4, 1, 0, 0, 0, 65, 1, 0, 0, 0, 66]
    var refused = 0
    for _ in 0..<20_000 {
      var text = Array(json.utf8)
      var bytes = tail
      for _ in 0...Int(random.next() % 3) {
        if random.next() % 4 == 0 {
          bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
        } else {
          text[Int(random.next() % UInt64(text.count))] =
            Array(#"0123456789-eE.,:[]{}"\"#.utf8)[Int(random.next() % 22)]
        }
      }
      do { _ = try decode(String(decoding: text, as: UTF8.self), tail: bytes) } catch { refused += 1 }
    }
    #expect(refused > 10_000)
  }
}

@Suite(.timeLimit(.minutes(5))) struct InferResponseJSONTests {
  private func response(_ tensor: Tensor) throws -> InferResponse {
    InferResponse(
      model: "m", version: 2, id: "a\"b",
      outputs: [
        NamedTensor(
          name: "y", datatype: try #require(DataType(tensor.elementType)), shape: tensor.shape,
          contents: .tensor(tensor))
      ])
  }

  @Test func whatIsWrittenIsWhatFoundationReads() throws {
    let values: [Float] = [0.1, -1, 1e-7, 3.4028235e38, 16_777_216, 1e20]
    let encoded = try response(Tensor(values, shape: [2, 3])).encoded(
      for: InferRequest(model: "m", inputs: []))
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(encoded.json)) as? [String: Any])
    #expect(object["id"] as? String == "a\"b")
    #expect(object["model_version"] as? String == "2")
    let output = try #require((object["outputs"] as? [[String: Any]])?.first)
    #expect(output["shape"] as? [Int] == [2, 3])
    #expect((output["data"] as? [Double])?.map { Float($0) } == values)
    #expect(encoded.tail.isEmpty)
  }

  @Test func binaryOutputsComeAfterTheJSON() throws {
    let request = InferRequest(model: "m", parameters: ["binary_data_output": .bool(true)], inputs: [])
    let encoded = try response(Tensor([1, 2] as [Int16], shape: [2])).encoded(for: request)
    let object = try #require(JSONSerialization.jsonObject(with: Data(encoded.json)) as? [String: Any])
    let output = try #require((object["outputs"] as? [[String: Any]])?.first)
    #expect(output["parameters"] as? [String: Int] == ["binary_data_size": 4])
    #expect(encoded.tail.map { $0.withUnsafeBytes { Array($0) } } == [[1, 0, 2, 0]])
  }

  private func response(_ strings: [[UInt8]]) throws -> InferResponse {
    InferResponse(
      model: "m", version: 1, id: "",
      outputs: [
        NamedTensor(name: "y", datatype: .bytes, shape: [strings.count], contents: .strings(strings))
      ])
  }

  @Test func stringsAreEscapedInJSON() throws {
    let texts = ["", "\0", "a\"b\\", "\u{1f}é\n", "日本語"]
    let encoded = try response(texts.map { Array($0.utf8) }).encoded(
      for: InferRequest(model: "m", inputs: []))
    let object = try #require(JSONSerialization.jsonObject(with: Data(encoded.json)) as? [String: Any])
    #expect(((object["outputs"] as? [[String: Any]])?.first)?["data"] as? [String] == texts)
  }

  /// Surrogates, overlong forms and the like are no UTF-8 either.
  @Test(
    arguments: [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]] as [[UInt8]]
  )
  func bytesThatAreNotUTF8AreRefusedInJSONAlone(_ bytes: [UInt8]) throws {
    #expect(throws: ProtocolError.self) {
      try response([[0x61], bytes]).encoded(for: InferRequest(model: "m", inputs: []))
    }
    let request = InferRequest(model: "m", parameters: ["binary_data_output": .bool(true)], inputs: [])
    let encoded = try response([bytes]).encoded(for: request)
    #expect(encoded.tail.map { $0.withUnsafeBytes { Array($0) } } == [[UInt8(bytes.count), 0, 0, 0] + bytes])
  }

  /// The elements of a sequence are as binary as the output that the request names.
  @Test func elementsOfSequencesAreBinaryAsRequested() throws {
    var response = try response(Tensor([1] as [UInt8], shape: [1]))
    response.outputs[0].name = "y.0"
    response.outputs[0].sequence = "y"
    let request = InferRequest(
      model: "m", inputs: [], outputs: [RequestedOutput(name: "y", isBinary: true)])
    #expect(try response.encoded(for: request).tail.count == 1)
    #expect(response.encodedBound(for: request).tail == 1)
  }

  @Test func halfPrecisionIsRefusedInJSON() throws {
    let tensor = try Tensor([1] as [Float16], shape: [1])
    #expect(throws: ProtocolError.self) {
      try response(tensor).encoded(for: InferRequest(model: "m", inputs: []))
    }
  }
}
