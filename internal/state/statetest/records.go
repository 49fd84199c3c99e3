package statetest

import (
	"context"
	"testing"
	"time"

	"parley/internal/contract"
	"parley/internal/fault"
	"parley/internal/journal"
	"parley/internal/state"
)

func testWorkspace(t *testing.T, f *fixture) {
	read := func() state.WorkspaceVersion {
		return look(t, f, func(ctx context.Context, tx *state.Tx) (state.WorkspaceVersion, error) { return tx.Workspace(ctx) })
	}
	same(t, "none", read(), state.WorkspaceVersion{})
	for _, v := range []int64{2, 10, 9} {
		w := state.WorkspaceVersion{Version: v, Digest: "d", Author: texts[6], At: at(v), Body: []byte(texts[5])}
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutWorkspace(ctx, w) })
	}
	same(t, "newest", read(), state.WorkspaceVersion{Version: 10, Digest: "d", Author: texts[6], At: at(10), Body: []byte(texts[5])})
}

func testAsks(t *testing.T, f *fixture) {
	day := at(0).Truncate(24 * time.Hour)
	for i := range 2 {
		f.update(t, func(ctx context.Context, tx *state.Tx) error {
			return tx.AddAsks(ctx, map[state.AskKey]int64{
				{Form: "order", Day: day, Field: "street", Outcome: "avoided"}:                                     big,
				{Form: "order", Day: day, Field: "city", Outcome: "avoided"}:                                       2,
				{Form: "order", Day: day.AddDate(0, 0, i), Field: "city", Outcome: "asked"}:                        3,
				{Form: texts[6], Day: day, Field: texts[5], Outcome: map[int]string{0: "asked", 1: "repeated"}[i]}: 1,
			})
		})
	}
	got := look(t, f, func(ctx context.Context, tx *state.Tx) (map[string]map[string]int64, error) { return tx.Asks(ctx) })
	same(t, "asks", got, map[string]map[string]int64{"order": {"avoided": 2*big + 4, "asked": 6}, texts[6]: {"asked": 1, "repeated": 1}})
}

func quarantined(p journal.Position, index int, source, status string) state.QuarantinedRecord {
	return state.QuarantinedRecord{ID: state.QuarantineID(p, index), Source: source, EventID: source + status, Kind: journal.Record,
		ReceivedAt: at(int64(index)), SentAt: time.Time{}, Payload: []byte{0, 0xff, 0xfe, '\'', byte(index)},
		Violations: []contract.Violation{{Rule: "type", Field: "a.b", Shape: "text", Message: texts[5]}}, Status: status}
}

func testQuarantine(t *testing.T, f *fixture) {
	const p = journal.Position(1) << 40 // ids near the largest integer
	all := []state.QuarantinedRecord{
		quarantined(9, 1, "crm", "open"), quarantined(9, 2, "web", "open"), quarantined(10, 0, "crm", "replayed"),
		quarantined(p, 0, "crm", "open"), quarantined(p, 1<<20-1, texts[6], "open"), quarantined(p+1, 0, "crm", "open"),
	}
	all[1].Violations, all[1].Payload, all[1].SentAt = nil, []byte{}, at(3)
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.PutQuarantined(ctx, all) })
	for name, c := range map[string]struct {
		filter state.QuarantineFilter
		want   []int
	}{
		"all":         {state.QuarantineFilter{}, []int{0, 1, 2, 3, 4, 5}},
		"source":      {state.QuarantineFilter{Source: "crm"}, []int{0, 2, 3, 5}},
		"odd source":  {state.QuarantineFilter{Source: texts[6]}, []int{4}},
		"status":      {state.QuarantineFilter{Status: "replayed"}, []int{2}},
		"both":        {state.QuarantineFilter{Source: "crm", Status: "open"}, []int{0, 3, 5}},
		"one":         {state.QuarantineFilter{ID: all[4].ID}, []int{4}},
		"not its own": {state.QuarantineFilter{ID: all[4].ID, Source: "crm"}, nil},
		"after":       {state.QuarantineFilter{After: all[3].ID}, []int{4, 5}},
		"page":        {state.QuarantineFilter{Source: "crm", After: all[0].ID, Limit: 2}, []int{2, 3}},
		"none":        {state.QuarantineFilter{Source: "' OR 1=1 --"}, nil},
	} {
		got := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.QuarantinedRecord, error) {
			return tx.QuarantineList(ctx, c.filter)
		})
		var want []state.QuarantinedRecord
		for _, i := range c.want {
			want = append(want, all[i])
		}
		same(t, name, got, want)
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		return tx.MarkReplayed(ctx, []int64{all[4].ID, all[0].ID, 404})
	})
	done := look(t, f, func(ctx context.Context, tx *state.Tx) ([]state.QuarantinedRecord, error) {
		return tx.QuarantineList(ctx, state.QuarantineFilter{Status: "replayed"})
	})
	same(t, "replayed", []any{len(done), done[0].ID, done[2].ID}, []any{3, all[0].ID, all[4].ID})
}

func testImported(t *testing.T, f *fixture) {
	want := state.ImportedFile{Source: "crm", SHA256: "ab", Name: texts[5], At: at(1), Read: big, Sent: 2, Malformed: 3}
	f.update(t, func(ctx context.Context, tx *state.Tx) error {
		if err := tx.PutImportedFile(ctx, state.ImportedFile{Source: "crm", SHA256: "ab"}); err != nil {
			return err
		}
		return tx.PutImportedFile(ctx, want)
	})
	f.view(t, func(ctx context.Context, tx *state.Tx) error {
		got, err := tx.ImportedFileBySum(ctx, "crm", "ab")
		same(t, "file", []any{got, err}, []any{want, nil})
		if _, err := tx.ImportedFileBySum(ctx, "web", "ab"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("of another source: %v", err)
		}
		return nil
	})
}

func testProgress(t *testing.T, f *fixture) {
	read := func() state.Progress {
		return look(t, f, func(ctx context.Context, tx *state.Tx) (state.Progress, error) { return tx.Progress(ctx) })
	}
	same(t, "at the start", read(), state.Progress{NextPerson: 1, NextAssertion: 1})
	for _, p := range []state.Progress{
		{NextPerson: 1, NextAssertion: 1},
		{Position: journal.Position(1)<<63 + 1, Clock: at(1), NextPerson: big, NextAssertion: big + 1},
	} {
		f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.SetProgress(ctx, p) })
		same(t, "progress", read(), p)
	}
	f.update(t, func(ctx context.Context, tx *state.Tx) error { return tx.SetMeta(ctx, "progress", "damaged") })
	if err := f.s.View(f.ctx, func(tx *state.Tx) error { _, err := tx.Progress(f.ctx); return err }); fault.KindOf(err) != fault.Internal {
		t.Errorf("a damaged record: %v", err)
	}
	for _, text := range texts {
		f.update(t, func(ctx context.Context, tx *state.Tx) error {
			if _, ok, err := tx.Meta(ctx, text); ok || err != nil {
				t.Errorf("setting %q is there before it is set: %v", text, err)
			}
			if err := tx.SetMeta(ctx, text, "old"); err != nil {
				return err
			}
			return tx.SetMeta(ctx, text, text)
		})
		f.view(t, func(ctx context.Context, tx *state.Tx) error {
			v, ok, err := tx.Meta(ctx, text)
			same(t, "setting", []any{v, ok, err}, []any{text, true, nil})
			return nil
		})
	}
}

func testLease(t *testing.T, f *fixture) {
	acquire := func(holder string, now int64) (token int64, ok bool) {
		t.Helper()
		f.update(t, func(ctx context.Context, tx *state.Tx) (err error) {
			token, ok, err = tx.Acquire(ctx, "identity", holder, at(now), 100*time.Microsecond)
			return err
		})
		return token, ok
	}
	fence := func(token int64) fault.Kind {
		err := f.s.Update(f.ctx, state.Replayable, func(tx *state.Tx) error { return tx.Fence(f.ctx, "identity", token) })
		if err == nil {
			return 255
		}
		return fault.KindOf(err)
	}
	same(t, "no lease", []any{fence(0), fence(1)}, []any{fault.Conflict, fault.Conflict})
	for _, c := range []struct {
		what, holder string
		now          int64
		token        int64
		ok           bool
	}{
		{"free", "a", 0, 1, true}, {"renewed", "a", 50, 1, true}, {"taken", "b", 149, 0, false}, {"expired", "b", 150, 2, true},
		{"lost", "a", 151, 0, false}, {"renewed late", "b", 900, 2, true}, {"won back", "a", 1000, 3, true},
	} {
		token, ok := acquire(c.holder, c.now)
		same(t, c.what, []any{token, ok}, []any{c.token, c.ok})
	}
	same(t, "fences", []any{fence(1), fence(2), fence(3), fence(4)}, []any{fault.Conflict, fault.Conflict, fault.Kind(255), fault.Conflict})
}
