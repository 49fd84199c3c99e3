// Package command is the command line: one file per command.
//
// Results go to standard output, as a short table or with --json as one JSON
// value; everything else goes to standard error. A failure is one sentence that
// says the way out, and an exit code (see exit.go). A progress bar is drawn on
// standard error when that is a terminal, and nothing when it is piped.
//
// Commands that look at or change what is stored speak to the API through
// package client: to --server, or to the server that is using the data folder,
// or else to one that is started in this process for as long as the command runs.
package command

import (
	"context"
	"io"
	"os"
	"sync"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// Process is what a command has of the process it runs in.
type Process struct {
	Program        string // how it was called
	Args           []string
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string
}

// defaultData is where everything is kept unless told otherwise.
const defaultData = "parley-data"

// options are the flags that every command takes.
type options struct {
	Data   string `help:"Folder for everything this installation keeps (./parley-data; of the demo a temporary one)." env:"PARLEY_DATA" type:"path" placeholder:"DIR"`
	Server string `help:"Speak to this server instead of the data folder's." env:"PARLEY_SERVER" placeholder:"URL"`
	Token  string `help:"Token for the server; otherwise the data folder's is read." env:"PARLEY_TOKEN" placeholder:"TOKEN"`
	JSON   bool   `name:"json" help:"Answer in JSON."`
}

// commandLine is the grammar.
type commandLine struct {
	options

	Serve      serveCommand      `cmd:"" help:"Run the server until it is stopped."`
	Demo       demoCommand       `cmd:"" help:"Run the main job on the example shop, say what happened, and serve it."`
	Import     importCommand     `cmd:"" help:"Bring files in; the same file again changes nothing."`
	Validate   validateCommand   `cmd:"" help:"Check a workspace folder and name every mistake with file and line."`
	Plan       planCommand       `cmd:"" help:"Show what applying a workspace folder would change."`
	Apply      applyCommand      `cmd:"" help:"Make a workspace folder govern."`
	People     peopleCommand     `cmd:"" help:"Look at people."`
	Audience   audienceCommand   `cmd:"" help:"Look at audiences."`
	Quarantine quarantineCommand `cmd:"" help:"Look at records that broke their contract, and process them again."`
	Receipt    receiptCommand    `cmd:"" help:"Tell what became of one event."`
	Deliveries deliveriesCommand `cmd:"" help:"Compare what destinations should hold with what they confirmed."`
	Doctor     doctorCommand     `cmd:"" help:"Check this installation and say what to do."`
	Version    versionCommand    `cmd:"" help:"Say which version this is."`
}

// session is one run of one command.
type session struct {
	options
	Process
	// terminal says that standard error is a terminal, so that a bar may be drawn.
	terminal bool
}

// Run runs the command line and returns the exit code of the process. It stops
// when ctx ends.
func Run(ctx context.Context, p Process) int {
	var cli commandLine
	helped := false
	if _, file := p.Stderr.(*os.File); !file {
		p.Stderr = &shared{to: p.Stderr}
	}
	parser, err := kong.New(&cli,
		kong.Name("parley"),
		kong.Description("Where IT and marketing agree on what to do with customer data, and where it is done.\n\n"+exitHelp()),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return report(p.Stderr, false, err)
	}
	if len(p.Args) == 0 {
		p.Args = []string{"--help"}
	}
	parsed, err := parser.Parse(p.Args)
	if helped {
		return exitOK
	}
	if err != nil {
		return report(p.Stderr, false, usage(err))
	}
	if cli.Data == "" && parsed.Command() != "demo" {
		cli.Data = defaultData
	}
	s := &session{options: cli.options, Process: p, terminal: isTerminal(p.Stderr)}
	if err := parsed.Run(s); err != nil {
		return report(p.Stderr, s.JSON, err)
	}
	return exitOK
}

// shared is a writer for the server's log and the command's own words, which
// come from different goroutines; a file needs no such lock.
type shared struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (w *shared) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(b)
}

// messages is where people are told what is not the answer: with --json
// standard output holds nothing else.
func (s *session) messages() io.Writer {
	if s.JSON {
		return s.Stderr
	}
	return s.Stdout
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
