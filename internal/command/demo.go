package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"parley/internal/demo"
	"parley/internal/importer"
	"parley/internal/server"
)

type demoCommand struct {
	Headless bool   `help:"Leave when it is done instead of serving."`
	Listen   string `help:"Address to serve on." default:"127.0.0.1:8377" placeholder:"HOST:PORT"`
}

// Run plays the demo, says what happened, and serves.
func (c *demoCommand) Run(ctx context.Context, s *session) (err error) {
	o := demo.Options{Listen: c.Listen, Getenv: s.Getenv, Logger: slog.New(slog.DiscardHandler), Data: s.Data}
	if c.Headless {
		o.Listen = "127.0.0.1:0"
	}
	steps := &demoSteps{session: s}
	o.Step, o.Progress = steps.step, steps.progress
	d, err := demo.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	summary, err := d.Play(ctx)
	steps.end()
	if err != nil {
		return err
	}
	if err := s.print(summary, demoTable(summary)); err != nil || c.Headless {
		return err
	}
	if err := demoServes(s, d).write(s.messages()); err != nil {
		return err
	}
	return d.Wait()
}

// demoSteps tells on a terminal what the demo does.
type demoSteps struct {
	*session
	file string
	bar  *bar
}

func (d *demoSteps) step(text string) {
	d.end()
	if d.terminal {
		fmt.Fprintf(d.Stderr, "%s …\n", text)
	}
}

func (d *demoSteps) progress(file string, p importer.Progress) {
	if d.file != file {
		d.end()
		d.file, d.bar = file, d.newBar(file)
	}
	d.bar.show(p)
}

func (d *demoSteps) end() {
	if d.bar != nil {
		d.bar.end()
	}
	d.file, d.bar = "", nil
}

func demoTable(s *demo.Summary) *table {
	t := &table{head: []string{"WRONG", "BEFORE", "AFTER"}}
	t.row("offers for something just bought", s.WastedOffersBefore, s.WastedOffersAfter)
	t.row("questions whose answer was held", s.AsksBefore, s.AsksAfter)
	t.say("")
	t.say("%d rows and web calls were accepted in %.1f seconds; %d broke a contract and are held in quarantine.", s.EventsAccepted, s.Seconds,
		s.OrdersQuarantined+s.CRMQuarantined+s.NewsletterQuarantined+s.WebQuarantined)
	t.say("They are about %d people. %d times two turned out to be one; %d claims that would have mixed up two customers were refused.",
		s.People, s.Merges, s.RefusedMerges)
	for _, name := range slices.Sorted(maps.Keys(s.Delivered)) {
		m := s.Delivered[name]
		t.say("%s confirmed %d people to address and %d to leave alone.", name, m.Include, m.Suppress)
	}
	t.say("%d times somebody was not handed over because they had not agreed.", s.RefusedByConsent)
	return t
}

// demoServes says where the demo goes on and what to try.
func demoServes(s *session, d *demo.Demo) *table {
	t := &table{}
	program := s.Program + " --data " + d.Data()
	t.say("")
	t.say("It serves at %s (API: %s/docs) until Ctrl-C. Data in %s, token in %s.", d.URL(), d.URL(), d.Data(), server.TokenFile(d.Data()))
	t.say("Try in another terminal:")
	t.say("  %s people get user_id:12402 --why", program)
	t.say("  %s audience preview reachable-browsers", program)
	t.say("  %s deliveries", program)
	return t
}
