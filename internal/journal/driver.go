package journal

import "context"

// RawBlock is a stored block as a driver returns it. Data belongs to the caller.
type RawBlock struct {
	Position Position
	Data     []byte
}

// Driver stores opaque blocks in one total order. The conformance suite in
// journaltest holds every driver to this contract.
//
// Order. Append gives each block a position above every position given before.
// Positions ascend but need not be consecutive. Two Appends that overlap in
// time may be stored in either order; when one has returned before the other
// starts, its position is the lower one.
//
// Durability. A block whose Append returned nil survives a kill of the process
// and a loss of power (I1). Read and Last show no block before it is durable,
// and never show one that is later lost: a position once seen keeps its bytes.
//
// Repetition. An Append that returned an error, or was cut short by a crash,
// may have stored its block all the same; the caller that tries again may see
// the block twice. A driver never stores a block twice by its own doing.
//
// Concurrency. All methods may be called from many goroutines. Append returns
// in bounded time even if its context never ends. Close may be called more
// than once; afterwards, and for calls it interrupts, the answer is
// fault.Unavailable.
//
// Errors. A full disk or an unreachable server is fault.Unavailable, and the
// driver recovers by itself when the cause is gone; an empty block is
// fault.Invalid; a block above MaxBlock is fault.TooLarge. A context that ends
// is returned as its own error (errors.Is works).
type Driver interface {
	// Append stores one block and returns only after it is durable. It does
	// not keep a reference to block and does not change it.
	Append(ctx context.Context, block []byte) (Position, error)
	// Read returns blocks after a position in order. It waits until there is
	// at least one, then takes what is there: at most maxBlocks, and no
	// further block once maxBytes are reached, so that the total may exceed
	// maxBytes by part of one block. Values below 1 count as 1.
	Read(ctx context.Context, after Position, maxBlocks, maxBytes int) ([]RawBlock, error)
	// Last returns the position of the newest durable block, 0 if there is none.
	Last(ctx context.Context) (Position, error)
	// MaxBlock is the size in bytes of the largest block that Append takes.
	MaxBlock() int
	// Healthy returns nil when an Append could be expected to succeed, and
	// otherwise a fault with the way out. It stores nothing.
	Healthy(ctx context.Context) error
	// Close ends all calls and releases what the driver holds.
	Close() error
}
