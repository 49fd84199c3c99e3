package destination

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"parley/internal/fault"
)

// The types of destination.
const (
	TypeWebhook = "webhook"
	TypeCSV     = "csv"
)

// Limits of a Spec.
const (
	DefaultBatchSize = 500
	MaxBatchSize     = 10000
	MaxRatePerSecond = 1000
)

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	name    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)
)

// ValidName reports whether s can name a destination or an activation: letters,
// digits, - and _, at most 100, beginning with a letter or digit. Such names are
// safe in file names and addresses.
func ValidName(s string) bool { return name.MatchString(s) }

// Size returns the number of members per hand-over.
func (s Spec) Size() int {
	if s.BatchSize <= 0 {
		return DefaultBatchSize
	}
	return s.BatchSize
}

// Keying says how a destination recognises a member.
type Keying uint8

// ByPerson: by Member.Person; ByFields: by the values handed over, as
// advertising platforms do.
const (
	ByPerson Keying = iota
	ByFields
)

// Keying returns how this type of destination recognises a member. Both
// present types go by the person id.
func (s Spec) Keying() Keying { return ByPerson }

type problems []fault.Problem

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, fault.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Validate returns every mistake in the destination, in the order of its fields.
func (s Spec) Validate() []fault.Problem {
	var out problems
	if !ValidName(s.Name) {
		out.add("name", "The destination needs a name of letters, digits, - and _, at most 100 characters.")
	}
	if strings.TrimSpace(s.Owner) == "" {
		out.add("owner", "The destination has no owner; name the team that answers for it.")
	}
	seen := map[string]bool{}
	for i, p := range s.Purposes {
		path := fmt.Sprintf("purposes[%d]", i)
		if strings.TrimSpace(p) == "" {
			out.add(path, "This purpose is empty; name one or remove the line.")
		} else if seen[p] {
			out.add(path, "The purpose %s is listed twice; remove one.", p)
		}
		seen[p] = true
	}
	s.validateType(&out)
	if s.BatchSize < 0 || s.BatchSize > MaxBatchSize {
		out.add("batchSize", "A hand-over holds 1 to %d members; leave it out for %d.", MaxBatchSize, DefaultBatchSize)
	}
	if !(s.RatePerSecond >= 0 && s.RatePerSecond <= MaxRatePerSecond) { // written so that NaN fails
		out.add("ratePerSecond", "The rate lies between 0 (no limit) and %d hand-overs a second.", MaxRatePerSecond)
	}
	return out
}

func (s Spec) validateType(out *problems) {
	switch s.Type {
	case TypeWebhook:
		if s.Webhook == nil {
			out.add("webhook", "A destination of type webhook needs a webhook section with url and secretEnv.")
		}
	case TypeCSV:
		if s.CSV == nil {
			out.add("csv", "A destination of type csv needs a csv section with folder.")
		}
	default:
		out.add("type", "%q is not a type of destination; choose webhook or csv.", s.Type)
	}
	if s.Webhook != nil {
		if s.Type == TypeCSV {
			out.add("webhook", "A destination of type csv has no webhook section; remove it or change the type.")
		}
		s.Webhook.validate(out)
	}
	if s.CSV != nil {
		if s.Type == TypeWebhook {
			out.add("csv", "A destination of type webhook has no csv section; remove it or change the type.")
		}
		s.CSV.validate(out)
	}
}

func (w WebhookSpec) validate(out *problems) {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		out.add("webhook.url", "This is not a web address; write it in full, such as https://example.org/hook.")
	case u.User != nil:
		out.add("webhook.url", "The address holds a user or password; remove it, the signature proves who sends.")
	case u.Fragment != "":
		out.add("webhook.url", "The address ends in a # part, which is never sent; remove it.")
	case u.Scheme == "http" && !w.AllowPrivate:
		out.add("webhook.url", "Personal data does not travel unencrypted; use https, or allowPrivate for a system in your own network.")
	}
	if !envName.MatchString(w.SecretEnv) {
		out.add("webhook.secretEnv", "Name the environment variable that holds the whsec_ secret, such as SHOP_WEBHOOK_SECRET.")
	}
}

func (c CSVSpec) validate(out *problems) {
	if c.Folder == "" || !filepath.IsLocal(c.Folder) || strings.ContainsAny(c.Folder, "\x00\\") {
		out.add("csv.folder", "The folder is a path inside the data directory, such as exports/ads, without .. and without a leading slash.")
	}
}
