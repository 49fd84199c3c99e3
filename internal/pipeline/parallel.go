package pipeline

import (
	"runtime"
	"sync"
)

// each calls fn for 0 to n-1, on all cores when that pays, and waits. fn must
// touch nothing that another call touches. The error is that of the lowest
// number, so that it does not depend on who was first (I4).
func each(n int, fn func(i int) error) error {
	const worthwhile = 64 // calls that a goroutine of its own is worth
	workers := max(1, min(runtime.GOMAXPROCS(0), n/worthwhile))
	errs := make([]error, n)
	var all sync.WaitGroup
	for k := 1; k < workers; k++ {
		all.Go(func() {
			for i := k; i < n; i += workers {
				errs[i] = fn(i)
			}
		})
	}
	for i := 0; i < n; i += workers {
		errs[i] = fn(i)
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
