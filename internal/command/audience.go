package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"parley/client"
	"parley/internal/fault"
	"parley/internal/workspace"
)

type audienceCommand struct {
	List    audienceListCommand    `cmd:"" help:"List the audiences with their sizes."`
	Preview audiencePreviewCommand `cmd:"" help:"Count who would be in an audience before anything changes."`
}

type audienceListCommand struct{}

// Run lists the audiences.
func (audienceListCommand) Run(ctx context.Context, s *session) (err error) {
	api, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	list, err := api.Audiences(ctx)
	if err != nil {
		return err
	}
	t := &table{head: []string{"AUDIENCE", "SIZE", "OWNER", "WHO"}}
	for _, a := range list {
		t.row(a.Name, a.Size, a.Owner, a.Description)
	}
	if len(list) == 0 {
		t.say("The workspace has no audience yet.")
	}
	return s.print(list, t)
}

type audiencePreviewCommand struct {
	Name  string `arg:"" optional:"" help:"Audience of the workspace."`
	Where string `help:"YAML file with a condition or an audience document." placeholder:"FILE" type:"existingfile"`
}

// Run previews an audience.
func (c *audiencePreviewCommand) Run(ctx context.Context, s *session) (err error) {
	request := client.PreviewRequest{Name: c.Name}
	switch {
	case c.Name == "" && c.Where == "":
		return &usageError{"Name an audience, or give a condition with --where FILE."}
	case c.Where != "":
		if request, err = conditionFile(c.Where, c.Name); err != nil {
			return err
		}
	}
	api, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	preview, err := api.PreviewAudience(ctx, request)
	if err != nil {
		return err
	}
	return s.print(preview, previewTable(preview))
}

func conditionFile(path, name string) (client.PreviewRequest, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return client.PreviewRequest{}, fault.WrapAs(fault.NotFound, "command.preview", err, "The file %s cannot be read; check its path.", path)
	}
	inside, where, err := workspace.ConditionJSON(raw)
	if err != nil {
		return client.PreviewRequest{}, fault.WrapAs(fault.KindOf(err), "command.preview", err, "%s: %s", path, fault.Message(err))
	}
	if name == "" {
		name = inside
	}
	return client.PreviewRequest{Name: name, Where: where}, nil
}

func previewTable(p client.Preview) *table {
	t := &table{head: []string{"", "PEOPLE"}}
	t.row("would be in it", p.Size)
	t.row("entering", p.Entering.Count)
	t.row("leaving", p.Leaving.Count)
	t.row("everybody", p.People)
	for _, b := range p.Blocks {
		t.row("  "+b.Condition, b.Size)
	}
	t.say("")
	t.say("Who: %s", p.Description)
	if len(p.Sample) > 0 {
		t.say("Some of them: %s", strings.Trim(fmt.Sprint(p.Sample), "[]"))
	}
	for _, note := range p.Notes {
		t.say("Note: %s", note)
	}
	return t
}
