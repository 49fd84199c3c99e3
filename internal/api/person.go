package api

import (
	"context"
	"net/http"
	"sort"
	"time"

	"parley/internal/audience"
	"parley/internal/event"
	"parley/internal/fault"
	"parley/internal/person"
	"parley/internal/state"
	"parley/internal/workspace"
)

// Person is what is known of one person.
type Person struct {
	ID          int64                    `json:"id" doc:"Number of the person; a merge keeps the lowest."`
	Key         string                   `json:"key" doc:"Stable name that splits hash; it survives merges."`
	Identifiers []PersonIdentifier       `json:"identifiers"`
	Traits      map[string]PersonTrait   `json:"traits"`
	Consents    map[string]PersonConsent `json:"consents" doc:"By purpose; a purpose that is missing is unknown."`
	Audiences   map[string]time.Time     `json:"audiences" doc:"The audiences the person is in, and since when."`
	FirstSeen   time.Time                `json:"first_seen"`
	LastSeen    time.Time                `json:"last_seen"`
	Why         *PersonWhy               `json:"why,omitempty" doc:"Only when asked for."`
}

// PersonIdentifier is one identifier of a person.
type PersonIdentifier struct {
	Namespace string    `json:"namespace"`
	Value     string    `json:"value"`
	FirstSeen time.Time `json:"first_seen"`
}

// PersonTrait is a trait's surviving value and where it came from.
type PersonTrait struct {
	Value  any       `json:"value"`
	Source string    `json:"source"`
	Event  string    `json:"event" doc:"Id of the event that stated it."`
	Time   time.Time `json:"time"`
}

// PersonConsent is the stand on a purpose and the statement that decides it.
type PersonConsent struct {
	Stand  string    `json:"stand" enum:"granted,denied"`
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
}

// PersonWhy tells why the identifiers belong together and why the person is in
// an audience or not.
type PersonWhy struct {
	Assertions []PersonAssertion               `json:"assertions"`
	Audiences  map[string]audience.Explanation `json:"audiences"`
}

// PersonAssertion is the claim of a source that two identifiers belong together.
type PersonAssertion struct {
	A       event.Identifier `json:"a"`
	B       event.Identifier `json:"b"`
	Source  string           `json:"source"`
	Event   string           `json:"event" doc:"Id of the first event that made the claim."`
	At      time.Time        `json:"at"`
	Count   int64            `json:"count" doc:"How many events made it."`
	Refused string           `json:"refused,omitempty" doc:"The rule that forbids it."`
}

type personInput struct {
	Namespace string `path:"namespace" doc:"Kind of the identifier, such as email."`
	Value     string `path:"value" doc:"The identifier; it is normalised before it is looked up."`
}

type personWhyInput struct {
	Namespace string `path:"namespace" doc:"Kind of the identifier, such as email."`
	Value     string `path:"value" doc:"The identifier; it is normalised before it is looked up."`
	Why       bool   `query:"why" doc:"Explain identity and audiences, too."`
}

func (s *service) people() {
	register(s, operation{id: "get-person", method: http.MethodGet, path: "/v1/people/{namespace}/{value}", tag: "people",
		summary:     "Read the person behind an identifier",
		description: "Traits, consents and audiences with their provenance, as of journal time."}, s.person)
	register(s, operation{id: "get-person-disclosures", method: http.MethodGet, path: "/v1/people/{namespace}/{value}/disclosures",
		tag: "people", summary: "Who received what about a person, when, on what ground",
		description: "Everything released, refused and handed over, and what each activation holds now. People who were merged into this one are included."},
		s.disclosures)
}

// found is a person as one read transaction sees them.
type found struct {
	id    int64
	doc   *person.Document
	nodes []state.Identifier
}

func (f *found) identifiers() []event.Identifier {
	out := make([]event.Identifier, len(f.nodes))
	for i, n := range f.nodes {
		out[i] = n.Identifier
	}
	return out
}

// find returns the person of a claimed identifier, or NotFound.
func find(ctx context.Context, tx *state.Tx, ws *workspace.Compiled, claimed event.Identifier) (*found, error) {
	id, err := locate(ctx, tx, ws, claimed)
	if err != nil {
		return nil, err
	}
	docs, err := tx.People(ctx, []int64{id})
	if err != nil {
		return nil, err
	}
	raw, ok := docs[id]
	if !ok {
		return nil, fault.New(fault.NotFound, "api.find", "Nobody is known by this identifier.")
	}
	f := &found{id: id}
	if f.doc, err = person.Decode(raw); err != nil {
		return nil, err
	}
	f.nodes, err = tx.IdentifiersOf(ctx, []int64{id})
	return f, err
}

// locate returns the number of the person of a claimed identifier.
func locate(ctx context.Context, tx *state.Tx, ws *workspace.Compiled, claimed event.Identifier) (int64, error) {
	usable, dropped := ws.Identity.Normalise([]event.Identifier{claimed})
	if len(usable) == 1 {
		return tx.Find(ctx, usable[0])
	}
	reason := "cannot be used"
	if len(dropped) == 1 {
		reason = "is " + dropped[0].Reason
	}
	// Neither namespace nor value are repeated: either may be personal (I12).
	return 0, fault.New(fault.Invalid, "api.find", "The identifier %s; use a namespace that the workspace declares, and a whole value.", reason)
}

func (s *service) person(ctx context.Context, in *personWhyInput) (Person, error) {
	ws, err := s.current("api.person")
	if err != nil {
		return Person{}, err
	}
	var out Person
	err = s.Store.View(ctx, func(tx *state.Tx) error {
		f, err := find(ctx, tx, ws, event.Identifier{Namespace: in.Namespace, Value: in.Value})
		if err != nil {
			return err
		}
		out = profileOf(ws, f)
		if !in.Why {
			return nil
		}
		out.Why, err = why(ctx, tx, ws, f)
		return err
	})
	return out, err
}

func profileOf(ws *workspace.Compiled, f *found) Person {
	out := Person{ID: f.id, Key: f.doc.Key, FirstSeen: f.doc.FirstSeen, LastSeen: f.doc.LastSeen,
		Identifiers: []PersonIdentifier{}, Traits: map[string]PersonTrait{}, Consents: map[string]PersonConsent{},
		Audiences: map[string]time.Time{}}
	for _, n := range f.nodes {
		out.Identifiers = append(out.Identifiers, PersonIdentifier{n.Namespace, n.Value, n.FirstSeen})
	}
	for _, name := range ws.Person.Traits.Names() {
		if value, from, ok := f.doc.Profile.Value(ws.Person.Traits, name); ok {
			out.Traits[name] = PersonTrait{value, from.Source, person.EventID(from.ID), from.Time}
		}
	}
	for purpose, stand := range f.doc.Consents.State() {
		statement, _ := f.doc.Consents.Decisive(purpose)
		out.Consents[purpose] = PersonConsent{string(stand), statement.Source, statement.Time}
	}
	for name, since := range f.doc.Since {
		out.Audiences[name] = since
	}
	return out
}

func why(ctx context.Context, tx *state.Tx, ws *workspace.Compiled, f *found) (*PersonWhy, error) {
	out := &PersonWhy{Assertions: []PersonAssertion{}, Audiences: map[string]audience.Explanation{}}
	claims, err := tx.AssertionsOf(ctx, f.identifiers())
	if err != nil {
		return nil, err
	}
	for _, a := range claims {
		out.Assertions = append(out.Assertions, PersonAssertion{a.A, a.B, a.Source, a.EventID, a.At, a.N, a.Refused})
	}
	progress, err := tx.Progress(ctx)
	if err != nil {
		return nil, err
	}
	subject := f.doc.Subject(ws.Person, f.identifiers())
	for _, name := range ws.Audiences.Names() {
		if c, ok := ws.Audiences.Audience(name); ok {
			out.Audiences[name] = c.Explain(subject, progress.Clock)
		}
	}
	return out, nil
}

// PersonDisclosures is the account that I7 promises.
type PersonDisclosures struct {
	Person      int64              `json:"person"`
	Disclosures []PersonDisclosure `json:"disclosures"`
	Deliveries  []PersonDelivery   `json:"deliveries"`
}

// PersonDisclosure is one line of a book about the person.
type PersonDisclosure struct {
	Book        string    `json:"book"`
	Seq         int64     `json:"seq"`
	At          time.Time `json:"at"`
	Person      int64     `json:"person" doc:"The number the person had then."`
	Activation  string    `json:"activation"`
	Destination string    `json:"destination"`
	Purpose     string    `json:"purpose"`
	Decision    string    `json:"decision" doc:"released, refused, withdrawn, sent, delivered or rejected."`
	Ground      string    `json:"ground" doc:"Legal ground, or the reason of a refusal."`
	Version     int64     `json:"version"`
	Batch       string    `json:"batch,omitempty"`
}

// PersonDelivery is where one activation stands with the person.
type PersonDelivery struct {
	Activation   string `json:"activation"`
	Destination  string `json:"destination"`
	Desired      bool   `json:"desired"`
	Acknowledged bool   `json:"acknowledged"`
	Reason       string `json:"reason,omitempty" doc:"Why the person is not wanted on the list."`
	Dead         string `json:"dead,omitempty" doc:"Why hand-over was given up."`
}

func (s *service) disclosures(ctx context.Context, in *personInput) (PersonDisclosures, error) {
	ws, err := s.current("api.disclosures")
	if err != nil {
		return PersonDisclosures{}, err
	}
	out := PersonDisclosures{Disclosures: []PersonDisclosure{}, Deliveries: []PersonDelivery{}}
	err = s.Store.View(ctx, func(tx *state.Tx) error {
		id, err := locate(ctx, tx, ws, event.Identifier{Namespace: in.Namespace, Value: in.Value})
		if err != nil {
			return err
		}
		absorbed, err := tx.Absorbed(ctx, id)
		if err != nil {
			return err
		}
		out.Person = id
		return out.read(ctx, tx, append([]int64{id}, absorbed...))
	})
	return out, err
}

func (out *PersonDisclosures) read(ctx context.Context, tx *state.Tx, people []int64) error {
	lines, err := tx.DisclosuresOf(ctx, people)
	if err != nil {
		return err
	}
	for _, d := range lines {
		out.Disclosures = append(out.Disclosures, PersonDisclosure{d.Book, d.Seq, d.At, d.Person, d.Activation, d.Destination,
			d.Purpose, d.Decision, d.Ground, d.Version, d.Batch})
	}
	sort.Slice(out.Disclosures, func(i, j int) bool {
		a, b := out.Disclosures[i], out.Disclosures[j]
		if a.Book != b.Book {
			return a.Book < b.Book
		}
		return a.Seq < b.Seq
	})
	rows, err := tx.Deliveries(ctx, people)
	if err != nil {
		return err
	}
	for _, d := range rows {
		out.Deliveries = append(out.Deliveries, PersonDelivery{d.Activation, d.Destination, d.Want, d.AckedWant, d.Reason, d.Dead})
	}
	sort.SliceStable(out.Deliveries, func(i, j int) bool { return out.Deliveries[i].Activation < out.Deliveries[j].Activation })
	return nil
}
