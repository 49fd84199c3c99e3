package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"strings"

	"parley/client"
	shop "parley/examples/shop"
	"parley/internal/fault"
)

// countOffers counts planned offers of what the person has just bought, and
// those of them that the e-mail tool would still send, because the address is
// not on its list of whom to leave alone about that product.
func (d *Demo) countOffers(ctx context.Context, s *Summary) error {
	raw, err := shop.Files.ReadFile("data/campaign.csv")
	if err != nil {
		return fault.Wrap("demo.offers", err)
	}
	offers, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return fault.Wrap("demo.offers", err)
	}
	buyers := map[string]map[string]bool{}
	suppressed := map[string]map[string]bool{}
	for _, offer := range offers[1:] { // customer_id, email, offer_sku, send_on
		customer, email, sku := offer[0], offer[1], offer[2]
		if buyers[sku] == nil {
			if buyers[sku], err = d.customersIn(ctx, "recent-buyers-"+sku); err != nil {
				return err
			}
			suppressed[sku] = d.addresses("suppress-" + sku + "-" + emailToolName)
		}
		if !buyers[sku][customer] {
			continue
		}
		s.WastedOffersBefore++
		if !suppressed[sku][address(email)] {
			s.WastedOffersAfter++
		}
	}
	return nil
}

// customersIn returns the customer numbers of an audience's members.
func (d *Demo) customersIn(ctx context.Context, audience string) (map[string]bool, error) {
	out := map[string]bool{}
	q := client.MembersQuery{Identifiers: "user_id", Limit: 1000}
	for {
		page, err := d.api.Members(ctx, audience, q)
		if err != nil {
			return nil, err
		}
		for _, m := range page.Members {
			for _, id := range m.Identifiers {
				out[id] = true
			}
		}
		if page.Next == 0 {
			return out, nil
		}
		q.After = page.Next
	}
}

// addresses are those on a list of the e-mail tool.
func (d *Demo) addresses(activation string) map[string]bool {
	out := map[string]bool{}
	for _, entry := range d.emails.List(activation) {
		out[address(entry.Fields["email"])] = true
	}
	return out
}

func address(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
