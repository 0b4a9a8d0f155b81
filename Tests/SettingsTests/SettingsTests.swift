import Settings
import Testing

private func settings(
  _ options: [String: String] = [:], environment: [String: String] = [:], file: [String: String]? = nil
) throws -> Settings {
  try Settings(
    knobs: KnobDeclaration.server, options: options, environment: environment,
    file: file.map { Settings.File(path: "server.yaml", values: $0) })
}

@Test func anOptionGoesBeforeTheEnvironmentThatBeforeTheFileThatBeforeTheDefault() throws {
  let environment = ["FUSEDINF_HTTP_PORT": "2"]
  let file = ["http-port": "3"]
  #expect(try settings(["http-port": "1"], environment: environment, file: file)[.httpPort] == 1)
  #expect(try settings(environment: environment, file: file)[.httpPort] == 2)
  #expect(try settings(file: file)[.httpPort] == 3)
  #expect(try settings()[.httpPort] == 8000)
  // An empty variable is none.
  #expect(try settings(environment: ["FUSEDINF_HTTP_PORT": ""], file: file)[.httpPort] == 3)
}

@Test func aListingSaysWhereEachValueComesFrom() throws {
  let rows = try settings(
    ["budget": "64MiB"], environment: ["FUSEDINF_MAX_DELAY": "2s"], file: ["admin": "keys"]
  ).rows
  #expect(rows.map(\.name) == KnobDeclaration.server.map(\.name))
  func row(_ name: String) throws -> Settings.Row { try #require(rows.first { $0.name == name }) }
  #expect(try row("budget").value == "64MiB" && row("budget").source == "option")
  #expect(try row("max-delay").value == "2s" && row("max-delay").source == "environment")
  #expect(try row("admin").value == "keys" && row("admin").source == "server.yaml")
  #expect(try row("bind").value == "127.0.0.1" && row("bind").source == "default")
}

@Test(arguments: [
  ("http-port", "65536"), ("http-port", "x"), ("budget", "many"), ("budget", "-1"), ("max-delay", "1 week"),
  ("admin", "all"), ("shared-memory", "maybe"), ("max-batch", "0"), ("bind", ""),
])
func aValueThatAKnobDoesNotTakeIsRefusedWhereverItComesFrom(name: String, value: String) throws {
  let variable = "FUSEDINF_" + name.uppercased().replacing("-", with: "_")
  let option = try #require(throws: SettingsError.self) { try settings([name: value]) }
  #expect(option.description.hasPrefix("--\(name) takes") && option.description.contains("'\(value)'"))
  let file = try #require(throws: SettingsError.self) { try settings(file: [name: value]) }
  #expect(file.description.hasPrefix("server.yaml: '\(name)' takes"))
  if !value.isEmpty {
    let environment = try #require(throws: SettingsError.self) {
      try settings(environment: [variable: value])
    }
    #expect(environment.description.hasPrefix(variable))
  }
}

@Test func aKeyOfTheFileThatIsNoKnobIsNamedWithTheOneThatWasMeant() throws {
  let error = try #require(throws: SettingsError.self) { try settings(file: ["max_delay": "1s"]) }
  #expect(error.description.contains("'max_delay'") && error.description.contains("'max-delay'"))
}

@Test func everyDefaultThatIsWrittenIsAValueOfItsKnob() throws {
  for knob in KnobDeclaration.all {
    #expect(throws: Never.self) {
      try Settings(knobs: [knob], options: [knob.name: knob.standard], environment: [:])
    }
  }
  #expect(try settings(["keep-alive": "none"])[.keepAlive] == nil)
  #expect(try settings(["pin": "a, b,"])[.pin] == ["a", "b"])
  let names = KnobDeclaration.all.map(\.name)
  #expect(Set(names).count == names.count)
}

@Test func durationsAreReadAsTheyAreWritten() {
  for (text, duration) in [
    ("0", Duration.zero), ("1.5s", .milliseconds(1500)), ("250us", .microseconds(250)), ("5m", .seconds(300)),
    ("90", .seconds(90)), ("2h", .seconds(7200)), ("1d", .seconds(86400)), ("100 ms", .milliseconds(100)),
  ] {
    #expect(Duration(parsing: text) == duration, "\(text)")
    #expect(Duration(parsing: duration.written) == duration, "\(duration.written)")
  }
  for text in ["", "s", "-1s", "1w", "1e9", "99999999999d", "nan", "1..2s", "٣s"] {
    #expect(Duration(parsing: text) == nil, "\(text)")
  }
}

@Test func optionsAreReadInEveryForm() throws {
  let words = [
    "--budget", "64MiB", "--http-port=0", "--shared-memory", "--no-grpc", "--open-reads=off", "--pin", "a",
    "--pin", "b,c", "--log-level", "debug", "--log-level", "error",
  ]
  let settings = try settings(try KnobOptions(words, knobs: KnobDeclaration.server).values)
  #expect(settings[.budget] == 64 << 20 && settings[.httpPort] == 0)
  #expect(settings[.sharedMemory] && !settings[.grpc] && !settings[.openReads] && settings[.http])
  #expect(settings[.pin] == ["a", "b", "c"] && settings[.logLevel] == "error")
}

@Test(arguments: [
  (["--http-prot", "1"], "'--http-prot'; did you mean 'http-port'?"), (["models"], "'models'"),
  (["--budget"], "--budget needs a size"), (["--no-budget"], "'--no-budget'"), (["-b", "1"], "'-b'"),
  (["--"], "'--'"),
])
func whatIsNoOptionIsNamed(words: [String], message: String) throws {
  let error = try #require(throws: SettingsError.self) {
    try KnobOptions(words, knobs: KnobDeclaration.server)
  }
  #expect(error.description.contains(message), "\(error)")
}

@Test func theHelpNamesEveryKnobAndIsNoWiderThanATerminal() {
  let help = ServerHelp.text(program: "fusedinf serve")
  for knob in KnobDeclaration.server { #expect(help.contains("--\(knob.name)"), "\(knob.name)") }
  for line in help.split(separator: "\n") { #expect(line.count <= 90, "\(line)") }
}

/// Values that a setting of this form takes, by what the page of settings says it takes.
private func examples(of type: String) -> [String]? {
  if type.hasPrefix("number from ") {
    let ends = type.split(separator: " ").compactMap { Int($0) }
    return ends.map(String.init)
  }
  if type.contains("|") { return type.split(separator: "|").map(String.init) }
  return switch type {
  case "size such as 64MiB": ["64MiB", "1GiB", "500MB", "4096"]
  case "duration such as 500ms, 30s or 5m": ["500ms", "30s", "5m", "0"]
  case "duration such as 500ms, 30s or 5m, or none": ["500ms", "30s", "5m", "none"]
  case "whole number": ["0", "7"]
  case "directory", "address": ["somewhere"]
  case "directory, or none", "file, or none": ["somewhere", "none"]
  case "names, or none": ["a", "a,b", "none"]
  case "origins, or none": ["https://a.example", "https://a.example,http://b:8080", "none"]
  default: nil
  }
}

@Test(arguments: KnobDeclaration.all.map(\.name)) func everyValueThatASettingTakesIsTakenInEveryForm(
  name: String
) throws {
  let knob = try #require(KnobDeclaration.all.first { $0.name == name })
  let values = try #require(examples(of: knob.type), "no examples of '\(knob.type)'")
  for value in values {
    for words in [["--\(name)", value], ["--\(name)=\(value)"]] {
      let options = try KnobOptions(words, knobs: [knob])
      #expect(options.values == [name: value])
      #expect(throws: Never.self) { try Settings(knobs: [knob], options: options.values, environment: [:]) }
    }
    #expect(throws: Never.self) { try Settings(knobs: [knob], environment: [knob.environment: value]) }
    let file = Settings.File(path: "server.yaml", values: [name: value])
    #expect(throws: Never.self) { try Settings(knobs: [knob], environment: [:], file: file) }
  }
}

@Test func aFlagTakesAValueOrNone() throws {
  func uploads(_ words: String...) throws -> Bool {
    try settings(try KnobOptions(words, knobs: KnobDeclaration.server).values)[.uploads]
  }
  #expect(try uploads("--uploads") && uploads("--uploads", "on") && uploads("--uploads", "true"))
  #expect(try !uploads("--uploads", "off") && !uploads("--no-uploads") && !uploads())
  #expect(try uploads("--uploads", "--no-grpc") && uploads("--uploads", "--http-port", "0"))
  #expect(throws: SettingsError.self) { try uploads("--uploads", "perhaps") }
  #expect(throws: SettingsError.self) { try uploads("--no-uploads", "on") }
}

@Test func whatMayBeAbsentIsAbsentAsNone() throws {
  let none = try settings(["repository": "none", "keys": "none", "pin": "none", "keep-alive": "none"])
  #expect(none[.repository] == nil && none[.keys] == nil && none[.pin].isEmpty && none[.keepAlive] == nil)
  #expect(try settings(["repository": "./none"])[.repository] == "./none")
}
