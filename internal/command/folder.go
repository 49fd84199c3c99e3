package command

import (
	"io/fs"
	"os"
	"path"

	"parley/internal/fault"
	"parley/internal/workspace"
)

// readFolder returns the YAML files of a workspace folder by their path in it.
func readFolder(dir string) (map[string]string, error) {
	files := map[string]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := path.Ext(p); ext != ".yaml" && ext != ".yml" {
			return nil
		}
		body, err := fs.ReadFile(root, p)
		files[p] = string(body)
		return err
	})
	if err != nil {
		return nil, fault.WrapAs(fault.NotFound, "command.folder", err, "The workspace folder %s cannot be read; check the path.", dir)
	}
	if len(files) == 0 {
		return nil, fault.New(fault.NotFound, "command.folder", "There is no .yaml file in %s; examples/shop/workspace shows what a workspace looks like.", dir)
	}
	return files, nil
}

// parseFolder reads a workspace folder and finds every mistake in it.
func parseFolder(dir string) (map[string]string, *workspace.Workspace, []workspace.Issue, error) {
	files, err := readFolder(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	raw := make(map[string][]byte, len(files))
	for name, text := range files {
		raw[name] = []byte(text)
	}
	w, issues := workspace.Parse(raw)
	if len(issues) == 0 {
		_, err = w.Compile(1)
	}
	return files, w, issues, err
}

// validFolder returns the files of a workspace folder that must be valid.
func validFolder(dir string) (map[string]string, error) {
	files, _, issues, err := parseFolder(dir)
	if len(issues) > 0 {
		return nil, &invalidWorkspace{dir: dir, issues: issues}
	}
	return files, err
}
