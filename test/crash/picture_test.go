package crash

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"parley/client"
	"parley/internal/lake"
	"parley/internal/lake/duckdblake"
	"parley/test/binary"
)

// picture is everything that is to be the same after a run with kills as after
// one without: a text for each thing. People are named by their identifiers,
// because their numbers follow the order of arrival.
type picture map[string]string

// settle returns when nothing is pending anywhere and every destination has
// confirmed what it should hold.
func settle(t *testing.T, c *client.Client, in *input) {
	t.Helper()
	last := "nothing was asked"
	ctx, cancel := context.WithTimeout(t.Context(), time.Until(in.expires)+90*time.Second)
	defer cancel()
	for {
		err := binary.Await(ctx, func() bool {
			last = unsettled(ctx, c)
			return last == ""
		})
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("it does not come to rest: %s", last)
		}
	}
}

func unsettled(ctx context.Context, c *client.Client) string {
	complete, err := c.Completeness(ctx, "")
	if err != nil || complete.Total.Pending > 0 {
		return fmt.Sprintf("%d pending (%v)", complete.Total.Pending, err)
	}
	audiences, err := c.Audiences(ctx)
	if err != nil {
		return err.Error()
	}
	for _, a := range audiences {
		if a.Name == "fresh" && a.Size > 0 {
			return fmt.Sprintf("%d are fresh still", a.Size)
		}
	}
	list, err := c.Deliveries(ctx)
	if err != nil {
		return err.Error()
	}
	for _, d := range list {
		if d.Waiting+d.InFlight > 0 {
			return fmt.Sprintf("%+v", d)
		}
	}
	return ""
}

// look draws the picture of a server at rest.
func look(t *testing.T, c *client.Client, in *input) picture {
	t.Helper()
	p := picture{}
	p.receipts(t, c, in)
	names := p.people(t, c, in)
	p.audiences(t, c, names)
	p.deliveries(t, c)
	p.accounts(t, c)
	return p
}

func (p picture) receipts(t *testing.T, c *client.Client, in *input) {
	t.Helper()
	one := func(source, id string) {
		r, err := c.Receipt(t.Context(), source, id)
		if err != nil {
			t.Errorf("%s %s was acknowledged and has no receipt: %v", source, id, err)
			return
		}
		p["receipt "+source+" "+id] = fmt.Sprintf("%s %s somebody=%t", r.Outcome, r.Detail, r.Person != 0)
	}
	for _, r := range in.requests {
		for _, m := range r {
			one("web", m["messageId"].(string))
		}
	}
	for u := range in.users {
		one("crm", userID(u))
	}
}

// people draws every person and returns their names by number.
func (p picture) people(t *testing.T, c *client.Client, in *input) map[int64]string {
	t.Helper()
	names := map[int64]string{}
	for _, id := range in.identifiers() {
		person, err := c.Person(t.Context(), id[0], id[1], false)
		if err != nil {
			p["nobody "+id[0]+":"+id[1]] = client.Kind(err)
			continue
		}
		if names[person.ID] != "" {
			continue
		}
		var ids []string
		for _, i := range person.Identifiers {
			ids = append(ids, i.Namespace+":"+i.Value)
		}
		sort.Strings(ids)
		var audiences []string
		for a := range person.Audiences {
			audiences = append(audiences, a)
		}
		sort.Strings(audiences)
		name := strings.Join(ids, " ")
		names[person.ID] = name
		p["person "+name] = text(map[string]any{"traits": person.Traits, "consents": person.Consents, "audiences": audiences,
			"first": person.FirstSeen, "last": person.LastSeen})
	}
	return names
}

func (p picture) audiences(t *testing.T, c *client.Client, names map[int64]string) {
	t.Helper()
	list, err := c.Audiences(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		var members []string
		for after := int64(0); ; {
			page, err := c.Members(t.Context(), a.Name, client.MembersQuery{After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page.Members {
				members = append(members, names[m.Person])
			}
			if after = page.Next; after == 0 {
				break
			}
		}
		sort.Strings(members)
		if int64(len(members)) != a.Size {
			t.Errorf("audience %s has %d members and says %d", a.Name, len(members), a.Size)
		}
		p["audience "+a.Name] = fmt.Sprintf("%d %s", a.Size, strings.Join(members, ", "))
	}
}

func (p picture) deliveries(t *testing.T, c *client.Client) {
	t.Helper()
	list, err := c.Deliveries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Desired+d.Acknowledged+d.Dead > 0 { // whether rows of the past remain depends on who was seen first
			p["delivery "+d.Activation] = fmt.Sprintf("desired %d, acknowledged %d, dead %d", d.Desired, d.Acknowledged, d.Dead)
		}
		for reason, n := range d.Unwanted {
			// Who came and went, or was merged, depends on who was seen first.
			if strings.HasPrefix(reason, "no consent") || strings.HasPrefix(reason, "lacks") {
				p["refused "+d.Activation+": "+reason] = fmt.Sprint(n)
			}
		}
	}
}

func (p picture) accounts(t *testing.T, c *client.Client) {
	t.Helper()
	complete, err := c.Completeness(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range complete.Sources {
		if !s.Balanced || s.Pending != 0 {
			t.Errorf("source %s does not balance: %+v", s.Source, s)
		}
		p["account "+s.Source] = fmt.Sprintf("processed %d, quarantined %d, refused %d", s.Processed, s.Quarantined, s.Refused)
	}
	status, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p["people"] = fmt.Sprint(status.People)
	for _, book := range []string{"decisions", "handover:mail", "handover:files"} {
		verdict, err := c.VerifyBook(t.Context(), book)
		if err != nil || !verdict.Intact || verdict.Lines == 0 {
			t.Errorf("book %s: %+v, %v", book, verdict, err)
		}
	}
}

// received adds what the destinations hold.
func (p picture) received(t *testing.T, r *receiver, data string) {
	t.Helper()
	for _, a := range []string{"newsletter", "thanks", "hurry", "again"} {
		p["list mail "+a] = strings.Join(r.list(a), "\n")
	}
	files := fileLists(t, filepath.Join(data, "out"))
	for _, a := range []string{"win-back", "leave-alone"} {
		p["list files "+a] = strings.Join(files[a], "\n")
	}
}

// inLake counts the rows of a closed lake: every event that was processed once,
// and nothing twice.
func inLake(t *testing.T, data string, in *input) string {
	t.Helper()
	l, err := duckdblake.Open(t.Context(), filepath.Join(data, "lake.duckdb"), duckdblake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	people := map[int64]bool{}
	err = l.Scan(t.Context(), lake.Query{}, func(r lake.Row, person int64) error {
		seen[r.Source+" "+r.ID]++
		people[person] = true
		return nil
	})
	if err = errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for key, n := range seen {
		if n > 1 && !strings.HasPrefix(key, "crm ") { // a row may have several contents
			t.Errorf("%s is %d times in the lake", key, n)
		}
		rows += n
	}
	return fmt.Sprintf("%d events, %d rows, %d people", len(seen), rows, len(people))
}

// compare fails the test for every difference, up to a number that can be read.
func compare(t *testing.T, got, want picture) {
	t.Helper()
	keys := map[string]bool{}
	for k := range got {
		keys[k] = true
	}
	for k := range want {
		keys[k] = true
	}
	sorted := make([]string, 0, len(keys))
	for k := range keys {
		sorted = append(sorted, k)
	}
	sort.Strings(sorted)
	differ := 0
	for _, k := range sorted {
		if got[k] == want[k] {
			continue
		}
		if differ++; differ <= 20 {
			t.Errorf("%s\n with kills: %s\n  undisturbed: %s", k, clip(got[k]), clip(want[k]))
		}
	}
	t.Logf("compared %d things, %d differ", len(sorted), differ)
}

func clip(s string) string {
	if len(s) > 1500 {
		return s[:1500] + "…"
	}
	return s
}
