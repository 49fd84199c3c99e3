package workspace

import (
	"strings"
	"testing"
)

// mistakes is what people get wrong, and every sentence they get for it. Each
// document is read as mistake.yaml beside the valid base.
var mistakes = []struct {
	name string
	yaml string
	want []string
}{
	{"unknown field, with what was meant", `kind: audience
name: a
onwer: it
owner: it
where: {identified: email}
`, []string{
		`mistake.yaml:3: audience a: onwer: There is no field "onwer"; did you mean "owner"?`,
	}},
	{"unknown field deep inside", `kind: audience
name: a
owner: it
where:
  all:
    - identified: email
    - event:
        name: Order
        atleast: 2
`, []string{
		`mistake.yaml:9: audience a: where.all[1].event.atleast: There is no field "atleast"; did you mean "atLeast"?`,
	}},
	{"unknown field unlike any other", `kind: team
name: a
side: it
colour: red
`, []string{
		`mistake.yaml:4: team a: colour: There is no field "colour"; there is contact, name, side, title.`,
	}},
	{"a field in the wrong case", `kind: team
Name: a
name: a
side: it
`, []string{
		`mistake.yaml:2: team a: Name: There is no field "Name"; did you mean "name"?`,
	}},
	{"a field in the wrong case of a contract", `kind: DataContract
apiVersion: v3.1.0
id: a
name: a
version: '1'
status: active
schema:
  - name: row
    Properties:
      - {name: x}
`, []string{
		`mistake.yaml:9: DataContract a: schema[0].Properties: There is no field "Properties"; did you mean "properties"?`,
	}},
	{"a field that the contract's standard lacks", `kind: DataContract
apiVersion: v3.1.0
id: a
name: a
version: '1'
status: active
schema:
  - name: row
    properties:
      - name: x
        requird: true
`, []string{
		`mistake.yaml:11: DataContract a: schema[0].properties[0].requird: ODCS v3.1 has no field "requird" here; correct its spelling or put it under customProperties.`,
	}},
	{"wrong type within a contract", `kind: DataContract
apiVersion: v3.1.0
id: a
name: a
version: 1.0
status: active
schema:
  - name: row
    properties:
      - name: x
        required: "yes"
        logicalTypeOptions:
          maxLength: long
`, []string{
		`mistake.yaml:5: DataContract a: version: This should be a text, not a number; put it in quotes.`,
		`mistake.yaml:11: DataContract a: schema[0].properties[0].required: This should be true or false, not a text; write true or false without quotes.`,
		`mistake.yaml:13: DataContract a: schema[0].properties[0].logicalTypeOptions.maxLength: This should be a number, not a text; write plain digits without quotes.`,
	}},
	{"a list where fields are wanted", `kind: destination
name: a
owner: it
type: csv
purposes: [ads]
csv:
  - folder: out
`, []string{
		`mistake.yaml:6: destination a: csv: This should be a group of fields, not a list; write its fields as name: value.`,
	}},
	{"fields where a list is wanted", `kind: form
name: a
owner: it
purpose: ads
fields:
  email: trait.email
`, []string{
		`mistake.yaml:5: form a: fields: This should be a list, not a group of fields; begin each entry with a dash.`,
	}},
	{"a text where a list is wanted", `kind: destination
name: a
owner: it
type: csv
purposes: ads
csv: {folder: out}
`, []string{
		`mistake.yaml:5: destination a: purposes: This should be a list, not a text; put it in brackets, [like, this].`,
	}},
	{"a number where a text is wanted", `kind: team
name: a
side: it
contact: 555
`, []string{
		`mistake.yaml:4: team a: contact: This should be a text, not a number; put it in quotes.`,
	}},
	{"a text where a number is wanted", `kind: audience
name: a
owner: it
where:
  event:
    name: Order
    atLeast: "2"
`, []string{
		`mistake.yaml:7: audience a: where.event.atLeast: This should be a number, not a text; write plain digits without quotes.`,
	}},
	{"a text where a truth is wanted", `kind: trait
name: a
owner: it
personal: yes
`, []string{
		`mistake.yaml:4: trait a: personal: This should be true or false, not a text; write true or false without quotes.`,
	}},
	{"a fraction where a whole number is wanted", `kind: destination
name: a
owner: it
type: csv
purposes: []
csv: {folder: out}
batchSize: 2.5
`, []string{
		`mistake.yaml:7: destination a: batchSize: This should be a whole number such as 3, without a point or an exponent.`,
	}},
	{"a number beyond its type", `kind: destination
name: a
owner: it
type: csv
purposes: []
csv: {folder: out}
batchSize: 99999999999999999999
`, []string{
		`mistake.yaml:7: destination a: batchSize: The number is too large; write a smaller one.`,
	}},
	{"a number in another notation", `kind: audience
name: a
owner: it
where:
  trait: {name: email, op: is, value: 007}
`, []string{
		`mistake.yaml:5: audience a: where.trait.value: Write a number in plain digits such as 7, -3 or 0.5; put it in quotes if it is a text.`,
	}},
	{"not a number", `kind: destination
name: a
owner: it
type: csv
purposes: []
csv: {folder: out}
ratePerSecond: .inf
`, []string{
		`mistake.yaml:7: destination a: ratePerSecond: Write a number in plain digits such as 7, -3 or 0.5; put it in quotes if it is a text.`,
	}},
	{"a time without a zone", `kind: audience
name: a
owner: it
where:
  event:
    name: Order
    window:
      from: 2026-03-01
`, []string{
		`mistake.yaml:8: audience a: where.event.window.from: Write the time with its zone, such as 2026-03-01T00:00:00Z or 2026-03-01T00:00:00+01:00.`,
	}},
	{"a column that is neither text nor fields", `kind: source
name: a
owner: it
type: file
contract: web
object: Order
mapping:
  identifiers:
    email: 5
    user_id: {colum: id}
`, []string{
		`mistake.yaml:9: source a: mapping.identifiers.email: This should be a group of fields, not a number; write its fields as name: value.`,
		`mistake.yaml:10: source a: mapping.identifiers.user_id.colum: There is no field "colum"; did you mean "column"?`,
	}},
	{"an empty entry", `kind: source
name: a
owner: it
type: file
contract: web
object: Order
mapping:
  identifiers:
    email:
`, []string{
		`mistake.yaml:9: source a: mapping.identifiers.email: There is nothing here; fill it in or remove it.`,
	}},
	{"no kind", `name: a
owner: it
`, []string{
		`mistake.yaml:1: kind: Say what the document describes, such as kind: audience; there is team, term, DataContract, source, identity, trait, purpose, audience, destination, activation, form.`,
	}},
	{"a kind that is no text", `kind: 5
name: a
`, []string{
		`mistake.yaml:1: kind: This should be a text, not a number; put it in quotes if it is meant.`,
	}},
	{"unknown kind", `kind: team
name: z
side: it
---
kind: audiense
name: a
`, []string{
		`mistake.yaml:5: kind: There is no kind "audiense"; did you mean "audience"?`,
	}},
	{"no name", `kind: purpose

owner: it
`, []string{
		`mistake.yaml:1: purpose: name: Give the purpose a name; others refer to it by that name.`,
	}},
	{"a name that is no text", `kind: team
name: 22086
side: it
`, []string{
		`mistake.yaml:2: team: name: This should be a text, not a number; put it in quotes if it is meant.`,
	}},
	{"a name of capitals and blanks", `kind: audience
name: Recent Buyers
owner: it
where: {identified: email}
`, []string{
		`mistake.yaml:2: audience Recent Buyers: name: A name is 1 to 63 small letters, digits, dots, dashes and underscores, and begins with a letter or digit, such as recent-buyers; put what people read into title.`,
	}},
	{"a name too long", "kind: form\nname: " + strings.Repeat("a", 64) + "\nowner: it\npurpose: ads\nfields: [{name: x, from: trait.email}]\n", []string{
		`mistake.yaml:2: form aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: name: A name is 1 to 63 small letters, digits, dots, dashes and underscores, and begins with a letter or digit, such as recent-buyers; put what people read into title.`,
	}},
	{"a name taken in another file", `kind: team
name: b
side: it
---
kind: team
side: it
name: it
`, []string{
		`mistake.yaml:7: team it: name: The name is taken, see base.yaml:2; choose another, or remove one of the two.`,
	}},
	{"a second identity document", `kind: identity
name: others
owner: it
namespaces: [{name: email}]
`, []string{
		`mistake.yaml:1: identity others: kind: There is one identity document in a workspace, and base.yaml:17 is it; move the namespaces there.`,
	}},
	{"an unknown owner", `kind: purpose
name: a
owner: itt
basis: consent
`, []string{
		`mistake.yaml:3: purpose a: owner: There is no team "itt"; did you mean "it"?`,
	}},
	{"an owner unlike any team", `kind: term
name: first order
definition: The first one.
owner: somebody
`, []string{
		`mistake.yaml:4: term first order: owner: There is no team "somebody"; there is it, shop.`,
	}},
	{"no owner of a term", `kind: term
name: first order
definition: The first one.
`, []string{
		`mistake.yaml:1: term first order: owner: Name a team; there is it, shop.`,
	}},
	{"no owner of an audience", `kind: audience
name: a
where: {identified: email}
`, []string{
		`mistake.yaml:1: audience a: owner: It is empty; name the team that owns the audience.`,
	}},
	{"an unknown owner of a contract", `kind: DataContract
apiVersion: v3.1.0
id: a
name: a
version: '1'
status: active
team:
  name: its
schema: [{name: row}]
`, []string{
		`mistake.yaml:8: DataContract a: team.name: There is no team "its"; did you mean "it"?`,
	}},
	{"an unknown owner of a contract, as a custom property", `kind: DataContract
apiVersion: v3.1.0
id: a
name: a
version: '1'
status: active
customProperties:
  - property: owner
    value: its
schema: [{name: row}]
`, []string{
		`mistake.yaml:9: DataContract a: customProperties[0].value: There is no team "its"; did you mean "it"?`,
	}},
	{"an unknown contract", `{kind: source, name: a, owner: it, type: http, contract: wbe, writeKey: a}
`, []string{
		`mistake.yaml:1: source a: contract: There is no DataContract "wbe"; there is web.`,
	}},
	{"an object that the contract lacks", `kind: source
name: a
owner: it
type: file
contract: web
object: Ordr
mapping: {}
`, []string{
		`mistake.yaml:6: source a: object: There is no object in the schema of contract web called "Ordr"; did you mean "Order"?`,
	}},
	{"names in a mapping that nobody declared", `kind: source
name: a
owner: it
type: file
contract: web
object: Order
mapping:
  identifiers:
    mail: m
  traits:
    e.mail: m
  consents:
    adds: {column: o, granted: [Y], denied: [N]}
`, []string{
		`mistake.yaml:9: source a: mapping.identifiers.mail: There is no namespace "mail"; did you mean "email"?`,
		`mistake.yaml:11: source a: mapping.traits.e.mail: There is no trait "e.mail"; did you mean "email"?`,
		`mistake.yaml:13: source a: mapping.consents.adds: There is no purpose "adds"; did you mean "ads"?`,
	}},
	{"an undeclared trait in an audience", `kind: audience
name: a
owner: it
where:
  any:
    - identified: email
    - not:
        trait: {name: emial, op: exists}
`, []string{
		`mistake.yaml:8: audience a: where.any[1].not.trait.name: There is no trait "emial"; did you mean "email"?`,
	}},
	{"an undeclared purpose, namespace and audience", `kind: audience
name: a
owner: it
where:
  all:
    - consent: {purpose: ad, is: granted}
    - identified: emal
    - audience: buyer
`, []string{
		`mistake.yaml:6: audience a: where.all[0].consent.purpose: There is no purpose "ad"; did you mean "ads"?`,
		`mistake.yaml:7: audience a: where.all[1].identified: There is no namespace "emal"; did you mean "email"?`,
		`mistake.yaml:8: audience a: where.all[2].audience: There is no audience "buyer"; did you mean "buyers"?`,
	}},
	{"an undeclared source of a trait", `kind: trait
name: a
owner: it
rule: source_priority
sources: [web, crm]
`, []string{
		`mistake.yaml:5: trait a: sources[1]: There is no source "crm"; there is web.`,
	}},
	{"an undeclared purpose of a destination", `{kind: destination, name: a, owner: it, type: csv, purposes: [adz], csv: {folder: o}}
`, []string{
		`mistake.yaml:1: destination a: purposes[0]: There is no purpose "adz"; did you mean "ads"?`,
	}},
	{"an activation that points at nothing", `kind: activation
name: a
owner: it
audience: buyerz
destination: file
mode: include
purpose: ads
fields:
  email: trait.mail
  id: identifier.userid
`, []string{
		`mistake.yaml:4: activation a: audience: There is no audience "buyerz"; did you mean "buyers"?`,
		`mistake.yaml:5: activation a: destination: There is no destination "file"; did you mean "files"?`,
		`mistake.yaml:9: activation a: fields.email: There is no trait "mail"; did you mean "email"?`,
		`mistake.yaml:10: activation a: fields.id: There is no namespace "userid"; did you mean "user_id"?`,
	}},
	{"a destination that does not serve the purpose", `kind: activation
name: a
owner: it
audience: buyers
destination: files
mode: include
purpose: service
fields: {email: trait.email}
`, []string{
		`mistake.yaml:7: activation a: purpose: The destination files does not serve the purpose service; add it to the destination's purposes, or choose one of ads.`,
	}},
	{"a destination that serves no purpose", `kind: destination
name: none
owner: it
type: csv
purposes: []
csv: {folder: o}
---
kind: activation
name: a
owner: it
audience: buyers
destination: none
mode: include
purpose: service
fields: {email: trait.email}
`, []string{
		`mistake.yaml:14: activation a: purpose: The destination none does not serve the purpose service; add it to the destination's purposes.`,
	}},
	{"a form that asks for what nobody holds", `kind: form
name: a
owner: it
purpose: service
fields:
  - name: x
    from: trait.nope
`, []string{
		`mistake.yaml:7: form a: fields[0].from: There is no trait "nope"; there is email.`,
	}},
	{"audiences in a circle", `kind: audience
name: a
owner: it
where: {audience: b}
---
kind: audience
name: b
owner: it
where:
  all:
    - identified: email
    - audience: a
`, []string{
		`mistake.yaml:12: audience b: where.all[1].audience: Audiences refer to each other in a circle: a → b → a; remove one of the references.`,
	}},
	{"an audience of itself", `kind: audience
name: a
owner: it
where:
  not: {audience: a}
`, []string{
		`mistake.yaml:5: audience a: where.not.audience: Audiences refer to each other in a circle: a → a; remove one of the references.`,
	}},
	{"two sources with one write key", `kind: source
name: app
owner: it
type: http
contract: web
writeKey: k
`, []string{
		`base.yaml:15: source web: writeKey: The source app has the same write key, so that nobody could tell their events apart; give each its own.`,
	}},
	{"a field written twice", `kind: team
name: a
side: it
side: marketing
`, []string{
		`mistake.yaml:4: team a: side: The field is written twice; keep one.`,
	}},
	{"a quote that does not end", `kind: team
name: a
title: "A
side: it
`, []string{
		`mistake.yaml:3: This is not valid YAML: could not find end character of double-quoted text; look here and on the line above for a missing quote, colon, bracket or space.`,
	}},
	{"a bracket that does not end", `kind: team
name: a
side: [it
`, []string{
		`mistake.yaml:3: This is not valid YAML: sequence end token ']' not found; look here and on the line above for a missing quote, colon, bracket or space.`,
	}},
	{"a tab", "kind: audience\nname: a\nowner: it\nwhere:\n\tidentified: email\n", []string{
		`mistake.yaml:5: A tab indents this line; YAML allows spaces only.`,
	}},
	{"an anchor and an alias", `kind: team
name: a
side: it
title: &t A
contact: *t
`, []string{
		`mistake.yaml:4: team a: title: Anchors and aliases (& and *) are not used here; write the value out, or put it in quotes if it is a text.`,
		`mistake.yaml:5: team a: contact: Anchors and aliases (& and *) are not used here; write the value out, or put it in quotes if it is a text.`,
	}},
	{"a merge", `kind: team
name: a
<<: {side: it}
`, []string{
		`mistake.yaml:3: team a: A field is named by a plain text here, and << is not used; write name: value.`,
	}},
	{"a tag", `kind: team
name: a
side: !!str it
`, []string{
		`mistake.yaml:3: team a: side: Tags (!) are not used here; remove the tag, or put the value in quotes if it is a text.`,
	}},
	{"a field with fields for a name", `kind: team
name: a
side: it
? [x]
: y
`, []string{
		`mistake.yaml:5: This is not valid YAML: found an invalid key for this map; look here and on the line above for a missing quote, colon, bracket or space.`,
	}},
	{"a list for a document", `- kind: team
`, []string{
		`mistake.yaml:1: A document is made of fields such as kind: audience, one a line; this is a list.`,
	}},
	{"a text for a document", `team
`, []string{
		`mistake.yaml:1: A document is made of fields such as kind: audience, one a line; this is a text.`,
	}},
	{"another encoding", "kind: team\nname: a\ntitle: caf\xe9\n", []string{
		`mistake.yaml:3: This line is not UTF-8; save the file in that encoding.`,
	}},
	{"a control character", "kind: team\nname: a\ntitle: a\x01b\n", []string{
		`mistake.yaml:3: This line holds an invisible control character; remove it.`,
	}},
	{"a control character in disguise", "kind: team\nname: a\nside: it\ntitle: \"a\\0b\"\n", []string{
		`mistake.yaml:4: team a: title: The text holds an invisible control character; remove it.`,
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
	{"what is wrong in the meaning", `kind: audience
name: a
owner: it
where:
  all:
    - event:
        name: Order
        window:
          last: 30x
`, []string{
		`mistake.yaml:9: audience a: where.all[0].event.window.last: "30x" is not a length of time; write a whole number and m, h, d or w, such as 30d.`,
	}},
	{"every mistake at once", `kind: trait
name: a
owner: nobody-here
type: text
---
kind: trait
name: b
owner: it
source: [web]
---
kind: audience
name: c
owner: it
where: {trait: {name: b, op: exists}}
`, []string{
		`mistake.yaml:3: trait a: owner: There is no team "nobody-here"; there is it, shop.`,
		`mistake.yaml:4: trait a: type: There is no type "text"; use string, integer, number, boolean, date or timestamp, or leave it out.`,
		`mistake.yaml:9: trait b: source: There is no field "source"; did you mean "sources"?`,
	}},
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
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			_, issues := Parse(map[string][]byte{"base.yaml": []byte(base), "mistake.yaml": []byte(c.yaml)})
			var got []string
			for _, i := range issues {
				got = append(got, i.String())
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
			}
		})
	}
}
