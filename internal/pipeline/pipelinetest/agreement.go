// Package pipelinetest holds what tests of the pipeline share: agreements, a
// generator of random journals, a worker that runs over one, and a dump of state
// that two runs must have in common byte for byte (I3, I4, I5).
package pipelinetest

import (
	"encoding/json"
	"fmt"

	"parley/internal/journal"
	"parley/internal/pipeline"
	"parley/internal/workspace"
)

// Agreement is the workspace that random histories begin with.
const Agreement = shared + order + first + `
---
{kind: activation, name: offer, owner: it, audience: known, destination: mail, mode: include, purpose: email_marketing, fields: {email: trait.email}}
`

// Wider has more audiences and a trait more than Agreement, so that it looks at
// a past that Agreement did not look at. Contracts and identity are the same.
const Wider = shared + order + first + second + `
---
{kind: activation, name: offer, owner: it, audience: known, destination: mail, mode: include, purpose: email_marketing, fields: {email: trait.email}}
`

// Other lacks an activation and an audience of Wider, lets orders without sku
// in and has a new activation.
const Other = shared + first + `
---
{kind: activation, name: offer2, owner: it, audience: willing, destination: mail, mode: include, purpose: email_marketing, fields: {email: trait.email, name: trait.first_name}}
`

const shared = `
{kind: team, name: it, side: it}
---
kind: DataContract
apiVersion: v3.1.0
id: crm
name: crm
version: 1.0.0
status: active
schema:
  - name: customer
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true}
      - {name: email, logicalType: string, unique: true}
---
kind: source
name: crm
owner: it
type: file
contract: crm
object: customer
mapping:
  key: [id]
  event: Customer
  identifiers: {user_id: id, email: email}
  traits: {email: email, first_name: name}
  properties: {plan: plan}
  consents:
    email_marketing: {column: opt_in, granted: ["Y"], denied: ["N"]}
---
kind: identity
name: people
owner: it
namespaces:
  - {name: user_id, unique: true, priority: 1}
  - {name: email, normalise: email, limit: 2, priority: 2}
  - {name: anonymous_id, limit: 3, window: 5d, priority: 9}
---
{kind: trait, name: email, owner: it}
---
{kind: trait, name: first_name, owner: it, rule: most_frequent}
---
{kind: trait, name: mood, owner: it}
---
{kind: purpose, name: email_marketing, owner: it, basis: consent}
---
{kind: purpose, name: suppression, owner: it, basis: legitimate_interest, ground: people asked not to be offered what they have}
---
{kind: destination, name: mail, owner: it, type: csv, purposes: [email_marketing, suppression], csv: {folder: out}}
---
{kind: source, name: web, owner: it, type: http, contract: web, writeKey: k}
---
kind: DataContract
apiVersion: v3.1.0
id: web
name: web
version: 1.0.0
status: active
schema:
  - name: Order
    properties:
`

const order = `
      - {name: sku, logicalType: string, required: true}
`

const first = `
      - {name: amount, logicalType: number}
---
kind: audience
name: recent-buyers
owner: it
where: {event: {name: Order, where: [{property: sku, op: is, value: tea}], window: {last: 30d}}}
---
kind: audience
name: known
owner: it
where: {all: [{identified: email}, {not: {audience: recent-buyers}}]}
---
kind: audience
name: spenders
owner: it
where: {event: {name: Order, measure: sum, property: amount, atLeast: 100, window: {last: 10d}}}
---
kind: audience
name: quiet
owner: it
where: {all: [{identified: user_id}, {didNot: {name: Viewed, atLeast: 2, window: {last: 2d}}}]}
---
kind: audience
name: willing
owner: it
where: {all: [{consent: {purpose: email_marketing, is: granted}}, {bucket: {seed: half, from: 0, to: 7000}}]}
---
{kind: audience, name: calm, owner: it, where: {trait: {name: mood, op: is, value: calm}}}
---
{kind: activation, name: soothe, owner: it, audience: calm, destination: mail, mode: suppress, purpose: suppression, fields: {mood: trait.mood}}
---
{kind: activation, name: leave-alone, owner: it, audience: recent-buyers, destination: mail, mode: suppress, purpose: suppression, fields: {email: trait.email}}
---
{kind: activation, name: remind, owner: it, audience: quiet, destination: mail, mode: include, purpose: email_marketing, fields: {user: identifier.user_id}}
`

const second = `
---
{kind: trait, name: plan, owner: it, rule: union}
---
{kind: audience, name: viewers, owner: it, where: {event: {name: Viewed, where: [{property: page, op: is, value: tea}]}}}
---
{kind: audience, name: planned, owner: it, where: {any: [{trait: {name: plan, op: contains, value: gold}}, {event: {name: Customer, where: [{property: plan, op: is, value: gold}]}}]}}
`

// Apply is the journal entry that makes a workspace govern.
func Apply(yaml string) journal.Entry {
	w, issues := workspace.Parse(map[string][]byte{"w.yaml": []byte(yaml)})
	if len(issues) > 0 {
		panic(fmt.Sprintf("the test's agreement has issues: %v", issues))
	}
	body, err := w.Canonical()
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(pipeline.Version{Author: "test", Body: body})
	if err != nil {
		panic(err)
	}
	return journal.Entry{Kind: journal.Workspace, ReceivedAt: Begin, Payload: payload}
}
