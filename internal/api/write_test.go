package api_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"parley/client"
	"parley/internal/fault"
	"parley/internal/state"
)

func TestAsk(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	ada := client.Identifier{Namespace: "email", Value: "Ada@Example.org"}
	bob := client.Identifier{Namespace: "email", Value: "bob@example.org"}
	for _, c := range []struct {
		name     string
		request  client.AskRequest
		known    []string
		ask      []string
		avoided  int64
		repeated int64
	}{
		{"known", client.AskRequest{Form: "checkout", Visitor: ada}, []string{"email", "first_name"}, []string{"city"}, 2, 0},
		{"chosen fields", client.AskRequest{Form: "checkout", Visitor: ada, Fields: []string{"shoe_size", "first_name"}},
			[]string{"first_name"}, []string{"shoe_size"}, 1, 0},
		{"asked already", client.AskRequest{Form: "checkout", Visitor: ada, Asked: true}, []string{"email", "first_name"}, []string{"city"}, 0, 2},
		{"granted", client.AskRequest{Form: "prize-draw", Visitor: ada}, []string{"first_name"}, []string{}, 1, 0},
		{"denied", client.AskRequest{Form: "prize-draw", Visitor: bob}, nil, []string{"first_name"}, 0, 0},
		{"stranger", client.AskRequest{Form: "prize-draw", Visitor: client.Identifier{Namespace: "email", Value: "new@example.org"}}, nil, []string{"first_name"}, 0, 0},
		{"undeclared namespace", client.AskRequest{Form: "prize-draw", Visitor: client.Identifier{Namespace: "fax", Value: "1"}}, nil, []string{"first_name"}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := client.New(in.url, askToken).Ask(ctx, c.request)
			if err != nil {
				t.Fatal(err)
			}
			var known []string
			for name, v := range got.Known {
				known = append(known, name)
				if v.Value == nil || v.Source != "crm" || v.Time.IsZero() {
					t.Errorf("%s has no provenance: %+v", name, v)
				}
			}
			slices.Sort(known)
			if !slices.Equal(known, c.known) || !slices.Equal(got.Ask, c.ask) || got.Avoided != c.avoided || got.Repeated != c.repeated {
				t.Errorf("got %+v", got)
			}
		})
	}
	if _, err := in.admin.Ask(ctx, client.AskRequest{Form: "unknown", Visitor: ada}); client.Kind(err) != "not_found" {
		t.Errorf("got %v", err)
	}
	status, err := in.admin.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := status.Asks["checkout"]; got["avoided"] != 3 || got["repeated"] != 2 || got["asked"] != 2 {
		t.Errorf("checkout was counted %v", got)
	}
	if got := status.Asks["prize-draw"]; got["avoided"] != 1 || got["asked"] != 3 {
		t.Errorf("prize-draw was counted %v", got)
	}
}

// A visitor who refused must get the very answer of a stranger.
func TestI6AskDefaultDeny(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	answer := func(email string) string {
		a, err := in.admin.Ask(ctx, client.AskRequest{Form: "prize-draw", Visitor: client.Identifier{Namespace: "email", Value: email}})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if refused, stranger := answer("bob@example.org"), answer("new@example.org"); refused != stranger {
		t.Errorf("a refusal shows: %s, a stranger gets %s", refused, stranger)
	}
}

func TestI7AsksAreInTheBook(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	for _, email := range []string{"ada@example.org", "bob@example.org", "new@example.org"} {
		if _, err := in.admin.Ask(ctx, client.AskRequest{Form: "prize-draw", Visitor: client.Identifier{Namespace: "email", Value: email}}); err != nil {
			t.Fatal(err)
		}
	}
	v, err := in.admin.VerifyBook(ctx, "ask")
	if err != nil || !v.Intact || v.Lines != 2 {
		t.Fatalf("got %+v, %v", v, err)
	}
	for email, decision := range map[string]string{"ada@example.org": "released", "bob@example.org": "refused"} {
		d, err := in.admin.Disclosures(ctx, "email", email)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(d.Disclosures, func(l client.PersonDisclosure) bool {
			return l.Book == "ask" && l.Decision == decision && l.Activation == "form:prize-draw" && l.Purpose == "newsletter" && l.Ground != ""
		}) {
			t.Errorf("the book does not say %s: %+v", decision, d.Disclosures)
		}
	}
}

func TestPreview(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	for _, c := range []struct {
		name, audience, where   string
		size, entering, leaving int64
		blocks                  []int64
		note                    string
	}{
		{"by name", "buyers", ``, 1, 0, 0, []int64{2, 2}, ""},
		{"changed", "buyers", `{"event":{"name":"Order","atLeast":1,"window":{"last":"1d"}}}`, 0, 0, 1, []int64{}, ""},
		{"wider", "buyers", `{"event":{"name":"Order","window":{"last":"30d"}}}`, 2, 1, 0, []int64{}, ""},
		{"new", "", `{"all":[{"identified":"email"},{"consent":{"purpose":"newsletter","is":"denied"}}]}`, 1, 1, 0, []int64{2, 1}, ""},
		{"refers to another", "", `{"not":{"audience":"buyers"}}`, 2, 2, 0, []int64{}, ""},
		{"event not kept", "", `{"event":{"name":"Login"}}`, 0, 0, 0, []int64{}, `No audience has looked at the event "Login"`},
		{"property not kept", "", `{"event":{"name":"Order","where":[{"property":"sku","op":"is","value":"A"}],"window":{"last":"7d"}}}`, 0, 0, 0, []int64{}, "Not every property"},
		{"longer than kept", "", `{"not":{"event":{"name":"Order"}}}`, 1, 1, 0, []int64{}, "kept for 30 days only"},
		{"trait undeclared", "", `{"trait":{"name":"shoe_size","op":"exists"}}`, 0, 0, 0, []int64{}, "does not declare the trait"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := in.admin.PreviewAudience(ctx, client.PreviewRequest{Name: c.audience, Where: json.RawMessage(c.where)})
			if err != nil {
				t.Fatal(err)
			}
			if p.Size != c.size || p.Entering.Count != c.entering || p.Leaving.Count != c.leaving || p.People != 3 || !p.At.Equal(journalTime) {
				t.Errorf("got %+v", p)
			}
			if int64(len(p.Sample)) != c.size || p.Share != float64(c.size)/3 || p.Description == "" {
				t.Errorf("got %+v", p)
			}
			blocks := []int64{}
			for _, b := range p.Blocks {
				blocks = append(blocks, b.Size)
			}
			if !slices.Equal(blocks, c.blocks) {
				t.Errorf("blocks are %v, want %v", blocks, c.blocks)
			}
			if (c.note == "") != (len(p.Notes) == 0) || c.note != "" && !contains(p.Notes, c.note) {
				t.Errorf("notes are %q", p.Notes)
			}
		})
	}
	for name, request := range map[string]client.PreviewRequest{
		"not_found": {Name: "nobody"}, "invalid": {Where: json.RawMessage(`{"colour":"red"}`)},
	} {
		if _, err := in.admin.PreviewAudience(ctx, request); client.Kind(err) != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

func TestQuarantine(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	page, err := in.admin.Quarantine(ctx, client.QuarantineQuery{Source: "crm", Status: "open", Limit: 2})
	if err != nil || len(page.Records) != 2 || page.Next != 2 || page.Records[0].Payload != nil || page.Records[0].Violations[0].Rule != "required" {
		t.Fatalf("got %+v, %v", page, err)
	}
	rest, err := in.admin.Quarantine(ctx, client.QuarantineQuery{After: page.Next, Payload: true})
	if err != nil || len(rest.Records) != 1 || string(rest.Records[0].Payload) != `"not json"` {
		t.Fatalf("got %+v, %v", rest, err)
	}
	one, err := in.admin.Replay(ctx, client.ReplayRequest{IDs: []int64{1, 2, 99}})
	if err != nil || one.Replayed != 1 || one.Open != 1 {
		t.Errorf("got %+v, %v", one, err)
	}
	for _, request := range []client.ReplayRequest{{Source: "crm"}, {All: true}} {
		if got, err := in.admin.Replay(ctx, request); err != nil || got.Replayed != 0 || got.Open != 2 {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	for _, request := range []client.ReplayRequest{{}, {All: true, Source: "crm"}} {
		if _, err := in.admin.Replay(ctx, request); client.Kind(err) != "invalid" {
			t.Errorf("got %v", err)
		}
	}
}

func TestWorkspace(t *testing.T) {
	in, ctx := empty(t), context.Background()
	if _, err := in.admin.Workspace(ctx); client.Kind(err) != "not_found" {
		t.Errorf("got %v", err)
	}
	if _, err := in.admin.Audiences(ctx); client.Kind(err) != "conflict" {
		t.Errorf("got %v", err)
	}
	first := files(t)
	plan, err := in.admin.PlanWorkspace(ctx, first)
	if err != nil || len(plan.Issues) != 0 || len(plan.Audiences) != 2 || plan.Audiences[0].What != "added" {
		t.Fatalf("got %+v, %v", plan, err)
	}
	applied, err := in.admin.ApplyWorkspace(ctx, first, "crm-team")
	if err != nil || applied.Version != 1 {
		t.Fatalf("got %+v, %v", applied, err)
	}
	w, err := in.admin.Workspace(ctx)
	if err != nil || w.Version != 1 || w.Digest != applied.Digest || w.Author != "crm-team" || w.Counts["audience"] != 2 || !json.Valid(w.Body) {
		t.Errorf("got version %d digest %s author %s counts %v, %v", w.Version, w.Digest, w.Author, w.Counts, err)
	}
}

func TestPlanShowsWhatChanges(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	changed := files(t)
	changed["workspace.yaml"] = strings.Replace(changed["workspace.yaml"], "last: 30d", "last: 1d", 1)
	changed["new.yaml"] = "kind: audience\nname: visitors\nowner: crm-team\nwhere: {identified: anonymous_id}\n"
	plan, err := in.admin.PlanWorkspace(ctx, changed)
	if err != nil || len(plan.Differences) != 2 || len(plan.Audiences) != 2 {
		t.Fatalf("got %+v, %v", plan, err)
	}
	if a := plan.Audiences[0]; a.Name != "buyers" || a.What != "changed" || a.Before != 1 || a.After != 0 || a.Leaving != 1 || a.People != 3 {
		t.Errorf("got %+v", a)
	}
	if a := plan.Audiences[1]; a.Name != "visitors" || a.What != "added" || a.Before != 0 || a.After != 1 || a.Entering != 1 {
		t.Errorf("got %+v", a)
	}
	broken := map[string]string{"a.yaml": "kind: audience\nname: x\nowner: nobody\nwhere: {colour: red}\n"}
	issues, err := in.admin.ValidateWorkspace(ctx, broken)
	if err != nil || len(issues) == 0 || issues[len(issues)-1].File != "a.yaml" {
		t.Errorf("got %+v, %v", issues, err)
	}
	if plan, err := in.admin.PlanWorkspace(ctx, broken); err != nil || len(plan.Issues) == 0 || len(plan.Differences) != 0 {
		t.Errorf("got %+v, %v", plan, err)
	}
	if _, err := in.admin.ApplyWorkspace(ctx, broken, "crm-team"); client.Kind(err) != "invalid" {
		t.Errorf("got %v", err)
	}
}

func TestDeliveries(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	list, err := in.admin.Deliveries(ctx)
	if err != nil || len(list) != 1 || list[0].Activation != "mail-buyers" || list[0].Desired != 1 || list[0].Dead != 1 {
		t.Fatalf("got %+v, %v", list, err)
	}
	for _, activation := range []string{"", "mail-buyers"} {
		dead, err := in.admin.DeadLetters(ctx, activation, 0)
		if err != nil || len(dead) != 1 || dead[0].Person != 1 || dead[0].Reason == "" || dead[0].Attempts != 10 {
			t.Errorf("got %+v, %v", dead, err)
		}
	}
	for _, want := range []int64{1, 0} {
		if n, err := in.admin.RetryDeliveries(ctx, "mail-buyers"); err != nil || n != want {
			t.Errorf("revived %d, %v; want %d", n, err, want)
		}
	}
	if !slices.Equal(in.nudged, []string{"mail"}) {
		t.Errorf("nudged %v", in.nudged)
	}
	var waiting []state.Delivery
	err = in.store.View(ctx, func(tx *state.Tx) (err error) {
		waiting, err = tx.WaitingDeliveries(ctx, "mail", journalTime.AddDate(1, 0, 0), 10)
		return err
	})
	if err != nil || len(waiting) != 1 || waiting[0].Dead != "" {
		t.Errorf("waiting are %+v, %v", waiting, err)
	}
	if _, err := in.admin.RetryDeliveries(ctx, "unknown"); client.Kind(err) != "not_found" {
		t.Errorf("got %v", err)
	}
}

func TestRows(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	n, err := in.admin.SendRows(ctx, "crm", []map[string]any{{"id": "1", "email": "x@example.org"}, {"id": json.Number("12345678901234567890")}})
	if err != nil || n != 2 || len(in.rows) != 1 || in.rows[0].Rows[1]["id"] != json.Number("12345678901234567890") {
		t.Errorf("accepted %d, %v: %v", n, err, in.rows)
	}
	if n, err := in.admin.SendRows(ctx, "crm", nil); err != nil || n != 0 || len(in.rows) != 1 {
		t.Errorf("accepted %d, %v", n, err)
	}
	for source, kind := range map[string]string{"unknown": "not_found", "web": "invalid"} {
		if _, err := in.admin.SendRows(ctx, source, []map[string]any{{"id": "1"}}); client.Kind(err) != kind {
			t.Errorf("got %v, want %s", err, kind)
		}
	}
	in.refuse = fault.New(fault.Busy, "test", "The journal is full; wait.")
	_, err = in.admin.SendRows(ctx, "crm", []map[string]any{{"id": "1"}})
	if e := asError(t, err); e.Status != 429 || e.RetryAfter == 0 || e.Message != "The journal is full; wait." {
		t.Errorf("got %+v", e)
	}
}

func TestImports(t *testing.T) {
	in, ctx := seeded(t), context.Background()
	sum := strings.Repeat("0a", 32)
	if _, err := in.admin.Import(ctx, "crm", sum); client.Kind(err) != "not_found" {
		t.Errorf("got %v", err)
	}
	put, err := in.admin.PutImport(ctx, "crm", sum, client.ImportReport{Name: "c.csv", Read: 3, Sent: 2, Malformed: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := in.admin.Import(ctx, "crm", sum)
	if err != nil || got != put || got.Sent != 2 || got.At.IsZero() {
		t.Errorf("got %+v, put %+v, %v", got, put, err)
	}
	if _, err := in.admin.PutImport(ctx, "crm", "short", client.ImportReport{}); client.Kind(err) != "invalid" {
		t.Errorf("got %v", err)
	}
}
