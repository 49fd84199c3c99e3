package pipeline_test

import (
	"testing"
)

// A newcomer who turns out to be a visitor within one event becomes the visitor.
func TestOneEventMakesAPersonAndMergesIt(t *testing.T) {
	r := newRig(t)
	r.append(web("a", `{"type":"track","event":"Order","anonymousId":"d1","properties":{"sku":"tea"}}`),
		web("b", `{"type":"identify","anonymousId":"d1","userId":"1","traits":{"email":"ada@example.org"}}`))
	if d := r.delivery("leave-alone", "user_id", "1"); !d.Want || d.Person != 1 {
		t.Errorf("the visitor's order was lost: %+v", d.Member)
	}
}
