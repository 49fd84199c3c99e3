// Package contract holds what may come in: the rules of an Open Data Contract
// Standard (ODCS) v3.1 document, applied to one record at a time.
//
// A contract has schema objects. For a file source one object describes the
// row; for an http source each object describes the properties of the track
// event of that name, and the objects "identify", "page", "screen" and "group"
// the traits or properties of those calls.
package contract

// Violation is one broken rule. It never holds the offending value, only its
// shape, such as "text of 12 characters" (I12).
type Violation struct {
	Rule    string `json:"rule"`  // required, type, minimum, maximum, minLength, maxLength, pattern, enum, unique, unplanned
	Field   string `json:"field"` // dotted path within the object
	Shape   string `json:"shape"` // what was found, without the value
	Message string `json:"message"`
}
