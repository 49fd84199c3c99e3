// Package shopdata builds the data of the example company from the real UCI
// Online Retail file: a subset of its order lines, unchanged, and around those
// real customers a generated CRM, newsletter, web shop and e-mail campaign.
//
// There is no random number in it. Every choice is a SHA-256 of the id it is
// about, so that the same source file gives the same bytes on every machine,
// and a test can hold the committed files to this code.
package shopdata

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Now is the instant at which the example company is looked at: midnight after
// the last day of the real orders.
var Now = time.Date(2011, 12, 10, 0, 0, 0, 0, time.UTC)

// Heroes are the products the planned campaign offers: those of the shipped
// subset that most customers bought in the 30 days before Now. A test holds
// them to the data, because the workspace names them too.
var Heroes = []string{"22086", "22577", "22578", "23084"}

// Files are the names of what All writes.
var Files = []string{"orders.csv", "crm.csv", "newsletter.jsonl", "web.jsonl", "campaign.csv"}

// All reads the gzip-compressed source file and writes every file of the
// example into the folder out, which must exist.
func All(source, out string) error {
	lines, err := readOrders(source)
	if err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	shop := newCompany(lines)
	web := shop.web()
	for name, content := range map[string][]byte{
		"orders.csv":       ordersCSV(lines),
		"crm.csv":          shop.crmCSV(),
		"newsletter.jsonl": shop.newsletterJSONL(),
		"web.jsonl":        webJSONL(web),
		"campaign.csv":     shop.campaignCSV(web),
	} {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pick chooses a number in [0, n) for an id. The topic keeps choices about the
// same id independent of each other.
func pick(topic, id string, n int) int {
	sum := sha256.Sum256([]byte(topic + "\x00" + id))
	return int(binary.BigEndian.Uint64(sum[:8]) % uint64(n))
}

// oneIn says yes for about one id in n.
func oneIn(n int, topic, id string) bool { return pick(topic, id, n) == 0 }

// choose takes one of the values for an id.
func choose(topic, id string, values []string) string { return values[pick(topic, id, len(values))] }

// token is a short opaque id derived from an id.
func token(topic, id string) string {
	sum := sha256.Sum256([]byte(topic + "\x00" + id))
	return hex.EncodeToString(sum[:6])
}
