package delivery

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"parley/internal/destination"
)

// MaxAttempts is how often one version is handed over before it is a dead letter.
const MaxAttempts = 10

var waits = [...]time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 24 * time.Hour,
}

// Backoff is the least wait after the given number of failed attempts (from
// 1): seconds at first, a day at last, about two days in all. It has no jitter:
// members share batches, so there is no herd to scatter (I4).
func Backoff(attempt int) time.Duration {
	return waits[min(max(attempt, 1), len(waits))-1]
}

// Rank orders the queue of a destination, lowest first: who must be left alone
// before who may be addressed, and leaving a list before entering it. Within
// Suppress the order is turned round, for there the Add protects.
func Rank(mode destination.Mode, want bool) int {
	switch {
	case mode == destination.Suppress && want:
		return 0
	case mode == destination.Suppress:
		return 1
	case !want:
		return 2
	}
	return 3
}

// Pick chooses what the next batch of a destination holds: the most urgent due
// member decides the activation, and the most urgent of that activation's due
// members fill it, up to limit, sorted by their person as text. Urgent is: lowest
// Rank, then waiting longest (NextTry), then activation and person.
func Pick(modes map[string]destination.Mode, members []Member, limit int, now time.Time) []Member {
	var due []Member
	for _, m := range members {
		if _, known := modes[m.Activation]; known && m.Due(now) {
			due = append(due, m)
		}
	}
	if len(due) == 0 || limit <= 0 {
		return nil
	}
	slices.SortFunc(due, func(a, b Member) int {
		return cmp.Or(
			cmp.Compare(Rank(modes[a.Activation], a.Want), Rank(modes[b.Activation], b.Want)),
			a.NextTry.Compare(b.NextTry),
			cmp.Compare(a.Activation, b.Activation),
			cmp.Compare(a.Person, b.Person))
	})
	first := due[0].Activation
	due = slices.DeleteFunc(due, func(m Member) bool { return m.Activation != first })
	due = due[:min(limit, len(due))]
	slices.SortFunc(due, func(a, b Member) int {
		return cmp.Compare(strconv.FormatInt(a.Person, 10), strconv.FormatInt(b.Person, 10))
	})
	return due
}

// Form makes the batch of members that Pick chose, all of activation a.
func Form(id string, a Activation, at time.Time, picked []Member) destination.Batch {
	b := destination.Batch{ID: id, Activation: a.Name, Audience: a.Audience, Mode: a.Mode, At: at.UTC()}
	for _, m := range picked {
		b.Members = append(b.Members, m.Change())
	}
	return b
}
