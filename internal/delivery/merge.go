package delivery

import (
	"maps"

	"parley/internal/destination"
)

// ReasonMerged is the Reason of a member whose person became part of another.
const ReasonMerged = "merged"

// Absorb settles what becomes of two members of one activation when their
// people become one. It returns the survivor's row and, unless it is no longer
// needed, the absorbed person's row, whose list entry is to be removed. The
// caller then calls Desire for the survivor with the merged profile.
//
// A destination that knows members ByPerson has two entries, whatever the
// fields say: the absorbed one is always removed. One that knows them ByFields
// must not be told to remove values that the survivor still stands for:
//
//	acknowledged            survivor               absorbed row
//	absorbed only           takes over that side   dropped
//	both, fields equal      stays                  dropped
//	both, fields differ     stays                  to be removed
//
// While the absorbed member is in flight or in doubt nothing is known of its
// entry, so its row stays to be removed in any case, and the survivor is marked
// in doubt so that it is sent again.
func Absorb(survivor, absorbed Member, keying destination.Keying) (kept Member, leaving *Member) {
	unclear := absorbed.Batch != "" || absorbed.InDoubt
	if keying == destination.ByPerson {
		return survivor, removed(absorbed)
	}
	if unclear {
		survivor.InDoubt = true
		return survivor, removed(absorbed)
	}
	if !absorbed.AckedWant {
		return survivor, removed(absorbed)
	}
	if survivor.AckedWant {
		if maps.Equal(survivor.AckedFields, absorbed.AckedFields) {
			return survivor, nil
		}
		return survivor, removed(absorbed)
	}
	// Versions never go back, so the survivor's go on from the higher of both.
	survivor.Version, survivor.Handed = max(survivor.Version, absorbed.Version), max(survivor.Handed, absorbed.Handed)
	survivor.Acked, survivor.AckedWant, survivor.AckedFields = absorbed.Acked, true, maps.Clone(absorbed.AckedFields)
	return survivor, nil
}

func removed(m Member) *Member {
	next, _ := Desire(m, Desired{Reason: ReasonMerged})
	if next.Disposable() {
		return nil
	}
	return &next
}
