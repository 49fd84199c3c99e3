package audience

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"parley/internal/fault"
)

const (
	opParse = "audience.parse"
	// maxDocument bounds a condition document in bytes.
	maxDocument = 1 << 20
)

// child says what a field of a node holds: another node, a list of them, or ("") a plain value.
type child struct {
	node string
	list bool
}

// grammar lists the fields of every node of the document. The standard decoder
// alone would accept Trait for trait and let a second field of a name win.
var grammar = map[string]map[string]child{
	"condition": {
		"all": {node: "condition", list: true}, "any": {node: "condition", list: true}, "not": {node: "condition"},
		"trait": {node: "trait"}, "event": {node: "event"}, "didNot": {node: "event"}, "audience": {},
		"consent": {node: "consent"}, "identified": {}, "bucket": {node: "bucket"},
	},
	"trait": {"name": {}, "op": {}, "value": {}},
	"event": {
		"name": {}, "where": {node: "property", list: true}, "measure": {}, "property": {},
		"atLeast": {}, "atMost": {}, "window": {node: "window"},
	},
	"property": {"property": {}, "op": {}, "value": {}},
	"window":   {"last": {}, "from": {}, "to": {}},
	"consent":  {"purpose": {}, "is": {}},
	"bucket":   {"seed": {}, "from": {}, "to": {}},
}

// fieldNames are the fields of each node in the order in which a person should read them.
var fieldNames = map[string][]string{
	"condition": {"all", "any", "not", "trait", "event", "didNot", "audience", "consent", "identified", "bucket"},
	"trait":     {"name", "op", "value"},
	"event":     {"name", "where", "measure", "property", "atLeast", "atMost", "window"},
	"property":  {"property", "op", "value"},
	"window":    {"last", "from", "to"},
	"consent":   {"purpose", "is"},
	"bucket":    {"seed", "from", "to"},
}

// ParseCondition reads the JSON of one condition strictly: a field that the
// language does not have, or that appears twice, is refused by its path. It
// checks the form only; Condition.Validate checks the meaning. Errors are of
// kind fault.Invalid (or fault.TooLarge above 1 MiB).
func ParseCondition(raw []byte) (Condition, error) {
	if len(raw) > maxDocument {
		return Condition{}, fault.New(fault.TooLarge, opParse, "A condition may have at most %d bytes; refer to other audiences instead of repeating them.", maxDocument)
	}
	if !json.Valid(raw) {
		return Condition{}, fault.New(fault.Invalid, opParse, "The condition is not valid JSON; look for a missing bracket, quote or comma.")
	}
	if err := checkNode(raw, "condition", "where", 1); err != nil {
		return Condition{}, err
	}
	var c Condition
	if err := json.Unmarshal(raw, &c); err != nil {
		return Condition{}, fault.New(fault.Invalid, opParse, "%s", typeMessage(err))
	}
	return c, nil
}

// typeMessage says which field has a value of the wrong type, without the value.
func typeMessage(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fmt.Sprintf("where.%s: The value has the wrong type; it should be a %s.", wrong.Field, wrong.Type.Kind())
	}
	return "A value in the condition has the wrong form; numbers are written without quotes and times as 2026-03-01T00:00:00Z."
}

// refuse names the place of a mistake of form and says what is wrong there.
func refuse(path, sentence string) error {
	return fault.New(fault.Invalid, opParse, "%s: %s", path, sentence)
}

// checkNode walks one node of the document; raw is valid JSON.
func checkNode(raw []byte, node, path string, depth int) error {
	if isNull(raw) {
		return nil
	}
	if depth > MaxDepth+4 { // a window lies three levels below its condition
		return refuse(path, tooDeep)
	}
	fields, err := splitObject(raw, path)
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(fields))
	for _, f := range fields {
		c, known := grammar[node][f.name]
		if !known {
			return refuse(path, unknown("field here", f.name, fieldNames[node]))
		}
		at := path + "." + f.name
		if seen[f.name] {
			return refuse(at, "It is written twice; keep one.")
		}
		seen[f.name] = true
		if c.node == "" {
			continue
		}
		if err := checkChild(f.value, c, at, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func checkChild(raw []byte, c child, path string, depth int) error {
	if !c.list || isNull(raw) {
		return checkNode(raw, c.node, path, depth)
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		return refuse(path, "It should be a list.")
	}
	for i, e := range elements {
		if err := checkNode(e, c.node, fmt.Sprintf("%s[%d]", path, i), depth); err != nil {
			return err
		}
	}
	return nil
}

type field struct {
	name  string
	value json.RawMessage
}

// splitObject lists the fields of an object in their order, duplicates included.
func splitObject(raw []byte, path string) ([]field, error) {
	notObject := refuse(path, "It should be an object in braces.")
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, notObject
	}
	var fields []field
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, notObject
		}
		f := field{name: fmt.Sprint(name)}
		if err := decoder.Decode(&f.value); err != nil {
			return nil, notObject
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func isNull(raw []byte) bool { return string(bytes.TrimSpace(raw)) == "null" }
