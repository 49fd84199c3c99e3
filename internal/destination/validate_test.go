package destination

import (
	"math"
	"strings"
	"testing"

	"parley/internal/fault"
)

func good() Spec {
	return Spec{Name: "shop", Owner: "crm", Type: TypeWebhook, Purposes: []string{"ads"},
		Webhook: &WebhookSpec{URL: "https://example.org/hook", SecretEnv: "SHOP_SECRET"}}
}

func TestSpecValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Spec)
		want   string
	}{
		"good":                {func(*Spec) {}, ""},
		"good csv":            {func(s *Spec) { s.Type, s.Webhook, s.CSV = TypeCSV, nil, &CSVSpec{Folder: "out/ads"} }, ""},
		"no purposes":         {func(s *Spec) { s.Purposes = nil }, ""},
		"name with a slash":   {func(s *Spec) { s.Name = "a/b" }, "name"},
		"no owner":            {func(s *Spec) { s.Owner = " " }, "owner"},
		"purpose twice":       {func(s *Spec) { s.Purposes = []string{"ads", "", "ads"} }, "purposes[1],purposes[2]"},
		"no type":             {func(s *Spec) { s.Type = "" }, "type"},
		"section missing":     {func(s *Spec) { s.Webhook = nil }, "webhook"},
		"foreign section":     {func(s *Spec) { s.CSV = &CSVSpec{Folder: "x"} }, "csv"},
		"relative address":    {func(s *Spec) { s.Webhook.URL = "/hook" }, "webhook.url"},
		"unparsable address":  {func(s *Spec) { s.Webhook.URL = "https://%zz" }, "webhook.url"},
		"other scheme":        {func(s *Spec) { s.Webhook.URL = "ftp://example.org" }, "webhook.url"},
		"password in address": {func(s *Spec) { s.Webhook.URL = "https://a:b@example.org" }, "webhook.url"},
		"fragment":            {func(s *Spec) { s.Webhook.URL = "https://example.org/#x" }, "webhook.url"},
		"unencrypted":         {func(s *Spec) { s.Webhook.URL = "http://example.org" }, "webhook.url"},
		"unencrypted at home": {func(s *Spec) { s.Webhook.URL, s.Webhook.AllowPrivate = "http://localhost:1", true }, ""},
		"secret in the spec":  {func(s *Spec) { s.Webhook.SecretEnv = "whsec_abc=" }, "webhook.secretEnv"},
		"folder outside":      {func(s *Spec) { s.Type, s.Webhook, s.CSV = TypeCSV, nil, &CSVSpec{Folder: "../x"} }, "csv.folder"},
		"folder absolute":     {func(s *Spec) { s.Type, s.Webhook, s.CSV = TypeCSV, nil, &CSVSpec{Folder: "/etc"} }, "csv.folder"},
		"batch too large":     {func(s *Spec) { s.BatchSize = MaxBatchSize + 1 }, "batchSize"},
		"rate negative":       {func(s *Spec) { s.RatePerSecond = -1 }, "ratePerSecond"},
		"rate not a number":   {func(s *Spec) { s.RatePerSecond = math.NaN() }, "ratePerSecond"},
	} {
		t.Run(name, func(t *testing.T) {
			s := good()
			c.change(&s)
			var paths []string
			for _, p := range s.Validate() {
				paths = append(paths, p.Path)
			}
			if got := strings.Join(paths, ","); got != c.want {
				t.Errorf("problems at %q, want %q", got, c.want)
			}
		})
	}
}

func TestRegistryOpen(t *testing.T) {
	opened := 0
	r := Registry{TypeWebhook: func(Spec, Env) (Connector, error) { opened++; return nil, nil }}
	if _, err := r.Open(good(), Env{}); err != nil || opened != 1 {
		t.Fatalf("opened %d times, %v", opened, err)
	}
	bad := good()
	bad.Webhook.URL = "nonsense"
	other := good()
	other.Type, other.Webhook, other.CSV = TypeCSV, nil, &CSVSpec{Folder: "x"}
	for _, s := range []Spec{bad, other} {
		if _, err := r.Open(s, Env{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", s.Type, err)
		}
	}
	if opened != 1 {
		t.Error("an invalid spec reached its opener")
	}
}
