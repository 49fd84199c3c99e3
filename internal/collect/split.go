package collect

import (
	"bytes"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/tidwall/gjson"

	"parley/internal/fault"
	"parley/internal/journal"
)

const opSplit = "collect.split"

// maxDepth is how deep objects and arrays may stand in one another in a body:
// deep enough for encoding/json's own limit to be the one that matters, and not
// so deep that checking a body exhausts the stack. An event has a lower limit
// of its own in the pipeline.
const maxDepth = 10_000

var (
	errNotJSON     = fault.New(fault.Invalid, opSplit, "The body is not valid JSON in UTF-8.")
	errTooDeep     = fault.New(fault.Invalid, opSplit, "The body is nested more than %d levels deep; flatten it.", maxDepth)
	errNotUTF8     = fault.New(fault.Invalid, opSplit, "The body is not valid UTF-8; encode it as UTF-8.")
	errNotObject   = fault.New(fault.Invalid, opSplit, "The body must be a JSON object.")
	errNoBatch     = fault.New(fault.Invalid, opSplit, "The body has no batch; send an object whose batch is an array of events.")
	errTwoBatches  = fault.New(fault.Invalid, opSplit, "The body has batch twice; send one array of events.")
	errBatchNoList = fault.New(fault.Invalid, opSplit, "batch must be an array of events.")
)

// limits bound what may come of one body.
type limits struct {
	events int // in a batch
	merged int // bytes of payloads that had to be rewritten
}

// split cuts a body into entries. The payloads are the events' own bytes in
// the body, except where something has to be written into an event.
type split struct {
	entries  []journal.Entry
	writeKey string // of the body
	merged   []byte // holds the payloads that were rewritten

	around    around
	item      itemReader
	visitItem func(key, value gjson.Result) bool // item.visit, made once

	sentText string // the last sentAt and what it means: in a batch most are equal
	sentAt   time.Time
}

// fields are the members that matter here. Of a name that is there twice the
// last one counts, as in encoding/json.
type fields struct {
	messageID, sentAt, writeKey, kind, context, integrations gjson.Result
}

// itemReader collects an object's fields.
type itemReader struct{ fields }

func (it *itemReader) visit(key, value gjson.Result) bool {
	switch key.Str {
	case "messageId":
		it.messageID = value
	case "sentAt":
		it.sentAt = value
	case "writeKey":
		it.writeKey = value
	case "type":
		it.kind = value
	case "context":
		it.context = value
	case "integrations":
		it.integrations = value
	}
	return true
}

// cut fills entries and writeKey from a body. Its errors are about the whole
// body; whatever is wrong inside an event of a batch is not its business.
func (s *split) cut(body []byte, c call, lim limits, now time.Time) error {
	if tooDeep(body) {
		return errTooDeep
	}
	if !gjson.ValidBytes(body) {
		return errNotJSON
	}
	body = bytes.TrimSpace(body)
	if body[0] != '{' {
		return errNotObject
	}
	// The body is not written to until the request has been answered.
	text := textOf(body)
	if c.isBatch() {
		return s.batch(text, lim, now)
	}
	if !utf8.Valid(body) {
		return errNotUTF8
	}
	return s.single(text, c.kind, now)
}

func (s *split) single(text, kind string, now time.Time) error {
	s.read(text)
	if s.item.writeKey.Type == gjson.String {
		s.writeKey = s.item.writeKey.Str
	}
	payload := bytesOf(text)
	if !present(s.item.kind) || s.item.kind.Raw == `""` {
		payload = s.rewrite(text, []member{{"type", `"` + kind + `"`}})
	}
	s.add(entryID(s.item.messageID, now), s.sent(s.item.sentAt), payload)
	return nil
}

// read fills item from an object.
func (s *split) read(object string) {
	s.item.fields = fields{}
	gjson.Result{Type: gjson.JSON, Raw: object}.ForEach(s.visitItem)
}

func (s *split) batch(text string, lim limits, now time.Time) error {
	var list gjson.Result
	lists := 0
	gjson.Result{Type: gjson.JSON, Raw: text}.ForEach(func(key, value gjson.Result) bool {
		if key.Str == "batch" {
			list = value
			lists++
		}
		return s.visitItem(key, value)
	})
	switch {
	case lists == 0:
		return errNoBatch
	case lists > 1:
		return errTwoBatches
	case !list.IsArray():
		return errBatchNoList
	}
	if s.item.writeKey.Type == gjson.String {
		s.writeKey = s.item.writeKey.Str
	}
	batchSent := s.sent(s.item.sentAt)
	s.around = newAround(&s.item.fields)
	var err error
	list.ForEach(func(_, event gjson.Result) bool {
		if len(s.entries) == lim.events {
			err = fault.New(fault.TooLarge, opSplit, "The batch has more than %d events; send fewer at a time.", lim.events)
			return false
		}
		s.event(event, batchSent, now)
		if len(s.merged) > lim.merged {
			err = fault.New(fault.TooLarge, opSplit,
				"The batch is larger than %d bytes once its context and integrations are written into each event; send fewer events at a time.", lim.merged)
			return false
		}
		return true
	})
	return err
}

// event adds one item of a batch, whatever it is.
func (s *split) event(event gjson.Result, batchSent, now time.Time) {
	if !event.IsObject() {
		s.add(newID(now), batchSent, bytesOf(event.Raw))
		return
	}
	s.read(event.Raw)
	sentAt := s.sent(s.item.sentAt)
	if sentAt.IsZero() {
		sentAt = batchSent
	}
	payload := bytesOf(event.Raw)
	if s.around.some() {
		payload = s.surround(event.Raw)
	}
	s.add(entryID(s.item.messageID, now), sentAt, payload)
}

// sent reads a sender's clock: the RFC 3339 text that all SDKs send. Anything
// else is no time; it stays in the payload for the pipeline to read.
func (s *split) sent(v gjson.Result) time.Time {
	if v.Type != gjson.String || v.Str == "" {
		return time.Time{}
	}
	if v.Str == s.sentText {
		return s.sentAt
	}
	t, err := time.Parse(time.RFC3339, v.Str)
	if err != nil {
		return time.Time{}
	}
	s.sentText, s.sentAt = v.Str, t.UTC().Truncate(time.Microsecond)
	return s.sentAt
}

// present says whether a member is there and not null.
func present(v gjson.Result) bool { return v.Exists() && v.Type != gjson.Null }

// textOf returns bytes as text, without a copy: they must not change while it is used.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf returns a text's bytes, which must not be written to.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// tooDeep protects gjson's check, which recurses: four million brackets would
// end the process. Counting brackets is nearly free and settles most bodies.
func tooDeep(body []byte) bool {
	if bytes.Count(body, []byte{'{'})+bytes.Count(body, []byte{'['}) <= maxDepth {
		return false
	}
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		case '"':
			i = endOfString(body, i)
		}
	}
	return false
}

// endOfString returns the index of the quote that closes the text which opens
// at i, or the last index if nothing does.
func endOfString(body []byte, i int) int {
	for i++; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(body) - 1
}
