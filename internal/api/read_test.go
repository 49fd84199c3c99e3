package api_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"

	"parley/client"
	"parley/internal/audience"
	"parley/internal/state"
)

var allChanged = audience.Change{Everything: true}

func TestPerson(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	p, err := in.admin.Person(ctx, "email", "  ADA@example.org ", true)
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != 1 || p.Key == "" || len(p.Identifiers) != 2 || !p.LastSeen.After(p.FirstSeen) {
		t.Errorf("got %+v", p)
	}
	if got := p.Traits["first_name"]; got.Value != "Ada" || got.Source != "crm" || got.Event != "17" {
		t.Errorf("first_name is %+v", got)
	}
	if got := p.Consents["newsletter"]; got.Stand != "granted" || got.Source != "crm" || got.Time.IsZero() {
		t.Errorf("newsletter is %+v", got)
	}
	if _, in := p.Audiences["buyers"]; !in || len(p.Audiences) != 2 {
		t.Errorf("audiences are %v", p.Audiences)
	}
	if p.Why == nil || len(p.Why.Assertions) != 1 || p.Why.Assertions[0].Count != 2 || !p.Why.Audiences["buyers"].Holds ||
		len(p.Why.Audiences["buyers"].Parts) != 2 {
		t.Errorf("why is %+v", p.Why)
	}
	brief, err := in.admin.Person(ctx, "user_id", "17", false)
	if err != nil || brief.Why != nil || brief.ID != 1 {
		t.Errorf("got %+v, %v", brief, err)
	}
}

func TestPersonNotFound(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	for _, c := range []struct{ name, namespace, value, kind string }{
		{"unknown", "email", "nobody@example.org", "not_found"},
		{"undeclared namespace", "fax", "1", "invalid"},
		{"blocked value", "user_id", "null", "invalid"},
		{"malformed", "email", "no address", "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := in.admin.Person(ctx, c.namespace, c.value, false); client.Kind(err) != c.kind {
				t.Errorf("got %v, want %s", err, c.kind)
			}
		})
	}
}

func TestI7DisclosuresFollowMerges(t *testing.T) {
	in := seeded(t)
	d, err := in.admin.Disclosures(context.Background(), "email", "ada@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if d.Person != 1 || len(d.Disclosures) != 2 || d.Disclosures[0].Person != 4 || d.Disclosures[1].Person != 1 {
		t.Errorf("got %+v", d.Disclosures)
	}
	if len(d.Deliveries) != 2 || d.Deliveries[0].Activation != "mail-buyers" {
		t.Errorf("got %+v", d.Deliveries)
	}
}

func TestAudiencesAndMembers(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	list, err := in.admin.Audiences(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].Name != "buyers" || list[0].Size != 1 || list[1].Size != 3 || list[0].Description == "" {
		t.Fatalf("got %+v", list)
	}
	if want := journalTime.AddDate(0, 0, 28); !list[0].NextChange.Equal(want) || !list[1].NextChange.IsZero() {
		t.Errorf("buyers change next at %s, want %s; everyone at %s", list[0].NextChange, want, list[1].NextChange)
	}
	var people []int64
	for page, after := 0, int64(0); ; page++ {
		m, err := in.admin.Members(ctx, "everyone", client.MembersQuery{After: after, Limit: 2, Identifiers: "email"})
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range m.Members {
			people = append(people, member.Person)
			if has := len(member.Identifiers) == 1; has != (member.Person < 3) {
				t.Errorf("person %d has identifiers %v", member.Person, member.Identifiers)
			}
		}
		if after = m.Next; after == 0 || page > 3 {
			break
		}
	}
	if !slices.Equal(people, []int64{1, 2, 3}) {
		t.Errorf("pages gave %v", people)
	}
	if _, err := in.admin.Members(ctx, "nobody", client.MembersQuery{}); client.Kind(err) != "not_found" {
		t.Errorf("got %v", err)
	}
}

func TestReceipt(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	r, err := in.admin.Receipt(ctx, "crm", "a/b")
	if err != nil || r.Outcome != "processed" || r.Person != 1 || r.Duplicates != 2 || r.Position != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := in.admin.Receipt(ctx, "crm", "unknown"); client.Kind(err) != "not_found" {
		t.Errorf("got %v", err)
	}
}

func TestI2CompletenessBalances(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	c, err := in.admin.Completeness(ctx, "")
	if err != nil || len(c.Sources) != 2 {
		t.Fatalf("got %+v, %v", c, err)
	}
	crm, web := c.Sources[0], c.Sources[1]
	if crm.Balanced || crm.Received != 4 || crm.Quarantined != 3 {
		t.Errorf("one row of crm is lost, yet: %+v", crm)
	}
	if !web.Balanced || web.Received != 7 || web.Pending != 2 || web.Processed != 4 || web.Duplicate != 1 {
		t.Errorf("got %+v", web)
	}
	if c.Total.Balanced || c.Total.Received != 11 {
		t.Errorf("got %+v", c.Total)
	}
	if one, err := in.admin.Completeness(ctx, "web"); err != nil || len(one.Sources) != 1 || !one.Total.Balanced {
		t.Errorf("got %+v, %v", one, err)
	}
}

func TestI7BooksAreVerified(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	v, err := in.admin.VerifyBook(ctx, state.Decisions)
	if err != nil || !v.Intact || v.Lines != 3 || v.Problem != "" {
		t.Errorf("got %+v, %v", v, err)
	}
	db, err := sql.Open("sqlite3", in.file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec("UPDATE disclosure SET ground = 'none' WHERE seq = 2"); err != nil {
		t.Fatal(err)
	}
	if v, err := in.admin.VerifyBook(ctx, state.Decisions); err != nil || v.Intact || v.Lines != 2 || v.Problem == "" {
		t.Errorf("the altered book gives %+v, %v", v, err)
	}
}

func TestStatusAndHealth(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	s, err := in.admin.Status(ctx)
	if err != nil || s.People != 3 || s.Merges != 1 || s.WorkspaceVersion != 1 || s.Position != 7 || !s.Clock.Equal(journalTime) || s.Dialect != "sqlite" {
		t.Errorf("got %+v, %v", s, err)
	}
	anyone := client.New(in.url, "")
	if err := anyone.Health(ctx); err != nil {
		t.Errorf("got %v", err)
	}
	in.sick = context.Canceled
	if err := anyone.Health(ctx); client.Kind(err) != "unavailable" {
		t.Errorf("got %v", err)
	}
}
