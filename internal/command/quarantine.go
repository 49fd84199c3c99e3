package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"parley/client"
)

type quarantineCommand struct {
	List   quarantineListCommand   `cmd:"" help:"List records that broke their contract, and how."`
	Replay quarantineReplayCommand `cmd:"" help:"Process held records again, under the contract as it is now."`
}

type quarantineListCommand struct {
	Source  string `help:"Only of this source." placeholder:"NAME"`
	Status  string `help:"Only open or replayed ones." enum:"open,replayed,any" default:"open"`
	Limit   int    `help:"At most so many." default:"50" placeholder:"N"`
	Payload bool   `help:"Show what was received; it holds personal data (with --json)."`
}

// quarantinePage is how many records are asked for at once.
const quarantinePage = 1000

// Run lists what is held.
func (c *quarantineListCommand) Run(ctx context.Context, s *session) (err error) {
	if c.Limit < 1 {
		return &usageError{"--limit is a whole number above 0."}
	}
	api, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	q := client.QuarantineQuery{Source: c.Source, Status: c.Status, Payload: c.Payload && s.JSON}
	if c.Status == "any" {
		q.Status = ""
	}
	list, more, err := held(ctx, api, q, c.Limit)
	if err != nil {
		return err
	}
	t := &table{head: []string{"ID", "SOURCE", "EVENT", "RECEIVED", "BROKEN"}}
	for _, r := range list {
		t.row(r.ID, r.Source, r.Event, instant(r.ReceivedAt), broken(r.Violations))
	}
	switch {
	case len(list) == 0:
		t.say("Nothing is held.")
	case more:
		t.say("There are more; raise --limit.")
	}
	return s.print(list, t)
}

// held reads up to limit records, page by page, and says whether there are more.
func held(ctx context.Context, api *client.Client, q client.QuarantineQuery, limit int) ([]client.Quarantined, bool, error) {
	out := []client.Quarantined{}
	for {
		q.Limit = min(limit-len(out), quarantinePage)
		page, err := api.Quarantine(ctx, q)
		if err != nil {
			return nil, false, err
		}
		out = append(out, page.Records...)
		if page.Next == 0 || len(out) >= limit {
			return out, page.Next != 0, nil
		}
		q.After = page.Next
	}
}

func broken(violations []client.Violation) string {
	var parts []string
	for _, v := range violations {
		text := v.Rule
		if v.Field != "" {
			text = v.Field + ": " + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

type quarantineReplayCommand struct {
	IDs    []int64 `arg:"" optional:"" name:"id" help:"Records to replay."`
	Source string  `help:"All held records of this source." placeholder:"NAME"`
	All    bool    `help:"All held records."`
}

// Run replays held records.
func (c *quarantineReplayCommand) Run(ctx context.Context, s *session) (err error) {
	chosen := 0
	for _, is := range []bool{len(c.IDs) > 0, c.Source != "", c.All} {
		if is {
			chosen++
		}
	}
	if chosen != 1 {
		return &usageError{"Say what to replay: ids, --source NAME, or --all."}
	}
	api, done, err := s.connectToWork(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	result, err := api.Replay(ctx, client.ReplayRequest{IDs: c.IDs, Source: c.Source, All: c.All})
	if err != nil {
		return err
	}
	t := &table{}
	t.say("%s left the quarantine; %s a rule still.", plural(result.Replayed, "record", "records"),
		fmt.Sprintf("%d %s", result.Open, map[bool]string{true: "breaks", false: "break"}[result.Open == 1]))
	return s.print(result, t)
}
