package delivery

import (
	"fmt"
	"maps"
	"strconv"
	"time"

	"parley/internal/destination"
)

// Desired is what the pipeline wants of one member: on the list with these
// fields, or off it for a reason.
type Desired struct {
	Want   bool
	Fields map[string]string // counts only when Want
	Reason string            // counts only when not Want
}

// Desire moves the desired side and reports whether the member must be stored.
// prev is the zero Member with its Activation and Person for a person never
// seen; one that was never wanted stays unstored. The version grows only when
// Want or the wanted fields change; a new version is tried at once and revives
// a dead letter.
func Desire(prev Member, in Desired) (next Member, changed bool) {
	next = prev
	if !in.Want && !prev.Want {
		if prev.Version == 0 || prev.Reason == in.Reason {
			return prev, false
		}
		next.Reason = in.Reason
		return next, true
	}
	if in.Want && prev.Want && maps.Equal(in.Fields, prev.Fields) {
		return prev, false
	}
	next.Version = prev.Version + 1
	next.Want, next.Fields, next.Reason = in.Want, nil, in.Reason
	if in.Want {
		next.Fields, next.Reason = maps.Clone(in.Fields), ""
	}
	next.Attempts, next.NextTry, next.Dead = 0, time.Time{}, ""
	return next, true
}

// settled reports whether there is nothing to hand over: the destination has
// what is desired, for sure.
func (m Member) settled() bool {
	if m.InDoubt {
		return false
	}
	if !m.Want {
		return !m.AckedWant
	}
	return m.AckedWant && maps.Equal(m.Fields, m.AckedFields)
}

// Open reports whether the member differs from what the destination has
// confirmed, or may: due, waiting, in flight or dead (I9).
func (m Member) Open() bool { return m.Batch != "" || !m.settled() }

// Due reports whether the member is to be handed over at the instant now.
func (m Member) Due(now time.Time) bool {
	return m.Batch == "" && m.Dead == "" && !m.settled() && !now.Before(m.NextTry)
}

// Disposable reports whether the row carries nothing worth keeping: not wanted
// and never handed over. A row that was once handed over is kept, because its
// versions must go on growing.
func (m Member) Disposable() bool { return !m.Want && m.Handed == 0 }

// Change returns what has to be handed over for a member that is due. A Remove
// carries the fields by which the destination knows the person.
func (m Member) Change() destination.Member {
	out := destination.Member{Person: strconv.FormatInt(m.Person, 10), Version: m.Version, Action: destination.Add, Fields: m.Fields}
	if !m.Want {
		out.Action, out.Fields = destination.Remove, m.AckedFields
		if !m.AckedWant {
			out.Fields = m.DoubtFields
		}
	}
	out.Fields = maps.Clone(out.Fields)
	if out.Fields == nil {
		out.Fields = map[string]string{}
	}
	return out
}

// Sent marks a due member as part of a batch.
func (m Member) Sent(batch string) Member {
	m.Batch, m.Handed = batch, max(m.Handed, m.Version)
	return m
}

// Settled takes in the answer to what was sent in a batch. It changes nothing
// if the member is not in that batch, so an answer counts once.
func (m Member) Settled(batch string, sent destination.Member, r destination.Result, now time.Time) Member {
	if m.Batch == "" || m.Batch != batch {
		return m
	}
	m.Batch = ""
	current := sent.Version == m.Version
	switch r.Outcome {
	case destination.Delivered:
		m.Acked, m.AckedWant, m.AckedFields = sent.Version, sent.Action == destination.Add, nil
		if m.AckedWant {
			m.AckedFields = maps.Clone(sent.Fields)
		}
		m.InDoubt, m.DoubtFields = false, nil
		if current {
			m.Attempts, m.NextTry = 0, time.Time{}
		}
	case destination.Rejected:
		if current {
			m.Dead = reasonOr(r.Reason, "rejected without a reason")
		}
	default:
		m = m.tryLater(sent, r, current, now)
	}
	return m
}

func (m Member) tryLater(sent destination.Member, r destination.Result, current bool, now time.Time) Member {
	m.InDoubt = true
	if sent.Action == destination.Add {
		m.DoubtFields = maps.Clone(sent.Fields)
	}
	wait := r.After
	if current {
		m.Attempts++
		wait = max(wait, Backoff(m.Attempts))
		if m.Attempts >= MaxAttempts {
			m.Dead = fmt.Sprintf("gave up after %d attempts: %s", m.Attempts, reasonOr(r.Reason, "no reason given"))
		}
	}
	m.NextTry = now.Add(wait)
	return m
}

func reasonOr(reason, otherwise string) string {
	if reason == "" {
		return otherwise
	}
	return reason
}

// Revive gives a dead letter another round of attempts.
func (m Member) Revive() Member {
	m.Attempts, m.NextTry, m.Dead = 0, time.Time{}, ""
	return m
}

// Resendable reports whether a batch that was in flight when the process ended
// may be sent again as it is: every member it adds is still wanted with the same
// fields. Otherwise it must be settled as Retry for all, unsent, because consent
// is decided at hand-over time (I6). A member without a row counts as zero.
func Resendable(b destination.Batch, rows map[string]Member) bool {
	for _, sent := range b.Members {
		m := rows[sent.Person]
		if sent.Action == destination.Add && (!m.Want || !maps.Equal(m.Fields, sent.Fields)) {
			return false
		}
	}
	return true
}
