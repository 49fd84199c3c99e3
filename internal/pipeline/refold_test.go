package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/journal"
	"parley/internal/journal/journaltest"
	"parley/internal/lake"
	"parley/internal/lake/laketest"
	"parley/internal/person"
	"parley/internal/pipeline/pipelinetest"
	"parley/internal/profile"
	"parley/internal/state"
	"parley/internal/workspace"
)

// A workspace that looks at more of the past gives what it would have given had
// it governed from the beginning: people, profiles, histories and memberships.
func TestRefoldGivesWhatGoverningFromTheBeginningGives(t *testing.T) {
	b := newBench(t)
	wider := compiled(t, pipelinetest.Wider)
	rapid.Check(t, func(t *rapid.T) {
		h := pipelinetest.Draw(t, pipelinetest.Options{Blocks: 20})
		h = withoutWorkspaces(h)
		switchAt := rapid.IntRange(2, len(h)).Draw(t, "switch")
		begins := append(pipelinetest.History{{pipelinetest.Apply(pipelinetest.Wider)}}, h[1:]...)
		e := pipelinetest.Apply(pipelinetest.Wider)
		e.ReceivedAt = h[switchAt-1][0].ReceivedAt
		switches := append(append(append(pipelinetest.History{}, h[:switchAt]...), []journal.Entry{e}), h[switchAt:]...)
		// The same number of blocks, so that replays name the same places.
		begins = append(append(append(pipelinetest.History{}, begins[:switchAt]...), []journal.Entry{{Kind: journal.Tick, ReceivedAt: e.ReceivedAt}}), begins[switchAt:]...)
		want, got := b.people(t, begins, wider), b.people(t, switches, wider)
		same(t, want, got, fmt.Sprintf("switched after block %d", switchAt))
	})
}

func compiled(t *testing.T, yaml string) *workspace.Compiled {
	t.Helper()
	w, issues := workspace.Parse(map[string][]byte{"w.yaml": []byte(yaml)})
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	c, err := w.Compile(1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func withoutWorkspaces(h pipelinetest.History) pipelinetest.History {
	out := h[:1:1]
	for _, entries := range h[1:] {
		if entries[0].Kind == journal.Workspace {
			entries = []journal.Entry{{Kind: journal.Tick, ReceivedAt: entries[0].ReceivedAt}}
		}
		out = append(out, entries)
	}
	return out
}

// people shows the part of state that does not remember how it came about.
func (b *bench) people(t rapid.TB, h pipelinetest.History, ws *workspace.Compiled) string {
	t.Helper()
	ctx := context.Background()
	store, _ := b.store(t)
	defer shut(t, store.Close)
	j, err := h.Journal(ctx, pipelinetest.Chunked{Driver: journaltest.NewMemory(), Blocks: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, j.Close)
	if err := pipelinetest.Process(ctx, j, store, lake.New(laketest.NewMemory()), journal.Position(len(h))); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = store.View(ctx, func(tx *state.Tx) error {
		at, err := tx.Progress(ctx)
		if err != nil {
			return err
		}
		all, err := tx.PeopleAfter(ctx, 0, 1000)
		if err != nil {
			return err
		}
		for _, p := range all {
			doc, err := person.Decode(p.Doc)
			if err != nil {
				return err
			}
			doc.Trim(ws.Person, at.Clock)
			// What no trait of the workspace shows may stay in a profile or not.
			doc.Profile = *profile.Merge(ws.Person.Traits, &doc.Profile, nil)
			var member []string
			for name := range doc.Since {
				member = append(member, name)
			}
			sort.Strings(member)
			doc.Since = nil
			raw, err := json.Marshal(doc)
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%d %s %v\n", p.ID, raw, member)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
