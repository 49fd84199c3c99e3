package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"parley/internal/fault"
	"parley/internal/lifecycle"
	"parley/internal/server"
)

// stores say where an installation keeps what it knows.
type stores struct {
	Journal string `help:"Outside NATS server, nats://…; embedded otherwise." placeholder:"URL"`
	State   string `help:"PostgreSQL database, postgres://…; SQLite otherwise." placeholder:"URL"`
}

type serveCommand struct {
	stores
	Listen    string   `help:"Address to serve on." default:"127.0.0.1:8377" placeholder:"HOST:PORT"`
	Workspace string   `help:"Workspace folder to apply when none governs yet." placeholder:"DIR" type:"path"`
	Roles     []string `help:"Parts this process plays: collect, work, api; all by default." placeholder:"ROLE"`
	LogFormat string   `help:"How to log to standard error: text or json." enum:"text,json" default:"text"`
}

type serveAnswer struct {
	URL       string `json:"url"`
	TokenFile string `json:"token_file"`
	Data      string `json:"data"`
}

// Run serves until ctx ends.
func (c *serveCommand) Run(ctx context.Context, s *session) error {
	cfg := server.Config{Data: s.Data, Listen: c.Listen, Journal: c.Journal, State: c.State, Getenv: s.Getenv, Roles: c.Roles, Logger: s.logger(c.LogFormat)}
	local, err := startLocal(ctx, cfg)
	if err != nil {
		return err
	}
	if err := c.serve(ctx, s, local); err != nil {
		if why := local.stop(); why != nil {
			return why // a server that failed is why it did not answer
		}
		return err
	}
	return local.wait()
}

// serve applies the first workspace and says where the server is.
func (c *serveCommand) serve(ctx context.Context, s *session, local *local) error {
	if c.Workspace != "" {
		if err := c.first(ctx, s, local); err != nil {
			return err
		}
	}
	answer := serveAnswer{URL: local.URL(), TokenFile: server.TokenFile(s.Data), Data: s.Data}
	t := &table{}
	t.say("Parley serves at %s (API: %s/docs).", answer.URL, answer.URL)
	t.say("Data in %s, token in %s. Stop with Ctrl-C.", answer.Data, answer.TokenFile)
	return s.print(answer, t)
}

// first applies the workspace folder unless a version governs already.
func (c *serveCommand) first(ctx context.Context, s *session, local *local) error {
	api, err := s.dial(local.URL())
	if err != nil {
		return err
	}
	governing, err := api.Workspace(ctx)
	switch kind := fault.KindOf(classified(err)); {
	case err == nil:
		fmt.Fprintf(s.Stderr, "parley: workspace version %d governs already; use parley apply to change it.\n", governing.Version)
		return nil
	case kind != fault.NotFound && kind != fault.Conflict:
		return err
	}
	files, err := validFolder(c.Workspace)
	if err != nil {
		return err
	}
	_, err = api.ApplyWorkspace(ctx, files, s.user())
	return err
}

func (s *session) logger(format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(s.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(s.Stderr, o))
}

// local is a server in this process.
type local struct {
	*server.Server
	group *lifecycle.Group
}

// startLocal opens a server and runs it until ctx ends or stop is called.
func startLocal(ctx context.Context, cfg server.Config) (*local, error) {
	srv, err := server.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	l := &local{Server: srv, group: lifecycle.NewGroup(ctx)}
	l.group.Go("server", srv.Run)
	return l, nil
}

// wait returns when the server has ended by itself or with its context.
func (l *local) wait() error { return errors.Join(l.group.Wait(), l.Close()) }

// stop ends the server.
func (l *local) stop() error { return errors.Join(l.group.Stop(), l.Close()) }
