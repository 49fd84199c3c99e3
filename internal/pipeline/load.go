package pipeline

import (
	"sort"

	"parley/internal/event"
	"parley/internal/identity"
	"parley/internal/person"
	"parley/internal/state"
)

// load reads what state holds about the entries into the working set, in a
// handful of statements. What is there already stays: it may have changed.
func (r *run) load(list []*decoded) error {
	var keys, rows []event.Key
	var owners []state.UniqueKey
	var ids []event.Identifier
	for _, d := range list {
		if d.done {
			continue
		}
		if _, ok := r.receipts[d.key]; !ok {
			r.receipts[d.key] = nil
			keys = append(keys, d.key)
		}
		if d.hash != "" && !r.rowsLoaded[d.key] {
			r.rowsLoaded[d.key] = true
			rows = append(rows, d.key)
		}
		for _, u := range d.unique {
			k := state.UniqueKey{Source: d.key.Source, Fields: u.Fields, Hash: u.Hash}
			if _, ok := r.owners[k]; !ok {
				r.owners[k] = ""
				owners = append(owners, k)
			}
		}
		for _, id := range d.usable {
			if r.graph.Person(id) == 0 && !r.looked[id] {
				r.looked[id] = true
				ids = append(ids, id)
			}
		}
	}
	if err := r.loadHistory(keys, rows, owners); err != nil {
		return err
	}
	nodes, err := r.tx.Identifiers(r.ctx, ids)
	if err != nil {
		return err
	}
	var people []int64
	for _, n := range nodes {
		people = append(people, n.Person)
	}
	earlier, err := r.earlierPeople(rows)
	if err != nil {
		return err
	}
	return r.loadPeople(append(people, earlier...))
}

func (r *run) loadHistory(keys, rows []event.Key, owners []state.UniqueKey) error {
	receipts, err := r.tx.Receipts(r.ctx, keys)
	if err != nil {
		return err
	}
	for k, v := range receipts {
		r.receipts[k] = &v
	}
	versions, err := r.tx.RowVersions(r.ctx, rows)
	if err != nil {
		return err
	}
	for k, v := range versions {
		r.rows[k] = v
	}
	found, err := r.tx.UniqueOwners(r.ctx, owners)
	if err != nil {
		return err
	}
	for k, v := range found {
		r.owners[k] = v
	}
	return nil
}

// earlierPeople returns whom the rows were about before: an updated row leaves
// that person's history.
func (r *run) earlierPeople(rows []event.Key) ([]int64, error) {
	var out []int64
	for _, k := range rows {
		receipt := r.receipts[k]
		if receipt == nil || receipt.Person == 0 {
			continue
		}
		p, err := r.survivor(receipt.Person)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// survivor returns the person that id stands for now. Whom state names may have
// been merged since, in this transaction.
func (r *run) survivor(id int64) (int64, error) {
	if s, ok := r.survivors[id]; ok {
		return s, nil
	}
	s, err := r.tx.Survivor(r.ctx, id)
	if err != nil {
		return 0, err
	}
	if later, ok := r.survivors[s]; ok {
		s = later
	}
	r.survivors[id] = s
	return s, nil
}

// loadPeople reads documents, identifiers and deliveries of people not yet in
// the working set.
func (r *run) loadPeople(ids []int64) error {
	seen := map[int64]bool{}
	var missing []int64
	for _, id := range ids {
		if r.people[id] == nil && !seen[id] {
			seen[id] = true
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	sort.Slice(missing, func(i, j int) bool { return missing[i] < missing[j] })
	docs, err := r.tx.People(r.ctx, missing)
	if err != nil {
		return err
	}
	decoded := make([]*person.Document, len(missing))
	err = each(len(missing), func(i int) (err error) {
		if raw, ok := docs[missing[i]]; ok {
			decoded[i], err = person.Decode(raw)
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, doc := range decoded {
		if doc != nil {
			r.add(missing[i], doc)
		}
	}
	nodes, err := r.tx.IdentifiersOf(r.ctx, missing)
	if err != nil {
		return err
	}
	for i := 0; i < len(nodes); {
		j := i
		var own []identity.Node
		for ; j < len(nodes) && nodes[j].Person == nodes[i].Person; j++ {
			own = append(own, identity.Node{Identifier: nodes[j].Identifier, FirstSeen: nodes[j].FirstSeen})
		}
		r.graph.Load(nodes[i].Person, own)
		i = j
	}
	rows, err := r.tx.Deliveries(r.ctx, missing)
	if err != nil {
		return err
	}
	for i := range rows {
		if s := r.people[rows[i].Person]; s != nil {
			s.deliveries[rows[i].Activation] = &rows[i]
		}
	}
	return nil
}

func (r *run) add(id int64, doc *person.Document) *subject {
	s := &subject{id: id, doc: doc, deliveries: map[string]*state.Delivery{}, changed: map[string]bool{}}
	r.people[id] = s
	return s
}
