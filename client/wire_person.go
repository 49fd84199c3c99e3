package client

import (
	"time"
)

// Person is what is known of one person.
type Person struct {
	ID          int64                    `json:"id"`        // Number of the person; a merge keeps the lowest.
	Audiences   map[string]time.Time     `json:"audiences"` // The audiences the person is in, and since when.
	Consents    map[string]PersonConsent `json:"consents"`  // By purpose; a purpose that is missing is unknown.
	FirstSeen   time.Time                `json:"first_seen"`
	Identifiers []PersonIdentifier       `json:"identifiers"`
	Key         string                   `json:"key"` // Stable name that splits hash; it survives merges.
	LastSeen    time.Time                `json:"last_seen"`
	Traits      map[string]PersonTrait   `json:"traits"`
	Why         *PersonWhy               `json:"why,omitempty"` // Only when asked for.
}

// PersonIdentifier is one identifier of a person.
type PersonIdentifier struct {
	Namespace string    `json:"namespace"`
	FirstSeen time.Time `json:"first_seen"`
	Value     string    `json:"value"`
}

// PersonTrait is a trait's surviving value and where it came from.
type PersonTrait struct {
	Source string    `json:"source"`
	Event  string    `json:"event"` // Id of the event that stated it.
	Time   time.Time `json:"time"`
	Value  any       `json:"value"`
}

// PersonConsent is the stand on a purpose, granted or denied, and the statement that decides it.
type PersonConsent struct {
	Source string    `json:"source"`
	Stand  string    `json:"stand"`
	Time   time.Time `json:"time"`
}

// PersonWhy tells why the identifiers belong together and why the person is in an audience or not.
type PersonWhy struct {
	Assertions []PersonAssertion      `json:"assertions"`
	Audiences  map[string]Explanation `json:"audiences"`
}

// PersonAssertion is the claim of a source that two identifiers belong together.
type PersonAssertion struct {
	Source  string     `json:"source"`
	A       Identifier `json:"a"`
	At      time.Time  `json:"at"`
	B       Identifier `json:"b"`
	Count   int64      `json:"count"`             // How many events made it.
	Event   string     `json:"event"`             // Id of the first event that made the claim.
	Refused string     `json:"refused,omitempty"` // The rule that forbids it.
}

// PersonDisclosures tells who received what about a person.
type PersonDisclosures struct {
	Deliveries  []PersonDelivery   `json:"deliveries"`
	Disclosures []PersonDisclosure `json:"disclosures"`
	Person      int64              `json:"person"`
}

// PersonDisclosure is one line of a book about the person.
type PersonDisclosure struct {
	Version     int64     `json:"version"`
	Book        string    `json:"book"`
	Activation  string    `json:"activation"`
	At          time.Time `json:"at"`
	Batch       string    `json:"batch,omitempty"`
	Decision    string    `json:"decision"` // released, refused, withdrawn, sent, delivered or rejected.
	Destination string    `json:"destination"`
	Ground      string    `json:"ground"` // Legal ground, or the reason of a refusal.
	Person      int64     `json:"person"` // The number the person had then.
	Purpose     string    `json:"purpose"`
	Seq         int64     `json:"seq"`
}

// PersonDelivery is where one activation stands with the person.
type PersonDelivery struct {
	Activation   string `json:"activation"`
	Acknowledged bool   `json:"acknowledged"`
	Dead         string `json:"dead,omitempty"` // Why hand-over was given up.
	Desired      bool   `json:"desired"`
	Destination  string `json:"destination"`
	Reason       string `json:"reason,omitempty"` // Why the person is not wanted on the list.
}

// Identifier is one value in one namespace, such as email.
type Identifier struct {
	Namespace string `json:"namespace"`
	Value     string `json:"value"`
}

// Key names an event.
type Key struct {
	ID     string `json:"id"`
	Source string `json:"source"`
}

// Explanation says why a condition holds for a person or not.
type Explanation struct {
	Condition string        `json:"condition"`
	Evidence  *Evidence     `json:"evidence,omitempty"`
	Holds     bool          `json:"holds"`
	Next      time.Time     `json:"next,omitzero"`
	Parts     []Explanation `json:"parts,omitempty"`
}

// Evidence is what an event condition found in its window.
type Evidence struct {
	Count   int64  `json:"count"`
	Events  []Key  `json:"events,omitempty"`
	Measure string `json:"measure,omitempty"`
	Value   string `json:"value,omitempty"`
}

// AskRequest names a form and who is in front of it.
type AskRequest struct {
	Form    string     `json:"form"`
	Asked   bool       `json:"asked,omitempty"`  // The form has asked for these fields already: count those that were held as repeated asks.
	Fields  []string   `json:"fields,omitempty"` // Fields to answer for; none: all of the form.
	Visitor Identifier `json:"visitor"`
}

// AskAnswer splits the fields into those held and those to be asked.
type AskAnswer struct {
	Ask      []string            `json:"ask"`      // What has to be asked.
	Avoided  int64               `json:"avoided"`  // Questions that this answer spares the visitor.
	Known    map[string]AskKnown `json:"known"`    // What is held and may be shown for the form's purpose.
	Repeated int64               `json:"repeated"` // Questions that were asked although the answer was held.
}

// AskKnown is a value held.
type AskKnown struct {
	Source string    `json:"source"`
	Time   time.Time `json:"time"`
	Value  any       `json:"value"`
}
