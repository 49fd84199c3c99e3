package audience

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestVisible(t *testing.T) {
	event := func(name, last string, properties ...string) Condition {
		e := &EventTest{Name: name}
		if last != "" {
			e.Window = &Window{Last: last}
		}
		for _, p := range properties {
			e.Where = append(e.Where, PropertyTest{Property: p, Op: "exists"})
		}
		return Condition{Event: e}
	}
	fixed := event("fixed", "")
	fixed.Event.Window = &Window{From: &start}
	set, err := Compile([]Spec{
		{Name: "a", Where: Condition{All: []Condition{event("rolling", "1h", "a.b", "a-x"), fixed}}},
		{Name: "b", Where: Condition{Not: &Condition{Any: []Condition{event("rolling", "2h", "a", "z.y"), event("mixed", "1h"), event("mixed", "")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v := set.Visible()
	if want := []string{"fixed", "mixed", "rolling"}; !slices.Equal(v.Events(), want) {
		t.Fatalf("events %v", v.Events())
	}
	properties, longest, forever, ok := v.Of("rolling")
	if !ok || forever || longest != 2*time.Hour || !slices.Equal(properties, []string{"a", "a-x", "z.y"}) {
		t.Errorf("rolling: %v %v %v %v", properties, longest, forever, ok)
	}
	for _, name := range []string{"fixed", "mixed"} {
		if _, _, forever, ok := v.Of(name); !ok || !forever {
			t.Errorf("%s must be kept for ever", name)
		}
	}
	if _, _, forever, ok := v.Of("other"); ok || forever {
		t.Error("an event that nobody asks for is not seen")
	}
}

func TestKeep(t *testing.T) {
	v := See("bought", []string{"item.kind", "total", "gone"}, time.Hour).Merge(See("bought", []string{"item.kind.name"}, time.Minute))
	original := decode(t, `{"item":{"kind":{"name":"car","id":7},"note":"private"},"total":3,"email":"x","gone":null}`)
	untouched := decode(t, `{"item":{"kind":{"name":"car","id":7},"note":"private"},"total":3,"email":"x","gone":null}`)
	o := Occurrence{Name: "bought", ID: "1", Source: "s", Time: start, Properties: original}
	kept, ok := v.Keep(o, start)
	want := decode(t, `{"item":{"kind":{"name":"car","id":7}},"total":3}`)
	if !ok || !reflect.DeepEqual(kept.Properties, want) || kept.ID != "1" || !kept.Time.Equal(start) {
		t.Errorf("kept %+v", kept)
	}
	if !reflect.DeepEqual(original, untouched) {
		t.Error("Keep modified the caller's properties")
	}
	if again, _ := v.Keep(kept, start); !reflect.DeepEqual(again, kept) {
		t.Error("keeping twice is keeping once")
	}
	for at, want := range map[time.Time]bool{
		start.Add(-time.Hour): true, start.Add(time.Hour): true, start.Add(time.Hour + time.Microsecond): false,
	} {
		if _, ok := v.Keep(o, at); ok != want {
			t.Errorf("at %s kept is %v", at, ok)
		}
	}
	forever := v.Merge(See("bought", nil, 0))
	if _, ok := forever.Keep(o, start.AddDate(50, 0, 0)); !ok {
		t.Error("who sees for ever keeps for ever")
	}
	if _, ok := (Visibility{}).Keep(o, start); ok {
		t.Error("the zero visibility sees nothing")
	}
}
