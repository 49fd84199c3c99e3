package contract

import "encoding/json"

// Spec is one ODCS v3.1 document of the workspace. Fields of the standard that
// Parley does not enforce stay in Kept and are written back unchanged.
type Spec struct {
	APIVersion string `json:"apiVersion"` // v3.1.0; v3.0.x is read too
	Kind       string `json:"kind"`       // DataContract
	ID         string `json:"id"`
	Version    string `json:"version"` // of the contract, free text
	Status     string `json:"status"`  // proposed, draft, active, deprecated, retired
	Name       string `json:"name"`
	// Description is an object (purpose, usage, limitations) in the standard.
	Description      json.RawMessage  `json:"description,omitempty"`
	Schema           []Object         `json:"schema"`
	CustomProperties []CustomProperty `json:"customProperties,omitempty"`
	Kept             Kept             `json:"-"`
}

// Object describes one table, or one kind of event.
type Object struct {
	Name             string           `json:"name"`
	PhysicalName     string           `json:"physicalName,omitempty"` // an alias under which Check finds the object
	LogicalType      string           `json:"logicalType,omitempty"`  // object, or empty
	Description      string           `json:"description,omitempty"`
	Properties       []Property       `json:"properties,omitempty"`
	Quality          []Quality        `json:"quality,omitempty"`
	CustomProperties []CustomProperty `json:"customProperties,omitempty"`
	Kept             Kept             `json:"-"`
}

// Property describes one field of an object, found under its Name.
type Property struct {
	Name string `json:"name,omitempty"` // required, except for the items of an array
	// LogicalType is string, date, timestamp, time, number, integer, boolean,
	// object or array; empty accepts any value.
	LogicalType string `json:"logicalType,omitempty"`
	Description string `json:"description,omitempty"`
	// Required refuses records without the field or with null in it.
	Required bool `json:"required,omitempty"`
	Unique   bool `json:"unique,omitempty"`
	// PrimaryKey makes the field part of the object's key. As in the standard
	// it does not imply Required.
	PrimaryKey         bool             `json:"primaryKey,omitempty"`
	PrimaryKeyPosition int              `json:"primaryKeyPosition,omitempty"` // from 1; 0 or less: as declared
	Classification     string           `json:"classification,omitempty"`
	LogicalTypeOptions *Options         `json:"logicalTypeOptions,omitempty"`
	Quality            []Quality        `json:"quality,omitempty"`
	Properties         []Property       `json:"properties,omitempty"`
	Items              *Property        `json:"items,omitempty"`
	CustomProperties   []CustomProperty `json:"customProperties,omitempty"`
	Kept               Kept             `json:"-"`
}

// Options are the logicalTypeOptions: limits within the type.
type Options struct {
	MinLength *int `json:"minLength,omitempty"` // characters, not bytes
	MaxLength *int `json:"maxLength,omitempty"`
	// Pattern is searched in the text, as in ECMA-262 and JSON Schema: write
	// ^…$ to mean the whole value. The dialect is RE2 (no look-around, no
	// back-references), so that no value can make it slow.
	Pattern string `json:"pattern,omitempty"`
	// Format is email, uuid, uri, hostname, ipv4, ipv6 … for a string, i8 to
	// u128 for an integer, f32 or f64 for a number, and a JDK pattern such as
	// dd/MM/yyyy for a date, timestamp or time.
	Format string `json:"format,omitempty"`
	// The four limits are numbers, or text for date, timestamp and time.
	Minimum          json.RawMessage `json:"minimum,omitempty"`
	Maximum          json.RawMessage `json:"maximum,omitempty"`
	ExclusiveMinimum json.RawMessage `json:"exclusiveMinimum,omitempty"`
	ExclusiveMaximum json.RawMessage `json:"exclusiveMaximum,omitempty"`
	MultipleOf       json.RawMessage `json:"multipleOf,omitempty"`
	MinItems         *int            `json:"minItems,omitempty"`
	MaxItems         *int            `json:"maxItems,omitempty"`
	UniqueItems      bool            `json:"uniqueItems,omitempty"`
	MinProperties    *int            `json:"minProperties,omitempty"`
	MaxProperties    *int            `json:"maxProperties,omitempty"`
	Required         []string        `json:"required,omitempty"` // of an object
	Kept             Kept            `json:"-"`
}

// Quality is one quality rule. Rules of type library that allow no exception
// (mustBe 0, mustBeLessOrEqualTo 0) are enforced; the others are kept.
type Quality struct {
	Type                string          `json:"type,omitempty"` // library (default if Metric is set), text, sql, custom
	Metric              string          `json:"metric,omitempty"`
	Arguments           *Arguments      `json:"arguments,omitempty"`
	MustBe              json.RawMessage `json:"mustBe,omitempty"` // a number; true or false for sql
	MustBeLessOrEqualTo json.RawMessage `json:"mustBeLessOrEqualTo,omitempty"`
	Description         string          `json:"description,omitempty"`
	Kept                Kept            `json:"-"`
}

// Arguments are what a library metric needs.
type Arguments struct {
	ValidValues   []json.RawMessage `json:"validValues,omitempty"`   // of invalidValues
	Pattern       string            `json:"pattern,omitempty"`       // of invalidValues
	MissingValues []json.RawMessage `json:"missingValues,omitempty"` // of missingValues
	Properties    []string          `json:"properties,omitempty"`    // of duplicateValues on an object
	Kept          Kept              `json:"-"`
}

// CustomProperty is the standard's way to extend it.
type CustomProperty struct {
	Property string          `json:"property"`
	Value    json.RawMessage `json:"value"`
	Kept     Kept            `json:"-"`
}

// Kept holds fields that Parley does not read, by name.
type Kept map[string]json.RawMessage

// Owner is the team that answers for the contract: the custom property owner
// or else the name of the standard's team block; empty if there is neither.
func (s *Spec) Owner() string {
	if owner := customText(s.CustomProperties, "owner"); owner != "" {
		return owner
	}
	var team struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(s.Kept["team"], &team) != nil {
		return "" // the team block of v3.0 is a list of people
	}
	return team.Name
}

// customText returns the text of a custom property, "" if absent or not text.
func customText(list []CustomProperty, name string) string {
	for _, c := range list {
		var text string
		if c.Property == name && json.Unmarshal(c.Value, &text) == nil {
			return text
		}
	}
	return ""
}
