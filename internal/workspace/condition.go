package workspace

import "parley/internal/fault"

// ConditionJSON reads a YAML file that holds a condition, or an audience
// document with one, and returns the condition as JSON, not yet checked. The
// name is the document's, empty for a bare condition. Errors are Invalid.
func ConditionJSON(data []byte) (name string, where []byte, err error) {
	const op = "workspace.condition"
	documents, wrong := parse(data)
	if wrong == nil && len(documents) > 0 && len(documents[0].mistakes) > 0 {
		wrong = &documents[0].mistakes[0]
	}
	if wrong != nil {
		return "", nil, fault.New(fault.Invalid, op, "Line %d: %s", wrong.line, wrong.message)
	}
	if len(documents) != 1 || len(documents[0].fields) == 0 {
		return "", nil, fault.New(fault.Invalid, op, "Write one condition into the file, such as all: with a list below.")
	}
	condition := documents[0].value
	if kind, _ := condition.child("kind"); kind.text == "audience" {
		called, _ := condition.child("name")
		name = called.text
		condition, _ = condition.child("where")
	}
	return name, condition.appendJSON(nil), nil
}
