package command

import (
	"context"
	"errors"
)

type doctorCommand struct {
	stores
	Listen string `help:"Address that serve would use." default:"127.0.0.1:8377" placeholder:"HOST:PORT"`
}

// The verdicts of a check.
const (
	checkOK   = "ok"
	checkWarn = "warn"
	checkFail = "fail"
)

// check is one line of the doctor's answer.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
	WayOut string `json:"way_out,omitempty"`
}

type doctorAnswer struct {
	Healthy bool    `json:"healthy"`
	Checks  []check `json:"checks"`
}

// errChecked says that a check failed and was told about already.
var errChecked = errors.New("a check failed")

// Run checks the installation.
func (c *doctorCommand) Run(ctx context.Context, s *session) error {
	d := &doctor{session: s, command: c}
	d.program()
	d.folder()
	d.tokens()
	d.inspect(ctx)
	d.port(ctx)
	answer := doctorAnswer{Healthy: true, Checks: d.checks}
	t := &table{}
	for _, x := range d.checks {
		answer.Healthy = answer.Healthy && x.Status != checkFail
		detail := x.Detail
		if x.WayOut != "" {
			detail += " " + x.WayOut
		}
		t.row(x.Status, x.Name, detail)
	}
	if err := s.print(answer, t); err != nil || answer.Healthy {
		return err
	}
	return errChecked
}

// doctor collects checks.
type doctor struct {
	*session
	command *doctorCommand
	checks  []check
	// there says that the data folder exists; locked that a process uses it.
	there, locked bool
}

func (d *doctor) ok(name, detail string)           { d.add(name, checkOK, detail, "") }
func (d *doctor) warn(name, detail, wayOut string) { d.add(name, checkWarn, detail, wayOut) }
func (d *doctor) fail(name, detail, wayOut string) { d.add(name, checkFail, detail, wayOut) }

func (d *doctor) add(name, status, detail, wayOut string) {
	d.checks = append(d.checks, check{name, status, detail, wayOut})
}
