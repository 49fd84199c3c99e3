package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/client"
)

// request is what one HTTP request carries: a single message or a batch.
type request []client.Message

// input is everything that comes in, the same for every run. What it leads to
// does not depend on the order in which it arrives, except for the files, which
// are imported one after the other.
type input struct {
	requests []request
	files    []string // CSV texts for the source crm
	users    int
	expires  time.Time // when the last membership has ended by itself
}

// begin is when the youngest ordinary event happened, in days before the run:
// far from the 30 days at which an audience looks.
const recent, longAgo = 5, 60

// newInput makes up the events of users and files of rows about them. Times count
// back from base, so that no window ends between two runs but those that are to.
func newInput(seed uint64, base time.Time, users, each, files int) *input {
	random := rand.New(rand.NewPCG(seed, 1))
	in := &input{users: users}
	var messages []client.Message
	var flashes request
	instant := 0
	for u := range users {
		for n := range each {
			instant++
			messages = append(messages, message(random, base, u, n, instant))
		}
		if u%5 == 0 {
			at := base.Add(-time.Hour + 8*time.Second + time.Duration(u%19)*time.Second)
			if end := at.Add(time.Hour); end.After(in.expires) {
				in.expires = end
			}
			flashes = append(flashes, client.Message{"type": "track", "event": "Flash", "messageId": fmt.Sprintf("f%d", u),
				"userId": userID(u), "timestamp": stamp(at)})
		}
	}
	random.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	in.requests = []request{flashes} // first, because they wait for nobody
	for len(messages) > 0 {
		n := 1
		if random.IntN(5) < 2 {
			n = min(2+random.IntN(24), len(messages))
		}
		in.requests = append(in.requests, messages[:n])
		messages = messages[n:]
	}
	for f := range files {
		in.files = append(in.files, file(base, users, f))
	}
	return in
}

func userID(u int) string      { return fmt.Sprintf("u%d", u) }
func email(u int) string       { return fmt.Sprintf("user%d@example.org", u) }
func device(u, n int) string   { return fmt.Sprintf("a%d-%d", u, n%3) }
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// message is the n-th message of a user. Users divisible by 7 never log in on
// the web, so their devices stay people of their own.
func message(random *rand.Rand, base time.Time, u, n, instant int) client.Message {
	days := recent
	if u%3 == 0 {
		days = longAgo
	}
	m := client.Message{"messageId": fmt.Sprintf("m%d-%d", u, n), "anonymousId": device(u, n),
		"timestamp": stamp(base.AddDate(0, 0, -days).Add(-time.Duration(instant) * time.Millisecond))}
	switch {
	case n < 3 && u%7 != 0: // each device once
		m["type"], m["userId"] = "identify", userID(u)
		m["traits"] = map[string]any{"colour": []string{"red", "green", "blue"}[random.IntN(3)]}
		if n == 0 {
			m["traits"].(map[string]any)["email"] = email(u)
		}
		if u%11 == 0 {
			m["context"] = map[string]any{"consent": map[string]any{"categoryPreferences": map[string]any{"ads": n != 1}}}
		}
	case n%13 == 12: // breaks the contract: no sku
		m["type"], m["event"], m["properties"] = "track", "Order", map[string]any{"quantity": 100}
	case n%4 == 3 && u%2 == 0:
		m["type"], m["event"] = "track", "Order"
		m["properties"] = map[string]any{"sku": fmt.Sprintf("s%d", random.IntN(20)), "quantity": 1 + random.IntN(20)}
	default:
		m["type"], m["event"] = "track", "Viewed"
	}
	return m
}

// file is the f-th export of the CRM: some rows are new, some are changed since
// the one before, and one breaks the contract.
func file(base time.Time, users, f int) string {
	var b strings.Builder
	b.WriteString("id,email,name,mail,ads,updated\n")
	yes := func(on bool) string {
		if on {
			return "Y"
		}
		return "N"
	}
	for u := range users {
		if (u+f)%3 == 0 {
			continue // not in this export
		}
		at := base.AddDate(0, 0, -recent).Add(time.Duration(f)*time.Hour + time.Duration(u)*time.Second)
		fmt.Fprintf(&b, "%s,%s,Name %d.%d,%s,%s,%s\n", userID(u), email(u), u, (u+f)%4, yes((u+f)%4 != 0), yes(u%5 != 0 && f != 1), at.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(&b, "broken%d,,a name of more than twenty characters,Y,Y,%s\n", f, base.UTC().Format(time.RFC3339))
	return b.String()
}

// writeFiles puts the exports into a folder and returns their paths in order.
func (in *input) writeFiles(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var out []string
	for i, text := range in.files {
		path := filepath.Join(dir, fmt.Sprintf("crm-%d.csv", i))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out = append(out, path)
	}
	return out
}

// identifiers lists everyone the input names, as namespace and value.
func (in *input) identifiers() [][2]string {
	var out [][2]string
	for u := range in.users {
		out = append(out, [2]string{"user_id", userID(u)}, [2]string{"email", email(u)})
		for d := range 3 {
			out = append(out, [2]string{"anonymous_id", device(u, d)})
		}
	}
	return out
}
