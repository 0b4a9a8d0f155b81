import Foundation
import ModelStore
import Repository
import Testing

/// Triton's `config.pbtxt`, as its documentation and its users write it.
struct ModelConfigurationTests {
  @Test func whatIsFollowedIsReadAndTheRestIsNamed() throws {
    let config = try ModelConfiguration(
      parsing: """
        # A model as Triton's documentation has it.
        name: "densenet_onnx"
        platform: "onnxruntime_onnx"
        max_batch_size : 8;
        input [
          {
            name: "data_0"
            data_type: TYPE_FP32
            format: FORMAT_NCHW
            dims: [ 3, 224, 224 ]
          }, { name: 'extra' dims: 1 dims: -1 }
        ]
        output { name: "fc6_1" data_type: TYPE_FP32 dims: [ 1000 ] label_filename: "labels" }
        output < name: "flat" dims: [1] reshape { shape: [ ] } >
        version_policy: { specific { versions: [1, 3] } }
        instance_group [ { count: 2 kind: KIND_CPU } ]
        optimization { graph { level: -1 } }
        dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }
        parameters { key: "intra_op_thread_count" value: { string_value: "0" } }
        default_model_filename: "net" ".onnx"
        some_future_field: 3.5e-1
        """)
    #expect(config.name == "densenet_onnx" && config.maxBatchSize == 8 && config.otherPlatform == nil)
    #expect(config.inputs.map(\.name) == ["data_0", "extra"])
    #expect(config.inputs.map(\.dims) == [[3, 224, 224], [1, -1]])
    #expect(config.inputs.map(\.dataType) == ["TYPE_FP32", nil])
    #expect(config.outputs.map(\.dims) == [[1000], nil])
    #expect(config.versionPolicy == .specific([1, 3]))
    #expect(config.defaultModelFilename == "net.onnx")
    #expect(
      config.ignored == [
        "dynamic_batching", "input.format", "instance_group", "optimization", "output.label_filename",
        "output.reshape", "parameters", "some_future_field",
      ])
    #expect(try ModelConfiguration(parsing: "") == ModelConfiguration(parsing: "# nothing\n"))
  }

  @Test(arguments: [
    "max_batch_size: -1", "max_batch_size: many", "max_batch_size: 99999999999999999999", "name: 5", "name",
    "name:",
    "input: 5", "input {", "input [ { name: \"x\" }", "version_policy { }", "version_policy { newest {} }",
    "version_policy { latest { num_versions: x } }", "default_model_filename: \"../../etc/passwd\"",
    "default_model_filename: \"/etc/passwd\"", "name: \"a", "name: \"\\q\"", "name: \"\\377\"", "}",
    "a: [1, [2]]",
    "name: \"\\ud800\"", "[ext", "max_batch_size: 08", "max_batch_size: 0x", "max_batch_size: 0xg",
    "max_batch_size: --8",
    "max_batch_size: 0x80000000", "max_batch_size: 1e1", "max_batch_size: -0x1", "max_batch_size: 0x-1",
    "max_batch_size: 8.0",
  ])
  func whatCannotBeFollowedIsRefused(text: String) {
    #expect(throws: ModelConfiguration.Problem.self) { try ModelConfiguration(parsing: text) }
  }

  /// As `google.protobuf.text_format` reads them.
  @Test(arguments: [
    ("8", 8), ("0x8", 8), ("0X1f", 31), ("010", 8), ("0", 0), ("00", 0), ("-0", 0), ("0x7fffffff", .max),
  ])
  func wholeNumbersAreDecimalOctalOrHexadecimal(text: String, number: Int32) throws {
    let config = try ModelConfiguration(
      parsing: "max_batch_size: \(text) input { name: \"x\" dims: [-0x1, -01, - 1, 0x10] }"
        + "version_policy { latest { num_versions: 0x2 } }")
    #expect(config.maxBatchSize == Int(number))
    #expect(config.inputs.map(\.dims) == [[-1, -1, -1, 16]])
    #expect(config.versionPolicy == .latest(2))
  }

  @Test(arguments: [
    ("name", "name: \"m\" name: \"m\""), ("platform", "platform: \"\" platform: \"onnxruntime_onnx\""),
    ("backend", "backend: \"python\" backend: \"onnxruntime\""),
    ("max_batch_size", "max_batch_size: 4 max_batch_size: 8"),
    ("max_batch_size", "max_batch_size: [4, 8]"),
    ("version_policy", "version_policy { all {} } version_policy { all {} }"),
    ("default_model_filename", "default_model_filename: \"a\" default_model_filename: \"b\""),
    ("name", "input { name: \"x\" name: \"y\" }"),
    ("data_type", "output [ { name: \"x\" data_type: TYPE_FP32 data_type: TYPE_FP16 } ]"),
    ("format", "input { name: \"x\" format: FORMAT_NONE format: FORMAT_NCHW }"),
    ("reshape", "input { name: \"x\" reshape { shape: 1 } reshape { shape: 1 } }"),
    ("num_versions", "version_policy { latest { num_versions: 1 num_versions: 2 } }"),
  ])
  func aFieldWithOneValueIsSetOnce(field: String, text: String) throws {
    let problem = try #require(throws: ModelConfiguration.Problem.self) {
      try ModelConfiguration(parsing: "# first\n" + text)
    }
    #expect(problem.description == "line 2: '\(field)' is set twice")
  }

  /// Enumerations' values have names and numbers (`DataType` of Triton's `model_config.proto`).
  @Test(arguments: [
    ("11", "TYPE_FP32"), ("0xb", "TYPE_FP32"), ("0", "TYPE_INVALID"), ("14", "TYPE_BF16"), ("15", "15"),
    ("-1", "-1"),
  ])
  func typesAreNamesOrNumbers(text: String, name: String) throws {
    let config = try ModelConfiguration(parsing: "input { name: \"x\" data_type: \(text) }")
    #expect(config.inputs.map(\.dataType) == [name])
  }

  @Test func nestingAndNumberAreBounded() throws {
    for part in ["a {", "a <", "a: {", "a: [", "a [{"] {
      #expect(throws: TextFormat.Problem.self) {
        try TextFormat(parsing: String(repeating: part, count: 5000))
      }
    }
    #expect(throws: TextFormat.Problem.self) {
      try TextFormat(parsing: String(repeating: "a: 1\n", count: TextFormat.maxFields + 1))
    }
    let nested = String(repeating: "a {", count: 32) + String(repeating: "}", count: 32)
    #expect(throws: Never.self) { try TextFormat(parsing: nested) }
  }

  @Test func anyTextEndsInAMessageOrAProblem() throws {
    var generator = SystemRandomNumberGenerator()
    let letters = Array("ab:{}[]<>,;\"'\\x01-.# \n\r\u{0}é")
    for _ in 0..<20_000 {
      let text = String((0..<Int.random(in: 0..<24, using: &generator)).map { _ in letters.randomElement()! })
      do { _ = try TextFormat(parsing: text) } catch { #expect(error.line >= 1) }
    }
  }

  private static func metadata(_ sizes: [DeclaredSize]) -> ModelMetadata {
    ModelMetadata(
      name: "m", target: "", opset: 17, sourceHash: ContentHash(of: []), sourcePath: "",
      inputs: [.init(name: "x", elementType: .float32, dimensions: sizes)],
      outputs: [.init(name: "y", elementType: .int64, dimensions: sizes)])
  }

  /// A model `x: float32[batch, 16]` to `y: int64[batch, 16]`.
  @Test(arguments: [
    ("max_batch_size: 8 input { name: \"x\" data_type: TYPE_FP32 dims: [16] }", true),
    (
      "max_batch_size: 0 input { name: \"x\" dims: [-1, 16] } output { name: \"y\" data_type: TYPE_INT64 }",
      true
    ),
    ("input { name: \"x\" dims: [4, 16] }", true), ("name: \"m\"", true), ("name: \"\"", true),
    ("name: \"other\"", false), ("backend: \"python\"", false), ("platform: \"tensorrt_plan\"", false),
    ("input { name: \"z\" }", false), ("output { name: \"x\" }", false),
    ("input { name: \"x\" data_type: TYPE_FP16 }", false),
    ("max_batch_size: 8 input { name: \"x\" dims: [-1, 16] }", false),
    ("input { name: \"x\" dims: [-1, 17] }", false), ("input { name: \"x\" dims: [16] }", false),
  ])
  func aConfigurationHasToBeTheModels(text: String, agrees: Bool) throws {
    let config = try ModelConfiguration(parsing: text)
    let result = Result {
      try config.check(name: "m")
      try config.check(Self.metadata([.name("batch"), .number(16)]))
    }
    #expect(((try? result.get()) != nil) == agrees)
  }

  /// A model of strings and of a sequence of `float32[2]`.
  @Test(arguments: [
    (
      "input { name: \"x\" data_type: TYPE_STRING dims: [-1] } output { name: \"y\" data_type: TYPE_FP32 }",
      true
    ),
    ("output { name: \"y\" data_type: TYPE_FP32 dims: [-1, 2] }", true),
    ("input { name: \"x\" data_type: TYPE_FP32 }", false), ("output { name: \"y\" dims: [-1, 3] }", false),
    ("output { name: \"y\" data_type: TYPE_STRING }", false), ("output { name: \"y\" dims: [2] }", false),
  ])
  func stringsAndSequencesAreCheckedAsTheyAreServed(text: String, agrees: Bool) throws {
    let contents = ModelMetadata.Contents(
      elementType: .float32, dimensions: [.number(2)], isOptional: false, mayBeAbsent: false)
    let metadata = ModelMetadata(
      name: "m", target: "", opset: 17, sourceHash: ContentHash(of: []), sourcePath: "",
      inputs: [.init(name: "x", elementType: .string, dimensions: [.name("n")])],
      outputs: [.init(name: "y", elementType: .sequence, dimensions: [], contents: contents)])
    let config = try ModelConfiguration(parsing: text)
    #expect(((try? config.check(metadata)) != nil) == agrees)
  }

  @Test func batchesNeedAnOpenFirstDimension() throws {
    let config = try ModelConfiguration(parsing: "max_batch_size: 8")
    let problem = try #require(throws: ModelConfiguration.Problem.self) {
      try config.check(Self.metadata([.number(1), .number(16)]))
    }
    #expect(problem.description.contains("'x'") && problem.description.contains("max_batch_size"))
  }

  @Test(
    arguments: [
      ("-1", KeepAlive.forever), ("-5m", KeepAlive.forever), ("0", .zero), ("90", .seconds(90)),
      ("1.5", .milliseconds(1500)),
      ("5m", .seconds(300)), ("1h30m", .seconds(5400)), ("250ms", .milliseconds(250)), ("+2s", .seconds(2)),
      ("10µs", .microseconds(10)), ("2562047h", KeepAlive.forever), ("1e3", .seconds(1000)),
    ] as [(String, Duration)])
  func modelsAreKeptAsOllamaWritesIt(text: String, duration: Duration) {
    #expect(KeepAlive.duration(text) == duration)
  }

  @Test(arguments: [
    "", "m", "5", "x", "5 m", "5w", "1..2s", "nan", "inf", "0x10", "1e99", "٣s", "--1", "5m-3s", "1e400h",
  ])
  func whatIsNoTimeIsNone(text: String) {
    #expect(KeepAlive.duration(text) == (text == "5" ? .seconds(5) : nil))
  }
}
