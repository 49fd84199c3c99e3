package laketest

import (
	"testing"

	"parley/internal/lake"
)

func opener() Open {
	kept := map[string]*Memory{}
	return func(dir string) (*lake.Lake, error) {
		if kept[dir] == nil {
			kept[dir] = NewMemory()
		}
		return lake.New(kept[dir]), nil
	}
}

func TestMemoryConforms(t *testing.T) { Run(t, opener()) }

func TestMemoryReopensAsItWas(t *testing.T) { Equivalent(t, opener()) }
