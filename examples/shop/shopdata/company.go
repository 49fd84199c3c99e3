package shopdata

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// stand is a person's base position on a purpose. All generated sources agree
// with it or say nothing; only a later withdrawal on the web contradicts them.
type stand string

const (
	silent  stand = ""
	granted stand = "granted"
	denied  stand = "denied"
)

// customer is a real customer number with a generated human around it.
type customer struct {
	id        string
	country   string // real, from the orders
	first     string
	last      string
	email     string
	shared    bool // the e-mail address is a shop's, used by several customers
	phone     string
	street    string
	postcode  string
	city      string
	birth     time.Time
	email1    stand // on e-mail marketing
	ads       stand
	inCRM     bool
	badCRM    bool // the CRM row breaks the contract
	firstSeen time.Time
}

// product is a shipped product with its latest real name and price.
type product struct {
	sku, name string
	price     float64
}

// company is everything the generators know.
type company struct {
	lines     []line
	customers []customer // by id
	products  []product  // best sellers first
}

func newCompany(lines []line) *company {
	c := &company{lines: lines}
	first, country := map[string]time.Time{}, map[string]string{}
	products := map[string]product{}
	for _, l := range lines {
		if l.good() {
			products[l.sku] = product{l.sku, strings.TrimSpace(l.name), l.price}
		}
		if l.customer == "" {
			continue
		}
		if _, known := first[l.customer]; !known {
			first[l.customer] = l.at
		}
		country[l.customer] = l.country
	}
	for id, at := range first {
		c.customers = append(c.customers, newCustomer(id, country[id], at))
	}
	sort.Slice(c.customers, func(i, j int) bool { return c.customers[i].id < c.customers[j].id })
	for _, sku := range bestSellers(lines, Now.AddDate(0, 0, -90), 60) {
		c.products = append(c.products, products[sku])
	}
	return c
}

func newCustomer(id, country string, first time.Time) customer {
	who := namesOf(country)
	c := customer{
		id: id, country: country, firstSeen: first,
		first: choose("first name", id, who.first), last: choose("last name", id, who.last),
		city:   choose("city", id, who.cities),
		street: fmt.Sprintf("%d %s", 1+pick("house", id, 180), choose("street", id, who.streets)),
		birth:  time.Date(1935+pick("birth year", id, 58), time.Month(1+pick("birth month", id, 12)), 1+pick("birth day", id, 28), 0, 0, 0, 0, time.UTC),
		email1: standOf(pick("email consent", id, 100), 55, 75),
		ads:    standOf(pick("ads consent", id, 100), 35, 65),
		inCRM:  !oneIn(10, "not in the CRM", id),
		badCRM: oneIn(30, "bad CRM row", id),
	}
	c.postcode, c.phone = postcodeOf(id, country), phoneOf(id, country)
	c.email = address(c.first, c.last, id)
	if oneIn(20, "shop address", id) {
		c.shared = true
		c.email = "info@" + choose("shop", id, shops)
	}
	return c
}

// standOf turns a percentile into a stand.
func standOf(percentile, grantedBelow, deniedBelow int) stand {
	switch {
	case percentile < grantedBelow:
		return granted
	case percentile < deniedBelow:
		return denied
	}
	return silent
}

// address is an e-mail address under a domain that is reserved for examples.
func address(first, last, id string) string {
	host := choose("mail host", id, []string{"example.com", "example.org", "example.net", "post.example", "mail.example"})
	return strings.ToLower(fold.Replace(first+"."+last)) + id[max(0, len(id)-4):] + "@" + host
}

// fold writes the letters of the name lists in ASCII.
var fold = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ç", "c", "ë", "e", "É", "E", " ", "", "'", "")

// phoneOf uses only numbers that are set aside for fiction, written in the
// several ways in which people type them.
func phoneOf(id, country string) string {
	n := pick("phone", id, 1000)
	switch country {
	case "Germany":
		return fmt.Sprintf("+49 30 23125 %03d", n)
	case "France":
		return fmt.Sprintf("+33 1 99 00 %02d %02d", n/100, n%100)
	}
	switch pick("phone style", id, 6) {
	case 0:
		return fmt.Sprintf("+447700900%03d", n)
	case 1:
		return fmt.Sprintf("07700 900%03d", n)
	case 2:
		return fmt.Sprintf("07700-900-%03d", n)
	case 3:
		return fmt.Sprintf("(0)7700 900 %03d", n)
	case 4:
		return fmt.Sprintf("020 7946 0%03d", n)
	}
	return ""
}

func postcodeOf(id, country string) string {
	if country == "United Kingdom" || country == "Channel Islands" {
		areas := []string{"AB", "BS", "CF", "EH", "EX", "GU", "LE", "LS", "NE", "OX", "SE", "SW", "YO"}
		letters := "ABDEFGHJLN"
		return fmt.Sprintf("%s%d %d%c%c", choose("area", id, areas), 1+pick("district", id, 28), pick("sector", id, 10),
			letters[pick("unit 1", id, 10)], letters[pick("unit 2", id, 10)])
	}
	return fmt.Sprintf("%05d", 10000+pick("postcode", id, 80000))
}
