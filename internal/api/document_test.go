package api

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"parley/internal/workspace"
)

//go:generate go test -run TestDocumentIsCommitted . -update

var update = flag.Bool("update", false, "write openapi.json")

func describedService() *service {
	s, _ := build(Options{Logger: slog.New(slog.DiscardHandler), Workspace: func() *workspace.Compiled { return nil }})
	return s
}

func TestDocumentIsCommitted(t *testing.T) {
	got, err := Document(describedService().api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("openapi.json does not describe the Go types any more; run go generate ./internal/api")
	}
}

func TestEveryOperationSaysWhatItIsAndWhoMay(t *testing.T) {
	for path, item := range describedService().api.OpenAPI().Paths {
		if strings.Contains(path, "...") {
			t.Errorf("%s is no OpenAPI path", path)
		}
		for _, op := range []*huma.Operation{item.Delete, item.Patch, item.Head, item.Options, item.Trace} {
			if op != nil {
				t.Errorf("%s has an operation that the page at /docs does not show", path)
			}
		}
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Put} {
			if o == nil {
				continue
			}
			if o.Summary == "" || len(o.Tags) != 1 {
				t.Errorf("%s %s lacks a summary or a tag", o.Method, path)
			}
			if open := len(o.Security) == 0; open != (o.OperationID == "get-health") {
				t.Errorf("%s: open is %v", o.OperationID, open)
			}
		}
	}
}

func TestDocsWorkOffline(t *testing.T) {
	page, err := renderDocs(describedService().api.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"<script", "http://", "https://", "//cdn", "@import", "ZgotmplZ"} {
		if bytes.Contains(page, []byte(forbidden)) {
			t.Errorf("the page holds %q", forbidden)
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`id="([^"]+)"`).FindAllSubmatch(page, -1) {
		ids[string(m[1])] = true
	}
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllSubmatch(page, -1)
	if len(links) < 30 {
		t.Errorf("the page has %d links only", len(links))
	}
	for _, m := range links {
		if !ids[string(m[1])] {
			t.Errorf("a link leads nowhere: %s", m[1])
		}
	}
}
