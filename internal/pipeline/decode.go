package pipeline

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/contract"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/lake"
	"parley/internal/source"
	"parley/internal/state"
	"parley/internal/workspace"
)

// decoded is an entry after everything that needs no state: parsed, mapped,
// checked against its contract, identifiers normalised. It depends on the entry
// and the workspace version alone (I4).
type decoded struct {
	entry    *journal.Entry
	position journal.Position
	index    int
	source   *workspace.Source
	key      event.Key // of the receipt
	hash     string    // content of a record; "" for events
	event    event.Event
	usable   []event.Identifier
	body     []byte // the event as the lake keeps it; for a record, its first content
	// violations are the reasons for quarantine found so far.
	violations []contract.Violation
	unique     []state.Holding
	replay     int64 // the quarantined record this processes again; 0 none
	done       bool  // nothing to do: the replayed record is open no more
}

func decode(ws *workspace.Compiled, p journal.Position, index int, e *journal.Entry) *decoded {
	d := &decoded{entry: e, position: p, index: index, key: event.Key{Source: storable(e.Source), ID: storable(e.ID)}}
	d.source = ws.Sources[e.Source]
	if d.source == nil {
		d.violate("source", "", "an unknown source", "No source of this name is in the workspace; add it and replay.")
		return d
	}
	var object string
	var record map[string]any
	switch e.Kind {
	case journal.Record:
		object, record = d.record()
	default:
		object, record = d.message()
	}
	if len(d.violations) > 0 {
		return d
	}
	if e.Kind != journal.Record {
		d.check(object, record, d.source.Rules.Check)
	}
	d.usable, _ = ws.Identity.Normalise(d.event.Identifiers)
	if d.hash != "" {
		d.event.Revision = 1
	}
	d.body, _ = json.Marshal(&d.event) // should it fail, row says so
	return d
}

func (d *decoded) violate(rule, field, shape, message string) {
	d.violations = append(d.violations, contract.Violation{Rule: rule, Field: field, Shape: shape, Message: message})
}

func (d *decoded) receipt() event.Receipt {
	return event.Receipt{Source: d.key.Source, ID: d.key.ID, ReceivedAt: d.entry.ReceivedAt, SentAt: d.entry.SentAt}
}

// message parses an event and returns the contract's object and what to hold to it.
func (d *decoded) message() (object string, record map[string]any) {
	e, err := event.Parse(d.entry.Payload, d.receipt())
	if err != nil {
		d.violate("format", "", shapeOf(d.entry.Payload), fault.Message(err))
		return "", nil
	}
	d.event = e
	switch e.Type {
	case event.Track:
		return e.Name, e.Properties
	case event.Identify:
		return string(e.Type), e.Traits
	default:
		return string(e.Type), e.Properties
	}
}

// record maps a row; what is held to the contract is the row in its own columns.
func (d *decoded) record() (object string, row map[string]any) {
	raw, err := source.DecodeRow(d.entry.Payload)
	if err != nil {
		d.violate("format", "", shapeOf(d.entry.Payload), fault.Message(err))
		return "", nil
	}
	d.hash = source.ContentHash(raw)
	if d.source.Mapping == nil {
		d.violate("source", "", "a row", "This source has no mapping from columns; add one and replay.")
		return "", nil
	}
	// Cells that do not fit their type stay text in the typed row, where the
	// contract's type rule names them; what no rule names is refused here.
	typed, _ := d.source.Mapping.Typed(raw)
	e, wrong := d.source.Mapping.Apply(raw, d.receipt())
	d.event = e
	rules := d.source.Rules.Check
	if allText(raw) {
		rules = d.source.Rules.CheckText
	}
	d.check(d.source.Object, typed, rules)
	for _, w := range wrong {
		if !d.named(w.Column) {
			d.violate("type", w.Column, w.Shape, w.Message)
		}
	}
	return "", nil
}

func (d *decoded) named(field string) bool {
	for _, v := range d.violations {
		if v.Field == field {
			return true
		}
	}
	return false
}

// check holds a record to an object of the contract by its rules.
func (d *decoded) check(object string, record map[string]any, rules func(string, map[string]any) []contract.Violation) {
	d.violations = append(d.violations, rules(object, record)...)
	for _, fields := range d.source.Rules.UniqueFields(object) {
		if hash, ok := contract.UniqueKey(record, fields); ok {
			d.unique = append(d.unique, state.Holding{Fields: object + ":" + strings.Join(fields, ","), Hash: hash})
		}
	}
	if !d.fits() && len(d.violations) == 0 {
		d.violate("format", "", shapeOf(d.entry.Payload), "The text holds a NUL character, which no store can keep; remove it.")
	}
}

// allText says whether a row comes from a format without types, such as CSV.
func allText(row source.Row) bool {
	for _, v := range row {
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}

// fits says whether every store can hold the event.
func (d *decoded) fits() bool {
	return lake.Storable(d.event.ID) && lake.Storable(d.event.Name) && lake.Storable(d.event.Source)
}

// row returns the event for the lake, under the identifier that carried it.
func (d *decoded) row() (lake.Row, error) {
	body := d.body
	if body == nil || d.event.Revision > 1 {
		var err error
		if body, err = json.Marshal(&d.event); err != nil {
			return lake.Row{}, fault.Wrap("pipeline.row", err)
		}
	}
	r := lake.Row{Position: d.position, Index: d.index, Source: d.event.Source, ID: d.event.ID, Type: d.event.Type,
		Name: d.event.Name, Time: d.event.Time, ReceivedAt: d.event.ReceivedAt, Event: body}
	if len(d.usable) > 0 {
		r.Node = d.usable[0]
	}
	return r, nil
}

// storable makes an id fit for every store: what is not text, or too long for
// an index, is named by its hash.
func storable(id string) string {
	if lake.Storable(id) && len(id) <= 500 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("unreadable-%x", sum[:12])
}

func shapeOf(payload []byte) string {
	kind := "text"
	if !utf8.Valid(payload) {
		kind = "not UTF-8"
	}
	return fmt.Sprintf("%s of %d bytes", kind, len(payload))
}

// hour is the hour of receipt, in which the completeness ledger counts (I2).
func hour(t time.Time) time.Time { return t.Truncate(time.Hour) }
