package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"parley/internal/audience"
	"parley/internal/fault"
	"parley/internal/person"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Workspace is the version that governs.
type Workspace struct {
	Version int64           `json:"version"`
	Digest  string          `json:"digest"`
	Author  string          `json:"author"`
	At      time.Time       `json:"at"`
	Counts  map[string]int  `json:"counts" doc:"Objects by kind."`
	Body    json.RawMessage `json:"body" doc:"The whole agreement as canonical JSON."`
}

// WorkspaceFiles are YAML documents by file name.
type WorkspaceFiles struct {
	Files map[string]string `json:"files" minProperties:"1"`
}

// WorkspaceIssues lists every mistake; none: the files can be applied.
type WorkspaceIssues struct {
	Issues []workspace.Issue `json:"issues"`
}

// WorkspacePlan is what applying the files would change.
type WorkspacePlan struct {
	Issues      []workspace.Issue      `json:"issues" doc:"When there is any, the rest is empty."`
	Differences []workspace.Difference `json:"differences"`
	Audiences   []PlannedAudience      `json:"audiences" doc:"New and changed audiences on present data."`
}

// PlannedAudience is the preview of a new or changed audience.
type PlannedAudience struct {
	Name     string   `json:"name"`
	What     string   `json:"what" enum:"added,changed"`
	Before   int64    `json:"before" doc:"Members now."`
	After    int64    `json:"after" doc:"Members it would have."`
	Entering int64    `json:"entering"`
	Leaving  int64    `json:"leaving"`
	People   int64    `json:"people" doc:"Everybody."`
	Notes    []string `json:"notes"`
}

// WorkspaceApply is files and who asks for them to govern.
type WorkspaceApply struct {
	Files  map[string]string `json:"files" minProperties:"1"`
	Author string            `json:"author" minLength:"1" maxLength:"200"`
}

// WorkspaceApplied names the version that governs now.
type WorkspaceApplied struct {
	Version int64  `json:"version"`
	Digest  string `json:"digest"`
}

type filesInput struct{ Body WorkspaceFiles }

type applyInput struct{ Body WorkspaceApply }

const maxFiles = 16 << 20 // bytes of all files together

func (s *service) workspaces() {
	register(s, operation{id: "get-workspace", method: http.MethodGet, path: "/v1/workspace", tag: "workspace",
		summary: "Read the agreement that governs"}, s.workspace)
	register(s, operation{id: "validate-workspace", method: http.MethodPost, path: "/v1/workspace/validate", tag: "workspace",
		summary: "Find every mistake in workspace files", maxBody: maxFiles}, s.validateWorkspace)
	register(s, operation{id: "plan-workspace", method: http.MethodPost, path: "/v1/workspace/plan", tag: "workspace",
		summary: "Show what applying workspace files would change", maxBody: maxFiles}, s.planWorkspace)
	register(s, operation{id: "apply-workspace", method: http.MethodPost, path: "/v1/workspace/apply", tag: "workspace",
		summary: "Make workspace files govern", description: "Returns when the new version governs.", maxBody: maxFiles}, s.applyWorkspace)
}

func (s *service) workspace(ctx context.Context, _ *none) (Workspace, error) {
	var stored state.WorkspaceVersion
	err := s.Store.View(ctx, func(tx *state.Tx) (err error) {
		stored, err = tx.Workspace(ctx)
		return err
	})
	if err != nil {
		return Workspace{}, err
	}
	if stored.Version == 0 {
		return Workspace{}, fault.New(fault.NotFound, "api.workspace", "No workspace has been applied yet; apply one first.")
	}
	w, err := workspace.Decode(stored.Body)
	if err != nil {
		return Workspace{}, err
	}
	return Workspace{Version: stored.Version, Digest: stored.Digest, Author: stored.Author, At: stored.At, Counts: countObjects(w), Body: stored.Body}, nil
}

func countObjects(w *workspace.Workspace) map[string]int {
	return map[string]int{
		"team": len(w.Teams), "term": len(w.Terms), "source": len(w.Sources), "contract": len(w.Contracts), "trait": len(w.Traits),
		"purpose": len(w.Purposes), "audience": len(w.Audiences), "destination": len(w.Destinations),
		"activation": len(w.Activations), "form": len(w.Forms),
	}
}

func parse(files map[string]string) (*workspace.Workspace, []workspace.Issue) {
	raw := make(map[string][]byte, len(files))
	for name, text := range files {
		raw[name] = []byte(text)
	}
	w, issues := workspace.Parse(raw)
	if issues == nil {
		issues = []workspace.Issue{}
	}
	return w, issues
}

func (s *service) validateWorkspace(_ context.Context, in *filesInput) (WorkspaceIssues, error) {
	_, issues := parse(in.Body.Files)
	return WorkspaceIssues{Issues: issues}, nil
}

func (s *service) planWorkspace(ctx context.Context, in *filesInput) (WorkspacePlan, error) {
	out := WorkspacePlan{Differences: []workspace.Difference{}, Audiences: []PlannedAudience{}}
	var wanted *workspace.Workspace
	wanted, out.Issues = parse(in.Body.Files)
	if len(out.Issues) > 0 {
		return out, nil
	}
	now := s.Workspace()
	if now == nil {
		now = &workspace.Compiled{Workspace: &workspace.Workspace{}}
	}
	differences, err := workspace.Diff(now.Workspace, wanted)
	if err != nil {
		return out, err
	}
	out.Differences = append(out.Differences, differences...)
	err = s.planAudiences(ctx, now, wanted, &out)
	return out, err
}

// planAudiences previews every new or changed audience in one pass over people,
// as present data shows it: under the governing rules for traits.
func (s *service) planAudiences(ctx context.Context, now *workspace.Compiled, wanted *workspace.Workspace, out *WorkspacePlan) error {
	specs := map[string]audience.Spec{}
	for _, spec := range wanted.Audiences {
		specs[spec.Name] = spec
	}
	var targets []*target
	var what []string
	for _, d := range out.Differences {
		spec, ok := specs[d.Name]
		if d.Kind != "audience" || !ok {
			continue
		}
		t, err := newTarget(wanted.Audiences, spec)
		if err != nil {
			return err
		}
		t.preview.Notes = unseen(now, spec.Where)
		targets, what = append(targets, t), append(what, d.What)
	}
	if len(targets) == 0 {
		return nil
	}
	rules := person.Rules{Traits: now.Person.Traits}
	if err := s.Store.View(ctx, func(tx *state.Tx) error { return scan(ctx, tx, rules, targets) }); err != nil {
		return err
	}
	for i, t := range targets {
		p := &t.preview
		out.Audiences = append(out.Audiences, PlannedAudience{Name: t.name, What: what[i], Before: p.Size - p.Entering.Count + p.Leaving.Count,
			After: p.Size, Entering: p.Entering.Count, Leaving: p.Leaving.Count, People: p.People, Notes: p.Notes})
	}
	return nil
}

func (s *service) applyWorkspace(ctx context.Context, in *applyInput) (WorkspaceApplied, error) {
	w, issues := parse(in.Body.Files)
	if len(issues) > 0 {
		return WorkspaceApplied{}, fault.New(fault.Invalid, "api.apply",
			"The workspace has %d mistakes and was not applied; validate lists them. The first: %s", len(issues), issues[0])
	}
	canonical, err := w.Canonical()
	if err != nil {
		return WorkspaceApplied{}, err
	}
	version, err := s.Apply(ctx, canonical, in.Body.Author)
	return WorkspaceApplied{Version: version, Digest: workspace.Digest(canonical)}, err
}
