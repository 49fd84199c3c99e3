package journal

import (
	"context"
	"sync"
	"time"

	"parley/internal/fault"
	"parley/internal/lifecycle"
)

// Defaults of Options.
const (
	DefaultBlockBytes   = 512 << 10
	DefaultPendingBytes = 64 << 20
)

// gatherTime is the longest that a block waits for requests likely to come.
// Measured with 16 and 64 senders, one block at a time with this wait accepts
// up to twice as much as two blocks in flight without it, because what a block
// costs in processor time hardly depends on its size; 3 ms accepted less again.
const gatherTime = 1500 * time.Microsecond

// Options tune a Journal. The zero value means the defaults.
type Options struct {
	// BlockBytes is how many bytes of entries go into one block, before
	// packing; a single Append above it gets a block of its own. Default 512 KiB.
	BlockBytes int
	// MaxPendingBytes is how many bytes may wait for the driver before Append
	// answers fault.Busy. An Append is always let in when none wait. Default 64 MiB.
	MaxPendingBytes int
}

// Journal packs concurrent appends into blocks and hands them to its driver.
// Whatever queues up while blocks are being made durable becomes the next
// block, so that load itself sets the size of blocks and an idle journal
// answers as fast as its disk. All methods are safe for concurrent use.
type Journal struct {
	driver     Driver
	blockBytes int
	maxPending int
	maxAppend  int
	writers    *lifecycle.Group
	closing    sync.Once
	closeErr   error

	mu      sync.Mutex
	queued  sync.Cond
	queue   []*request
	pending int // bytes in queue and in flight
	// expected is how many requests were about when the last block became
	// durable: those it answered, whose senders are likely to come back, and
	// those that were waiting.
	expected int
	closed   bool
	stats    Stats
}

// Stats are counts since New.
type Stats struct {
	Entries      uint64 // durable
	Blocks       uint64 // durable
	StoredBytes  uint64 // of durable blocks, as packed
	FailedBlocks uint64
	BusyAppends  uint64 // refused with fault.Busy
	PendingBytes int    // waiting now, in the queue and with the driver
}

// request is one Append on its way. Its records are encoded in the caller's
// goroutine: that spreads the work over the cores and leaves the caller's
// payloads alone after Append has returned, however it ended.
type request struct {
	records []byte
	count   int
	alone   bool       // gets a block of its own
	done    chan error // capacity 1: a writer never waits for a caller that left
}

// New starts a journal on a driver, which it owns from now on.
func New(driver Driver, opts Options) *Journal {
	if opts.BlockBytes <= 0 {
		opts.BlockBytes = DefaultBlockBytes
	}
	if opts.MaxPendingBytes <= 0 {
		opts.MaxPendingBytes = DefaultPendingBytes
	}
	j := &Journal{
		driver:     driver,
		blockBytes: opts.BlockBytes,
		maxPending: opts.MaxPendingBytes,
		maxAppend:  min(driver.MaxBlock(), maxBody) - blockOverhead,
		writers:    lifecycle.NewGroup(context.Background()),
	}
	j.blockBytes = min(j.blockBytes, j.maxAppend)
	j.queued.L = &j.mu
	j.writers.Go("journal writer", j.write)
	return j
}

// Append returns nil once all entries are durable (I1). They are together in
// one block, in the order given; the payloads may be reused afterwards. An
// Append with a Workspace entry shares its block with no other, so that a
// version begins between blocks.
//
// When it fails, the entries may or may not be in the journal, now or shortly
// after; who tries again must expect to see them twice. In particular a
// context that ends only stops the waiting. Errors: fault.Invalid for no
// entries or an unknown kind, fault.TooLarge for more than MaxEntries or
// than the driver's largest block, fault.Busy when more than
// Options.MaxPendingBytes wait, fault.Unavailable when the driver cannot store
// or the journal is closed, or the context's error. After Invalid, TooLarge
// and Busy nothing was stored.
func (j *Journal) Append(ctx context.Context, entries ...Entry) error {
	const op = "journal.append"
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkEntries(entries); err != nil {
		return fault.Wrap(op, err)
	}
	bound := 0
	for i := range entries {
		if bound += entryBound(&entries[i]); bound > j.maxAppend {
			return fault.New(fault.TooLarge, op, "The entries are larger than the journal's largest block (%d bytes); send fewer at a time.", j.maxAppend)
		}
	}
	r := &request{records: make([]byte, 0, bound), count: len(entries), done: make(chan error, 1)}
	for i := range entries {
		r.records = appendEntry(r.records, &entries[i])
		r.alone = r.alone || entries[i].Kind == Workspace
	}
	if err := j.enqueue(r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *Journal) enqueue(r *request) error {
	const op = "journal.append"
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return errClosed(op)
	}
	if j.pending > 0 && j.pending+len(r.records) > j.maxPending {
		j.stats.BusyAppends++
		return fault.New(fault.Busy, op, "More is arriving than the journal can store; slow down and try again.")
	}
	j.pending += len(r.records)
	j.queue = append(j.queue, r)
	j.queued.Signal()
	return nil
}

func errClosed(op string) error {
	return fault.New(fault.Unavailable, op, "The journal is closed; try again when the service is back.")
}

// write takes requests and makes them durable until the journal is closed and
// the queue is empty.
func (j *Journal) write(ctx context.Context) error {
	for {
		batch := j.take()
		if batch == nil {
			return nil
		}
		stored, err := j.store(ctx, batch)
		j.settle(batch, stored, err)
	}
}

// take waits for requests and returns those of the next block, nil at the end.
func (j *Journal) take() []*request {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.queue) == 0 {
		if j.closed {
			return nil
		}
		j.queued.Wait()
	}
	j.gather()
	size, count, n := 0, 0, 0
	for _, r := range j.queue {
		size += len(r.records)
		count += r.count
		if n > 0 && (size > j.blockBytes || count > MaxEntries || r.alone) {
			break
		}
		n++
		if r.alone {
			break
		}
	}
	batch := j.queue[:n:n]
	j.queue = j.queue[n:]
	if len(j.queue) == 0 {
		j.queue = nil // lets go of the array, which batch still shares
	}
	return batch
}

// gather waits a moment for requests that are likely to come, because a block
// costs the same whether it carries one request or a hundred. A lone sender
// expects nobody else and does not wait.
func (j *Journal) gather() {
	if len(j.queue) >= j.expected || j.closed {
		return
	}
	late := false
	timer := time.AfterFunc(gatherTime, func() {
		j.mu.Lock()
		late = true
		j.mu.Unlock()
		j.queued.Broadcast()
	})
	for len(j.queue) < j.expected && !late && !j.closed {
		j.queued.Wait()
	}
	timer.Stop()
}

// store packs a batch and returns the size of the durable block.
func (j *Journal) store(ctx context.Context, batch []*request) (int, error) {
	records := make([][]byte, len(batch))
	count := 0
	for i, r := range batch {
		records[i] = r.records
		count += r.count
	}
	block, err := sealBlock(count, records)
	if err != nil {
		return 0, fault.Wrap("journal.append", err)
	}
	if _, err := j.driver.Append(ctx, block); err != nil {
		return 0, fault.Wrap("journal.append", err)
	}
	return len(block), nil
}

// settle answers everyone who waits for a block, with the same result (I1).
func (j *Journal) settle(batch []*request, stored int, err error) {
	size, count := 0, 0
	for _, r := range batch {
		size += len(r.records)
		count += r.count
	}
	j.mu.Lock()
	j.pending -= size
	j.expected = len(batch) + len(j.queue)
	if err != nil {
		j.stats.FailedBlocks++
	} else {
		j.stats.Blocks++
		j.stats.Entries += uint64(count)
		j.stats.StoredBytes += uint64(stored)
	}
	j.mu.Unlock()
	for _, r := range batch {
		r.done <- err
	}
}

// Last returns the position of the newest durable block, 0 if there is none.
func (j *Journal) Last(ctx context.Context) (Position, error) {
	last, err := j.driver.Last(ctx)
	return last, fault.Wrap("journal.last", err)
}

// Healthy returns nil when an Append could be expected to succeed, and
// otherwise the driver's fault.
func (j *Journal) Healthy(ctx context.Context) error {
	return fault.Wrap("journal.healthy", j.driver.Healthy(ctx))
}

// Stats returns the counts since New.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.PendingBytes = j.pending
	return s
}

// Close refuses new appends, waits until every accepted one is answered, and
// closes the driver, which ends waiting readers. Further calls return the same.
func (j *Journal) Close() error {
	j.closing.Do(func() {
		j.mu.Lock()
		j.closed = true
		j.queued.Broadcast()
		j.mu.Unlock()
		err := j.writers.Wait()
		if closeErr := j.driver.Close(); err == nil {
			err = closeErr
		}
		j.closeErr = fault.Wrap("journal.close", err)
	})
	return j.closeErr
}
