package shopdata

import (
	"bytes"
	"sort"
	"strconv"
	"time"
)

// webFrom is the first day of the web events; they end before Now.
var webFrom = time.Date(2011, 11, 10, 0, 0, 0, 0, time.UTC)

const webDays = 30

// message is one call in Segment's wire form.
type message struct {
	MessageID   string         `json:"messageId"`
	Type        string         `json:"type"`
	Event       string         `json:"event,omitempty"`
	UserID      string         `json:"userId,omitempty"`
	AnonymousID string         `json:"anonymousId,omitempty"`
	Properties  map[string]any `json:"properties,omitempty"`
	Traits      map[string]any `json:"traits,omitempty"`
	Context     map[string]any `json:"context,omitempty"`
	Timestamp   string         `json:"timestamp"`

	at time.Time
}

// The forms of the web shop and what they ask for.
var (
	checkoutFields = []string{"first_name", "last_name", "email", "phone", "postcode", "city", "country"}
	drawFields     = []string{"first_name", "email", "birth_date", "postcode"}
)

// web is every call of the web shop, in the order in which they arrived.
func (c *company) web() []message {
	var all []message
	device := ""
	for _, who := range c.customers {
		if pick("on the web", who.id, 10) >= 5 {
			continue
		}
		// A household: this customer uses the device of the one before.
		if device == "" || !oneIn(12, "household", who.id) {
			device = "d-" + token("device", who.id)
		}
		for n := range 1 + pick("visits", who.id, 3) {
			all = append(all, c.customerVisit(who, device, n)...)
		}
	}
	for n := range visitors {
		all = append(all, c.visitorVisits("v"+strconv.Itoa(n))...)
	}
	all = append(all, repeated(all)...)
	spoilWeb(all)
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Before(all[j].at) })
	return all
}

// visit collects the messages of one visit, a few dozen seconds apart.
type visit struct {
	id     string
	at     time.Time
	device string
	user   string
	out    []message
}

func startVisit(id, device string) *visit {
	day, second := pick("visit day", id, webDays), 7*3600+pick("visit second", id, 14*3600)
	return &visit{id: id, device: device, at: webFrom.AddDate(0, 0, day).Add(time.Duration(second) * time.Second)}
}

func (v *visit) send(m message) {
	id := v.id + "/" + strconv.Itoa(len(v.out))
	v.at = v.at.Add(time.Duration(8+pick("pause", id, 90)) * time.Second)
	m.MessageID, m.AnonymousID, m.UserID = "w-"+token("message", id), v.device, v.user
	m.at, m.Timestamp = v.at, v.at.Format(time.RFC3339)
	v.out = append(v.out, m)
}

func (v *visit) page(path string) {
	v.send(message{Type: "page", Properties: map[string]any{"url": "https://shop.example" + path}})
}

func (v *visit) track(event string, properties map[string]any) {
	v.send(message{Type: "track", Event: event, Properties: properties})
}

// browse looks at some products; the heroes get more than their share.
func (v *visit) browse(c *company, atMost int) {
	for n := range 1 + pick("views", v.id, atMost) {
		id := v.id + "/" + strconv.Itoa(n)
		p := c.products[pick("product", id, len(c.products))]
		if oneIn(3, "top product", id) {
			p = c.products[pick("hero", id, min(8, len(c.products)))]
		}
		v.track("Product Viewed", map[string]any{"sku": p.sku, "name": p.name, "price": p.price})
	}
}

// fill shows a form and, when sent is true, submits it with the given values:
// the form is one call, what was typed follows as an identify call.
func (v *visit) fill(form string, asked []string, typed map[string]any, sent bool) {
	v.track("Form Viewed", map[string]any{"form": form, "asked": asked})
	if !sent {
		return
	}
	v.track("Form Submitted", map[string]any{"form": form})
	v.send(message{Type: "identify", Traits: typed})
}

// customerVisit is a visit during which a customer logs in, before or after the
// products, and perhaps meets one of the forms.
func (c *company) customerVisit(who customer, device string, n int) []message {
	v := startVisit(who.id+"/"+strconv.Itoa(n), device)
	v.page("/")
	logsIn := !oneIn(5, "stays logged out", v.id) || n == 0
	late := oneIn(2, "logs in late", v.id)
	if late {
		v.browse(c, 6)
	}
	if late && oneIn(4, "draw before login", v.id) {
		v.fill("prize-draw", drawFields, nil, false)
	}
	if logsIn {
		v.user = who.id
		v.send(message{Type: "identify", Context: webConsent(who)})
	}
	if !late {
		v.browse(c, 6)
	}
	switch {
	case logsIn && oneIn(2, "checks out", v.id):
		v.page("/checkout")
		v.fill("checkout", checkoutFields, typedCheckout(who), oneIn(2, "checkout sent", v.id))
	case oneIn(4, "prize draw", v.id):
		v.page("/christmas-draw")
		v.fill("prize-draw", drawFields, typedDraw(who), logsIn && oneIn(2, "draw sent", v.id))
	}
	return v.out
}

// webConsent is what the consent banner sends along with a login: the base
// stand, or a withdrawal.
func webConsent(who customer) map[string]any {
	said := map[string]any{}
	if who.email1 != silent {
		said["email_marketing"] = who.email1 == granted && !oneIn(12, "withdraws", who.id)
	}
	if who.ads != silent {
		said["ads"] = who.ads == granted
	}
	if len(said) == 0 || oneIn(3, "no banner", who.id) {
		return nil
	}
	return map[string]any{"consent": map[string]any{"categoryPreferences": said}}
}

func typedCheckout(who customer) map[string]any {
	typed := map[string]any{"first_name": who.first, "last_name": who.last, "postcode": who.postcode, "city": who.city, "country": who.country}
	if !who.shared {
		typed["email"] = who.email
	}
	if who.phone != "" {
		typed["phone"] = who.phone
	}
	return typed
}

func typedDraw(who customer) map[string]any {
	typed := map[string]any{"first_name": who.first, "birth_date": who.birth.Format(time.DateOnly), "postcode": who.postcode}
	if !who.shared {
		typed["email"] = who.email
	}
	return typed
}

// visitors never log in.
const visitors = 620

// visitorVisits are the visits of somebody who never logs in. Some give their
// e-mail address to the prize draw: a new one, one the newsletter knows, or one the CRM knows.
func (c *company) visitorVisits(id string) []message {
	device := "d-" + token("device", id)
	who := newCustomer(id, "United Kingdom", time.Time{})
	who.shared = false
	who.email = address(who.first, who.last, "0"+id)
	switch pick("who the visitor is", id, 6) {
	case 0, 1:
		who = stranger(pick("which stranger", id, strangers))
	case 2:
		if known := c.customers[pick("which customer", id, len(c.customers))]; !known.shared {
			who = known
		}
	}
	var out []message
	for n := range 1 + pick("visits", id, 2) {
		v := startVisit(id+"/"+strconv.Itoa(n), device)
		v.page("/")
		v.browse(c, 7)
		if oneIn(3, "prize draw", id) {
			v.page("/christmas-draw")
			v.fill("prize-draw", drawFields, typedDraw(who), !oneIn(3, "draw not sent", v.id))
		}
		out = append(out, v.out...)
	}
	return out
}

// repeated is about one message in a hundred once more, as an SDK sends it again after a timeout.
func repeated(all []message) []message {
	var again []message
	for _, m := range all {
		if oneIn(100, "sent twice", m.MessageID) {
			m.at = m.at.Add(2 * time.Minute)
			again = append(again, m)
		}
	}
	return again
}

// spoilWeb breaks a rule of the web contract in about one message in 250. A
// repetition is spoilt like its original.
func spoilWeb(all []message) {
	for i, m := range all {
		if !oneIn(250, "bad message", m.MessageID) || m.Properties == nil {
			continue
		}
		bad := map[string]any{}
		for k, v := range m.Properties {
			bad[k] = v
		}
		switch m.Event {
		case "Product Viewed":
			if delete(bad, "sku"); oneIn(2, "bad price", m.MessageID) {
				bad["sku"], bad["price"] = m.Properties["sku"], "on request"
			}
		case "Form Viewed":
			bad["asked"] = "everything"
		case "Form Submitted":
			bad["form"] = "untitled form 3"
		default:
			bad = map[string]any{"path": "/"}
		}
		all[i].Properties = bad
	}
}

func webJSONL(all []message) []byte {
	var b bytes.Buffer
	for _, m := range all {
		writeJSON(&b, m)
	}
	return b.Bytes()
}
