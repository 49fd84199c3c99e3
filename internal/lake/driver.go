package lake

import (
	"context"

	"parley/internal/journal"
)

// Driver stores the lake. Package laketest checks the contract below against
// every driver; Lake has already checked batches and queries.
//
// A driver is safe for concurrent use. Reads see one snapshot: a batch that
// commits while a read runs is not seen by it, not even in part. Methods keep
// the context's error in the chain of what they return when it ends; errors
// carry a fault kind, Unavailable when a full disk or a lost engine is the
// cause, and never a stored value (I12).
type Driver interface {
	// Append makes the batch durable in one transaction together with its
	// position (I3). Rows at or below the stored position are ignored. A batch
	// whose UpTo is at or below it is ignored as a whole, assignments too,
	// because later assignments may already be in place. After an error
	// nothing of the batch is visible, now or after a restart.
	Append(ctx context.Context, b Batch) error
	// Position is the UpTo of the last batch that committed, 0 at first.
	Position(ctx context.Context) (journal.Position, error)
	// Scan calls fn for every chosen row in journal order, with the person the
	// row belongs to now, 0 for nobody. It needs bounded memory, whatever
	// the size of the history. The first error of fn ends it and is returned
	// as it is. fn may keep the row and may use the lake.
	Scan(ctx context.Context, q Query, fn func(r Row, person int64) error) error
	// ScanByPerson calls fn once for every person with a row of one of the
	// names (none: of any name), persons ascending, their rows in journal
	// order. Rows of nobody are left out. Memory is bounded by the rows of
	// the largest person. Errors of fn, and what it may do, as in Scan.
	ScanByPerson(ctx context.Context, names []string, fn func(person int64, rows []Row) error) error
	// Count is the number of rows that Scan would pass on.
	Count(ctx context.Context, q Query) (int64, error)
	// Stats describes the whole lake.
	Stats(ctx context.Context) (Stats, error)
	// Close releases everything. Nothing else runs or follows.
	Close() error
}
