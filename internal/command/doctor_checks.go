package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"parley/internal/fault"
	"parley/internal/server"
	"parley/internal/workspace"
)

// Free space below which work is at risk, in bytes.
const (
	spaceLow  = 1 << 30
	spaceNone = 100 << 20
)

// clockSlack is how far the machine's clock may be behind what was received.
const clockSlack = 5 * time.Minute

// oldest is a time no clock can rightly show.
var oldest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (d *doctor) program() {
	v := d.version()
	d.ok("version", fmt.Sprintf("parley %s, %s, %s.", v.Version, v.Go, v.Platform))
}

func (d *doctor) folder() {
	info, err := os.Stat(d.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.warn("data folder", d.Data+" does not exist yet.", "parley serve creates it; or name another with --data.")
		return
	case err != nil || !info.IsDir():
		d.fail("data folder", d.Data+" is not a folder that can be read.", "Name another with --data, or mend its rights.")
		return
	}
	probe, err := os.CreateTemp(d.Data, ".doctor-*")
	if err != nil {
		d.fail("data folder", d.Data+" cannot be written.", "Mend its rights or its disk, or name another with --data.")
		return
	}
	d.there = true
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		d.warn("data folder", "A trial file could not be removed.", "Remove "+probe.Name()+".")
	} else {
		d.ok("data folder", d.Data+" can be written.")
	}
	d.space()
	if d.locked = server.Locked(d.Data); d.locked {
		d.ok("lock", "A server is using the data folder.")
	} else {
		d.ok("lock", "No process is using the data folder.")
	}
}

func (d *doctor) space() {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.Data, &st); err != nil {
		d.warn("free space", "It cannot be told.", "Look with df.")
		return
	}
	free := int64(st.Bavail) * int64(st.Bsize)
	text := fmt.Sprintf("%.1f GiB free.", float64(free)/(1<<30))
	switch {
	case free < spaceNone:
		d.fail("free space", text, "Make room: a full disk refuses every event.")
	case free < spaceLow:
		d.warn("free space", text, "Make room soon: a full disk refuses every event.")
	default:
		d.ok("free space", text)
	}
}

func (d *doctor) tokens() {
	if !d.there {
		return
	}
	path := server.TokenFile(d.Data)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.ok("token", "There is none yet; the first start makes one.")
	case err != nil:
		d.fail("token", "The token file cannot be read.", "Mend the rights of "+path+".")
	case info.Mode().Perm() != 0o600:
		d.fail("token", fmt.Sprintf("Others may read it (mode %04o).", info.Mode().Perm()), "Run chmod 600 "+path+", and make a new one if others had access.")
	default:
		if raw, err := os.ReadFile(path); err != nil || strings.TrimSpace(string(raw)) == "" {
			d.fail("token", "The token file is empty or cannot be read.", "Remove "+path+"; the next start makes a new one.")
			return
		}
		d.ok("token", path+" is readable by its owner alone.")
	}
}

// inspect looks into the stores when nobody uses them.
func (d *doctor) inspect(ctx context.Context) {
	switch {
	case d.locked:
		d.running(ctx)
		return
	case !d.there:
		return
	}
	seen, err := server.Inspect(ctx, server.Config{Data: d.Data, Journal: d.command.Journal, State: d.command.State})
	if err != nil {
		d.fail("stores", "They cannot be looked at.", message(err))
		return
	}
	d.store("journal", seen.Journal, "It opens.")
	d.store("state", seen.State, "It opens; its tables are at version "+seen.Schema+".")
	d.store("lake", seen.Lake, "It opens.")
	if seen.State != nil {
		return
	}
	switch {
	case seen.WorkspaceError != nil:
		d.fail("workspace", "The version that governs cannot be used.", message(seen.WorkspaceError))
	case seen.Workspace == nil:
		d.noWorkspace()
	default:
		d.ok("workspace", fmt.Sprintf("Version %d governs and is valid.", seen.Workspace.Version))
		d.secrets(seen.Workspace.Workspace)
	}
	d.clock(seen.Clock)
}

func (d *doctor) store(name string, err error, fine string) {
	if err != nil {
		d.fail(name, "It cannot be opened.", message(err))
		return
	}
	d.ok(name, fine)
}

func (d *doctor) noWorkspace() {
	d.warn("workspace", "None has been applied yet.", "Run parley apply DIR; examples/shop/workspace shows what one looks like.")
}

// running asks the server that uses the data folder.
func (d *doctor) running(ctx context.Context) {
	api, done, err := d.connect(ctx)
	if err != nil {
		d.fail("server", "It cannot be reached.", message(err))
		return
	}
	defer func() { _ = done() }() // it speaks to another process: there is nothing to stop
	if err := api.Health(ctx); err != nil {
		d.fail("server", "It cannot do its work.", message(err))
		return
	}
	d.ok("server", "It answers and can do its work.")
	governing, err := api.Workspace(ctx)
	switch kind := fault.KindOf(classified(err)); {
	case err == nil:
		w, err := workspace.Decode(governing.Body)
		if err != nil {
			d.fail("workspace", "The version that governs cannot be read by this program.", "Use the same version of parley as the server.")
			return
		}
		d.ok("workspace", fmt.Sprintf("Version %d governs.", governing.Version))
		d.secrets(w)
	case kind == fault.NotFound || kind == fault.Conflict:
		d.noWorkspace()
	default:
		d.fail("workspace", "It cannot be asked for.", message(err))
	}
	if status, err := api.Status(ctx); err == nil {
		d.clock(status.Clock)
	}
}

// secrets checks that every destination finds its secret.
func (d *doctor) secrets(w *workspace.Workspace) {
	var missing []string
	for _, dest := range w.Destinations {
		if dest.Webhook != nil && dest.Webhook.SecretEnv != "" && d.Getenv(dest.Webhook.SecretEnv) == "" {
			missing = append(missing, dest.Webhook.SecretEnv+" (destination "+dest.Name+")")
		}
	}
	switch {
	case len(missing) == 0:
		d.ok("secrets", "Every destination's secret is in the environment.")
	case d.locked:
		d.warn("secrets", "Not in this shell's environment: "+strings.Join(missing, ", ")+".", "The server needs them in its own; parley deliveries shows whether it has.")
	default:
		d.fail("secrets", "Not in the environment: "+strings.Join(missing, ", ")+".", "Set them before parley serve.")
	}
}

func (d *doctor) clock(received time.Time) {
	now := time.Now()
	switch {
	case now.Before(oldest):
		d.fail("clock", "This machine's clock stands before "+oldest.Format(time.DateOnly)+".", "Set it; events are dated by it.")
	case received.After(now.Add(clockSlack)):
		d.warn("clock", "It is behind the last event received.", "Set it; audiences that depend on time wait until it has caught up.")
	default:
		d.ok("clock", "It is not behind the last event received.")
	}
}

func (d *doctor) port(ctx context.Context) {
	if d.locked {
		return // its server holds the port
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", d.command.Listen)
	if err != nil {
		d.fail("port", d.command.Listen+" cannot be listened on.", "Stop what uses it, or choose another with --listen.")
		return
	}
	_ = l.Close() // opened only to look
	d.ok("port", d.command.Listen+" is free.")
}
