package pipelinetest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"parley/internal/journal"
	"parley/internal/state"
)

// Begin is when every history begins.
var Begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// History is a journal: entries by block. Block i gets position i+1.
type History [][]journal.Entry

// Options say what a random history may hold.
type Options struct {
	Blocks int // at most, beside the first
	// Calm leaves out workspace changes, replays and values that a contract's
	// unique rule refuses, so that a naive fold can follow.
	Calm bool
	// First governs at the start; empty: Agreement.
	First string
}

// Draw draws a history: overlapping identifiers of a few people, rows that
// change, consents given and withdrawn, repetitions, junk, and time that passes.
func Draw(t *rapid.T, o Options) History {
	if o.First == "" {
		o.First = Agreement
	}
	g := &generator{t: t, calm: o.Calm, now: Begin}
	h := History{{Apply(o.First)}}
	for range rapid.IntRange(1, o.Blocks).Draw(t, "blocks") {
		g.position = len(h) + 1
		if rapid.IntRange(0, 4).Draw(t, "passes") == 0 {
			g.now = g.now.Add(rapid.SampledFrom(steps).Draw(t, "step"))
		}
		h = append(h, g.block())
	}
	return h
}

// steps let windows of 2, 10 and 30 days end at, just before and after a block.
var steps = []time.Duration{time.Second, time.Hour, 24 * time.Hour, 2*24*time.Hour - time.Microsecond,
	2 * 24 * time.Hour, 9 * 24 * time.Hour, 10 * 24 * time.Hour, 31 * 24 * time.Hour}

type generator struct {
	t        *rapid.T
	calm     bool
	now      time.Time
	position int // of the block that is drawn
	events   int
	bad      bool    // the entry that is drawn may be quarantined
	held     []int64 // ids that quarantined entries would have
}

func (g *generator) block() []journal.Entry {
	if !g.calm && rapid.IntRange(0, 14).Draw(g.t, "workspace") == 0 {
		e := Apply(rapid.SampledFrom([]string{Agreement, Wider, Other}).Draw(g.t, "version"))
		e.ReceivedAt = g.now
		return []journal.Entry{e}
	}
	var out []journal.Entry
	for i := range rapid.IntRange(1, 3).Draw(g.t, "entries") {
		g.bad = false
		e := g.entry()
		e.ReceivedAt = g.now
		if g.bad {
			g.held = append(g.held, state.QuarantineID(journal.Position(g.position), i))
		}
		out = append(out, e)
	}
	return out
}

func (g *generator) entry() journal.Entry {
	switch kind := rapid.IntRange(0, 19).Draw(g.t, "kind"); {
	case kind == 0:
		return journal.Entry{Kind: journal.Tick}
	case kind <= 2 && !g.calm && len(g.held) > 0:
		id := rapid.SampledFrom(g.held).Draw(g.t, "held")
		return journal.Entry{Kind: journal.Replay, Source: "web", ID: "r", Payload: strconv.AppendInt(nil, id, 10)}
	case kind == 3 && !g.calm:
		g.bad = true
		return journal.Entry{Kind: journal.Event, Source: rapid.SampledFrom([]string{"nowhere", "crm", "web"}).Draw(g.t, "from"),
			ID: g.pick("junk", "", "1", "2", "j"), Payload: []byte(g.pick("text", "{", `{"type":"page","userId":"u1"}`, "\xff"))}
	case kind <= 9:
		return g.row()
	}
	return g.event()
}

func (g *generator) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(g.t, label)
}

func (g *generator) row() journal.Entry {
	id := g.pick("row", "u1", "u2", "u3")
	row := map[string]any{"id": id, "name": g.pick("name", "Ada", "Bob", ""), "opt_in": g.pick("opt in", "Y", "N", ""),
		"plan": g.pick("plan", "gold", "tin")}
	if g.calm {
		row["email"] = g.pick("email", id+"@x.org", "", "other-"+id+"@x.org")
	} else {
		row["email"] = g.pick("email", "a@x.org", "b@x.org", "c@x.org", "")
		g.bad = true
	}
	return journal.Entry{Kind: journal.Record, Source: "crm", ID: id, Payload: encode(row)}
}

func (g *generator) event() journal.Entry {
	g.events++
	id := fmt.Sprintf("e%d", g.events)
	if g.events > 1 && rapid.IntRange(0, 7).Draw(g.t, "again") == 0 {
		id = fmt.Sprintf("e%d", rapid.IntRange(1, g.events-1).Draw(g.t, "which"))
	}
	message := map[string]any{}
	set := func(name, value string) {
		if value != "" {
			message[name] = value
		}
	}
	set("userId", g.pick("user", "", "", "u1", "u2", "u3", "u4"))
	set("anonymousId", g.pick("device", "", "d1", "d2", "d3", "d4", "null"))
	if email := g.pick("known email", "", "", "a@x.org", "B@x.org", "u1@x.org"); email != "" {
		message["context"] = map[string]any{"traits": map[string]any{"email": email}}
	}
	if ago := rapid.SampledFrom([]time.Duration{0, 0, time.Hour, 3 * 24 * time.Hour, -time.Minute}).Draw(g.t, "ago"); ago != 0 {
		message["timestamp"] = g.now.Add(-ago).Format(time.RFC3339Nano)
	}
	if said := g.pick("consent", "", "", "", "true", "false"); said != "" {
		inner, ok := message["context"].(map[string]any)
		if !ok {
			inner = map[string]any{}
			message["context"] = inner
		}
		inner["consent"] = map[string]any{"categoryPreferences": map[string]any{"email_marketing": said == "true"}}
	}
	g.call(message)
	return journal.Entry{Kind: journal.Event, Source: "web", ID: id, Payload: encode(message)}
}

func (g *generator) call(message map[string]any) {
	switch g.pick("call", "Order", "Order", "Viewed", "identify", "identify") {
	case "Order":
		properties := map[string]any{"amount": json.Number(g.pick("amount", "49.99", "50.01", "100", "12345678901234567.89"))}
		if sku := g.pick("sku", "tea", "tea", "coffee", ""); sku != "" {
			properties["sku"] = sku
		}
		g.bad = properties["sku"] == nil
		message["type"], message["event"], message["properties"] = "track", "Order", properties
	case "Viewed":
		message["type"], message["event"] = "track", "Viewed"
		message["properties"] = map[string]any{"page": g.pick("page", "tea", "home")}
	default:
		message["type"] = "identify"
		message["traits"] = map[string]any{"first_name": g.pick("first name", "Ada", "Augusta"), "plan": "gold",
			"mood": g.pick("mood", "calm", "wild")}
	}
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
