package lake

import (
	"context"
	"sync"

	"parley/internal/fault"
	"parley/internal/journal"
)

// Lake is what callers hold. It is safe for concurrent use.
type Lake struct {
	driver  Driver
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// New returns a lake over a driver and takes the driver over.
func New(d Driver) *Lake { return &Lake{driver: d} }

// begin counts an operation in, so that Close can wait for it.
func (l *Lake) begin(op string) (func(), error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fault.New(fault.Unavailable, op, "The lake is closed; the server is shutting down.")
	}
	l.running.Add(1)
	return l.running.Done, nil
}

// Append makes a batch durable: rows, assignments and position, all or nothing.
// It is idempotent by position, see Driver. A batch that breaks the promises of
// Batch, Row or Assignment is refused as Invalid and changes nothing.
func (l *Lake) Append(ctx context.Context, b Batch) error {
	const op = "lake.append"
	done, err := l.begin(op)
	if err != nil {
		return err
	}
	defer done()
	if err := b.check(); err != nil {
		return err
	}
	return fault.Wrap(op, l.driver.Append(ctx, b))
}

// Position is how far the lake has followed the journal, 0 at first.
func (l *Lake) Position(ctx context.Context) (journal.Position, error) {
	const op = "lake.position"
	done, err := l.begin(op)
	if err != nil {
		return 0, err
	}
	defer done()
	p, err := l.driver.Position(ctx)
	return p, fault.Wrap(op, err)
}

// Scan calls fn for every chosen row in journal order with the person it
// belongs to now, 0 for nobody. It sees one snapshot and needs bounded memory.
// The first error of fn ends it and is returned. fn may keep the row and may
// use the lake, but must not close it.
func (l *Lake) Scan(ctx context.Context, q Query, fn func(r Row, person int64) error) error {
	const op = "lake.scan"
	done, err := l.begin(op)
	if err != nil {
		return err
	}
	defer done()
	if q, err = q.normal(op); err != nil || q.none() {
		return err
	}
	return fault.Wrap(op, l.driver.Scan(ctx, q, fn))
}

// ScanByPerson calls fn for every person with a row of one of the names (none:
// of any name), persons ascending, their rows in journal order; rows of nobody
// are left out. It needs memory for the rows of the largest person and, with
// some drivers, disk for a sorted copy. Errors of fn as in Scan.
func (l *Lake) ScanByPerson(ctx context.Context, names []string, fn func(person int64, rows []Row) error) error {
	const op = "lake.scan_by_person"
	done, err := l.begin(op)
	if err != nil {
		return err
	}
	defer done()
	q, err := Query{Names: names}.normal(op)
	if err != nil {
		return err
	}
	return fault.Wrap(op, l.driver.ScanByPerson(ctx, q.Names, fn))
}

// Count is the number of rows that Scan would pass on.
func (l *Lake) Count(ctx context.Context, q Query) (int64, error) {
	const op = "lake.count"
	done, err := l.begin(op)
	if err != nil {
		return 0, err
	}
	defer done()
	if q, err = q.normal(op); err != nil || q.none() {
		return 0, err
	}
	n, err := l.driver.Count(ctx, q)
	return n, fault.Wrap(op, err)
}

// Stats describes what the lake holds.
func (l *Lake) Stats(ctx context.Context) (Stats, error) {
	const op = "lake.stats"
	done, err := l.begin(op)
	if err != nil {
		return Stats{}, err
	}
	defer done()
	s, err := l.driver.Stats(ctx)
	return s, fault.Wrap(op, err)
}

// Close refuses new work, waits for what runs and releases the driver. A second
// Close does nothing.
func (l *Lake) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	l.running.Wait()
	return fault.Wrap("lake.close", l.driver.Close())
}
