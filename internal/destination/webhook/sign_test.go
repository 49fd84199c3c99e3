package webhook

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/fault"
)

// The vector of the Standard Webhooks reference library's tests.
const (
	goldenSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	goldenID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	goldenBody   = `{"test": 2432232314}`
	goldenSig    = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var goldenTime = time.Unix(1614265330, 0)

func TestSignGoldenVector(t *testing.T) {
	keys, err := ParseSecrets(goldenSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := keys.Sign(goldenID, goldenTime, []byte(goldenBody)); got != goldenSig {
		t.Errorf("got %s", got)
	}
}

func TestVerify(t *testing.T) {
	keys, _ := ParseSecrets(goldenSecret)
	old := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("o", 24)))
	both, err := ParseSecrets(old + "  " + goldenSecret)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := ParseSecrets(old)
	for name, c := range map[string]struct {
		keys          Secrets
		id, ts, sig   string
		body          string
		now           time.Time
		wantSignature bool
	}{
		"good":               {keys, goldenID, "1614265330", goldenSig, goldenBody, goldenTime, true},
		"late within five":   {keys, goldenID, "1614265330", goldenSig, goldenBody, goldenTime.Add(Tolerance), true},
		"too late":           {keys, goldenID, "1614265330", goldenSig, goldenBody, goldenTime.Add(Tolerance + time.Second), false},
		"too early":          {keys, goldenID, "1614265330", goldenSig, goldenBody, goldenTime.Add(-Tolerance - time.Second), false},
		"receiver rotates":   {both, goldenID, "1614265330", goldenSig, goldenBody, goldenTime, true},
		"sender rotates":     {keys, goldenID, "1614265330", both.Sign(goldenID, goldenTime, []byte(goldenBody)), goldenBody, goldenTime, true},
		"other scheme first": {keys, goldenID, "1614265330", "v1a,AAAA v2,!! " + goldenSig, goldenBody, goldenTime, true},
		"other key":          {other, goldenID, "1614265330", goldenSig, goldenBody, goldenTime, false},
		"other id":           {keys, "msg_x", "1614265330", goldenSig, goldenBody, goldenTime, false},
		"other time":         {keys, goldenID, "1614265331", goldenSig, goldenBody, goldenTime, false},
		"other body":         {keys, goldenID, "1614265330", goldenSig, goldenBody + " ", goldenTime, false},
		"no signature":       {keys, goldenID, "1614265330", "", goldenBody, goldenTime, false},
		"no timestamp":       {keys, goldenID, "", goldenSig, goldenBody, goldenTime, false},
		"scheme mislabelled": {keys, goldenID, "1614265330", strings.Replace(goldenSig, "v1,", "v2,", 1), goldenBody, goldenTime, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			h.Set(HeaderID, c.id)
			h.Set(HeaderTimestamp, c.ts)
			h.Set(HeaderSignature, c.sig)
			err := c.keys.Verify(h, []byte(c.body), c.now)
			if (err == nil) != c.wantSignature {
				t.Errorf("got %v", err)
			}
			if err != nil && fault.KindOf(err) != fault.Denied {
				t.Errorf("kind %v", fault.KindOf(err))
			}
		})
	}
}

func TestI12ParseSecretsNeverQuotesThem(t *testing.T) {
	for _, in := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***", "whsec_c2hvcnQ=", goldenSecret + " nonsense",
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))} {
		_, err := ParseSecrets(in)
		if fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%q was accepted: %v", in, err)
			continue
		}
		for _, w := range strings.Fields(in) {
			if strings.Contains(err.Error(), w) {
				t.Errorf("the error quotes the secret: %v", err)
			}
		}
	}
}

func FuzzParseSecrets(f *testing.F) {
	f.Add(goldenSecret)
	f.Add(goldenSecret + " " + goldenSecret)
	f.Add("whsec_")
	f.Add("\x00 whsec_AAAA")
	f.Fuzz(func(t *testing.T, in string) {
		keys, err := ParseSecrets(in)
		if err == nil && len(keys) == 0 {
			t.Error("no key and no error")
		}
	})
}
