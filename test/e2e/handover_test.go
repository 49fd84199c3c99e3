package e2e

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley/client"
)

// fan makes a person a member of fans; granted says what they think of the
// newsletter, nil: nothing.
func (w *world) fan(t *testing.T, p someone, granted *bool) {
	t.Helper()
	m := identify("fan-"+p.ID[3:], p, map[string]any{"email": p.Email, "first_name": p.First, "tier": "fan"})
	if granted != nil {
		m = m.consenting(*granted)
	}
	w.send(t, m)
}

var yes, no = true, false

// mailed says whether an address is on the list of an activation at the sink,
// which has verified the signature of everything that put it there.
func (w *world) mailed(activation, email string) bool {
	for _, e := range w.mail.List(activation) {
		if e.Fields["email"] == email {
			return true
		}
	}
	return false
}

// decisions are the words of the books about a person and an activation, in order.
func (w *world) decisions(t *testing.T, p someone, activation string) []string {
	t.Helper()
	d, err := w.api.Disclosures(t.Context(), "user_id", p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range d.Disclosures {
		if line.Activation == activation {
			if line.Ground == "" && line.Decision != "delivered" && line.Decision != "unconfirmed" {
				t.Errorf("%s of %s has no ground", line.Decision, activation)
			}
			out = append(out, line.Decision)
		}
	}
	return out
}

func defaultDeny(t *testing.T, w *world) {
	agreed, silent, refused := w.someone("olga"), w.someone("pia"), w.someone("quinn")
	w.fan(t, silent, nil)
	w.fan(t, refused, &no)
	w.fan(t, agreed, &yes) // last: when this one has arrived, the others were decided
	for _, activation := range []string{"fans-mail"} {
		eventually(t, "who agreed is on the list", func() bool { return w.mailed(activation, agreed.Email) })
	}
	if w.mailed("fans-mail", silent.Email) || w.mailed("fans-mail", refused.Email) {
		t.Error("somebody who did not agree was handed over")
	}
	for _, activation := range []string{"fans-mail", "fans-files", "fans-strict", "fans-slow"} {
		for _, p := range []someone{silent, refused} {
			if got := w.decisions(t, p, activation); !slices.Equal(got, []string{"refused"}) {
				t.Errorf("the books say of %s and %s: %v", p.First, activation, got)
			}
		}
	}
	eventually(t, "the book tells of the hand-over", func() bool {
		got := w.decisions(t, agreed, "fans-mail")
		return slices.Contains(got, "released") && slices.Contains(got, "sent") && slices.Contains(got, "delivered")
	})
	list, err := w.api.Deliveries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Activation == "fans-mail" && d.Unwanted["no consent for newsletter"] < 2 {
			t.Errorf("the reconciliation does not count the refused: %+v", d)
		}
	}
}

func withdrawal(t *testing.T, w *world) {
	rita := w.someone("rita")
	w.fan(t, rita, &yes)
	eventually(t, "who agreed is on the list", func() bool { return w.mailed("fans-mail", rita.Email) })
	w.send(t, identify("withdrawal-1", rita, map[string]any{}).consenting(false))
	eventually(t, "who withdrew is off the list", func() bool { return !w.mailed("fans-mail", rita.Email) })
	if got := w.decisions(t, rita, "fans-mail"); !slices.Contains(got, "withdrawn") {
		t.Errorf("the books say %v", got)
	}
	// Agreeing under another identifier does not outweigh the refusal.
	w.send(t, message{"identify", client.Message{"messageId": "withdrawal-2", "anonymousId": rita.Anonymous,
		"traits": map[string]any{"email": rita.Email}}}.consenting(true))
	w.settle(t)
	if w.mailed("fans-mail", rita.Email) {
		t.Error("a merge took the less restrictive stand (I6)")
	}
	eventually(t, "the file destination knows", func() bool { return !w.filed(t)[rita.Email] })
}

func suppression(t *testing.T, w *world) {
	sven := w.someone("sven")
	w.send(t, identify("suppress-1", sven, map[string]any{"email": sven.Email}),
		track("suppress-2", sven, "Order Placed", map[string]any{"order_id": "s", "total": 150, "currency": "EUR"}))
	eventually(t, "the buyer is on the exclusion list", func() bool { return w.mailed("spare-buyers", sven.Email) })
	for _, p := range w.mail.Received() {
		want := map[string]string{"spare-buyers": "suppress", "fans-mail": "include"}[p.Activation]
		if string(p.Mode) != want {
			t.Errorf("%s was handed over as %s, want %s", p.Activation, p.Mode, want)
		}
	}
	d, err := w.api.Disclosures(t.Context(), "user_id", sven.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Disclosures) == 0 || !strings.HasPrefix(d.Disclosures[0].Ground, "legitimate_interest: ") {
		t.Errorf("the book does not tell the ground: %+v", d.Disclosures)
	}
}

// filed folds the files of the CSV destination into its list of addresses and
// checks each against its manifest.
func (w *world) filed(t *testing.T) map[string]bool {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(w.options.Data, "out", "files", "*.manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	newest := map[string]int64{} // person → version
	on := map[string]bool{}
	for _, path := range manifests {
		var m struct {
			File, Activation, Mode, SHA256 string
			Bytes, Rows                    int
			Columns                        []string
		}
		if err := json.Unmarshal([]byte(readFile(t, path)), &m); err != nil {
			t.Fatal(err)
		}
		content := readFile(t, filepath.Join(filepath.Dir(path), m.File))
		sum := sha256.Sum256([]byte(content))
		rows, err := csv.NewReader(strings.NewReader(content)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if hex.EncodeToString(sum[:]) != m.SHA256 || len(content) != m.Bytes || len(rows) != m.Rows+1 ||
			!slices.Equal(rows[0], m.Columns) || m.Activation != "fans-files" || m.Mode != "include" {
			t.Errorf("%s does not describe its file of %d bytes and %d rows: %+v", filepath.Base(path), len(content), len(rows)-1, m)
		}
		for _, row := range rows[1:] {
			cell := map[string]string{}
			for i, name := range rows[0] {
				cell[name] = row[i]
			}
			var version int64
			if _, err := fmt.Sscan(cell["version"], &version); err != nil {
				t.Fatal(err)
			}
			if version >= newest[cell["person"]] {
				newest[cell["person"]] = version
				on[cell["email"]] = cell["action"] == "add"
			}
		}
	}
	return on
}

func handedOverFiles(t *testing.T, w *world) {
	tess := w.someone("tess")
	w.fan(t, tess, &yes)
	eventually(t, "the file holds who agreed", func() bool { return w.filed(t)[tess.Email] })
	for _, book := range []string{"decisions", "handover:files", "handover:mail"} {
		v, err := w.api.VerifyBook(t.Context(), book)
		if err != nil || !v.Intact || v.Lines == 0 {
			t.Errorf("book %s: %+v, %v", book, v, err)
		}
	}
}

func deadLetter(t *testing.T, w *world) {
	uwe, vera := w.someone("uwe"), w.someone("vera")
	w.strict.refuse(uwe.Email, true)
	w.fan(t, uwe, &yes)
	w.fan(t, vera, &yes)
	eventually(t, "the other member arrives", func() bool { return w.strict.has(vera.Email) })
	var dead []client.DeadLetter
	eventually(t, "the refused member is a dead letter", func() bool {
		var err error
		dead, err = w.api.DeadLetters(t.Context(), "fans-strict", 0)
		return err == nil && len(dead) > 0
	})
	if len(dead) != 1 || dead[0].Person != w.person(t, "user_id", uwe.ID).ID || !dead[0].Want ||
		!strings.Contains(dead[0].Reason, "mailbox") || strings.Contains(dead[0].Reason, "qx") {
		t.Errorf("dead letters: %+v", dead)
	}
	w.strict.refuse(uwe.Email, false)
	if n, err := w.api.RetryDeliveries(t.Context(), "fans-strict"); err != nil || n != 1 {
		t.Errorf("retry: %d, %v", n, err)
	}
	eventually(t, "the member is taken at last", func() bool { return w.strict.has(uwe.Email) })
	eventually(t, "nothing is dead any more", func() bool {
		dead, err := w.api.DeadLetters(t.Context(), "fans-strict", 0)
		return err == nil && len(dead) == 0
	})
}

func hangingDestination(t *testing.T, w *world) {
	wim := w.someone("wim")
	w.fan(t, wim, &yes)
	eventually(t, "the slow destination hangs", func() bool { return w.slow.arrived.Load() > 0 })
	eventually(t, "the others have it", func() bool {
		return w.mailed("fans-mail", wim.Email) && w.strict.has(wim.Email) && w.filed(t)[wim.Email]
	})
	list, err := w.api.Deliveries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Activation == "fans-slow" && (d.Acknowledged != 0 || d.Desired == 0 || d.InFlight+d.Waiting != d.Desired) {
			t.Errorf("the difference is not shown: %+v", d)
		}
	}
}
