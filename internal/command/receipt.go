package command

import (
	"context"
	"errors"
	"strconv"

	"parley/client"
)

type receiptCommand struct {
	Source string `arg:"" help:"Source of the event."`
	ID     string `arg:"" help:"Id of the event, or key of the row."`
}

// Run tells what became of one event.
func (c *receiptCommand) Run(ctx context.Context, s *session) (err error) {
	api, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	receipt, err := api.Receipt(ctx, c.Source, c.ID)
	if err != nil {
		return err
	}
	return s.print(receipt, receiptTable(receipt))
}

func receiptTable(r client.Receipt) *table {
	t := &table{}
	t.row("outcome", r.Outcome)
	if r.Detail != "" {
		t.row("because", r.Detail)
	}
	t.row("received", instant(r.ReceivedAt))
	if r.Person != 0 {
		t.row("person", strconv.FormatInt(r.Person, 10))
	}
	t.row("came again", plural(r.Duplicates, "time", "times"))
	t.row("in the journal", "block "+strconv.FormatInt(r.Position, 10)+", entry "+strconv.FormatInt(r.Index, 10))
	return t
}
