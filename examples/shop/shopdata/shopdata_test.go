package shopdata

import (
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

const source = "../../../../shared/data/online_retail/online_retail.csv.gz"

func shop(t *testing.T) *company {
	t.Helper()
	if _, err := os.Stat(source); err != nil {
		t.Skipf("the UCI Online Retail file is not at %s", source)
	}
	lines, err := orders()
	if err != nil {
		t.Fatal(err)
	}
	return newCompany(lines)
}

// orders reads the source once for all tests.
var orders = sync.OnceValues(func() ([]line, error) { return readOrders(source) })

func TestHeroesAreTheBestSellersOfTheLast30Days(t *testing.T) {
	got := bestSellers(shop(t).lines, Now.AddDate(0, 0, -30), len(Heroes))
	slices.Sort(got)
	if !slices.Equal(got, Heroes) {
		t.Errorf("best sellers are %v, the workspace names %v", got, Heroes)
	}
}

// TestSubsetKeepsCancellationsAndGuests counts what the subset must not lose.
func TestSubsetKeepsCancellationsAndGuests(t *testing.T) {
	var cancelled, guests int
	numbers := map[string]int{}
	for _, l := range shop(t).lines {
		if numbers[l.invoice]++; l.number != numbers[l.invoice] {
			t.Fatalf("invoice %s: line number %d, want %d", l.invoice, l.number, numbers[l.invoice])
		}
		if strings.HasPrefix(l.invoice, "C") {
			cancelled++
		}
		if l.customer == "" {
			guests++
		}
	}
	if cancelled == 0 || guests == 0 {
		t.Errorf("%d cancelled lines and %d guest lines are shipped, want both", cancelled, guests)
	}
}

// TestPrivateAddressesAreUnique keeps two invented humans apart, customers and
// newsletter strangers alike.
func TestPrivateAddressesAreUnique(t *testing.T) {
	seen := map[string]string{}
	people := shop(t).customers
	for n := range strangers {
		people = append(people, stranger(n))
	}
	for _, c := range people {
		if other := seen[c.email]; other != "" && !(c.shared) {
			t.Errorf("%s and %s share an address", other, c.id)
		}
		seen[c.email] = c.id
	}
}

func TestParseLineRefusesWhatIsNoOrderLine(t *testing.T) {
	for name, raw := range map[string]string{
		"ragged":   "536365,85123A,HOLDER,6",
		"quantity": "536365,85123A,HOLDER,six,2010-12-01 08:26:00,2.55,17850.0,United Kingdom",
		"time":     "536365,85123A,HOLDER,6,1.12.2010,2.55,17850.0,United Kingdom",
		"price":    "536365,85123A,HOLDER,6,2010-12-01 08:26:00,free,17850.0,United Kingdom",
		"empty":    "",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseLine(raw); err == nil {
				t.Error("no error")
			}
		})
	}
	l, err := parseLine(`C536379,D,"Discount, manual",-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom`)
	if err != nil || l.customer != "14527" || l.quantity != -1 || l.name != "Discount, manual" || l.good() {
		t.Errorf("got %+v, %v", l, err)
	}
}

// FuzzSplit holds the direct cut to the CSV reader wherever both give cells, and
// parseLine to an error or a line with its text.
func FuzzSplit(f *testing.F) {
	f.Add("536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom")
	f.Add(`C536379,D,"Discount, manual",-1,2010-12-01 09:41:00,27.5,,EIRE`)
	f.Add(`,,"`)
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := split(raw)
		want, wantErr := csv.NewReader(strings.NewReader(raw)).Read()
		if err == nil && wantErr == nil && !slices.Equal(got, want) {
			t.Errorf("cut into %q, the CSV reader says %q", got, want)
		}
		if l, err := parseLine(raw); err == nil && (len(got) != 8 || l.raw != raw) {
			t.Errorf("a line of %d cells was accepted or changed", len(got))
		}
	})
}
