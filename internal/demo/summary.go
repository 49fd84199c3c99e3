package demo

import (
	"context"
	"strings"

	"parley/client"
)

// Summary is what happened. examples/shop/check.sql computes the same figures
// from the raw files alone.
type Summary struct {
	OrdersRead            int64 `json:"orders_read"`
	OrdersQuarantined     int64 `json:"orders_quarantined"`
	CRMRows               int64 `json:"crm_rows"`
	CRMQuarantined        int64 `json:"crm_quarantined"`
	NewsletterRows        int64 `json:"newsletter_rows"`
	NewsletterQuarantined int64 `json:"newsletter_quarantined"`
	CampaignRows          int64 `json:"campaign_rows"`
	WebReceived           int64 `json:"web_received"`
	WebDuplicates         int64 `json:"web_duplicates"`
	WebQuarantined        int64 `json:"web_quarantined"`
	// EventsAccepted counts rows and calls of every source, durable before they were answered.
	EventsAccepted int64 `json:"events_accepted"`

	People        int64 `json:"people"`
	Merges        int64 `json:"merges"`
	RefusedMerges int64 `json:"refused_merges"`

	Audiences map[string]int64   `json:"audiences"`
	Delivered map[string]Members `json:"delivered"`
	// RefusedByConsent counts members of audiences who were not handed over
	// because they have not agreed to the purpose, once for each activation.
	RefusedByConsent int64 `json:"refused_by_consent"`

	WastedOffersBefore int64   `json:"wasted_offers_before"`
	WastedOffersAfter  int64   `json:"wasted_offers_after"`
	AsksTotal          int64   `json:"asks_total"`
	AsksBefore         int64   `json:"asks_before"`
	AsksAfter          int64   `json:"asks_after"`
	Seconds            float64 `json:"seconds"`
}

// Members counts who stands on a destination's lists.
type Members struct {
	Include  int64 `json:"include"`
	Suppress int64 `json:"suppress"`
}

// count reads every figure.
func (d *Demo) count(ctx context.Context, rows map[string]int64) (*Summary, error) {
	s := &Summary{OrdersRead: rows["orders"], CRMRows: rows["crm"], NewsletterRows: rows["newsletter"], CampaignRows: rows["campaign"],
		Audiences: map[string]int64{}, Delivered: map[string]Members{}}
	for _, step := range []func(context.Context, *Summary) error{d.countIntake, d.countPeople, d.countDelivered, d.countOffers, d.countAsks} {
		if err := step(ctx, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (d *Demo) countIntake(ctx context.Context, s *Summary) error {
	ledger, err := d.api.Completeness(ctx, "")
	if err != nil {
		return err
	}
	s.EventsAccepted = ledger.Total.Received
	for _, l := range ledger.Sources {
		switch l.Source {
		case "orders":
			s.OrdersQuarantined = l.Quarantined
		case "crm":
			s.CRMQuarantined = l.Quarantined
		case "newsletter":
			s.NewsletterQuarantined = l.Quarantined
		case "web":
			s.WebReceived, s.WebDuplicates, s.WebQuarantined = l.Received, l.Duplicate, l.Quarantined
		}
	}
	return nil
}

func (d *Demo) countPeople(ctx context.Context, s *Summary) error {
	status, err := d.api.Status(ctx)
	if err != nil {
		return err
	}
	s.People, s.Merges = status.People, status.Merges
	if s.RefusedMerges, err = d.server.RefusedClaims(ctx); err != nil {
		return err
	}
	audiences, err := d.api.Audiences(ctx)
	for _, a := range audiences {
		s.Audiences[a.Name] = a.Size
	}
	return err
}

// noConsent is how a delivery's reason begins when consent forbids it.
const noConsent = "no consent"

func (d *Demo) countDelivered(ctx context.Context, s *Summary) error {
	list, err := d.api.Deliveries(ctx)
	if err != nil {
		return err
	}
	files, err := readLists(d.options.Data)
	if err != nil {
		return err
	}
	for _, a := range list {
		for reason, n := range a.Unwanted {
			if strings.HasPrefix(reason, noConsent) {
				s.RefusedByConsent += n
			}
		}
		held := len(files[a.Activation])
		if a.Destination == emailToolName {
			held = len(d.emails.List(a.Activation))
		}
		m := s.Delivered[a.Destination]
		if isSuppression(a) {
			m.Suppress += int64(held)
		} else {
			m.Include += int64(held)
		}
		s.Delivered[a.Destination] = m
	}
	return nil
}

// isSuppression follows the example's naming of its activations.
func isSuppression(a client.DeliverySummary) bool {
	return strings.HasPrefix(a.Activation, "suppress-")
}
