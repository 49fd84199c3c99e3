package command

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"parley/client"
	"parley/internal/workspace"
)

type planCommand struct {
	Dir string `arg:"" help:"Workspace folder."`
}

// Run shows what applying the folder would change.
func (c *planCommand) Run(ctx context.Context, s *session) (err error) {
	files, err := validFolder(c.Dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.Data); errors.Is(err, fs.ErrNotExist) && !s.remote() {
		return c.first(s)
	}
	api, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	plan, err := api.PlanWorkspace(ctx, files)
	if err != nil {
		return err
	}
	return s.print(plan, planTable(plan))
}

// first plans for an installation that does not exist yet: all is new.
func (c *planCommand) first(s *session) error {
	_, w, _, err := parseFolder(c.Dir)
	if err != nil {
		return err
	}
	differences, err := workspace.Diff(&workspace.Workspace{}, w)
	if err != nil {
		return err
	}
	plan := client.WorkspacePlan{Issues: []client.Issue{}, Audiences: []client.PlannedAudience{}}
	for _, d := range differences {
		plan.Differences = append(plan.Differences, client.Difference{Kind: d.Kind, Name: d.Name, What: d.What})
	}
	return s.print(plan, planTable(plan))
}

func planTable(plan client.WorkspacePlan) *table {
	t := &table{head: []string{"CHANGE", "KIND", "NAME", "MEMBERS NOW", "AFTER", "ENTERING", "LEAVING"}}
	sizes := map[string]client.PlannedAudience{}
	for _, a := range plan.Audiences {
		sizes[a.Name] = a
	}
	for _, d := range plan.Differences {
		a, known := sizes[d.Name]
		if d.Kind != "audience" || !known {
			t.row(d.What, d.Kind, d.Name, "", "", "", "")
			continue
		}
		t.row(d.What, d.Kind, d.Name, a.Before, a.After, a.Entering, a.Leaving)
	}
	for _, a := range plan.Audiences {
		for _, note := range a.Notes {
			t.say("%s: %s", a.Name, note)
		}
	}
	if len(plan.Differences) == 0 {
		t.say("Nothing would change.")
	}
	return t
}

type applyCommand struct {
	Dir    string `arg:"" help:"Workspace folder."`
	Author string `help:"Who changes the workspace; otherwise your user name." placeholder:"NAME"`
}

// Run makes the folder govern.
func (c *applyCommand) Run(ctx context.Context, s *session) (err error) {
	files, err := validFolder(c.Dir)
	if err != nil {
		return err
	}
	api, done, err := s.connectToWork(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	author := c.Author
	if author == "" {
		author = s.user()
	}
	applied, err := api.ApplyWorkspace(ctx, files, author)
	if err != nil {
		return err
	}
	t := &table{}
	t.say("Workspace version %d governs now (%s).", applied.Version, applied.Digest)
	return s.print(applied, t)
}
