package workspace

import (
	"encoding/json"

	"github.com/goccy/go-yaml"

	"parley/internal/fault"
)

// ConditionJSON reads a YAML file that holds a condition, or an audience
// document with one, and returns the condition as JSON, not yet checked. The
// name is the document's, empty for a bare condition. Errors are Invalid.
func ConditionJSON(data []byte) (name string, where []byte, err error) {
	const op = "workspace.condition"
	if len(data) > maxFile {
		return "", nil, fault.New(fault.Invalid, op, "The file is larger than 1 MiB; a condition is a few lines.")
	}
	if line := tooDeep(data); line > 0 {
		return "", nil, fault.New(fault.Invalid, op, "Line %d is nested more than %d levels deep; flatten it.", line, maxDepth)
	}
	var fields map[string]any
	if err := yaml.Unmarshal(data, &fields); err != nil {
		line, sentence := yamlError(err)
		return "", nil, fault.WrapAs(fault.Invalid, op, err, "Line %d is not valid YAML: %s.", line, sentence)
	}
	if len(fields) == 0 {
		return "", nil, fault.New(fault.Invalid, op, "The file is empty; write a condition, such as all: with a list below.")
	}
	var condition any = fields
	if fields["kind"] == "audience" {
		name, _ = fields["name"].(string)
		condition = fields["where"]
	}
	where, err = json.Marshal(condition)
	if err != nil {
		return "", nil, fault.WrapAs(fault.Invalid, op, err, "The condition holds a value that JSON cannot express; write numbers and texts only.")
	}
	return name, where, nil
}
