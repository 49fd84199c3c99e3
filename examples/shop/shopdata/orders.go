package shopdata

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

// One customer in customerShare and one guest invoice in guestShare are shipped.
const (
	customerShare = 14
	guestShare    = 16
)

// orderHeader is the source's own header.
const orderHeader = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"

// line is one real order line of the shipped subset.
type line struct {
	raw      string // as it stands in the source
	number   int    // running number within its invoice, from 1
	invoice  string
	sku      string
	name     string
	quantity int
	at       time.Time // London wall clock, held as if it were UTC
	price    float64
	customer string // without the ".0" of the source; empty for a guest
	country  string
}

// readOrders returns the shipped lines in the order of the source.
func readOrders(path string) ([]line, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	scan := bufio.NewScanner(zipped)
	if !scan.Scan() || scan.Text() != orderHeader {
		return nil, fmt.Errorf("line 1 is not the header %q", orderHeader)
	}
	var lines []line
	numbers := map[string]int{}
	for at := 2; scan.Scan(); at++ {
		l, err := parseLine(scan.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", at, err)
		}
		if !shipped(l) {
			continue
		}
		numbers[l.invoice]++
		l.number = numbers[l.invoice]
		lines = append(lines, l)
	}
	return lines, scan.Err()
}

// parseLine reads one line of the source.
func parseLine(raw string) (line, error) {
	cells, err := split(raw)
	if err != nil {
		return line{}, err
	}
	if len(cells) != 8 {
		return line{}, fmt.Errorf("%d cells instead of 8", len(cells))
	}
	l := line{raw: raw, invoice: cells[0], sku: cells[1], name: cells[2],
		customer: strings.TrimSuffix(cells[6], ".0"), country: cells[7]}
	if l.quantity, err = strconv.Atoi(cells[3]); err != nil {
		return line{}, err
	}
	if l.at, err = time.Parse(time.DateTime, cells[4]); err != nil {
		return line{}, err
	}
	l.price, err = strconv.ParseFloat(cells[5], 64)
	return l, err
}

// split cuts a line into its cells. No real line holds a line break, and few hold
// a quote; the others are cut directly, which is much faster.
func split(raw string) ([]string, error) {
	if !strings.ContainsAny(raw, "\"\r\n") {
		return strings.Split(raw, ","), nil
	}
	r := csv.NewReader(strings.NewReader(raw))
	cells, err := r.Read()
	if err != nil {
		return nil, err
	}
	if _, err := r.Read(); err != io.EOF {
		return nil, fmt.Errorf("more than one record")
	}
	return cells, nil
}

// shipped takes whole customers and whole guest invoices, so that every
// cancellation stays beside the order it cancels.
func shipped(l line) bool {
	if l.customer == "" {
		return oneIn(guestShare, "guest invoice", l.invoice)
	}
	return oneIn(customerShare, "customer", l.customer)
}

// ordersCSV puts the running line number before each otherwise untouched line:
// the source repeats some lines exactly, and a row needs a key.
func ordersCSV(lines []line) []byte {
	var b bytes.Buffer
	b.WriteString("LineNo," + orderHeader + "\n")
	for _, l := range lines {
		fmt.Fprintf(&b, "%d,%s\n", l.number, l.raw)
	}
	return b.Bytes()
}

// good says whether a line is one for goods that the contract lets in; the
// generator needs it only to make plausible choices.
func (l line) good() bool {
	return l.price >= 0.01 && l.name != "" && len(l.sku) >= 5 && l.sku[0] >= '0' && l.sku[0] <= '9'
}

// bestSellers lists up to n products by the number of different customers who
// bought them (net of cancellations) since the given instant, most first.
func bestSellers(lines []line, since time.Time, n int) []string {
	bought := map[[2]string]int{}
	for _, l := range lines {
		if l.good() && l.customer != "" && l.at.After(since) {
			bought[[2]string{l.sku, l.customer}] += l.quantity
		}
	}
	buyers := map[string]int{}
	for k, q := range bought {
		if q > 0 {
			buyers[k[0]]++
		}
	}
	skus := make([]string, 0, len(buyers))
	for s := range buyers {
		skus = append(skus, s)
	}
	sort.Slice(skus, func(i, j int) bool {
		if buyers[skus[i]] != buyers[skus[j]] {
			return buyers[skus[i]] > buyers[skus[j]]
		}
		return skus[i] < skus[j]
	})
	return skus[:min(n, len(skus))]
}
