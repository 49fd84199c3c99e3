package workspace

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"parley/internal/fault"
)

const exampleFolder = "../../examples/shop/workspace"

// example is the shop's workspace.
func example(t testing.TB) (*Workspace, map[string][]byte) {
	t.Helper()
	w, issues, err := Load(os.DirFS(exampleFolder))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range issues {
		t.Errorf("the example has a mistake: %s", i)
	}
	entries, err := os.ReadDir(exampleFolder)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(exampleFolder + "/" + e.Name()); err != nil {
			t.Fatal(err)
		}
	}
	return w, files
}

func TestTheExampleLoadsAndCompiles(t *testing.T) {
	w, _ := example(t)
	if len(w.Teams) != 5 || len(w.Sources) != 5 || len(w.Contracts) != 5 || len(w.Audiences) != 11 || len(w.Forms) != 2 {
		t.Errorf("read %d teams, %d sources, %d contracts, %d audiences, %d forms",
			len(w.Teams), len(w.Sources), len(w.Contracts), len(w.Audiences), len(w.Forms))
	}
	c, err := w.Compile(7)
	if err != nil {
		t.Fatal(err)
	}
	body, err := w.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	if c.Version != 7 || c.Digest != Digest(body) || c.WriteKeys["shop-web"] != c.Sources["web"] || c.Sources["crm"].Rules == nil || c.Sources["crm"].Mapping == nil {
		t.Errorf("compiled to version %d, digest %s, write keys %v", c.Version, c.Digest, c.WriteKeys)
	}
}

func TestTheBaseOfTheMistakesHasNone(t *testing.T) {
	_, issues := Parse(map[string][]byte{"base.yaml": []byte(base)})
	for _, i := range issues {
		t.Error(i)
	}
}

func TestLoadNeedsAFolderWithDocuments(t *testing.T) {
	for _, c := range []struct {
		name string
		fs   fstest.MapFS
	}{
		{"an empty folder", fstest.MapFS{}},
		{"other files", fstest.MapFS{"readme.md": {Data: []byte("kind: team")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Load(c.fs)
			if fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.Message(err), "examples/shop/workspace") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, _, err := Load(os.DirFS("no-such-folder")); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a missing folder: %v", err)
	}
	w, _, err := Load(fstest.MapFS{"a/b.yml": {Data: []byte("{kind: team, name: a, side: it}")}})
	if err != nil || len(w.Teams) != 1 {
		t.Errorf("a file in a folder below: %v, %v", w, err)
	}
}

func TestAWorkspaceWithoutIdentityIsAMistake(t *testing.T) {
	_, issues := Parse(map[string][]byte{"a.yaml": []byte("{kind: team, name: a, side: it}")})
	if len(issues) != 1 || issues[0].String() != "identity: There is no identity document, without which nobody can be recognised; add one with kind: identity." {
		t.Errorf("got %v", issues)
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	fits := append([]byte(base), bytes.Repeat([]byte("#"), maxFile-len(base))...)
	if _, issues := Parse(map[string][]byte{"a.yaml": fits}); len(issues) > 0 {
		t.Errorf("1 MiB is refused: %v", issues)
	}
	_, issues := Parse(map[string][]byte{"a.yaml": append(fits, '#')})
	if len(issues) != 1 || issues[0].String() != "a.yaml: The file is larger than 1 MiB; split it, a workspace may have many files." {
		t.Errorf("got %v", issues)
	}
}

func TestAFileOfTooManyPartsIsRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"lines", strings.Repeat("# x\n", maxLines+1), "a.yaml:10001: The file has more than 10000 lines; split it, a workspace may have many files."},
		{"words", "a: [\n" + strings.Repeat("x,", maxWords) + "]", "a.yaml:2: The file has more than 60000 words and signs; split it, a workspace may have many files."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, issues := Parse(map[string][]byte{"a.yaml": []byte(c.text)})
			if len(issues) != 1 || issues[0].String() != c.want {
				t.Errorf("got %v", issues)
			}
		})
	}
}

// TestLinesSurviveWhatMovesThem: comments, block texts, Windows line ends, a
// byte order mark and documents before.
func TestLinesSurviveWhatMovesThem(t *testing.T) {
	const text = "# head\nkind: team\nname: a\nside: it\ntitle: |\n  one\n\n  two\ncontact: >-\n  three\n  four\n\n---\n# between\n\n" +
		"kind: audience\nname: a\nowner: it\ndescription: 'one\n\n  two'\nwhere:\n  # inside\n  all:\n\n    -   identified: email\n    - trait:\n        name: nope\n        op: exists\n"
	for _, c := range []struct{ name, text string }{
		{"as it is", text},
		{"Windows", strings.ReplaceAll(text, "\n", "\r\n")},
		{"byte order mark", "\xef\xbb\xbf" + text},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, issues := Parse(map[string][]byte{"base.yaml": []byte(base), "case.yaml": []byte(c.text)})
			if len(issues) != 1 || issues[0].Path != "where.all[1].trait.name" || issues[0].Line != 28 {
				t.Errorf("got %v, want line 28", issues)
			}
		})
	}
}

// TestScalarsArriveAsWritten: no digit is lost, and what looks like a time or a
// YAML 1.1 boolean stays a text.
func TestScalarsArriveAsWritten(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"9223372036854775807", "9223372036854775807"},
		{"9223372036854775808", "9223372036854775808"},
		{"-9223372036854775809", "-9223372036854775809"},
		{"18446744073709551616", "18446744073709551616"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"0.1", "0.1"},
		{"1.10", "1.10"},
		{"1.0", "1.0"},
		{"-0.30000000000000000001", "-0.30000000000000000001"},
		{"12e3", "12e3"},
		{"1.5E-7", "1.5E-7"},
		{"1e400", "1e400"},
		{"2011-12-10", `"2011-12-10"`},
		{"2011-12-10T00:00:00Z", `"2011-12-10T00:00:00Z"`},
		{"2011-12-10 10:00:00", `"2011-12-10 10:00:00"`},
		{"12:30:45", `"12:30:45"`},
		{"1.2.3", `"1.2.3"`},
		{"'22086'", `"22086"`},
		{`"0.1"`, `"0.1"`},
		{"yes", `"yes"`},
		{"Off", `"Off"`},
		{"Y", `"Y"`},
		{"true", "true"},
		{"'true'", `"true"`},
		{"[1, '1', x]", `[1,"1","x"]`},
	} {
		t.Run(c.yaml, func(t *testing.T) {
			op := "is"
			if strings.HasPrefix(c.yaml, "[") {
				op = "in"
			}
			w, issues := Parse(map[string][]byte{"base.yaml": []byte(base),
				"case.yaml": []byte("kind: audience\nname: a\nowner: it\nwhere:\n  trait: {name: email, op: " + op + ", value: " + c.yaml + "}\n")})
			for _, i := range issues {
				if c.yaml == "1e400" { // a number, though larger than a condition may hold
					continue
				}
				t.Error(i)
			}
			if len(w.Audiences) != 2 {
				t.Fatal("the audience is not there")
			}
			if got := string(w.Audiences[0].Where.Trait.Value); got != c.want {
				t.Errorf("arrived as %s, want %s", got, c.want)
			}
			body, err := w.Canonical()
			if err != nil || !bytes.Contains(body, []byte(`"value":`+c.want)) || !json.Valid(body) {
				t.Errorf("the canonical form holds another value (%v): %s", err, body)
			}
		})
	}
}
