// Package demo runs the main job on the example shop: it starts a server in
// 2011, sends everything in through the ways that real senders use, waits until
// the destinations have answered, and counts what happened.
//
// What is counted is read from the outside wherever that is possible: audiences
// and asks from the API, lists from what the e-mail tool and the files hold.
package demo

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parley/client"
	shop "parley/examples/shop"
	"parley/examples/shop/shopdata"
	"parley/internal/fault"
	"parley/internal/importer"
	"parley/internal/lifecycle"
	"parley/internal/server"
	"parley/internal/workspace"
)

// Options say where the demo runs.
type Options struct {
	// Data is an empty or new folder to keep; empty: a temporary one, removed by Close.
	Data   string
	Listen string // of the server
	Getenv func(string) string
	Logger *slog.Logger
	// Step is told what begins now; Progress how far the import of a file is. Both may be nil.
	Step     func(text string)
	Progress func(file string, p importer.Progress)
}

// Demo is a running example.
type Demo struct {
	options   Options
	temporary bool
	emails    *emailTool
	server    *server.Server
	running   *lifecycle.Group
	api       *client.Client
}

// The example's names in its workspace.
const (
	emailToolName = "email-tool"
	adsFilesName  = "ads-files"
	adsFolder     = "out/ads"
	secretEnv     = "SHOP_EMAIL_TOOL_SECRET"
	writeKey      = "shop-web"
)

// Start starts the e-mail tool and the server. The caller closes the demo.
func Start(ctx context.Context, o Options) (*Demo, error) {
	if o.Step == nil {
		o.Step = func(string) {}
	}
	if o.Progress == nil {
		o.Progress = func(string, importer.Progress) {}
	}
	d := &Demo{options: o}
	if err := d.folder(); err != nil {
		return nil, err
	}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// folder makes the data folder. One in use is refused: its time and its lists
// would not be the example's.
func (d *Demo) folder() (err error) {
	const op = "demo.folder"
	if d.options.Data == "" {
		d.temporary = true
		d.options.Data, err = os.MkdirTemp("", "parley-demo-")
		if err != nil {
			return fault.WrapAs(fault.Unavailable, op, err, "No temporary folder can be made; name one with --data.")
		}
		return nil
	}
	if err := os.MkdirAll(d.options.Data, 0o700); err != nil {
		return fault.WrapAs(fault.Unavailable, op, err, "The data folder cannot be created; check the path and its rights.")
	}
	entries, err := os.ReadDir(d.options.Data)
	if err != nil {
		return fault.WrapAs(fault.Unavailable, op, err, "The data folder cannot be read; check its rights.")
	}
	if len(entries) > 0 {
		return fault.New(fault.Conflict, op, "The demo needs an empty folder, and %s is not; name another with --data, or none.", d.options.Data)
	}
	return nil
}

func (d *Demo) start(ctx context.Context) error {
	clock := lifecycle.Shifted{By: time.Until(shopdata.Now)}
	emails, err := startEmailTool(ctx, clock)
	if err != nil {
		return err
	}
	d.emails = emails
	d.server, err = server.Open(ctx, server.Config{Data: d.options.Data, Listen: d.options.Listen, Clock: clock, Logger: d.options.Logger, Getenv: d.getenv})
	if err != nil {
		return err
	}
	d.running = lifecycle.NewGroup(ctx)
	d.running.Go("server", d.server.Run)
	token, err := os.ReadFile(server.TokenFile(d.options.Data))
	if err != nil {
		return fault.Wrap("demo.start", err)
	}
	d.api = client.New(d.server.URL(), strings.TrimSpace(string(token)))
	return nil
}

// getenv adds the e-mail tool's secret to the environment.
func (d *Demo) getenv(name string) string {
	switch {
	case name == secretEnv:
		return d.emails.secret
	case name == "PARLEY_TOKEN" || d.options.Getenv == nil:
		return "" // the demo has a token of its own
	}
	return d.options.Getenv(name)
}

// URL is where the server answers, Data its folder.
func (d *Demo) URL() string { return d.server.URL() }

// Data is the folder that holds everything.
func (d *Demo) Data() string { return d.options.Data }

// Wait returns when the server has ended, by itself or with its context.
func (d *Demo) Wait() error { return d.running.Wait() }

// Close stops everything and removes a temporary folder.
func (d *Demo) Close() error {
	var err error
	if d.running != nil {
		err = errors.Join(err, d.running.Stop())
	}
	if d.server != nil {
		err = errors.Join(err, d.server.Close())
	}
	if d.emails != nil {
		err = errors.Join(err, d.emails.stop())
	}
	if d.temporary {
		err = errors.Join(err, os.RemoveAll(d.options.Data))
	}
	return err
}

// Play sends everything in, waits until it is handed over, and counts.
func (d *Demo) Play(ctx context.Context) (*Summary, error) {
	began := time.Now()
	d.options.Step("Applying the workspace")
	if err := d.applyWorkspace(ctx); err != nil {
		return nil, err
	}
	rows, err := d.importFiles(ctx)
	if err != nil {
		return nil, err
	}
	d.options.Step("Sending the web shop's calls as its SDK does")
	if err := d.sendWeb(ctx); err != nil {
		return nil, err
	}
	d.options.Step("Waiting until every destination has answered")
	if err := d.server.Idle(ctx); err != nil {
		return nil, err
	}
	d.options.Step("Asking the API which questions forms need not ask")
	summary, err := d.count(ctx, rows)
	if err != nil {
		return nil, err
	}
	summary.Seconds = time.Since(began).Seconds()
	return summary, nil
}

// applyWorkspace points the example's e-mail tool at the one that runs here.
func (d *Demo) applyWorkspace(ctx context.Context) error {
	folder, err := fs.Sub(shop.Files, "workspace")
	if err != nil {
		return fault.Wrap("demo.workspace", err)
	}
	w, issues, err := workspace.Load(folder)
	if err != nil {
		return err
	}
	if len(issues) > 0 {
		return fault.New(fault.Internal, "demo.workspace", "The example's workspace is not valid: %s", issues[0])
	}
	for i := range w.Destinations {
		if w.Destinations[i].Name == emailToolName {
			w.Destinations[i].Webhook.URL = d.emails.url
		}
	}
	_, err = d.server.Apply(ctx, w, "parley demo")
	return err
}

// importFiles imports the files in the order that the example's README gives
// and returns how many rows each had, by source.
func (d *Demo) importFiles(ctx context.Context) (map[string]int64, error) {
	folder := filepath.Join(d.options.Data, "example")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fault.Wrap("demo.import", err)
	}
	rows := map[string]int64{}
	for _, f := range []struct{ source, name string }{
		{"crm", "crm.csv"}, {"newsletter", "newsletter.jsonl"}, {"orders", "orders.csv"}, {"campaign", "campaign.csv"},
	} {
		d.options.Step("Importing " + f.name)
		body, err := shop.Files.ReadFile("data/" + f.name)
		if err != nil {
			return nil, fault.Wrap("demo.import", err)
		}
		path := filepath.Join(folder, f.name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			return nil, fault.WrapAs(fault.Unavailable, "demo.import", err, "The example's files cannot be written; check the disk.")
		}
		report, err := d.server.Import(ctx, server.ImportRequest{Source: f.source, Path: path,
			Progress: func(p importer.Progress) { d.options.Progress(f.name, p) }})
		if err != nil {
			return nil, err
		}
		rows[f.source] = report.Read
	}
	return rows, nil
}
