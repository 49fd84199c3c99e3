package command

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"parley/internal/importer"
)

// bar shows how far an import is. It draws nothing where nobody looks.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
}

// newBar starts a bar for a file on standard error if that is a terminal.
func (s *session) newBar(name string) *bar {
	if !s.terminal {
		return &bar{}
	}
	p := mpb.New(mpb.WithOutput(s.Stderr), mpb.WithWidth(60))
	return &bar{progress: p, bar: p.AddBar(0,
		mpb.PrependDecorators(decor.Name(name+" ")),
		mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.CountersKibiByte("% .1f of % .1f")),
	)}
}

func (b *bar) show(p importer.Progress) {
	if b.bar == nil {
		return
	}
	b.bar.SetTotal(p.Total, false)
	b.bar.SetCurrent(p.Offset)
}

// end leaves the bar where it is and waits until it is drawn.
func (b *bar) end() {
	if b.bar == nil {
		return
	}
	b.bar.SetTotal(-1, true)
	b.progress.Wait()
}
