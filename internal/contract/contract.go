// Package contract holds what may come in: the rules of an Open Data Contract
// Standard (ODCS) v3.1 document, applied to one record at a time.
//
// A contract has schema objects. For a file source one object describes the
// row; for an http source each object describes the properties of the track
// event of that name, and the objects "identify", "page", "screen" and "group"
// the traits or properties of those calls.
//
// What is enforced: required, logicalType and its options, properties and items
// at any depth, and the library metrics nullValues, missingValues, invalidValues
// and duplicateValues where they say mustBe 0, for only those can be decided
// one record at a time. Everything else of the standard is kept as written.
// Two custom properties of ours say what happens to things nobody planned:
// unplanned (on the contract) and unplannedProperties (on the contract, an
// object or a property of type object), each allow (the default) or quarantine.
package contract

// Violation is one broken rule. It never holds the offending value, only its
// shape, such as "text of 12 characters" (I12).
type Violation struct {
	// Rule is the name of the broken rule: required, type, minimum, maximum,
	// exclusiveMinimum, exclusiveMaximum, multipleOf, minLength, maxLength,
	// pattern, format, enum, minItems, maxItems, uniqueItems, minProperties,
	// maxProperties, missing, unique or unplanned.
	Rule    string `json:"rule"`
	Field   string `json:"field"` // dotted path within the object; empty for the object itself
	Shape   string `json:"shape"` // what was found, without the value
	Message string `json:"message"`
}

// Contract is a compiled Spec. It is immutable and safe for concurrent use.
type Contract struct {
	objects map[string]*node // by name and by physical name
	keys    map[string][][]string
	// quarantineUnplanned refuses objects that the contract does not name.
	quarantineUnplanned bool
}

// MaxViolations is how many violations of one record are reported; a record
// that breaks more is just as broken.
const MaxViolations = 100
