package natsjournal

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"parley/internal/fault"
	"parley/internal/journal"
)

// attempts of one Append. The second carries the same message id, so that the
// server answers with the first one's position instead of storing it again.
const attempts = 2

// Append publishes a block and waits for the server to confirm that it is stored.
func (d *Driver) Append(ctx context.Context, block []byte) (journal.Position, error) {
	const op = "natsjournal.append"
	if len(block) == 0 {
		return 0, fault.New(fault.Invalid, op, "An empty block cannot be stored.")
	}
	if most := d.MaxBlock(); len(block) > most {
		return 0, fault.New(fault.TooLarge, op, "A block of %d bytes is above the journal server's limit of %d; send fewer entries at a time.", len(block), most)
	}
	ctx, done, err := d.enter(ctx, op)
	if err != nil {
		return 0, err
	}
	defer done()
	id := nuid.Next()
	var failed error
	for range attempts {
		s, err := d.writable(ctx, len(block))
		if err != nil {
			return 0, err
		}
		ack, err := s.publish(ctx, id, block)
		if err == nil {
			pos := journal.Position(ack.Sequence)
			d.tail.advance(pos)
			return pos, nil
		}
		failed = err
		if ctx.Err() != nil || !unanswered(err) {
			break
		}
	}
	return 0, d.explain(ctx, op, failed)
}

// unanswered says whether an error leaves open if the block was stored.
func unanswered(err error) bool {
	return errors.Is(err, jetstream.ErrAsyncPublishTimeout) ||
		errors.Is(err, nats.ErrDisconnected) ||
		errors.Is(err, nats.ErrConnectionClosed) ||
		errors.Is(err, errBroken)
}

// errBroken says that the server reported a failed write while we waited.
var errBroken = errors.New("the journal's server can no longer write")

func (s *session) publish(ctx context.Context, id string, block []byte) (*jetstream.PubAck, error) {
	msg := &nats.Msg{Subject: s.subject, Data: block}
	// Without retries of its own the library never looks at block again.
	future, err := s.js.PublishMsgAsync(msg,
		jetstream.WithMsgID(id), jetstream.WithExpectStream(s.stream), jetstream.WithRetryAttempts(0))
	if err != nil {
		return nil, err
	}
	select {
	case ack := <-future.Ok():
		return ack, nil
	case err := <-future.Err():
		if s.server != nil && errors.Is(err, jetstream.ErrNoStreamResponse) {
			s.fail(err) // JetStream has switched itself off
		}
		return nil, err
	case <-s.broken:
		return nil, errors.Join(errBroken, s.cause)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
