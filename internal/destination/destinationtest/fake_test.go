package destinationtest

import (
	"context"
	"testing"

	"parley/internal/destination"
)

func TestFakeConforms(t *testing.T) {
	Conform(t, func(*testing.T) Subject {
		f := &Fake{}
		return Subject{Connector: f, Effect: f.Effect}
	})
}

func TestFakeFailsAsTold(t *testing.T) {
	f := &Fake{}
	f.Reject("0001", "unknown address")
	f.RetryTimes("0002", 1, 0)
	f.FailTimes(1)
	f.LoseAckTimes(1)
	ctx, b := context.Background(), Batch("b", 2)
	if _, err := f.Deliver(ctx, b); err == nil || len(f.Batches()) != 0 {
		t.Fatal("the failed hand-over was applied")
	}
	if _, err := f.Deliver(ctx, b); err == nil || len(f.Batches()) != 1 {
		t.Fatal("the hand-over with the lost answer was not applied")
	}
	results, err := f.Deliver(ctx, b)
	if err != nil || results[0].Outcome != destination.Rejected || results[1].Outcome != destination.Retry {
		t.Fatalf("%+v, %v", results, err)
	}
	if len(f.Violations()) != 0 {
		t.Error(f.Violations())
	}
	b.Members[0].Version = 99
	_, _ = f.Deliver(ctx, b)
	if len(f.Violations()) != 1 {
		t.Error("one id with two contents went unnoticed")
	}
}
