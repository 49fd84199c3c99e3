package shopdata

import (
	"bytes"
	"encoding/csv"
)

// campaignCSV is the e-mail campaign as marketing planned it without Parley: each
// hero product goes to everybody on marketing's own list who ever bought it or
// looked at it, and to a share of the rest. That is how an offer reaches someone who has just bought.
func (c *company) campaignCSV(web []message) []byte {
	interested := map[[2]string]bool{}
	for _, l := range c.lines {
		interested[[2]string{l.customer, l.sku}] = true
	}
	for _, m := range web {
		if sku, ok := m.Properties["sku"].(string); ok && m.UserID != "" {
			interested[[2]string{m.UserID, sku}] = true
		}
	}
	rows := [][]string{{"customer_id", "email", "offer_sku", "send_on"}}
	for _, sku := range Heroes {
		for _, who := range c.customers {
			if who.inCRM && who.email1 != denied && (interested[[2]string{who.id, sku}] || oneIn(6, "offer "+sku, who.id)) {
				rows = append(rows, []string{who.id, who.email, sku, Now.Format("2006-01-02")})
			}
		}
	}
	var b bytes.Buffer
	// A bytes.Buffer cannot fail to be written to.
	_ = csv.NewWriter(&b).WriteAll(rows)
	return b.Bytes()
}
