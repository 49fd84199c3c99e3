package archtest

// What is allowed all the same, each with its reason. An entry that allows
// nothing any more fails TestNoExceptionIsStale; wideImporters is DESIGN's own
// list and may run ahead of the code.

// testImports lets production code import a *test package: "importer -> imported".
var testImports = map[string]string{
	"internal/demo -> internal/destination/destinationtest": "the demo brings its own e-mail tool: the sink that verifies signatures and keeps the list",
}

// longFiles are above 500 lines for a reason.
var longFiles = map[string]string{}

// longFunctions are above 120 lines for a reason, as state tables are: "file function".
var longFunctions = map[string]string{}

// wideImporters may import more than a dozen of our packages.
var wideImporters = map[string]string{
	"internal/server":    "the composition root wires everything",
	"internal/api":       "it shows every noun to people and programs",
	"internal/state":     "it stores every noun",
	"internal/pipeline":  "contract, identity, profile, audience and delivery are fused into one transaction (DESIGN §6)",
	"internal/workspace": "its documents are the Specs of every noun",
}
