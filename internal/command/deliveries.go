package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/client"
)

type deliveriesCommand struct{}

// Run compares what destinations should hold with what they confirmed.
func (deliveriesCommand) Run(ctx context.Context, s *session) (err error) {
	api, done, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	list, err := api.Deliveries(ctx)
	if err != nil {
		return err
	}
	return s.print(list, deliveriesTable(list))
}

func deliveriesTable(list []client.DeliverySummary) *table {
	t := &table{head: []string{"ACTIVATION", "DESTINATION", "DESIRED", "CONFIRMED", "WAITING", "GIVEN UP", "HELD BACK"}}
	for _, d := range list {
		var reasons []string
		for _, reason := range slices.Sorted(maps.Keys(d.Unwanted)) {
			reasons = append(reasons, fmt.Sprintf("%d %s", d.Unwanted[reason], reason))
		}
		t.row(d.Activation, d.Destination, d.Desired, d.Acknowledged, d.Waiting+d.InFlight, d.Dead, strings.Join(reasons, ", "))
	}
	if len(list) == 0 {
		t.say("Nothing is handed over yet.")
	}
	return t
}
