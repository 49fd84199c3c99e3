package audience

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Describe says a condition in plain English, on one line. It also describes
// conditions that are not valid, as far as they go.
func Describe(c Condition) string { return describe(&c, 1) }

func describe(c *Condition, depth int) string {
	if depth > MaxDepth {
		return "…"
	}
	switch {
	case c.All != nil:
		return describeList(c.All, " and ", depth)
	case c.Any != nil:
		return describeList(c.Any, " or ", depth)
	case c.Not != nil:
		return "not (" + describe(c.Not, depth+1) + ")"
	}
	return headline(c)
}

func describeList(list []Condition, word string, depth int) string {
	if len(list) == 0 {
		return "(nothing)"
	}
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = describe(&list[i], depth+1)
		if len(list[i].All)+len(list[i].Any) > 1 && len(list) > 1 {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, word)
}

// headline describes one node without the conditions inside it.
func headline(c *Condition) string {
	switch {
	case c.All != nil:
		return "all of these hold"
	case c.Any != nil:
		return "at least one of these holds"
	case c.Not != nil:
		return "this does not hold"
	case c.Trait != nil:
		return describeTest(c.Trait.Name, c.Trait.Op, c.Trait.Value)
	case c.Event != nil:
		return describeEvent(c.Event)
	case c.DidNot != nil:
		return "it is not so that " + describeEvent(c.DidNot)
	case c.Audience != "":
		return "is in the audience " + quote(c.Audience)
	case c.Consent != nil:
		return fmt.Sprintf("consent to %s is %s", c.Consent.Purpose, c.Consent.Is)
	case c.Identified != "":
		return "has an identifier of kind " + c.Identified
	case c.Bucket != nil:
		return fmt.Sprintf("falls in parts %d up to, not including, %d of %d of the split %s", c.Bucket.From, c.Bucket.To, Buckets, quote(c.Bucket.Seed))
	}
	return "(nothing)"
}

var operatorPhrases = map[string]string{
	opIs: "is", opIsNot: "is not", opIn: "is one of", opNotIn: "is none of",
	opGt: "is more than", opGte: "is at least", opLt: "is less than", opLte: "is at most",
	opContains: "contains", opStartsWith: "starts with",
	opExists: "is known", opNotExists: "is not known",
	opBefore: "is before", opAfter: "is after",
}

func describeTest(name, op string, value json.RawMessage) string {
	phrase, ok := operatorPhrases[op]
	if !ok {
		phrase = op
	}
	if len(value) == 0 || operators[op] == shapeNone {
		return name + " " + phrase
	}
	return name + " " + phrase + " " + describeValue(value)
}

// describeValue shows a value of the document, shortened.
func describeValue(raw json.RawMessage) string {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return "?"
	}
	const longest = 60
	text := strings.TrimSuffix(strings.TrimPrefix(compact.String(), "["), "]")
	if runes := []rune(strings.ReplaceAll(text, `","`, `", "`)); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return strings.ReplaceAll(text, `","`, `", "`)
}

func describeEvent(e *EventTest) string {
	var text string
	events := "events " + quote(e.Name)
	if e.Measure == "" || e.Measure == "count" {
		text = fmt.Sprintf("the number of %s is %s", events, describeBounds(e))
		if e.AtMost == nil && (e.AtLeast == nil || *e.AtLeast == "1") {
			text = fmt.Sprintf("there is an event %s", quote(e.Name))
		}
	} else {
		names := map[string]string{"sum": "sum", "min": "smallest", "max": "largest", "avg": "average"}
		text = fmt.Sprintf("the %s %s of %s is %s", names[e.Measure], e.Property, events, describeBounds(e))
	}
	for i, p := range e.Where {
		word := " and "
		if i == 0 {
			word = " where "
		}
		text += word + describeTest(p.Property, p.Op, p.Value)
	}
	return text + describeWindow(e.Window)
}

func describeBounds(e *EventTest) string {
	switch {
	case e.AtLeast != nil && e.AtMost != nil && *e.AtLeast == *e.AtMost:
		return "exactly " + string(*e.AtLeast)
	case e.AtLeast != nil && e.AtMost != nil:
		return fmt.Sprintf("between %s and %s", *e.AtLeast, *e.AtMost)
	case e.AtMost != nil:
		return "at most " + string(*e.AtMost)
	case e.AtLeast != nil:
		return "at least " + string(*e.AtLeast)
	}
	return "at least 1"
}

func describeWindow(w *Window) string {
	if w == nil {
		return ", at any time up to now"
	}
	if w.Last != "" {
		return ", in the last " + describeLength(w.Last)
	}
	text := ""
	if w.From != nil {
		text += ", from " + w.From.Format(time.RFC3339Nano)
	}
	if w.To != nil {
		text += ", before " + w.To.Format(time.RFC3339Nano)
	}
	return text
}

func describeLength(last string) string {
	if _, err := ParseDuration(last); err != nil {
		return last
	}
	units := map[byte]string{'m': "minute", 'h': "hour", 'd': "day", 'w': "week"}
	count, unit := strings.TrimLeft(last[:len(last)-1], "0"), units[last[len(last)-1]]
	if count == "1" {
		return unit
	}
	return count + " " + unit + "s"
}
