package contract

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The fields of ODCS v3.1.0 (and of v3.0 where it differs) that we keep without
// enforcing them, from the standard's own list. Any other field is a mistake, most
// often a misspelt one of these or of ours, and would silently enforce nothing.
var (
	specFields = words(`tenant tags servers dataProduct domain support price team roles slaDefaultElement
		slaProperties authoritativeDefinitions contractCreatedTs`)
	objectFields = words(`id businessName physicalType authoritativeDefinitions tags
		dataGranularityDescription relationships`)
	propertyFields = words(`id businessName physicalName physicalType authoritativeDefinitions tags
		partitioned partitionKeyPosition encryptedName transformSourceObjects transformLogic
		transformDescription examples criticalDataElement relationships`)
	optionFields = words(`timezone defaultTimezone`)
)

func words(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// kept reports the kept fields that the standard does not have.
func (c *compiler) kept(path string, kept Kept, standard map[string]bool) {
	for _, name := range sortedKeys(kept) {
		if standard[name] {
			continue
		}
		c.problem(join(path, name), "ODCS v3.1 has no field %q here; correct its spelling or put it under customProperties.", name)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// NotEnforced returns the paths of the quality rules that are kept but cannot be
// decided one record at a time (thresholds, row counts, SQL, texts), so that
// nobody believes them to be checked.
func (s *Spec) NotEnforced() []string {
	var paths []string
	for i := range s.Schema {
		o := &s.Schema[i]
		path := fmt.Sprintf("schema[%d]", i)
		for j := range o.Quality {
			q := &o.Quality[j]
			if !(q.enforced() && q.Metric == "duplicateValues") {
				paths = append(paths, fmt.Sprintf("%s.quality[%d]", path, j))
			}
		}
		paths = notEnforced(paths, path, o.Properties, true)
	}
	return paths
}

func notEnforced(paths []string, path string, properties []Property, top bool) []string {
	for i := range properties {
		p := &properties[i]
		at := fmt.Sprintf("%s.properties[%d]", path, i)
		paths = notEnforcedOf(paths, at, p, top)
	}
	return paths
}

func notEnforcedOf(paths []string, at string, p *Property, top bool) []string {
	for j := range p.Quality {
		q := &p.Quality[j]
		unique := q.Metric == "duplicateValues" && !top
		if !q.enforced() || unique || q.Metric == "rowCount" {
			paths = append(paths, fmt.Sprintf("%s.quality[%d]", at, j))
		}
	}
	paths = notEnforced(paths, at, p.Properties, false)
	if p.Items != nil {
		paths = notEnforcedOf(paths, at+".items", p.Items, false)
	}
	return paths
}
