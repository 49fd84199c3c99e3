package event

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"parley/internal/fault"
)

// Receipt is what the way in knows about a message beside its text.
type Receipt struct {
	Source string
	// ID is the id the message was accepted under. Empty: the message's own.
	ID         string
	ReceivedAt time.Time // our clock; must be set
	// SentAt is the sender's clock when it sent the batch around the message;
	// zero if unknown. A sentAt in the message itself wins.
	SentAt time.Time
}

// The namespaces of the identifiers that the wire form names itself.
const (
	NamespaceUser      = "user_id"
	NamespaceAnonymous = "anonymous_id"
	NamespaceEmail     = "email"
	NamespacePhone     = "phone"
)

const opParse = "event.parse"

// Parse reads one message in Segment's wire form: a single JSON object with one
// of the six calls. It decides nothing about contracts, consent or people.
//
// Identifiers come in the order user_id (of an alias also the previous one),
// anonymous_id, email, phone, external ids; a message without any is accepted.
// Traits are those of the person: of an identify call its traits (or
// context.traits where it has none, as RudderStack's SDKs send them), of every
// other call context.traits. The traits of a group call describe the group and
// therefore become Properties, with groupId.
//
// Errors are fault.Invalid or fault.TooLarge with a sentence that names the
// field and never its value (I12). The result depends on the arguments alone (I4).
func Parse(raw []byte, in Receipt) (Event, error) {
	message, err := DecodeObject(raw, opParse)
	if err != nil {
		return Event{}, err
	}
	r := reader{message: message}
	e := Event{
		Source:     in.Source,
		ID:         in.ID,
		Type:       r.callType(),
		ReceivedAt: micro(in.ReceivedAt),
		Time:       eventTime(message, in),
	}
	if e.ID == "" {
		e.ID = r.text("messageId")
	}
	if e.ID == "" {
		r.fail("messageId is missing; give every message an id of its own.")
	}
	e.Name = r.name(e.Type)
	e.Context = r.object("context")
	contextTraits := r.objectIn(e.Context, "context.", "traits")
	traits := r.object("traits")
	e.Properties = r.properties(e.Type, traits)
	e.Traits = contextTraits
	if e.Type == Identify && len(traits) > 0 {
		e.Traits = traits
	}
	if e.Type == Group {
		traits = nil // a group's e-mail address is not the person's
	}
	e.Identifiers = r.identifiers(e.Type, traits, contextTraits, e.Context)
	e.Consents = r.consents(e.Context)
	if r.err != nil {
		return Event{}, r.err
	}
	return e, nil
}

// reader takes fields from a message and keeps the first mistake.
type reader struct {
	message map[string]any
	err     error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fault.New(fault.Invalid, opParse, format, args...)
	}
}

// text takes an optional top-level text; a number counts as its digits.
func (r *reader) text(field string) string {
	value, ok := scalar(r.message[field])
	if !ok {
		r.fail("%s must be text.", field)
	}
	return value
}

// scalar returns text or a number's digits as written, and "" for null.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// object takes an optional top-level object.
func (r *reader) object(field string) map[string]any {
	return r.objectIn(r.message, "", field)
}

func (r *reader) objectIn(in map[string]any, prefix, field string) map[string]any {
	v, ok := in[field]
	if !ok || v == nil {
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		r.fail("%s%s must be an object.", prefix, field)
		return nil
	}
	if len(object) == 0 {
		return nil
	}
	return object
}

// callType reads the type. Some server libraries capitalise it.
func (r *reader) callType() Type {
	text, _ := r.message["type"].(string)
	switch t := Type(strings.ToLower(text)); t {
	case Track, Identify, Page, Screen, Group, Alias:
		return t
	}
	r.fail("type must be one of track, identify, page, screen, group or alias.")
	return ""
}

func (r *reader) name(t Type) string {
	if t != Track {
		return string(t)
	}
	name, ok := r.message["event"].(string)
	if !ok || strings.TrimSpace(name) == "" {
		r.fail("event is missing; a track call needs the name of its event, as text.")
	}
	return name
}

// properties returns the call's properties with what page, screen and group
// calls say outside of them. The decoded message is ours, so it is added to in
// place.
func (r *reader) properties(t Type, traits map[string]any) map[string]any {
	properties := r.object("properties")
	set := func(name string, v any) {
		if v == nil || v == "" {
			return
		}
		if properties == nil {
			properties = map[string]any{}
		}
		properties[name] = v
	}
	switch t {
	case Page, Screen:
		set("name", r.message["name"])
		set("category", r.message["category"])
	case Group:
		for k, v := range traits {
			set(k, v)
		}
		set("groupId", r.message["groupId"])
	}
	return properties
}

// identifiers collects what the message claims about whom it is about.
func (r *reader) identifiers(t Type, traits, contextTraits, context map[string]any) []Identifier {
	var found []Identifier
	add := func(namespace, value string) {
		if value == "" {
			return
		}
		for _, have := range found {
			if have.Namespace == namespace && have.Value == value {
				return
			}
		}
		found = append(found, Identifier{Namespace: namespace, Value: value})
	}
	add(NamespaceUser, r.text("userId"))
	if t == Alias {
		add(NamespaceUser, r.text("previousId"))
	}
	add(NamespaceAnonymous, r.text("anonymousId"))
	for _, namespace := range []string{NamespaceEmail, NamespacePhone} {
		for _, from := range []map[string]any{traits, contextTraits} {
			// A trait of another kind is a matter for the contract.
			if value, ok := scalar(from[namespace]); ok {
				add(namespace, value)
			}
		}
	}
	r.externalIDs(context["externalIds"], add)
	return found
}

func (r *reader) externalIDs(v any, add func(namespace, value string)) {
	if v == nil {
		return
	}
	list, ok := v.([]any)
	if !ok {
		r.fail("context.externalIds must be a list of objects with type and id.")
		return
	}
	for i, item := range list {
		path := "context.externalIds[" + strconv.Itoa(i) + "]"
		object, ok := item.(map[string]any)
		if !ok {
			r.fail("%s must be an object with type and id.", path)
			return
		}
		namespace, _ := object["type"].(string)
		value, ok := scalar(object["id"])
		if !ok {
			r.fail("%s.id must be text or a number.", path)
			return
		}
		if namespace == "" && value != "" {
			r.fail("%s.type is missing; it names the kind of the id.", path)
			return
		}
		add(namespace, value)
	}
}

// consents reads what the message says about purposes. A denial anywhere in the
// message wins over a grant (I6).
func (r *reader) consents(context map[string]any) map[string]bool {
	stands := map[string]bool{}
	say := func(purpose string, granted bool) {
		if earlier, ok := stands[purpose]; purpose != "" && (!ok || earlier) {
			stands[purpose] = granted
		}
	}
	consent := r.objectIn(context, "context.", "consent")
	for purpose, v := range r.objectIn(consent, "context.consent.", "categoryPreferences") {
		granted, ok := v.(bool)
		if !ok {
			r.fail("context.consent.categoryPreferences must say true or false for every purpose.")
		}
		say(purpose, granted)
	}
	management := r.objectIn(context, "context.", "consentManagement")
	for _, purpose := range r.purposes(management, "allowedConsentIds") {
		say(purpose, true)
	}
	for _, purpose := range r.purposes(management, "deniedConsentIds") {
		say(purpose, false)
	}
	if len(stands) == 0 {
		return nil
	}
	return stands
}

// purposes reads a list of purposes. Misread denials would let data out, so a
// list of another form is a mistake and not an empty list (I6).
func (r *reader) purposes(management map[string]any, field string) []string {
	v := management[field]
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		r.fail("context.consentManagement.%s must be a list of texts.", field)
		return nil
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		purpose, ok := item.(string)
		if !ok {
			r.fail("context.consentManagement.%s must be a list of texts.", field)
			return nil
		}
		out = append(out, purpose)
	}
	return out
}
