package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/internal/destination"
	"parley/internal/destination/destinationtest"
	"parley/internal/destination/webhook"
	"parley/internal/fault"
	"parley/internal/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func clock() *lifecycle.Manual {
	return lifecycle.NewManual(time.Date(2011, 10, 3, 9, 0, 0, 0, time.UTC))
}

func open(t *testing.T, url string, private bool, timeout time.Duration) destination.Connector {
	t.Helper()
	c, err := webhook.Open(destination.Spec{Name: "shop", Webhook: &webhookSpec{URL: url, SecretEnv: "S", AllowPrivate: private}},
		destination.Env{Clock: clock(), Timeout: timeout, Getenv: func(string) string { return secret }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

type webhookSpec = destination.WebhookSpec

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestWebhookConforms(t *testing.T) {
	destinationtest.Conform(t, func(t *testing.T) destinationtest.Subject {
		sink, err := destinationtest.NewWebhookSink(secret, clock())
		if err != nil {
			t.Fatal(err)
		}
		return destinationtest.Subject{Connector: open(t, serve(t, sink), true, 0), Effect: sink.Effect}
	})
}

func TestSinkRefusesWhatIsNotSigned(t *testing.T) {
	sink, _ := destinationtest.NewWebhookSink("whsec_"+strings.Repeat("A", 32), clock())
	results, err := open(t, serve(t, sink), true, 0).Deliver(context.Background(), destinationtest.Batch("b", 1))
	if err != nil || results[0].Outcome != destination.Rejected || len(sink.Received()) != 0 {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	reached := make(chan struct{}, 1)
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	url := serve(t, http.RedirectHandler(other, http.StatusTemporaryRedirect))
	results, err := open(t, url, true, 0).Deliver(context.Background(), destinationtest.Batch("b", 1))
	if err != nil || results[0].Outcome != destination.Retry {
		t.Errorf("%+v, %v", results, err)
	}
	select {
	case <-reached:
		t.Error("the redirect was followed")
	default:
	}
}

func TestPrivateAddressesAreBlockedAtDialTime(t *testing.T) {
	sink, _ := destinationtest.NewWebhookSink(secret, clock())
	url := serve(t, sink)
	// A name is only resolved when dialling; checking the text would not do.
	for _, u := range []string{url, strings.Replace(url, "127.0.0.1", "localhost", 1)} {
		_, err := open(t, u, false, 0).Deliver(context.Background(), destinationtest.Batch("b", 1))
		if err == nil || fault.KindOf(err) != fault.Denied {
			t.Errorf("%v", err)
		}
	}
	if len(sink.Received()) != 0 {
		t.Error("a private address was reached")
	}
}

func TestSilenceEndsWithTheTimeout(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(func() { close(release) }) // runs before the server closes
	_, err := open(t, url, true, 20*time.Millisecond).Deliver(context.Background(), destinationtest.Batch("b", 1))
	if fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("%v", err)
	}
}

func TestI12NetworkErrorsDoNotQuoteTheAddress(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL + "/?token=topsecret"
	s.Close()
	_, err := open(t, url, true, 0).Deliver(context.Background(), destinationtest.Batch("b", 1))
	if err == nil || strings.Contains(err.Error(), "topsecret") || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestOpenNamesTheVariableNotTheSecret(t *testing.T) {
	_, err := webhook.Open(destination.Spec{Name: "shop", Webhook: &webhookSpec{URL: "https://example.org", SecretEnv: "SHOP_SECRET"}},
		destination.Env{Clock: clock(), Getenv: func(string) string { return "hunter2" }})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), "SHOP_SECRET") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
