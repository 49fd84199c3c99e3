package workspace

import (
	"os"
	"strings"
	"testing"
)

// mistakeCase is a document that is read as mistake.yaml beside the valid base,
// and every issue it must lead to.
type mistakeCase struct {
	name string
	yaml string
	want []string
}

// hostile are the cases that a text file cannot hold, or not readably.
var hostile = []mistakeCase{
	{"another encoding", "kind: team\nname: a\ntitle: caf\xe9\n", []string{
		`mistake.yaml:3: This line is not UTF-8; save the file in that encoding.`,
	}},
	{"a control character", "kind: team\nname: a\ntitle: a\x01b\n", []string{
		`mistake.yaml:3: This line holds an invisible control character; remove it.`,
	}},
	{"too deep in brackets", "kind: audience\nname: a\nowner: it\nwhere:\n  " + strings.Repeat("{all: [", 40) + strings.Repeat("]}", 40), []string{
		`mistake.yaml:5: The document is nested more than 64 levels deep; flatten it.`,
	}},
	{"too deep in dashes", "kind: audience\nname: a\nowner: it\nwhere:\n  " + strings.Repeat("- ", 100) + "x\n", []string{
		`mistake.yaml:5: The document is nested more than 64 levels deep; flatten it.`,
	}},
	{"an audience deeper than can be read", "kind: audience\nname: a\nowner: it\nwhere:\n  " + strings.Repeat("{not: ", 20) + "{identified: email}" + strings.Repeat("}", 20), []string{
		`mistake.yaml:5: audience a: where.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not.not: Conditions lie more than 16 deep; move the inner part into an audience of its own and refer to it.`,
	}},
}

// mistakes are the cases of testdata/mistakes.golden, which says how it is
// written, and the hostile ones.
func mistakes(t testing.TB) []mistakeCase {
	t.Helper()
	golden, err := os.ReadFile("testdata/mistakes.golden")
	if err != nil {
		t.Fatal(err)
	}
	var cases []mistakeCase
	for _, part := range strings.Split(string(golden), "\n## ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		c := mistakeCase{name: name}
		for line := range strings.Lines(body) {
			if sentence, ok := strings.CutPrefix(line, "> "); ok {
				c.want = append(c.want, strings.TrimSuffix(sentence, "\n"))
			} else if len(c.want) == 0 {
				c.yaml += line
			}
		}
		cases = append(cases, c)
	}
	if len(cases) < 50 {
		t.Fatalf("only %d cases were read", len(cases))
	}
	return append(cases, hostile...)
}

// base is a small workspace without mistakes.
const base = `
{kind: team, name: it, side: it}
---
{kind: team, name: shop, side: marketing}
---
kind: DataContract
apiVersion: v3.1.0
id: web
name: web
version: 1.0.0
status: active
schema:
  - name: Order
---
{kind: source, name: web, owner: it, type: http, contract: web, writeKey: k}
---
kind: identity
name: people
owner: it
namespaces:
  - {name: email, normalise: email}
  - {name: user_id}
---
{kind: trait, name: email, owner: it}
---
{kind: purpose, name: ads, owner: shop, basis: consent}
---
{kind: purpose, name: service, owner: it, basis: contract, ground: Needed for the order.}
---
{kind: audience, name: buyers, owner: shop, where: {event: {name: Order}}}
---
{kind: destination, name: files, owner: shop, type: csv, purposes: [ads], csv: {folder: out}}
`

func TestMistakesNameThePlaceAndTheWayOut(t *testing.T) {
	for _, c := range mistakes(t) {
		t.Run(c.name, func(t *testing.T) {
			_, issues := Parse(map[string][]byte{"base.yaml": []byte(base), "mistake.yaml": []byte(c.yaml)})
			var got []string
			for _, i := range issues {
				got = append(got, i.String())
			}
			if len(c.want) == 0 || strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
			}
		})
	}
}
