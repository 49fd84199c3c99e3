package shopdata

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// lastCRMEdit is the last instant at which a CRM row or a newsletter sign-up
// was written: everything on the web comes later, so that a withdrawal there
// is the last word under any reading of "latest".
var lastCRMEdit = time.Date(2011, 11, 9, 18, 0, 0, 0, time.UTC)

var crmHeader = []string{"customer_id", "first_name", "last_name", "email", "phone", "address", "postcode", "city", "country",
	"birth_date", "email_opt_in", "ads_opt_in", "updated_at"}

// crmCSV is one row for about nine customers in ten, some of which break the
// contract, and at the end the first rows' ids a second time with other content.
func (c *company) crmCSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := [][]string{crmHeader}
	var again [][]string
	for _, who := range c.customers {
		if !who.inCRM {
			continue
		}
		row := crmRow(who)
		if who.badCRM {
			spoil(row, who.id)
		} else if len(again) < 2 {
			twice := append([]string(nil), row...)
			twice[5] = "1 Elsewhere Road"
			again = append(again, twice)
		}
		rows = append(rows, row)
	}
	// A bytes.Buffer cannot fail to be written to.
	_ = w.WriteAll(append(rows, again...))
	return b.Bytes()
}

func crmRow(c customer) []string {
	birth := c.birth.Format([]string{time.DateOnly, "02/01/2006", "2 Jan 2006"}[pick("birth style", c.id, 3)])
	if oneIn(4, "no birth date", c.id) {
		birth = ""
	}
	email := c.email
	switch {
	case oneIn(12, "no e-mail", c.id):
		email = ""
	case oneIn(9, "capital e-mail", c.id):
		email = strings.ToUpper(email[:1]) + email[1:]
	}
	street, postcode, city := c.street, c.postcode, c.city
	if oneIn(8, "no address", c.id) {
		street, postcode, city = "", "", ""
	}
	updated := c.firstSeen.Add(time.Duration(pick("edited", c.id, 200*24*3600)) * time.Second)
	if updated.After(lastCRMEdit) {
		updated = lastCRMEdit.Add(-time.Duration(pick("edited late", c.id, 30*24*3600)) * time.Second)
	}
	return []string{c.id, c.first, c.last, email, c.phone, street, postcode, city, c.country, birth,
		yesNo(c.email1, oneIn(8, "blank e-mail box", c.id)), yesNo(c.ads, oneIn(8, "blank ads box", c.id)), updated.Format(time.RFC3339)}
}

// spoil breaks one rule of the CRM's contract.
func spoil(row []string, id string) {
	switch pick("how bad", id, 5) {
	case 0:
		row[3] = strings.ToLower(row[1]) + " at example.com"
	case 1:
		row[0] = ""
	case 2:
		row[8] = "U.K."
	case 3:
		row[9] = "unknown"
	case 4:
		row[10] = "maybe"
	}
}

func yesNo(s stand, blank bool) string {
	switch {
	case blank || s == silent:
		return ""
	case s == granted:
		return "Y"
	}
	return "N"
}

// signup is one line of the newsletter form's log.
type signup struct {
	ID        string `json:"signup_id"`
	Email     string `json:"email,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	News      string `json:"news"`
	Ads       string `json:"ads,omitempty"`
	At        string `json:"signed_up_at"`
}

// strangers are people who signed up for the newsletter and never bought.
const strangers = 180

// stranger is the n-th such person.
func stranger(n int) customer {
	id := fmt.Sprintf("n%04d", n)
	c := newCustomer(id, "United Kingdom", time.Time{})
	c.email = address(c.first, c.last, id)
	c.ads = standOf(pick("ads consent", id, 100), 40, 60)
	return c
}

// newsletterJSONL holds sign-ups of some CRM customers, in whatever capitals they
// typed, and of strangers; a few lines break the contract.
func (c *company) newsletterJSONL() []byte {
	var people []customer
	for _, who := range c.customers {
		if who.email1 == granted && !who.shared && oneIn(3, "newsletter", who.id) {
			people = append(people, who)
		}
	}
	for n := range strangers {
		people = append(people, stranger(n))
	}
	var b bytes.Buffer
	for _, who := range people {
		at := lastCRMEdit.Add(-time.Duration(pick("signed up", who.id, 300*24*3600)) * time.Second)
		s := signup{ID: "s-" + token("signup", who.id), Email: who.email, FirstName: who.first, News: "yes", At: at.Format(time.RFC3339)}
		switch pick("typing", who.id, 5) {
		case 0:
			s.Email = strings.ToUpper(s.Email)
		case 1:
			s.Email = " " + s.Email
		case 2:
			s.FirstName = ""
		}
		if !oneIn(3, "ads box left alone", who.id) {
			s.Ads = map[stand]string{granted: "yes", denied: "no"}[who.ads]
		}
		switch pick("bad signup", who.id, 60) {
		case 0:
			s.Email = strings.ReplaceAll(who.email, "@", "(at)")
		case 1:
			s.Email = ""
		}
		writeJSON(&b, s)
	}
	return b.Bytes()
}

// writeJSON appends one line. The values are this package's own structs and maps
// of text and numbers, which always marshal.
func writeJSON(b *bytes.Buffer, v any) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
