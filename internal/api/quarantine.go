package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/internal/contract"
	"parley/internal/fault"
	"parley/internal/state"
)

// Quarantined is one record held back, with the rules it broke.
type Quarantined struct {
	ID         int64                `json:"id"`
	Source     string               `json:"source"`
	Event      string               `json:"event" doc:"Id of the event, or key of the row."`
	ReceivedAt time.Time            `json:"received_at"`
	Status     string               `json:"status" enum:"open,replayed"`
	Violations []contract.Violation `json:"violations"`
	Payload    json.RawMessage      `json:"payload,omitempty" doc:"The record as it was received; only when asked for, because it holds personal values."`
}

// QuarantinePage is one page of the quarantine.
type QuarantinePage struct {
	Records []Quarantined `json:"records"`
	Next    int64         `json:"next,omitempty" doc:"Send it as after to get the next page; absent on the last."`
}

type quarantineInput struct {
	Source  string `query:"source"`
	Status  string `query:"status" enum:"open,replayed"`
	After   int64  `query:"after" minimum:"0"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Payload bool   `query:"payload" doc:"Include what was received."`
}

// ReplayRequest selects open records by exactly one of its fields.
type ReplayRequest struct {
	IDs    []int64 `json:"ids,omitempty" maxItems:"10000"`
	Source string  `json:"source,omitempty"`
	All    bool    `json:"all,omitempty"`
}

// ReplayResult says what became of the records.
type ReplayResult struct {
	Replayed int `json:"replayed" doc:"Records that have left the quarantine."`
	Open     int `json:"open" doc:"Records that break a rule still."`
}

type replayInput struct{ Body ReplayRequest }

func (s *service) quarantine() {
	register(s, operation{id: "list-quarantine", method: http.MethodGet, path: "/v1/quarantine", tag: "quarantine",
		summary: "List records that broke their contract"}, s.listQuarantine)
	register(s, operation{id: "replay-quarantine", method: http.MethodPost, path: "/v1/quarantine/replay", tag: "quarantine",
		summary:     "Process held records again, under the contract as it is now",
		description: "Returns when they are processed. Name ids, a source, or all."}, s.replay)
}

func (s *service) listQuarantine(ctx context.Context, in *quarantineInput) (QuarantinePage, error) {
	out := QuarantinePage{Records: []Quarantined{}}
	err := s.Store.View(ctx, func(tx *state.Tx) error {
		list, err := tx.QuarantineList(ctx, state.QuarantineFilter{Source: in.Source, Status: in.Status, After: in.After, Limit: in.Limit})
		if err != nil {
			return err
		}
		for _, q := range list {
			record := Quarantined{ID: q.ID, Source: q.Source, Event: q.EventID, ReceivedAt: q.ReceivedAt, Status: q.Status, Violations: q.Violations}
			if record.Violations == nil {
				record.Violations = []contract.Violation{}
			}
			if in.Payload {
				record.Payload = shown(q.Payload)
			}
			out.Records = append(out.Records, record)
		}
		if len(list) == in.Limit {
			out.Next = list[len(list)-1].ID
		}
		return nil
	})
	return out, err
}

// shown makes bytes JSON: as they are when they are, else as a text.
func shown(payload []byte) json.RawMessage {
	if json.Valid(payload) {
		return payload
	}
	text, err := json.Marshal(string(payload))
	if err != nil {
		return json.RawMessage("null") // a text always marshals
	}
	return text
}

// replayPage is how many records are given to the pipeline at once.
const replayPage = 500

func (s *service) replay(ctx context.Context, in *replayInput) (ReplayResult, error) {
	chosen := 0
	for _, is := range []bool{len(in.Body.IDs) > 0, in.Body.Source != "", in.Body.All} {
		if is {
			chosen++
		}
	}
	if chosen != 1 {
		return ReplayResult{}, fault.New(fault.Invalid, "api.replay", "Say what to replay by one of ids, source or all.")
	}
	var out ReplayResult
	if len(in.Body.IDs) > 0 {
		for ids := in.Body.IDs; len(ids) > 0; {
			n := min(len(ids), replayPage)
			records, err := s.open(ctx, ids[:n])
			if err != nil {
				return out, err
			}
			if err := s.again(ctx, records, &out); err != nil {
				return out, err
			}
			ids = ids[n:]
		}
		return out, nil
	}
	filter := state.QuarantineFilter{Source: in.Body.Source, Status: "open", Limit: replayPage}
	for {
		var records []state.QuarantinedRecord
		err := s.Store.View(ctx, func(tx *state.Tx) (err error) {
			records, err = tx.QuarantineList(ctx, filter)
			return err
		})
		if err != nil || len(records) == 0 {
			return out, err
		}
		if err := s.again(ctx, records, &out); err != nil {
			return out, err
		}
		filter.After = records[len(records)-1].ID
	}
}

// open returns those of ids that are still held.
func (s *service) open(ctx context.Context, ids []int64) ([]state.QuarantinedRecord, error) {
	var out []state.QuarantinedRecord
	err := s.Store.View(ctx, func(tx *state.Tx) error {
		for _, id := range ids {
			found, err := tx.QuarantineList(ctx, state.QuarantineFilter{ID: id, Status: "open", Limit: 1})
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	return out, err
}

// again replays records and adds up what became of them.
func (s *service) again(ctx context.Context, records []state.QuarantinedRecord, out *ReplayResult) error {
	if len(records) == 0 {
		return nil
	}
	if err := s.Replay(ctx, records); err != nil {
		return err
	}
	ids := make([]int64, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	held, err := s.open(ctx, ids)
	out.Open += len(held)
	out.Replayed += len(records) - len(held)
	return err
}
