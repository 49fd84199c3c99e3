package duckdblake

import (
	"slices"
	"strings"

	"parley/internal/lake"
)

// chosen is a query as SQL: the tables e (event) and n (node_person), the
// condition and its arguments.
type chosen struct {
	from, where string
	args        []any
}

const (
	everybody = `event AS e LEFT JOIN node_person AS n ON e.node = n.node`
	somebody  = `event AS e JOIN node_person AS n ON e.node = n.node`
)

// choose translates a query. Lists travel as one argument each, so the text of
// the statement does not grow with them.
func choose(q lake.Query) chosen {
	c := chosen{from: everybody}
	var conditions []string
	add := func(condition string, arg any) {
		conditions = append(conditions, condition)
		c.args = append(c.args, arg)
	}
	if len(q.Names) > 0 {
		add(`e.name IN (SELECT unnest(?::VARCHAR[]))`, q.Names)
	}
	if len(q.Sources) > 0 {
		add(`e.source IN (SELECT unnest(?::VARCHAR[]))`, q.Sources)
	}
	if !q.From.IsZero() {
		add(`e.time >= make_timestamp(?::BIGINT)`, q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		add(`e.time < make_timestamp(?::BIGINT)`, q.To.UnixMicro())
	}
	if q.UpTo > 0 {
		add(`e.position <= ?`, int64(q.UpTo))
	}
	if q.Persons != nil {
		add(`coalesce(n.person, 0) IN (SELECT unnest(?::BIGINT[]))`, q.Persons)
		if !slices.Contains(q.Persons, 0) {
			c.from = somebody
		}
	}
	c.where = "true"
	if len(conditions) > 0 {
		c.where = strings.Join(conditions, " AND ")
	}
	return c
}

// with returns the arguments and more behind them.
func (c chosen) with(more ...any) []any { return append(slices.Clone(c.args), more...) }
